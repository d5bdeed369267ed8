// The atlas: a small picture for each family of local minima.

import { drawFunctions, drawSurface } from "./draw.js";
import { parametersOf } from "./network.js";
import { countText, numberText } from "./view.js";

// `choose(family, parameters)` is called when a family is clicked; `end` are the runs, or null.
export function showAtlas(place, text, found, network, view, end, choose) {
  const more = found.kinds > found.minima.length ? ` The lowest ${found.minima.length} are shown.` : "";
  text.textContent =
    `${countText(found.cells)} cells, ${found.families} families of local minima of ${found.kinds} kinds up to symmetry` +
    `${found.complete ? "; the list is complete" : "; some candidates were left undecided"} (${found.seconds.toFixed(1)} s).${more}`;
  place.replaceChildren();
  for (const family of found.minima) {
    const parameters = parametersOf(family.point);
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "family", ariaPressed: "false" });
    const canvas = document.createElement("canvas");
    canvas.ariaHidden = "true";
    const loss = document.createElement("b");
    loss.textContent = `loss ${family.loss.length <= 12 ? family.loss : numberText(family.loss_float)}`;
    const note = document.createElement("div");
    note.textContent = notes(family, end).join(", ");
    button.append(canvas, loss, note);
    button.addEventListener("click", () => {
      for (const other of place.children) other.ariaPressed = String(other === button);
      choose(family, parameters);
    });
    place.append(button);
    const small = Object.assign(Object.create(Object.getPrototypeOf(view)), view);
    small.resize(canvas.clientWidth, canvas.clientHeight);
    if (network.widths[0] === 1) {
      drawFunctions(canvas, small, network, [{ parameters, colour: "#0072B2", thickness: 1.6 }]);
    } else drawSurface(canvas, small, network, parameters, 60);
  }
}

function notes(family, end) {
  const found = [family.global ? "global" : family.global === false ? "spurious" : "not known to be global"];
  found.push(`dimension ${family.dimension}`);
  if (family.dead_units) found.push(`${family.dead_units} dead`);
  if (!family.differentiable) found.push("on kinks");
  if (family.orbit > 1) found.push(`${family.orbit} alike`);
  if (end) {
    const near = (loss) => loss !== null && Math.abs(loss - family.loss_float) < 1e-6 * (1 + family.loss_float);
    const count = end.limit.filter((limit, run) => end.outcome[run] !== "valley_to_infinity" && near(limit)).length;
    if (count) found.push(`${count} ${count === 1 ? "run leads" : "runs lead"} to this loss`);
  }
  return found;
}
