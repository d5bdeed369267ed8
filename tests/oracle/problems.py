"""Random shallow problems, half of them built to be stationary, with kinks on purpose."""

import random
from fractions import Fraction

from flint import fmpq, fmpq_mat

from spurious.problem import Dataset, Loss, Network, Problem, flatten, unflatten


def random_problem(seed: int) -> Problem:
    """1 to 3 inputs and units, up to 8 points; one in five has a zero output weight."""
    rng = random.Random(seed)
    d, h, n = (
        rng.choice([1, 1, 2, 2, 3]),
        rng.choice([1, 1, 2, 3]),
        rng.choice([*range(1, 9), 7, 8, 8]),
    )
    activation = rng.choice(["relu", "relu", "relu", "leaky_relu", "abs"])
    slope = rng.choice([Fraction(1, 10), Fraction(-1, 2), Fraction(2)])
    network = Network((d, h, 1), activation, slope if activation == "leaky_relu" else None)
    x = [tuple(Fraction(rng.randint(-3, 3)) for _ in range(d)) for _ in range(n)]
    if rng.random() < 0.3:
        x[rng.randrange(n)] = x[rng.randrange(n)]
    rows = [_unit(rng, x) for _ in range(h)]
    outgoing = [Fraction(rng.choice([-2, -1, 1, 1, 2]), rng.choice([1, 1, 3])) for _ in range(h)]
    if rng.random() < 0.2:
        outgoing[rng.randrange(h)] = Fraction(0)
    bias = Fraction(rng.randint(-2, 2))
    flat = [w for row in rows for w in row[:-1]] + [row[-1] for row in rows] + [*outgoing, bias]
    point = unflatten(flat, network)
    y = _targets(rng, network, x, rows, outgoing, bias)
    if rng.random() < 0.2:
        moved = list(flatten(point))
        moved[rng.randrange(len(moved))] += Fraction(rng.choice([-1, 1]), 10**6)
        point = unflatten(moved, network)
    data = Dataset(tuple(x), tuple((value,) for value in y))
    return Problem(network, Loss.SQUARED, data, point)


def off_kinks(seed: int) -> Problem:
    """A critical point of two or three units, no data on a kink: a minimum of known flatness."""
    rng = random.Random(seed)
    h = rng.choice([2, 3])
    network = Network((1, h, 1), "relu")
    x = [(Fraction(k),) for k in range(-6, 7)]
    rows = [[Fraction(rng.choice([-2, -1, 1, 2])), Fraction(rng.randint(-5, 5))] for _ in range(h)]
    rows = [[w, b + Fraction(1, 2)] for w, b in rows]
    outgoing = [Fraction(rng.choice([-2, -1, 1, 2])) for _ in range(h)]
    equations, outputs = [[Fraction(1)] * len(x)], [Fraction(0)] * len(x)
    for v, (w, b) in zip(outgoing, rows, strict=True):
        on = [Fraction(w * a + b > 0) for (a,) in x]
        equations += [on, [s * a for s, (a,) in zip(on, x, strict=True)]]
        outputs = [f + v * s * (w * a + b) for f, s, (a,) in zip(outputs, on, x, strict=True)]
    residual = _kernel_element(rng, equations)
    values = [*(w for w, _ in rows), *(b for _, b in rows), *outgoing, Fraction(0)]
    data = Dataset(tuple(x), tuple((f - r,) for f, r in zip(outputs, residual, strict=True)))
    return Problem(network, Loss.SQUARED, data, unflatten(values, network))


def _unit(rng: random.Random, x: list[tuple[Fraction, ...]]) -> list[Fraction]:
    """Incoming weights, often with several data points exactly on the kink, sometimes all zero."""
    d = len(x[0])
    if rng.random() < 0.15:
        return [Fraction(0)] * (d + 1)
    w = [Fraction(rng.randint(-2, 2)) for _ in range(d)]
    if rng.random() < 0.7:
        if d > 1 and rng.random() < 0.5 and len(set(x)) > 1:  # through two points
            a, b = rng.sample(sorted(set(x)), 2)
            gap = [s - t for s, t in zip(a, b, strict=True)]
            w = [-gap[1], gap[0], *([Fraction(0)] * (d - 2))]
        anchor = rng.choice(x)
        return [*w, -sum((s * t for s, t in zip(w, anchor, strict=True)), Fraction(0))]
    return [*w, Fraction(rng.randint(-3, 3))]


def _targets(
    rng: random.Random,
    network: Network,
    x: list[tuple[Fraction, ...]],
    rows: list[list[Fraction]],
    outgoing: list[Fraction],
    bias: Fraction,
) -> list[Fraction]:
    """Random targets, or targets whose residuals cancel to first order off the kinks."""
    p, q = network.slopes
    inputs = [(*row, Fraction(1)) for row in x]
    z = [[sum(a * b for a, b in zip(row, s, strict=True)) for s in inputs] for row in rows]
    outputs = [
        bias + sum(v * zs[i] * (p if zs[i] >= 0 else q) for v, zs in zip(outgoing, z, strict=True))
        for i in range(len(x))
    ]
    kind = rng.random()
    if kind < 0.25:
        return [f + rng.randint(-2, 2) for f in outputs]
    equations = [[Fraction(1)] * len(x)]
    for zs in z:
        for k in range(len(inputs[0])):
            slopes = [
                (p if zi > 0 else q) if zi != 0 else (p + q) / 2 * rng.choice([0, 1, 1])
                for zi in zs
            ]
            equations.append([s * a[k] for s, a in zip(slopes, inputs, strict=True)])
    residual = _kernel_element(rng, equations)
    if rng.random() < 0.7:  # kink points that push the right way make minima on kinks
        draws = [residual, *(_kernel_element(rng, equations) for _ in range(30))]
        residual = max(draws, key=lambda r: _convex_kinks(r, z, outgoing, p - q))
    return [f - r for f, r in zip(outputs, residual, strict=True)]


def _convex_kinks(
    residual: list[Fraction], z: list[list[Fraction]], outgoing: list[Fraction], bend: Fraction
) -> tuple[bool, int]:
    """Whether no kink point bends the loss downwards, and how many bend it upwards."""
    bends = [
        v * bend * r
        for v, zs in zip(outgoing, z, strict=True)
        for zi, r in zip(zs, residual, strict=True)
        if zi == 0
    ]
    return all(b >= 0 for b in bends), sum(b > 0 for b in bends)


def _kernel_element(rng: random.Random, equations: list[list[Fraction]]) -> list[Fraction]:
    """A random rational vector on which all equations vanish."""
    width = len(equations[0])
    matrix = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in equations])
    reduced, rank = matrix.rref()
    pivots = [next(j for j in range(width) if reduced[i, j] != 0) for i in range(rank)]
    values = [fmpq(0)] * width
    for j in range(width):
        if j not in pivots:
            values[j] = fmpq(rng.randint(-3, 3))
    for i, pivot in enumerate(pivots):
        values[pivot] = -sum(
            (reduced[i, j] * values[j] for j in range(width) if j not in pivots), fmpq(0)
        )
    return [Fraction(int(v.p), int(v.q)) for v in values]
