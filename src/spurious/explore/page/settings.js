// What the fields of the page say, and setting them.

import { FIELDS } from "./address.js";
import { $, data } from "./state.js";
import { countText } from "./view.js";

export function network() {
  const hidden = $("units").value.split(",").map(Number);
  const made = { widths: [data.inputs, ...hidden, 1], activation: $("activation").value };
  if (made.activation === "leaky_relu") made.slope = "1/100";
  return made;
}

export function problem() {
  return {
    format: "spurious-problem/1",
    network: network(),
    loss: $("loss").value,
    data: { x: data.points.map((p) => p.x.map(String)), y: data.points.map((p) => [String(p.y)]) },
  };
}

// What the server is asked to train.
export function ensemble() {
  const value = (id) => $(id).value;
  return {
    problem: problem(), initialisation: value("initialisation"), optimiser: value("optimiser"),
    step_size: value("step_size"), updates: Number(value("updates")), runs: Number(value("runs")), seed: Number(value("seed")),
  };
}

// All that the address holds.
export function settings() {
  const fields = Object.fromEntries(FIELDS.map((id) => [id, $(id).value]));
  return { ...fields, data: data.name, points: data.points, story: $("story").value };
}

// Sets fields; a value that a field cannot have leaves it as it was.
export function set(values) {
  for (const id of FIELDS) {
    if (values[id] === undefined) continue;
    const before = $(id).value;
    $(id).value = values[id];
    if ($(id).value === "") $(id).value = before; // no such choice, or no number
  }
}

// The settings in a line.
export function sentence() {
  const value = (id) => $(id).value;
  return `${data.name ?? "own points"}, ${value("units")} ${value("activation")} units, ${value("loss")} loss, ${value("optimiser")} ${value("step_size")}, ${countText(Number(value("updates")))} updates`;
}
