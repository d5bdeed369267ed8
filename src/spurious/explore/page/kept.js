// Results that are kept to compare with: a picture, the counts, and a link back to the settings.

import { picture } from "./files.js";

const MOST = 4;

// Adds a card to `place`; `told` is a sentence on the settings, `address` leads back to them.
export async function keep(place, surface, svg, outcomes, told, address, changed) {
  const card = document.createElement("article");
  const canvas = await picture(surface, svg);
  canvas.role = "img";
  canvas.ariaLabel = `The function of a run, ${told}`;
  const text = document.createElement("p");
  text.textContent = told;
  const tools = document.createElement("div");
  tools.className = "tools";
  const link = Object.assign(document.createElement("a"), { href: `#${address}`, textContent: "Go back to these" });
  const drop = Object.assign(document.createElement("button"), { type: "button", textContent: "Remove" });
  drop.addEventListener("click", () => { card.remove(); changed(); });
  tools.append(link, drop);
  const counts = outcomes.cloneNode(true);
  counts.removeAttribute("id");
  counts.className = "counts";
  card.append(canvas, text, counts, tools);
  place.append(card);
  while (place.children.length > MOST) place.firstElementChild.remove();
  changed();
}
