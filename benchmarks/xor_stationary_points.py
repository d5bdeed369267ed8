"""Stationary points of the h-unit sigmoid network on XOR, squared error, sigmoid output.

`python benchmarks/xor_stationary_points.py [--units 2 3] [--starts 2000]` looks for roots of the
gradient by Powell's method from random starts, leaves out those at which some output is within
0.01 of its label or of the opposite (they are on their way to infinity), and counts losses: by
docs/constructions/xor-no-minimum.md they are 1 or 1.12938, at units with a zero input weight.
"""

import argparse
import time
from collections import Counter

import numpy as np
from scipy.optimize import root

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([0, 1, 1, 0])
ENDS = 0.01


def sigmoid(z):
    return 1 / (1 + np.exp(np.minimum(np.maximum(-z, -700), 700)))


def split(values, units):
    """Input weights (h, 2), biases and output weights (h,), output bias."""
    w, b, v = values[: 2 * units], values[2 * units : 3 * units], values[3 * units : 4 * units]
    return w.reshape(units, 2), b, v, values[-1]


def outputs(values, units):
    w, b, v, c = split(values, units)
    hidden = sigmoid(X @ w.T + b)
    return hidden, sigmoid(hidden @ v + c)


def gradient(values, units):
    hidden, o = outputs(values, units)
    g = 2 * (o - Y) * o * (1 - o)
    inner = g[:, None] * split(values, units)[2] * hidden * (1 - hidden)
    return np.concatenate([(inner.T @ X).ravel(), inner.sum(0), g @ hidden, [g.sum()]])


def stationary(units, starts, seed=0):
    """Roots of the gradient at moderate outputs, as parameters."""
    rng = np.random.default_rng(seed)
    for _ in range(starts):
        start = rng.normal(size=4 * units + 1) * rng.choice([1, 2, 4])
        with np.errstate(all="ignore"):
            end = root(gradient, start, args=(units,), tol=1e-14).x
            if not np.isfinite(end).all() or np.abs(gradient(end, units)).max() > 1e-12:
                continue
            o = outputs(end, units)[1]
        if o.min() > ENDS and o.max() < 1 - ENDS:
            yield end


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--starts", type=int, default=2000)
    args = parser.parse_args()
    for units in args.units:
        start, losses = time.process_time(), Counter()
        for end in stationary(units, args.starts):
            losses[f"{((outputs(end, units)[1] - Y) ** 2).sum():.5f}"] += 1
        print(f"{units} units: {dict(losses)}, {time.process_time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
