// A network with one output, in floating point, for drawing only.

const activations = {};

// Takes in the server's tables of activations; see `explore/curves.py`.
export function learn(curves) {
  for (const [name, curve] of Object.entries(curves)) {
    activations[name] = "above" in curve
      ? (z) => (z > 0 ? curve.above * z : curve.below * z)
      : between(curve);
  }
}

// The cubics with the table's values and slopes; straight lines beyond its ends.
function between({ low, step, values, slopes }) {
  const last = values.length - 1;
  return (z) => {
    const place = (z - low) / step;
    if (place <= 0) return values[0] + slopes[0] * (z - low);
    if (place >= last) return values[last] + slopes[last] * (z - low - last * step);
    const i = Math.floor(place), t = place - i, r = 1 - t;
    return r * r * ((1 + 2 * t) * values[i] + t * step * slopes[i]) +
      t * t * ((1 + 2 * r) * values[i + 1] - r * step * slopes[i + 1]);
  };
}

// The network as a function of an input (array of d numbers). `parameters` are listed as the
// engine does: layer by layer, the weight row by row, then the bias.
export function networkFunction(network, parameters) {
  const { widths } = network, act = activations[network.activation], last = widths.length - 2;
  return (x) => {
    let values = x, at = 0;
    for (let layer = 0; layer <= last; layer++) {
      const [below, above] = [widths[layer], widths[layer + 1]], next = new Array(above);
      for (let j = 0; j < above; j++) {
        let z = parameters[at + above * below + j];
        for (let i = 0; i < below; i++) z += parameters[at + j * below + i] * values[i];
        next[j] = layer < last ? act(z) : z;
      }
      values = next;
      at += above * (below + 1);
    }
    return values[0];
  };
}

// The loss of a network on points ({x, y}).
export function lossOf(network, parameters, loss, data) {
  const f = networkFunction(network, parameters);
  return data.reduce((sum, { x, y }) => sum + (loss === "squared" ? (f(x) - y) ** 2 : Math.log1p(Math.exp(-y * f(x)))), 0);
}

// Parameters in the engine's order as the `point` of a problem file.
export function pointData(network, parameters) {
  const { widths } = network, text = (from, to) => parameters.slice(from, to).map(String);
  let at = 0;
  return {
    layers: widths.slice(1).map((above, layer) => {
      const below = widths[layer], from = at;
      at += above * (below + 1);
      return {
        weight: Array.from({ length: above }, (_, j) => text(from + j * below, from + (j + 1) * below)),
        bias: text(from + above * below, at),
      };
    }),
  };
}

// Undoes `pointData`, rounding fractions.
export function parametersOf(point) {
  const number = (text) => {
    const [over, under] = String(text).split("/");
    return under === undefined ? Number(over) : Number(over) / Number(under);
  };
  return point.layers.flatMap((layer) => [...layer.weight.flat(), ...layer.bias]).map(number);
}
