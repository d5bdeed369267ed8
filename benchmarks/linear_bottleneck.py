"""On how few points has a linear 2-1-2 network with log loss two proved minima?

`python benchmarks/linear_bottleneck.py [--points 4 5 6] [--sets 300] [--starts 12]` draws sets of
points with small integers and labels, descends from random starts, and has `certify` prove each
minimum of another loss (rule constant_rank). Runs whose weights grow are left out: they head for a
valley. None found says nothing.
"""

import argparse
import time
from fractions import Fraction

import numpy as np
from scipy.optimize import minimize

from spurious import Decision, certify, problem

LARGE = 30
APART = 1e-4


def loss_and_gradient(p, x, y):
    hidden = x @ p[:2] + p[2]
    margins = y * (np.outer(hidden, p[3:5]) + p[5:])
    g = -y / (1 + np.exp(np.clip(margins, -700, 700)))
    back = g @ p[3:5]
    gradient = np.concatenate([x.T @ back, [back.sum()], hidden @ g, g.sum(0)])
    return np.logaddexp(0, -margins).sum(), gradient


def ends(x, y, starts, rng):
    """Different losses of stationary points, with the points."""
    found = []
    for _ in range(starts):
        end = minimize(loss_and_gradient, 1.5 * rng.normal(size=7), (x, y), jac=True,
                       method="BFGS", options={"gtol": 1e-10, "maxiter": 200})  # fmt: skip
        if np.abs(end.x).max() < LARGE and np.abs(end.jac).max() < 1e-7:
            found.append((float(end.fun), end.x))
    found.sort(key=lambda pair: pair[0])
    return [e for k, e in enumerate(found) if not k or e[0] > found[k - 1][0] + APART]


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[4, 5, 6])
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--starts", type=int, default=12)
    args = parser.parse_args()
    for points in args.points:
        rng, start, hits = np.random.default_rng(points), time.process_time(), 0
        for _ in range(args.sets):
            x = rng.integers(-3, 4, (points, 2)).astype(float)
            y = rng.choice([-1.0, 1.0], (points, 2))
            found = ends(x, y, args.starts, rng)
            if len(found) < 2:
                continue
            proved = []
            for loss, end in found:
                point = [Fraction(float(v)) for v in end]
                asked = problem(x, y, hidden=1, activation="identity", loss="logistic", point=point)
                verdict = certify(asked, search=False)
                if verdict.decision is Decision.LOCAL_MINIMUM_NEARBY:
                    proved.append(loss)
            if len(proved) > 1:
                hits += 1
                print(f"  {proved}: x = {x.tolist()}, y = {y.tolist()}", flush=True)
        seconds = time.process_time() - start
        print(f"{points} points: {hits} of {args.sets} sets, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
