"""One sigmoid unit, squared loss, binary data: a strict bad minimum with five instances.

Sontag and Sussmann 1989 have 125 binary instances with four weights and a threshold, and ask
whether substantially smaller binary examples exist. Here are five with two weights; four never
suffice (`docs/constructions/binary-instances.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from spurious.problem import ProgramProblem
from spurious.program import FUNCTIONS, Builder, Program

INPUTS: Final = ((0, 0), (0, 0), (1, 1), (0, 1), (1, 0))
LABELS: Final = (1, 1, 1, 0, 0)
"""XOR's complement, with (0, 0) twice."""

NEAR: Final = ("-0.50637", "-0.50637", "0.75855")
"""Close to the minimum: the two weights and the threshold."""

BETTER: Final = ("-30", "-30", "15")
"""It answers (0, 0), (0, 1) and (1, 0) right; the loss falls to 1 as it is scaled up."""


def sigmoid_unit(inputs: Sequence[Sequence[int]], labels: Sequence[int]) -> Program:
    """The sum of (s(w.x + b) - y)^2 with s(z) = 1 / (1 + exp(-z)).

    Args:
        inputs: Shape (n, d).
        labels: Shape (n,).
    """
    builder = Builder()
    weights = builder.param("weights", (len(inputs[0]), 1))
    threshold = builder.param("threshold", (1,))
    z = builder.const(np.array(inputs)) @ weights + threshold
    outputs = builder.map(FUNCTIONS["sigmoid"], z)
    gaps = outputs - builder.const(np.array(labels)[:, None])
    return builder.program((gaps * gaps).sum(), outputs=outputs)


def binary_instances() -> ProgramProblem:
    """The five instances, a point near the bad minimum, and a better one."""
    near, better = (tuple(map(Fraction, row)) for row in (NEAR, BETTER))
    return ProgramProblem(sigmoid_unit(INPUTS, LABELS), near, better)
