// Where runs ended: the counts, and a square for each run.

import { numberText } from "./view.js";

const LETTERS = {
  solved: "S", finite_local_minimum: "M", valley_to_infinity: "V", saddle_or_plateau: "P",
  dead: "D", held_by_decay: "H", still_descending: "\u2193", diverged: "\u00d7",
};
const LIGHT_TEXT = new Set(["dead", "diverged"]);

export const words = (name) => name.replaceAll("_", " ");

export class Outcomes {
  // `known` lists outcomes with their colours; `choose(run)` is called when a run is chosen.
  constructor(list, squares, known, choose) {
    Object.assign(this, { list, squares, known, choose, order: [] });
    squares.addEventListener("keydown", (event) => this.#key(event));
  }

  colour(name) { return this.known.find((o) => o.name === name).colour; }

  show(end) {
    this.list.replaceChildren();
    this.squares.replaceChildren();
    this.order = [];
    if (!end) return;
    for (const { name } of this.known) {
      const runs = end.outcome.flatMap((o, run) => (o === name ? [run] : []));
      if (!runs.length) continue;
      runs.sort((a, b) => (end.limit[a] ?? end.loss[a]) - (end.limit[b] ?? end.loss[b]) || a - b);
      const chip = document.createElement("span");
      chip.className = "chip";
      chip.ariaHidden = "true";
      this.#paint(chip, name);
      const item = document.createElement("li");
      const about = document.createElement("span");
      about.className = "about";
      about.textContent = ` (${this.known.find((o) => o.name === name).about})`;
      item.append(chip, `${words(name)}: ${runs.length}`, about);
      this.list.append(item);
      for (const run of runs) this.squares.append(this.#square(run, name, end));
      this.order.push(...runs);
    }
  }

  select(run, focus) {
    for (const square of this.squares.children) {
      const own = Number(square.dataset.run) === run;
      square.ariaSelected = String(own);
      square.tabIndex = own ? 0 : -1;
      if (own && focus) square.focus();
    }
  }

  #paint(node, name) {
    node.style.background = this.colour(name);
    node.style.color = LIGHT_TEXT.has(name) ? "#fff" : "#000";
    node.textContent = LETTERS[name];
  }

  #square(run, name, end) {
    const square = document.createElement("div");
    square.role = "option";
    square.tabIndex = -1;
    square.dataset.run = run;
    square.ariaSelected = "false";
    square.ariaLabel = `run ${run}: ${words(name)}, loss ${numberText(end.loss[run])}`;
    square.title = square.ariaLabel;
    this.#paint(square, name);
    square.addEventListener("click", () => this.choose(run));
    return square;
  }

  #key(event) {
    const at = this.order.indexOf(Number(document.activeElement.dataset.run));
    const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -at, End: this.order.length - 1 - at };
    if (!(event.key in moves) || at < 0) return;
    event.preventDefault();
    const next = Math.min(this.order.length - 1, Math.max(0, at + moves[event.key]));
    this.choose(this.order[next], true);
  }
}
