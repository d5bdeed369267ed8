// The data as a table of fields, for those who would rather type than drag.

export class Numbers {
  // `data` has `inputs` and `points`; `largest` bounds the numbers; `changed()` is called when one is.
  constructor(table, data, largest, changed) { Object.assign(this, { table, data, largest, changed }); }

  // The fields are kept when only values changed, so that one of them keeps its focus.
  draw() {
    const values = this.data.points.map((p) => [...p.x, p.y]);
    if (this.#fields().length !== values.flat().length || this.inputs !== this.data.inputs) this.#build(values);
    this.#fields().forEach((field, k) => {
      if (document.activeElement !== field) field.value = values.flat()[k];
    });
  }

  #fields() { return [...this.table.querySelectorAll("input")]; }

  #build(values) {
    this.inputs = this.data.inputs;
    const names = this.inputs === 1 ? ["x", "y"] : ["x\u2081", "x\u2082", "class"];
    const cell = (name, text, scope) => Object.assign(document.createElement(name), { textContent: text, scope });
    this.table.replaceChildren();
    this.table.createTHead().insertRow().replaceChildren(
      document.createElement("td"), ...names.map((name) => cell("th", name, "col")));
    const body = this.table.createTBody();
    values.forEach((row, index) => {
      const line = body.insertRow();
      line.append(cell("th", index + 1, "row"));
      row.forEach((_, k) => line.insertCell().append(this.#field(index, k, names[k])));
    });
  }

  #field(index, k, name) {
    const field = Object.assign(document.createElement("input"), {
      type: "number", step: "any", min: -this.largest, max: this.largest, ariaLabel: `${name} of point ${index + 1}`,
    });
    if (name === "class") Object.assign(field, { step: 2, min: -1, max: 1 });
    field.addEventListener("change", () => {
      if (!field.value || !field.reportValidity()) return;
      const point = this.data.points[index];
      if (k < this.inputs) point.x[k] = Number(field.value);
      else point.y = Number(field.value);
      this.changed();
    });
    return field;
  }
}
