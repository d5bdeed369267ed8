"""How many points a sigmoid network classifies right, proved in ball arithmetic.

The parameters may range over a box: a count then holds for every point of the box, so also for a
minimum that is only known to lie in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from flint import arb, fmpq

from spurious.exact import balls
from spurious.problem import Dataset, Network, Point

__all__ = ["Count", "classified"]

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
        network: A sigmoid network with one output.
        point: The centre of the box.
        data: Labels -1 and +1.
        radius: Half the side of the box; 0 for the point itself.

    Raises:
        ValueError: The network is not a sigmoid network.
    """
    if network.activation != "sigmoid":
        raise ValueError(f"found a {network.activation} network, expected a sigmoid one")
    with balls.precision(BITS):
        width = arb(0, arb(_rational(radius)))
        signs = [balls.sign(_output(point, x, width)) for x in data.x]
    return Count(
        tuple(
            None if sign is None or sign == 0 else (sign > 0) == (y[0] > 0)
            for sign, y in zip(signs, data.y, strict=True)
        )
    )


def _output(point: Point, x: tuple[Fraction, ...], width: arb) -> arb:
    state = [arb(_rational(value)) for value in x]
    last = len(point.layers) - 1
    for index, layer in enumerate(point.layers):
        z: list[arb] = []
        for row, bias in zip(layer.weight, layer.bias, strict=True):
            total = arb(_rational(bias)) + width
            for weight, value in zip(row, state, strict=True):
                total += (arb(_rational(weight)) + width) * value
            z.append(total)
        state = z if index == last else [1 / (1 + (-value).exp()) for value in z]
    return state[0]


def _rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)
