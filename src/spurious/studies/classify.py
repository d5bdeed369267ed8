"""How many points a network classifies right, proved in ball arithmetic.

The parameters may range over a box: a count then holds for every point of the box, so also for a
minimum that is only known to lie in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from flint import arb

from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import Dataset, Network, Point, flatten
from spurious.program import BallArithmetic, dense_network, evaluator

BITS: Final = 256


@dataclass(frozen=True, slots=True)
class Count:
    """Classification of a dataset, for a whole box of parameters.

    Attributes:
        right: For each point True, False, or None where the box does not decide; shape (n,).
    """

    right: tuple[bool | None, ...]

    @property
    def correct(self) -> int:
        """How many are proved right."""
        return sum(answer is True for answer in self.right)

    @property
    def decided(self) -> bool:
        """Whether every point is decided."""
        return None not in self.right

    def __str__(self) -> str:
        """For example `4 of 10`."""
        text = f"{self.correct} of {len(self.right)}"
        return text if self.decided else f"at least {text}"


def classified(
    network: Network, point: Point, data: Dataset, radius: Fraction = Fraction(0)
) -> Count:
    """Decides for each point whether the sign of the output is its label.

    Args:
        network: A network with one output.
        point: The centre of the box.
        data: Labels -1 and +1.
        radius: Half the side of the box; 0 for the point itself.
    """
    program = dense_network(
        network.widths, network.activation, np.array(data.x), slope=network.slope
    )
    with balls.precision(BITS):
        width = arb(0, arb(rational(radius)))
        box = np.array([arb(rational(value)) + width for value in flatten(point)], dtype=object)
        outputs = evaluator(program, BallArithmetic()).run(box, 0).outputs
        assert outputs is not None
        signs = [balls.sign(output) for output in outputs[:, 0]]
    return Count(
        tuple(
            None if sign is None or sign == 0 else (sign > 0) == (y[0] > 0)
            for sign, y in zip(signs, data.y, strict=True)
        )
    )
