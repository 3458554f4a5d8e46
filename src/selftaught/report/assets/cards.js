// Cards of held-out questions and of training groups.
const DATA = JSON.parse(document.getElementById("data").textContent);
const TEXTS = DATA.texts;
const percent = (share) => (share === null ? "not graded" : `${Math.round(100 * share)}% right`);

function card(head, fill) {
  const made = element("details", "card", element("summary", "", ...head));
  made.fill = fill;
  return made;
}

const clip = (words, most = 80) => (words.length > most ? `${words.slice(0, most)}…` : words);

// An answer: struck out when wrong, plain when right; how often beside it.
function answerMark([text, times, right], many) {
  const words = TEXTS[text] === "" ? "no answer" : clip(TEXTS[text]);
  const inner = right === 0 ? element("s", "", words) : element("span", right === 1 ? "right" : "", words);
  return element("span", "answer", inner, many ? element("small", "", `×${times}`) : null);
}

function sideLine(name, counts, total, solved) {
  const marks = counts.slice(0, 4).map((count) => answerMark(count, total > 1));
  const left = counts.length - marks.length;
  const rest = left > 0 ? element("small", "", `and ${left} other${left > 1 ? "s" : ""}`) : null;
  const score = element("small", "where", total ? percent(solved) : "");
  return element("span", "side", element("span", "", name), ...marks, rest, score);
}

function tokenLine(tokens) {
  const line = element("p", "tokens");
  for (const [word, logprob] of tokens) {
    const piece = element("span", "", word);
    const doubt = logprob === null ? 0 : Math.min(1, -logprob / 3);
    piece.style.setProperty("--doubt", doubt.toFixed(2));
    piece.title = logprob === null ? "not known" : `${logprob} nats, ${(100 * Math.exp(logprob)).toFixed(1)}%`;
    line.append(piece);
  }
  return line;
}

function heldAttempt([text, answer, right, logprob], tokens) {
  const made = element("div", `attempt ${right === 1 ? "yes" : right === 0 ? "no" : ""}`);
  // Tokens stand in the attempt's place where they are all of it.
  const whole = tokens && tokens.length && tokens.map((pair) => pair[0]).join("").trim() === TEXTS[text].trim();
  if (!whole) made.append(element("pre", "", TEXTS[text]));
  if (tokens && tokens.length) made.append(tokenLine(tokens));
  const facts = [right === 1 ? "right" : right === 0 ? "wrong" : "not graded", `answer ${clip(TEXTS[answer]) || "none"}`];
  if (logprob !== null) facts.push(`${logprob} nats a token`);
  if (tokens && tokens.length) facts.push("shaded where a token was unlikely");
  made.append(element("small", "", facts.join(", ")));
  return made;
}

function heldCard(item) {
  const names = ["before", "after"];
  const lines = names.map((name, i) => (item.n[i] ? sideLine(name, item.c[i], item.n[i], item.r[i]) : null));
  const head = [
    element("span", "question", TEXTS[item.q]),
    element("span", "sides", ...lines),
    element("span", "where", DATA.held.sources[item.s]),
  ];
  return card(head, () => {
    const columns = names.map((name, i) => {
      const shown = item.a[i].map((attempt, j) => heldAttempt(attempt, j === 0 ? item.t[i] : null));
      const left = item.n[i] - shown.length;
      const rest = left > 0 ? element("p", "scale", `${left} more attempts are in the run folder`) : null;
      return item.n[i] ? element("div", "", element("h4", "", `${name}, ${item.n[i]} attempts`), ...shown, rest) : null;
    });
    return element("div", "open columns", ...columns);
  });
}

function trainedAttempt([text, value, source, note, role, view, parent, stop]) {
  const words = DATA.training.words;
  const made = element("div", `attempt ${value === null ? "" : value > 0 ? "yes" : "zero"} ${parent >= 0 ? "child" : ""}`);
  made.append(element("pre", "", TEXTS[text]));
  const facts = [value === null ? "not scored" : `score ${value}${words[source] ? ` by ${words[source]}` : ""}`, words[role]];
  if (view) facts.push(`wording ${view}`);
  if (parent >= 0) facts.push(`revises attempt ${parent + 1}`);
  if (words[stop] && words[stop] !== "end") facts.push(`stopped: ${words[stop]}`);
  made.append(element("small", "", facts.filter(Boolean).join(", ")));
  if (TEXTS[note]) made.append(element("p", "note", TEXTS[note]));
  return made;
}

function trainedCard(item) {
  const scored = item.a.map((attempt) => attempt[1]).filter((value) => value !== null);
  const mean = scored.length ? scored.reduce((a, b) => a + b, 0) / scored.length : null;
  const where = [`step ${item.p}`, DATA.training.words[item.s], `${item.a.length} attempts`];
  where.push(mean === null ? "not scored" : `mean score ${mean.toFixed(2)}`);
  const head = [element("span", "question", TEXTS[item.q]), element("span", "where", where.filter(Boolean).join(", "))];
  return card(head, () => {
    // Revisions stand below the attempt they came from.
    const order = [];
    const put = (attempt, i) => {
      order.push(attempt);
      item.a.forEach((other, j) => other[6] === i && j > i && put(other, j));
    };
    item.a.forEach((attempt, i) => (attempt[6] < 0 || attempt[6] >= i) && put(attempt, i));
    return element("div", "open", ...order.map(trainedAttempt));
  });
}

const lower = (item, numbers) => (item.words ??= numbers.map((n) => TEXTS[n]).join("\n").toLowerCase());
const heldWords = (item) => lower(item, [item.q, ...item.c.flat().map((count) => count[0])]);
const trainedWords = (item) => lower(item, [item.q, ...item.a.flatMap((attempt) => [attempt[0], attempt[3]])]);
const heldRoot = document.getElementById("held");
if (heldRoot) makeBrowser(heldRoot, DATA.held.questions, (item) => DATA.held.sources[item.s], heldWords, heldCard, "c");
const trainedRoot = document.getElementById("groups");
if (trainedRoot) makeBrowser(trainedRoot, DATA.training.groups, (item) => DATA.training.words[item.s], trainedWords, trainedCard, "");
