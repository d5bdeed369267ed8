// The loss of every run against updates, on logarithmic axes.

import { fresh } from "./draw.js";
import { countText, numberText } from "./view.js";

const LEFT = 56, RIGHT = 30, TOP = 8, BOTTOM = 36;
const FLOOR = 1e-8; // losses below are drawn there

export class Curves {
  constructor(canvas) { this.canvas = canvas; }

  // `frames` up to `time` are drawn; `colours` gives each run's colour; `chosen` is drawn on top.
  draw(frames, time, last, colours, chosen) {
    const { context, width, height } = fresh(this.canvas);
    if (!frames.length) return;
    const losses = frames.flatMap((frame) => frame.loss).filter((v) => v !== null);
    const low = Math.log10(Math.max(FLOOR, Math.min(...take(losses, Math.min)))) - 0.1;
    const high = Math.max(Math.log10(Math.max(FLOOR, ...take(losses, Math.max))) + 0.1, low + 0.5);
    const end = Math.log10(last + 1);
    const x = (updates) => LEFT + (Math.log10(updates + 1) / end) * (width - LEFT - RIGHT);
    const y = (loss) => TOP + ((high - Math.log10(Math.max(FLOOR, loss))) / (high - low)) * (height - TOP - BOTTOM);
    this.scale = { x, y, frames, time };
    axes(context, width, height, x, y, last, low, high);
    const shown = frames.slice(0, time + 1);
    const line = (run, colour, thickness) => {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.beginPath();
      for (const frame of shown) if (frame.loss[run] !== null) context.lineTo(x(frame.updates), y(frame.loss[run]));
      context.stroke();
    };
    context.globalAlpha = 0.55;
    frames[0].loss.forEach((_, run) => line(run, colours(run), 1));
    context.globalAlpha = 1;
    if (chosen !== null) {
      line(chosen, "#fff", 5);
      line(chosen, "#000", 2.5);
    }
  }

  // The run whose curve is nearest to a place on the canvas.
  nearest(px, py) {
    if (!this.scale) return null;
    const { x, y, frames, time } = this.scale;
    let frame = frames[time];
    for (const other of frames.slice(0, time + 1)) {
      if (Math.abs(x(other.updates) - px) < Math.abs(x(frame.updates) - px)) frame = other;
    }
    let best = null, distance = 30;
    frame.loss.forEach((loss, run) => {
      if (loss !== null && Math.abs(y(loss) - py) < distance) [best, distance] = [run, Math.abs(y(loss) - py)];
    });
    return best;
  }
}

// Extremes without spreading a long array into arguments.
const take = (values, pick) => [values.reduce((a, b) => pick(a, b), values[0] ?? 1)];

function axes(context, width, height, x, y, last, low, high) {
  context.font = "12px sans-serif";
  context.fillStyle = "#565656";
  context.strokeStyle = "#d9d6cf";
  context.lineWidth = 1;
  const room = Math.max(1, Math.ceil((high - low) / ((height - TOP - BOTTOM) / 22)));
  context.textAlign = "right";
  context.textBaseline = "middle";
  let ticks = [];
  for (let power = Math.ceil(low / room) * room; power <= high; power += room) ticks.push(10 ** power);
  if (ticks.length < 2) ticks = [1, 1.5, 2, 3, 4, 5, 7].flatMap((m) => [Math.floor(low), Math.ceil(low)].map((p) => m * 10 ** p))
    .filter((v) => Math.log10(v) > low && Math.log10(v) < high);
  for (const tick of ticks) {
    context.beginPath();
    context.moveTo(LEFT, y(tick));
    context.lineTo(width - RIGHT, y(tick));
    context.stroke();
    context.fillText(numberText(tick), LEFT - 6, y(tick));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (let tick = 1; tick <= last; tick *= 10) context.fillText(countText(tick), x(tick), height - BOTTOM + 4);
  context.fillText("updates", LEFT + (width - LEFT - RIGHT) / 2, height - 15);
  context.save();
  context.translate(11, TOP + (height - TOP - BOTTOM) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText("loss", 0, -6);
  context.restore();
}
