"""One sigmoid unit, squared loss: which small multisets of binary instances have a bad minimum?

`python benchmarks/binary_instances.py [--weights 2] [--most 8]` goes through all multisets of
instances in {0, 1}^d x {0, 1}, one for each class under the symmetries of the cube and the exchange
of the labels, and looks for strict minima in floats that are not the best found. What it finds is
evidence, what it does not find is none: see docs/constructions/binary-instances.md for the proof.
"""

import argparse
import itertools
import time

import numpy as np

STARTS = 64
STEPS = 40
GAP = 1e-4
"""A minimum is bad if some start ended lower by this."""


def derivatives(points, x, p, n):
    """Loss, gradient and Hessian at points, shape (S, P); p and n count labels 1 and 0."""
    s = 1 / (1 + np.exp(-np.clip(points @ x.T, -60, 60)))
    slope, gap = s * (1 - s), p * (s - 1) + n * s
    curved = 2 * ((p + n) * slope**2 + gap * slope * (1 - 2 * s))
    loss = (p * (s - 1) ** 2 + n * s**2).sum(1)
    return loss, (2 * gap * slope) @ x, np.einsum("sg,ga,gb->sab", curved, x, x)


def has_bad_minimum(counts, x, rng):
    """Newton's method with absolute curvatures and damping from many starts."""
    p, n = counts[: len(x)], counts[len(x) :]
    points = rng.normal(size=(STARTS, x.shape[1])) * 4
    damping = np.full(STARTS, 0.1)
    loss, gradient, hessian = derivatives(points, x, p, n)
    for _ in range(STEPS):
        values, vectors = np.linalg.eigh(hessian)
        along = np.einsum("sba,sb->sa", vectors, gradient) / (np.abs(values) + damping[:, None])
        step = -np.einsum("sab,sb->sa", vectors, along)
        step *= np.minimum(1, 3 / np.linalg.norm(step, axis=1, keepdims=True).clip(1e-300))
        tried = derivatives(points + step, x, p, n)
        better = tried[0] <= loss
        points = np.where(better[:, None], points + step, points)
        loss, gradient, hessian = derivatives(points, x, p, n)
        damping = np.where(better, damping * 0.3, damping * 4)
    lowest = np.linalg.eigvalsh(hessian)[:, 0]
    strict = (np.abs(gradient).max(1) < 1e-9) & (lowest > 1e-4) & (np.abs(points).max(1) < 30)
    return bool((strict & (loss > loss.min() + GAP)).any())


def classes(count, vertices):
    """One multiset of each class, as counts of the vertices with label 1, then with label 0."""
    d, size = vertices.shape[1], len(vertices)
    place = {tuple(v): i for i, v in enumerate(vertices.tolist())}
    moves = [
        [place[tuple(int(v[order[k]]) ^ flip[k] for k in range(d))] for v in vertices]
        for order in itertools.permutations(range(d))
        for flip in itertools.product((0, 1), repeat=d)
    ]
    found = set()
    for chosen in itertools.combinations_with_replacement(range(2 * size), count):
        counts = np.bincount(chosen, minlength=2 * size)
        p, n = counts[:size], counts[size:]
        both = [(a[m], b[m]) for m in moves for a, b in ((p, n), (n, p))]
        found.add(max(tuple(np.concatenate(pair).tolist()) for pair in both))
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=int, default=2)
    parser.add_argument("--most", type=int, default=8, help="instances")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    vertices = np.array(list(itertools.product((0, 1), repeat=args.weights)))
    x = np.c_[vertices, np.ones(len(vertices))]
    for count in range(3, args.most + 1):
        start = time.process_time()
        every = classes(count, vertices)
        bad = [c for c in every if has_bad_minimum(np.array(c, dtype=float), x, rng)]
        seconds = time.process_time() - start
        print(f"{count} instances: {len(bad)} of {len(every)} classes, {seconds:.1f} s", flush=True)
        for counts in bad[:3]:
            print(f"    label 1: {counts[: len(x)]}, label 0: {counts[len(x) :]}")


if __name__ == "__main__":
    main()
