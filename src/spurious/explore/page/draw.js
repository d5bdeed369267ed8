// Pictures of functions on a canvas: contour colours and the line f = 0 for two inputs, curves for one.

import { networkFunction } from "./network.js";

// ColorBrewer's PuOr, from low to high values, as in the printed figures.
const COLOURS = ["#542788", "#8073ac", "#b2abd2", "#d8daeb", "#f7f7f7", "#fee0b6", "#fdb863", "#e08214", "#b35806"]
  .map((hex) => [1, 3, 5].map((k) => Math.round(0.75 * parseInt(hex.slice(k, k + 2), 16) + 0.25 * 255)));

// A canvas's drawing context, cleared, with one unit for each CSS pixel.
export function fresh(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height };
}

// The function of two inputs: bands of colour from -2 to 2 and a black line at 0.
export function drawSurface(canvas, view, network, parameters, cells) {
  const { context, width, height } = fresh(canvas);
  const f = networkFunction(network, parameters);
  const columns = cells, rows = Math.max(1, Math.round((cells * height) / width));
  const values = new Float64Array((columns + 1) * (rows + 1));
  for (let r = 0; r <= rows; r++) {
    for (let c = 0; c <= columns; c++) {
      values[r * (columns + 1) + c] = f(view.at((c / columns) * view.width, (r / rows) * view.height));
    }
  }
  const image = new ImageData(columns, rows);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const k = r * (columns + 1) + c;
      const middle = (values[k] + values[k + 1] + values[k + columns + 1] + values[k + columns + 2]) / 4;
      const band = Math.min(8, Math.max(0, Math.floor(((middle + 2) / 4) * 9)));
      image.data.set([...COLOURS[Number.isNaN(middle) ? 4 : band], 255], 4 * (r * columns + c));
    }
  }
  const small = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, width, height);
  context.strokeStyle = "#000";
  context.lineWidth = 1.5;
  context.beginPath();
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) crossing(context, values, columns, r, c, width / columns, height / rows);
  }
  context.stroke();
}

// The line f = 0 within a cell of the grid, between the edges on which f changes sign.
function crossing(context, values, columns, r, c, wide, high) {
  const at = (dr, dc) => values[(r + dr) * (columns + 1) + c + dc];
  const edges = [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]];
  const found = [];
  for (const [r0, c0, r1, c1] of edges) {
    const a = at(r0, c0), b = at(r1, c1);
    if (a > 0 === b > 0) continue;
    const t = a / (a - b);
    found.push([(c + c0 + t * (c1 - c0)) * wide, (r + r0 + t * (r1 - r0)) * high]);
  }
  for (let k = 0; k + 1 < found.length; k += 2) {
    context.moveTo(...found[k]);
    context.lineTo(...found[k + 1]);
  }
}

// Functions of one input; each entry of `curves` has parameters, a colour and a width.
export function drawFunctions(canvas, view, network, curves) {
  const { context, width } = fresh(canvas);
  const samples = Math.min(300, Math.max(60, Math.round(width / 2)));
  for (const { parameters, colour, thickness } of curves) {
    const f = networkFunction(network, parameters);
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.beginPath();
    for (let k = 0; k <= samples; k++) {
      const x = view.at((k / samples) * view.width, 0)[0];
      const [px, py] = view.place([x, f([x])]);
      context.lineTo(px, Math.max(-1e4, Math.min(1e4, py)));
    }
    context.stroke();
  }
}
