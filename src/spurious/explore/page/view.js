// The part of the plane that is shown, and numbers as text.

export class View {
  constructor(low, high) {
    [this.low, this.high] = [low, high];
    this.resize(1, 1);
  }

  // Around data points; for two inputs, equal scales on both axes.
  static around(points, inputs, ratio) {
    const across = span(points.map((p) => p.x[0]), inputs === 1 ? 0.12 : 0.25);
    const up = span(points.map((p) => (inputs === 1 ? p.y : p.x[1])), inputs === 1 ? 0.35 : 0.25);
    if (inputs === 2) {
      const wide = Math.max(across[1] - across[0], (up[1] - up[0]) * ratio);
      widen(across, wide);
      widen(up, wide / ratio);
    }
    return new View([across[0], up[0]], [across[1], up[1]]);
  }

  resize(width, height) { [this.width, this.height] = [width, height]; }

  place([x, y]) {
    return [
      ((x - this.low[0]) / (this.high[0] - this.low[0])) * this.width,
      this.height - ((y - this.low[1]) / (this.high[1] - this.low[1])) * this.height,
    ];
  }

  at(px, py) {
    return [
      this.low[0] + (px / this.width) * (this.high[0] - this.low[0]),
      this.low[1] + (1 - py / this.height) * (this.high[1] - this.low[1]),
    ];
  }

  // The unit to which dragged coordinates are rounded.
  step(axis) { return 10 ** (Math.floor(Math.log10(this.high[axis] - this.low[axis])) - 2); }

  clamp(value, axis) { return Math.min(this.high[axis], Math.max(this.low[axis], value)); }

  ticks(axis, count) {
    const rough = (this.high[axis] - this.low[axis]) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    const found = [];
    for (let k = Math.ceil(this.low[axis] / step); k * step <= this.high[axis]; k++) {
      found.push(Number((k * step).toPrecision(12)));
    }
    return found;
  }
}

function span(values, margin) {
  const low = Math.min(...values), high = Math.max(...values);
  const extra = margin * (high - low) || 1;
  return [low - extra, high + extra];
}

function widen(range, length) {
  const middle = (range[0] + range[1]) / 2;
  range[0] = middle - length / 2;
  range[1] = middle + length / 2;
}

export function rounded(value, step) {
  return Number((Math.round(value / step) * step).toPrecision(12));
}

export function numberText(value) {
  if (value === null || Number.isNaN(value)) return "not a number";
  if (value === 0) return "0";
  const text = Math.abs(value) >= 1e-4 && Math.abs(value) < 1e7 ? String(Number(value.toPrecision(6))) : value.toExponential(3);
  return text.replace("-", "\u2212");
}

export const countText = (count) => count.toLocaleString("en-GB");
