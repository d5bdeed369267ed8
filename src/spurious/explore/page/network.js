// A network with one hidden layer and one output, in floating point, for drawing only.

const SLOPE = 0.01; // of leaky_relu below 0

function erf(z) { // Abramowitz and Stegun 7.1.26; error below 1.5e-7
  const t = 1 / (1 + 0.3275911 * Math.abs(z));
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(z) * (1 - sum * Math.exp(-z * z));
}

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

export const ACTIVATIONS = {
  relu: (z) => (z > 0 ? z : 0),
  leaky_relu: (z) => (z > 0 ? z : SLOPE * z),
  abs: Math.abs,
  identity: (z) => z,
  sigmoid,
  tanh: Math.tanh,
  softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  softsign: (z) => z / (1 + Math.abs(z)),
  gelu: (z) => (z / 2) * (1 + erf(z / Math.SQRT2)),
  silu: (z) => z * sigmoid(z),
  elu: (z) => (z > 0 ? z : Math.expm1(z)),
};

// The network as a function of an input (array of d numbers). `parameters` are listed as the
// engine does: the hidden layer's weight row by row, its bias, the output's weight, its bias.
export function networkFunction(network, parameters) {
  const [d, h] = network.widths;
  const act = ACTIVATIONS[network.activation];
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
