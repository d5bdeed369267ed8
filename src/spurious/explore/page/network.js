// A network with one hidden layer and one output, in floating point, for drawing only.

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
// engine does: the hidden layer's weight row by row, its bias, the output's weight, its bias.
export function networkFunction(network, parameters) {
  const [d, h] = network.widths;
  const act = activations[network.activation];
  return (x) => {
    let f = parameters[d * h + 2 * h];
    for (let j = 0; j < h; j++) {
      let z = parameters[d * h + j];
      for (let i = 0; i < d; i++) z += parameters[j * d + i] * x[i];
      f += parameters[d * h + h + j] * act(z);
    }
    return f;
  };
}

// Parameters in the engine's order as the `point` of a problem file.
export function pointData(network, parameters) {
  const [d, h] = network.widths;
  const text = (from, to) => parameters.slice(from, to).map(String);
  return {
    layers: [
      {
        weight: Array.from({ length: h }, (_, j) => text(j * d, (j + 1) * d)),
        bias: text(d * h, d * h + h),
      },
      { weight: [text(d * h + h, d * h + 2 * h)], bias: text(d * h + 2 * h, d * h + 2 * h + 1) },
    ],
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
