"""Parts that random problems are put together from."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

from fuzzing.case import SMOOTH, Case, Matrix, size

SLOPES = ("0", "1", "-1", "-1/2", "1/2", "2", "1/10")
SCALES = (10**5, 40_000, Fraction(1, 10**60), Fraction(1e-40), Fraction(1, 10**12), 1000)


def small(rng: Random) -> Fraction:
    """A small rational, often an integer, often equal to others."""
    return Fraction(rng.randint(-3, 3), rng.choice((1, 1, 1, 2, 5)))


def widths(
    rng: Random,
    depths: Sequence[int] = (0, 1, 1, 1, 1, 2, 2, 3),
    outputs: Sequence[int] = (1, 1, 1, 1, 2, 3),
) -> tuple[int, ...]:
    """Inputs, hidden units and outputs."""
    depth = rng.choice(depths)
    hidden = [rng.choice((1, 2, 3) if depth < 3 else (1, 2)) for _ in range(depth)]
    return (rng.choice((1, 1, 2, 3)), *hidden, rng.choice(outputs))


def bent(rng: Random) -> tuple[str, Fraction | None]:
    """A homogeneous activation with its slope."""
    act = rng.choice(("relu", "relu", "relu", "leaky_relu", "leaky_relu", "abs", "identity"))
    return act, Fraction(rng.choice(SLOPES)) if act == "leaky_relu" else None


def activation(rng: Random) -> tuple[str, Fraction | None]:
    """Any activation with its slope."""
    return bent(rng) if rng.random() < 0.6 else (rng.choice(SMOOTH), None)


def inputs(rng: Random, width: int) -> Matrix:
    """A few inputs, some of them equal or zero."""
    count = rng.choice((1, 2, 3, 3, 4, 4, 5, 6, 8))
    rows = [tuple(small(rng) for _ in range(width)) for _ in range(count)]
    if rng.random() < 0.3:
        rows[-1] = rows[0]
    if rng.random() < 0.15:
        rows[rng.randrange(count)] = (Fraction(0),) * width
    return tuple(rows)


def loss(rng: Random, outputs: int) -> str:
    """A loss that fits the number of outputs."""
    return rng.choice(("squared", "squared", "logistic", *(["cross_entropy"] * 2 * (outputs > 1))))


def targets(rng: Random, name: str, count: int, outputs: int) -> Matrix:
    """Targets or labels; now and then one class only, or constant."""
    alike = rng.random() < 0.15
    if name == "squared":
        rows = [tuple(small(rng) for _ in range(outputs)) for _ in range(count)]
    elif name == "logistic":
        rows = [tuple(Fraction(rng.choice((-1, 1))) for _ in range(outputs)) for _ in range(count)]
    else:
        classes = rng.choice((outputs, outputs, max(1, outputs - 1)))
        rows = [(Fraction(rng.randrange(classes)),) for _ in range(count)]
    return tuple(rows[:1] * count if alike else rows)


def point(rng: Random, shape: tuple[int, ...]) -> list[Fraction]:
    """Small parameters, some of them zero."""
    zero = rng.choice((0.0, 0.0, 0.1, 0.4))
    return [Fraction(0) if rng.random() < zero else small(rng) for _ in range(size(shape))]


def problem(rng: Random, shape: tuple[int, ...], act: tuple[str, Fraction | None]) -> Case:
    """Random data and a random point for a network."""
    x = inputs(rng, shape[0])
    name = loss(rng, shape[-1])
    y = targets(rng, name, len(x), shape[-1])
    return Case(shape, *act, name, x, y, tuple(point(rng, shape)))


def place(shape: Sequence[int], layer: int, unit: int, source: int | None) -> int:
    """The index of a weight, or of a bias if there is no source, among the parameters."""
    before = sum((a + 1) * b for a, b in pairwise(shape[: layer + 1]))
    below, above = shape[layer], shape[layer + 1]
    return before + (below * above + unit if source is None else unit * below + source)
