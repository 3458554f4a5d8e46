// A list of cards with filters, search and paging: only what is shown is built.
const FIRST = 12;
const PAGE = 48;

function makeBrowser(root, items, sourceOf, textOf, build, first) {
  const list = root.querySelector(".list");
  const more = root.querySelector(".more");
  const status = root.querySelector(".tally");
  const search = root.querySelector("input");
  const select = root.querySelector("select");
  const buttons = [...root.querySelectorAll("[data-filter]")];
  let letter = first;
  let found = [];
  let shown = 0;

  const sources = [...new Set(items.map(sourceOf))].sort();
  for (const source of sources) select.append(new Option(source || "(no name)", source));
  if (sources.length < 2) select.parentElement.hidden = true;
  for (const button of buttons) {
    const count = items.filter((item) => passes(item, button.dataset.filter)).length;
    button.querySelector("b").textContent = count.toLocaleString("en");
    button.addEventListener("click", () => {
      letter = button.dataset.filter;
      update();
    });
  }

  const words = () => search.value.trim().toLowerCase();

  function passes(item, wanted) {
    return wanted === "" || item.f.includes(wanted);
  }

  function update() {
    const wanted = words();
    const source = select.value;
    found = items.filter(
      (item) => passes(item, letter) && (!source || sourceOf(item) === source) && (!wanted || textOf(item).includes(wanted))
    );
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.filter === letter));
    list.replaceChildren();
    shown = 0;
    grow();
  }

  function grow() {
    const next = found.slice(shown, shown + (shown ? PAGE : FIRST));
    list.append(...next.map((item) => element("li", "", build(item))));
    shown += next.length;
    more.hidden = shown >= found.length;
    more.textContent = `Show ${Math.min(PAGE, found.length - shown)} more`;
    status.textContent = found.length
      ? `${shown.toLocaleString("en")} of ${found.length.toLocaleString("en")} shown`
      : (!words() && buttons.find((button) => button.dataset.filter === letter).dataset.none) || "Nothing here passes this filter.";
  }

  // A card's inside is built when it is opened for the first time.
  root.addEventListener(
    "toggle",
    (event) => {
      const card = event.target;
      if (card.open && card.fill) {
        card.append(card.fill());
        card.fill = null;
      }
    },
    true
  );
  more.addEventListener("click", grow);
  select.addEventListener("change", update);
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  update();
}
