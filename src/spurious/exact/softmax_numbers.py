"""Exact values of logistic and softmax derivatives at rational outputs.

A softmax number is a rational combination of atoms 1 / (1 + exp(d_1) + ... + exp(d_m)) with
rational d_1 <= ... <= d_m, and of the number 1.

Theorem 2 (`docs/mathematics.md`): the number 1 and the atoms 1/(1 + e^d), d > 0 rational and
pairwise different, are linearly independent over the rationals. So with one entry to an atom a
combination is zero only if all coefficients are. Longer atoms (softmax with three or more outputs)
may hide a zero: then `sign` says None at every precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from flint import arb, fmpq

from spurious.exact import balls
from spurious.exact.rationals import ONE, ZERO

Atom: TypeAlias = tuple[fmpq, ...]

UNIT: Atom = ()
"""The atom of the number 1."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftmaxNumber:
    """An exact combination of atoms.

    Attributes:
        terms: Nonzero coefficients by atom.
    """

    terms: Mapping[Atom, fmpq]

    def __add__(self, other: SoftmaxNumber | fmpq) -> SoftmaxNumber:
        """The sum."""
        right = other.terms if isinstance(other, SoftmaxNumber) else {UNIT: other}
        terms = dict(self.terms)
        for atom, coefficient in right.items():
            terms[atom] = terms.get(atom, ZERO) + coefficient
        return SoftmaxNumber({atom: c for atom, c in terms.items() if c != 0})

    __radd__ = __add__

    def __neg__(self) -> SoftmaxNumber:
        """The negative."""
        return self * fmpq(-1)

    def __sub__(self, other: SoftmaxNumber | fmpq) -> SoftmaxNumber:
        """The difference."""
        return self + (-other)

    def __rsub__(self, other: fmpq) -> SoftmaxNumber:
        """The difference, from a rational."""
        return -self + other

    def __mul__(self, factor: fmpq) -> SoftmaxNumber:
        """The product with a rational."""
        if factor == 0:
            return SoftmaxNumber({})
        return SoftmaxNumber({atom: c * factor for atom, c in self.terms.items()})

    __rmul__ = __mul__

    def __truediv__(self, divisor: fmpq) -> SoftmaxNumber:
        """The quotient by a nonzero rational."""
        return self * (ONE / divisor)


Exact: TypeAlias = fmpq | SoftmaxNumber
"""An exact real number: elements of an ordered vector space over the rationals."""


class UndecidedSignError(ArithmeticError):
    """The sign of a softmax number could not be found at any precision; it may be zero."""


def constant(value: fmpq) -> SoftmaxNumber:
    """A rational as a softmax number."""
    return SoftmaxNumber({} if value == 0 else {UNIT: value})


def atom(*differences: fmpq) -> SoftmaxNumber:
    """The number 1 / (1 + sum of exp(d))."""
    return SoftmaxNumber({tuple(sorted(differences)): ONE})


def logistic(value: fmpq) -> SoftmaxNumber:
    """1 / (1 + exp(value)) in canonical form, for a rational value."""
    if value > 0:
        return atom(value)
    if value < 0:
        return ONE - atom(-value)
    return constant(fmpq(1, 2))


def softmax(outputs: tuple[fmpq, ...]) -> tuple[SoftmaxNumber, ...]:
    """The softmax of rational outputs, in canonical form.

    Every share that is not the largest is one atom; the largest, r of them equal, share what the
    others leave. The shares therefore add up to exactly 1.
    """
    largest = max(outputs)
    shares: dict[int, SoftmaxNumber] = {}
    for k, own in enumerate(outputs):
        if own != largest:
            shares[k] = atom(*(other - own for i, other in enumerate(outputs) if i != k))
    left = constant(ONE)
    for share in shares.values():
        left = left - share
    top = left / fmpq(len(outputs) - len(shares))
    return tuple(shares.get(k, top) for k in range(len(outputs)))


def enclose(value: Exact) -> arb:
    """The number, enclosed at the current precision."""
    if isinstance(value, fmpq):
        return arb(value)
    total = arb(0)
    for entries, coefficient in value.terms.items():
        total += arb(coefficient) * _atom_value(entries, balls.working_precision())
    return total


@lru_cache(maxsize=4096)
def _atom_value(entries: Atom, bits: int) -> arb:
    """One atom, enclosed at a precision; the same atoms come up in every sum of a problem."""
    with balls.precision(bits):
        return 1 / sum((arb(entry).exp() for entry in entries), arb(1))


def sign(value: Exact) -> int:
    """The sign of an exact number: -1, 0 or +1.

    Raises:
        UndecidedSignError: no precision in `balls.PRECISIONS` tells it from zero.
    """
    if isinstance(value, fmpq):
        return (value > 0) - (value < 0)
    if not value.terms:
        return 0
    for bits in balls.PRECISIONS:
        with balls.precision(bits):
            found = balls.sign(enclose(value))
        if found:
            return found
    raise UndecidedSignError("a sum of softmax values is not told from zero at 1024 bits")


def approximate(value: Exact) -> fmpq:
    """A rational close to the number (exact for a rational)."""
    if isinstance(value, fmpq):
        return value
    with balls.precision(balls.PRECISIONS[0]):
        return balls.midpoint(enclose(value))
