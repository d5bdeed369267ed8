// The lowest point that the page knows, as the witness of a question to Certify.

import { pointData } from "./network.js";

const CLEAR = 1e-9; // how much lower, relative to its size, a loss has to be

// `families` are the atlas's, or []; `end` are the runs of the same problem, or null. Returns the
// point of a problem file, or null if nothing is known to be lower than `loss`.
export function witness(loss, families, end, network) {
  const known = families.map((family) => ({ loss: family.loss_float, point: () => family.point }));
  end?.end.forEach((parameters, run) => {
    if (parameters) known.push({ loss: end.limit[run] ?? end.loss[run], point: () => pointData(network, parameters) });
  });
  const lowest = known.reduce((low, other) => (other.loss < low.loss ? other : low), { loss: Infinity });
  return lowest.loss < loss - CLEAR * (1 + loss) ? lowest.point() : null;
}
