// The data points: drawn, dragged, moved by keys, added, relabelled and removed.

import { numberText, rounded } from "./view.js";

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class Points {
  // `data` has `inputs` and `points` ({x: [...], y}); `changed(settled)` is called after a change,
  // settled when a drag is over; `view()` gives the part of the plane that is shown; `say(text)`
  // tells what cannot be done.
  constructor(svg, data, view, changed, say, limits) {
    Object.assign(this, { svg, data, view, changed, say, limits, selected: 0 });
    svg.addEventListener("click", (event) => this.#clicked(event));
  }

  get #one() { return this.data.inputs === 1; }

  position(point) { return this.#one ? [point.x[0], point.y] : point.x; }

  move(index, [a, b], settled) {
    const view = this.view(), point = this.data.points[index];
    const place = [rounded(view.clamp(a, 0), view.step(0)), rounded(view.clamp(b, 1), view.step(1))];
    if (this.#one) [point.x[0], point.y] = place;
    else point.x = place;
    this.changed(settled);
  }

  add(place, label) {
    if (this.data.points.length >= this.limits.points) return this.say(`At most ${this.limits.points} points.`);
    const view = this.view();
    const [a, b] = place.map((value, axis) => rounded(view.clamp(value, axis), view.step(axis)));
    this.data.points.push(this.#one ? { x: [a], y: b } : { x: [a, b], y: label });
    this.selected = this.data.points.length - 1;
    this.changed(true);
  }

  remove(index) {
    if (this.data.points.length <= 1) return this.say("At least one point.");
    this.data.points.splice(index, 1);
    this.selected = Math.min(index, this.data.points.length - 1);
    this.changed(true);
  }

  relabel(index) {
    if (this.#one) return;
    this.data.points[index].y *= -1;
    this.changed(true);
  }

  focus() { this.svg.querySelectorAll(".point")[this.selected]?.focus(); }

  label(point, index) {
    const [a, b] = this.position(point).map(numberText);
    return this.#one
      ? `Point ${index + 1}: input ${a}, target ${b}`
      : `Point ${index + 1}: first input ${a}, second input ${b}, class ${point.y > 0 ? "+1" : "\u22121"}`;
  }

  draw() {
    const view = this.view(), focused = this.svg.contains(document.activeElement);
    this.svg.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`);
    const count = this.data.points.length;
    while (this.svg.querySelectorAll(".point").length > count) this.svg.querySelector(".point:last-of-type").remove();
    this.svg.querySelector(".axes")?.remove();
    this.svg.prepend(this.#axes(view));
    let made = [...this.svg.querySelectorAll(".point")];
    while (made.length < count) {
      made.push(this.#made(made.length));
      this.svg.append(made.at(-1));
    }
    this.data.points.forEach((point, index) => {
      const [x, y] = view.place(this.position(point)), node = made[index];
      node.setAttribute("transform", `translate(${x} ${y})`);
      node.setAttribute("aria-label", this.label(point, index));
      node.classList.toggle("selected", index === this.selected);
      const shape = this.#one ? "diamond" : point.y > 0 ? "circle" : "square";
      if (node.dataset.shape !== shape) {
        node.querySelector(".shape").replaceWith(this.#shape(shape));
        node.dataset.shape = shape;
      }
    });
    if (focused) this.focus();
  }

  #shape(shape) {
    if (shape === "circle") return element("circle", { class: "shape", r: 7, fill: "#fff", stroke: "#000", "stroke-width": 2 });
    if (shape === "square") {
      return element("rect", { class: "shape", x: -6.5, y: -6.5, width: 13, height: 13, fill: "#000", stroke: "#fff", "stroke-width": 1.5 });
    }
    return element("path", { class: "shape", d: "M0-7.5L7.5 0L0 7.5L-7.5 0Z", fill: "#000", stroke: "#fff", "stroke-width": 1.5 });
  }

  #axes(view) {
    const group = element("g", { class: "axes", "aria-hidden": "true" });
    const names = this.#one ? ["input x", "target y"] : ["x\u2081", "x\u2082"];
    for (const tick of view.ticks(0, view.width / 80)) {
      const [x] = view.place([tick, 0]);
      group.append(element("line", { class: "axis", x1: x, x2: x, y1: view.height - 5, y2: view.height }));
      if (x > 24 && x < view.width - 70) {
        group.append(element("text", { x, y: view.height - 9, "text-anchor": "middle" }, numberText(tick)));
      }
    }
    for (const tick of view.ticks(1, view.height / 60)) {
      const [, y] = view.place([0, tick]);
      group.append(element("line", { class: "axis", x1: 0, x2: 5, y1: y, y2: y }));
      if (y > 34 && y < view.height - 24) group.append(element("text", { x: 9, y: y + 4 }, numberText(tick)));
    }
    group.append(element("text", { x: view.width - 8, y: view.height - 9, "text-anchor": "end" }, names[0]));
    group.append(element("text", { x: 9, y: 18 }, names[1]));
    return group;
  }

  #made(index) {
    const node = element("g", { class: "point", tabindex: 0, role: "button" },
      element("circle", { class: "halo", r: 15 }), element("circle", { class: "shape", r: 1 }));
    node.addEventListener("focus", () => {
      this.selected = index;
      this.svg.querySelectorAll(".point").forEach((other) => other.classList.toggle("selected", other === node));
    });
    node.addEventListener("keydown", (event) => this.#key(event, index));
    // A finger on a point drags it and does not scroll the page; touch-action does not reach SVG groups.
    node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    node.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      node.setPointerCapture(event.pointerId);
      node.focus();
    });
    node.addEventListener("pointermove", (event) => {
      if (!node.hasPointerCapture(event.pointerId)) return;
      this.dragged = true;
      this.move(index, this.#place(event), false);
    });
    node.addEventListener("lostpointercapture", () => { // at the end of a drag, cancelled or not
      if (this.dragged) this.changed(true);
      setTimeout(() => { this.dragged = false; }); // after the click that follows a mouse's drag
    });
    return node;
  }

  #place(event) {
    const box = this.svg.getBoundingClientRect();
    return this.view().at(event.clientX - box.left, event.clientY - box.top);
  }

  #clicked(event) {
    if (this.dragged || event.target.closest(".point")) return;
    this.add(this.#place(event), this.newClass());
    this.focus();
  }

  newClass() { return Number(document.querySelector("input[name=class]:checked").value); }

  #key(event, index) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) {
      const view = this.view(), factor = event.shiftKey ? 1 : 5;
      const place = this.position(this.data.points[index]);
      this.move(index, place.map((v, k) => v + moves[event.key][k] * factor * view.step(k)), true);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(index);
    else if (event.key === "l" || event.key === "L") this.relabel(index);
    else return;
    event.preventDefault();
  }
}
