"use strict";
// What every page does: says that scripts run, and copies the command.
document.documentElement.classList.add("scripts");

function element(name, className, ...inside) {
  const made = document.createElement(name);
  if (className) made.className = className;
  // Text goes in as text nodes only: nothing a model wrote is ever parsed as HTML.
  made.append(...inside.filter((piece) => piece !== null && piece !== undefined));
  return made;
}

async function copyText(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch (refused) {
    const area = element("textarea");
    area.value = words;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

const copyButton = document.getElementById("copy");
if (copyButton) {
  copyButton.addEventListener("click", async () => {
    const done = await copyText(document.getElementById("command").textContent);
    copyButton.textContent = done ? copyButton.dataset.done : "Select and copy";
    setTimeout(() => (copyButton.textContent = "Copy"), 2000);
  });
}
