// The page's settings as the fragment of its address: a link that can be shared, reloaded, undone.

export const FIELDS = ["units", "activation", "loss", "optimiser", "step_size", "updates", "initialisation", "runs", "seed"];

const KEYS = [...FIELDS, "data", "points", "story"];

// `settings` has a value for each of FIELDS, `data` (a dataset's name, or null for own points),
// `points` ([{x, y}]) and `story` (a name, or "").
export function encode(settings) {
  const parts = settings.data
    ? [["data", settings.data]]
    : [["points", settings.points.map((p) => [...p.x, p.y].join(",")).join(";")]];
  for (const name of FIELDS) parts.push([name, settings[name]]);
  if (settings.story) parts.push(["story", settings.story]);
  return parts.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3B", ";")}`).join("&");
}

// Undoes `encode`; what is missing is left out. Throws an error with one line if it is no address of
// this page: links come from anybody.
export function decode(text, start) {
  const found = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (!KEYS.includes(name)) throw new Error(`address: found the unknown name ${name.slice(0, 40)}`);
    found[name] = value;
  }
  if (found.data !== undefined && !start.datasets.some((d) => d.name === found.data)) {
    throw new Error(`address: found the unknown dataset ${found.data.slice(0, 40)}`);
  }
  if (found.points !== undefined) found.points = readPoints(found.points, start.limits);
  return found;
}

function readPoints(text, limits) {
  const rows = text.split(";").map((row) => row.split(",").map((part) => (part.trim() ? Number(part) : NaN)));
  const good = rows.length <= limits.points && [2, 3].includes(rows[0].length) &&
    rows.every((row) => row.length === rows[0].length && row.every((v) => Math.abs(v) <= limits.size)) &&
    (rows[0].length === 2 || rows.every((row) => Math.abs(row[2]) === 1));
  if (!good) throw new Error("address: its points cannot be read; a point is x,y or x,y,class with class 1 or -1");
  return rows.map((row) => ({ x: row.slice(0, -1), y: row.at(-1) }));
}

// Keeps the browser's history of settings: each change is a step, and back undoes it.
export class Trail {
  // `read()` gives the settings as text; `write(text)` takes them over; `moved(back, forward)` is told
  // whether there is a step to go back to, and one to go forward to.
  constructor(read, write, moved) {
    Object.assign(this, { read, write, moved, at: history.state?.at ?? 0 });
    this.last = this.at;
    addEventListener("popstate", (event) => {
      this.at = event.state?.at ?? 0;
      this.last = Math.max(this.last, this.at);
      if (location.hash.length > 1) write(location.hash.slice(1));
      this.#tell();
    });
  }

  begin() {
    history.replaceState({ at: this.at }, "", `#${this.read()}`);
    this.#tell();
  }

  step() {
    const text = `#${this.read()}`;
    if (text === location.hash) return;
    history.pushState({ at: ++this.at }, "", text);
    this.last = this.at;
    this.#tell();
  }

  #tell() { this.moved(this.at > 0, this.at < this.last); }
}
