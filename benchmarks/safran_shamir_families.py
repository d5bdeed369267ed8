"""Families of minima and saddles of the population loss of Safran and Shamir, each proved.

`python benchmarks/safran_shamir_families.py [--units 6 8 10] [--more 0] [--starts 60] [--lowest 4]
[--check]` searches the points that keep the symmetry of exchanging all inputs but the last together
with their neurons (five numbers, and two for each neuron more than inputs) for roots of the
gradient, and has `certify` prove the lowest ones in all parameters: as a minimum, or as a saddle
with its index (up to 200 parameters). With --check the independent checker reads each certificate.
Losses are those of the expectation of (student - teacher)^2 / 2. None found says nothing.
"""

import argparse
import math
import time
from fractions import Fraction

import numpy as np
from scipy.optimize import root

from spurious import certify, check
from spurious.catalogue.population_loss import population_loss
from spurious.certify.arithmetics import FloatProgram
from spurious.problem import ProgramProblem

SAME = 1e-6
ZERO = 1e-9


def fixed(units, more):
    """A basis of the points with the symmetry, (5 + 2 more, parameters)."""
    rows = []
    own, others = np.eye(units - 1), 1 - np.eye(units - 1)
    for block in (own, others):
        rows.append(np.zeros((units + more, units)))
        rows[-1][: units - 1, : units - 1] = block
    rows.append(np.zeros((units + more, units)))
    rows[-1][: units - 1, -1] = 1
    for neuron in range(units - 1, units + more):
        for part in (slice(units - 1), slice(units - 1, units)):
            rows.append(np.zeros((units + more, units)))
            rows[-1][neuron, part] = 1
    return np.array(rows).reshape(len(rows), -1)


def critical_points(program, basis, starts):
    """Roots of the gradient among the fixed points, one for each loss above 0, lowest first."""
    floats, found = FloatProgram(program), {}
    rng = np.random.default_rng(0)
    spread = np.array([1, 0.3, 0.5, 0.5, 1] + [0.4, 0.8] * ((len(basis) - 5) // 2))
    for _ in range(starts):
        with np.errstate(all="ignore"):
            gradient = lambda u: basis @ floats.loss_and_gradient(u @ basis)[1]  # noqa: E731
            end = root(gradient, rng.normal(size=len(basis)) * spread, tol=1e-13).x
            if not np.isfinite(end).all() or np.abs(gradient(end)).max() > ZERO:
                continue
            loss = floats.loss_and_gradient(end @ basis)[0]
        if loss > ZERO and all(abs(loss - other) > SAME for other in found):
            found[loss] = end
    return [found[loss] for loss in sorted(found)]


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, nargs="+", default=[6, 8, 10])
    parser.add_argument("--more", type=int, default=0, help="student neurons beyond the teacher's")
    parser.add_argument("--starts", type=int, default=60)
    parser.add_argument("--lowest", type=int, default=4)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    for units in args.units:
        program, basis = population_loss(units + args.more, units), fixed(units, args.more)
        for end in critical_points(program, basis, args.starts)[: args.lowest]:
            start = time.process_time()
            point = tuple(Fraction(float(v)) for v in end @ basis)
            verdict = certify(ProgramProblem(program, point), search=False, check=args.check)
            assert verdict.loss is not None
            loss = float(verdict.loss) / (2 * math.pi)
            what = f"saddle, index {verdict.index}" if verdict.index else str(verdict.decision)
            digits = " ".join(f"{v:.14f}" for v in end[[0, 2, 1]]) + " "
            digits += " ".join(f"{v:.14f}" for k in range(4, len(end), 2) for v in end[[k, k - 1]])
            seconds = time.process_time() - start
            print(f"{units}+{args.more}: {loss:.8f} {what}, {seconds:.0f} s: {digits}", flush=True)
            assert verdict.certificate is None or not args.check or check(verdict).valid


if __name__ == "__main__":
    main()
