// What can be taken away from the page: a picture and the data.

const STYLES = { text: "font:12px sans-serif;fill:#3d3d3d;paint-order:stroke;stroke:#fff;stroke-width:3px", ".axis": "stroke:#9a968c;stroke-width:1", ".halo": "fill:none;stroke:none" };

export function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export const csv = (data) => [
  [...data.points[0].x.map((_, k) => `x${k + 1}`), "y1"],
  ...data.points.map((p) => [...p.x, p.y]),
].map((row) => `${row.join(",")}\n`).join("");

// The plot as a canvas: function below, points and axes above, at twice the size on the screen.
export async function picture(surface, svg) {
  const made = document.createElement("canvas");
  const { clientWidth: width, clientHeight: height } = surface;
  Object.assign(made, { width: 2 * width, height: 2 * height });
  const context = made.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, made.width, made.height);
  context.drawImage(surface, 0, 0, made.width, made.height);
  const copy = svg.cloneNode(true);
  Object.entries({ width, height, xmlns: "http://www.w3.org/2000/svg" }).forEach(([k, v]) => copy.setAttribute(k, v));
  for (const [selector, style] of Object.entries(STYLES)) {
    copy.querySelectorAll(selector).forEach((node) => Object.entries(parsed(style)).forEach(([k, v]) => node.style.setProperty(k, v)));
  }
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  context.drawImage(image, 0, 0, made.width, made.height);
  return made;
}

const parsed = (style) => Object.fromEntries(style.split(";").map((part) => part.split(":")));

export const blobOf = (canvas) => new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
