"""Minima of programs in which a layer is off on all data: one ReLU, and two convolutions.

Vardi, Yehudai and Shamir 2021: a single ReLU with a bias, realisable data, squared loss. Where it
is off at all points the loss is constant. Liu 2021 and others: convolutions with ReLU. Two of them
in a row, the second one off on all data: the output is a constant, and the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from spurious.problem import ProgramProblem
from spurious.program import FUNCTIONS, Builder, Handle

POINTS: Final = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 1))
VALUES: Final = (0, 0, 0, 1, 2)
"""relu(x_1 + x_2 - 1)."""

SERIES: Final = (
    (1, 1, 0, 0, 0),
    (0, 1, 1, 1, 0),
    (1, 0, 1, 0, 1),
    (0, 0, 1, 1, 1),
    (1, 1, 1, 1, 1),
)
PAIRS: Final = (1, 2, 0, 1, 3)
"""How often two ones stand side by side, the last place left out."""


def one_relu() -> ProgramProblem:
    """A single unit relu(w.x + b) that is off on all data; the witness fits it exactly."""
    builder = Builder()
    weights, bias = builder.param("weights", (2, 1)), builder.param("bias", (1,))
    outputs = builder.map(FUNCTIONS["relu"], builder.const(np.array(POINTS)) @ weights + bias)
    return _squared(builder, outputs, VALUES, (-1, -1, -1), (1, 1, -1))


def two_convolutions() -> ProgramProblem:
    """Five series of five numbers, two convolutions of width 2 with ReLU, a sum with a weight.

    The second convolution is off on all data, and the output bias is the mean target, 7/5. The
    witness counts pairs: the first convolution finds them, the second one passes them on.
    """
    builder = Builder()
    first, shift = builder.param("first", (2, 1)), builder.param("first.bias", (1,))
    second, offset = builder.param("second", (2, 1)), builder.param("second.bias", (1,))
    weight, bias = builder.param("weight", ()), builder.param("bias", ())
    patches = np.array([[row[k : k + 2] for k in range(4)] for row in SERIES]).reshape(20, 2)
    pairs = builder.map(FUNCTIONS["relu"], builder.const(patches) @ first + shift)
    places = np.array([[4 * i + k, 4 * i + k + 1] for i in range(5) for k in range(3)])
    higher = builder.map(FUNCTIONS["relu"], pairs.take(places) @ second + offset)
    pooled = higher.take(np.arange(15).reshape(5, 3)).sum(1)
    outputs = pooled * weight + bias
    dead = (1, 1, Fraction(-1, 2), 1, 1, -4, 1, Fraction(7, 5))
    counting = (1, 1, -1, 1, 0, 0, 1, 0)
    return _squared(builder, outputs.take(np.arange(5).reshape(5, 1)), PAIRS, dead, counting)


def _squared(
    builder: Builder,
    outputs: Handle,
    targets: Sequence[int],
    point: Sequence[Fraction | int],
    witness: Sequence[Fraction | int],
) -> ProgramProblem:
    """The sum of squared errors of outputs, shape (n, 1), at a point and a better one."""
    gaps = outputs - builder.const(np.array(targets)[:, None])
    program = builder.program((gaps * gaps).sum(), outputs=outputs)
    return ProgramProblem(program, tuple(map(Fraction, point)), tuple(map(Fraction, witness)))
