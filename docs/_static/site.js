// What the theme leaves out: buttons to copy code, folded scripts, names for screen readers.

// What is to be typed: of a session only the commands, without what was printed.
function typed(block) {
  const text = block.textContent;
  const commands = text.split("\n").filter((line) => line.startsWith("$ "));
  return commands.length ? commands.map((line) => line.slice(2)).join("\n") + "\n" : text;
}

function copying(block) {
  const text = typed(block); // before the button is a part of it
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "copy", textContent: "Copy" });
  button.ariaLive = "polite";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.prepend(button);
}

// Long names may be broken after an underscore, paths after a stroke.
function breakable(code) {
  for (const text of [...code.childNodes].flatMap((n) => (n.nodeType === 3 ? [n] : [...n.childNodes]))) {
    if (text.nodeType !== 3 || !/[_/]/.test(text.data)) continue;
    const parts = text.data.split(/(?<=[_/])/).flatMap((part) => [part, document.createElement("wbr")]);
    text.replaceWith(...parts.slice(0, -1));
  }
}

function fold(block) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "The script";
  details.className = "folded";
  block.replaceWith(details);
  details.append(summary, block);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".highlight > pre").forEach(copying);
  document.querySelectorAll("div.folded").forEach(fold);
  document.querySelectorAll("td code").forEach(breakable);
  for (const block of document.querySelectorAll("pre, .table-wrapper")) {
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
  }
  document.querySelector("aside.sidebar-drawer")?.setAttribute("aria-label", "Pages");
  document.querySelector("aside.toc-drawer")?.setAttribute("aria-label", "On this page");
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.ariaLevel = "2";
});
