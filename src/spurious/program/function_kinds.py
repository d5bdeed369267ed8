"""What a program knows of a function of one variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from flint import arb, fmpq

BallJet: TypeAlias = tuple[arb, arb, arb]
"""Value, first and second derivative, each enclosed over the whole ball."""


@dataclass(frozen=True, eq=False, slots=True)
class Smooth:
    """A function with a continuous first derivative on its domain.

    Attributes:
        name: Its name in programs and in problem files.
        ball: Value, first and second derivative over a ball; where the second jumps, over both
            sides (Clarke's generalised derivative). Raises DomainError where a number in the ball
            may lie outside of the domain or at its end.
        rational: At a rational, as many of value, first and second derivative as are rational, up
            to the first that is not known to be. Raises DomainError like `ball`.
        floats: Yields the same three entry by entry in floating point, from a namespace such as
            NumPy (`arithmetic_numpy.py` says what it has to hold) and an array.
        bend: The second derivative at 0 from above and from below where the two differ.
        torch: The function's operators in PyTorch's ATen.
        jax: The function's primitive in JAX.
        onnx: The function's operator in ONNX.
        activation: Whether problem files may name it as the activation of a network.
        gate: Functions f, g, ... with which it is z g(f(z)), if that is how others write it.
    """

    name: str
    ball: Callable[[arb], BallJet]
    rational: Callable[[fmpq], tuple[fmpq, ...]]
    floats: Callable[[Any, Any], Iterator[Any]]
    bend: tuple[Fraction, Fraction] | None = None
    torch: str | None = None
    jax: str | None = None
    onnx: str | None = None
    activation: bool = False
    gate: tuple[Smooth, ...] = ()

    @property
    def kinked(self) -> bool:
        """Whether the first derivative jumps: it does not."""
        return False

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class PiecewiseLinear:
    """`above` z for z >= 0, `below` z for z < 0.

    Attributes:
        name: Its name in programs and in problem files.
        above: The slope above 0.
        below: The slope below 0.
        torch: The function's operator in PyTorch's ATen.
        jax: The function's primitive in JAX.
        onnx: The function's operator in ONNX.
    """

    name: str
    above: Fraction
    below: Fraction
    torch: str | None = None
    jax: str | None = None
    onnx: str | None = None

    @property
    def kinked(self) -> bool:
        """Whether the first derivative jumps at 0."""
        return self.above != self.below

    def __repr__(self) -> str:
        return f"{self.name}({self.below})" if self.name == "leaky_relu" else self.name


Function: TypeAlias = Smooth | PiecewiseLinear
"""A function of the table in `functions.py`."""
