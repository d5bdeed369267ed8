"""Outputs and held pre-activations on a face as polynomials, and what a field does to them.

Section 12 of `docs/mathematics.md`: G = (z_H, f). On a face every product of weights along a path
is a monomial, with one parameter of each layer. A field is affine, v = A theta + a.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from flint import fmpq

from spurious.certify.convex_ball import incoming_indices
from spurious.certify.pattern import Pattern
from spurious.exact.rationals import ONE, ZERO, rational
from spurious.problem import Problem

__all__ = [
    "CONSTANT",
    "FaceMap",
    "Field",
    "Monomial",
    "Polynomial",
    "face_map",
    "moved",
]

Monomial: TypeAlias = tuple[int, ...]
"""Flat indices of parameters, ascending."""

Polynomial: TypeAlias = Mapping[Monomial, fmpq]

CONSTANT = -1
"""Stands for the number 1 in place of a parameter."""

Field: TypeAlias = tuple[tuple[int, int, Fraction], ...]
"""Entries (p, q, c): component p of the field has the summand c theta_q, or c if q is CONSTANT."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceMap:
    """G, entry by entry.

    Attributes:
        held: z of each held pair.
        outputs: The outputs, point by point, shape (n K,).
    """

    held: tuple[Polynomial, ...]
    outputs: tuple[Polynomial, ...]

    @property
    def rows(self) -> tuple[Polynomial, ...]:
        """All entries."""
        return self.held + self.outputs


def face_map(problem: Problem, pattern: Pattern, limit: int) -> FaceMap | None:
    """G of a face, or None if it has more than so many terms."""
    network = problem.network
    indices = incoming_indices(network)
    slopes = pattern.slopes(network)
    owner = {(pair.layer, pair.unit, pair.points[0]): k for k, pair in enumerate(pattern.pairs)}
    held: list[Polynomial] = [{}] * len(owner)
    outputs: list[Polynomial] = []
    terms = 0
    for i, x in enumerate(problem.data.x):
        state: list[Polynomial] = [{(): rational(value)} for value in x]
        for level, units in enumerate(indices):
            states: list[Polynomial] = []
            for unit, (*weights, bias) in enumerate(units):
                z: dict[Monomial, fmpq] = {(bias,): ONE}
                for p, below in zip(weights, state, strict=True):
                    z |= {(*m, p): c for m, c in below.items() if c != 0}
                terms += len(z)
                if (level, unit, i) in owner:
                    held[owner[level, unit, i]] = z
                if level < network.depth:
                    slope = rational(slopes[level][i, unit])
                    z = {m: slope * c for m, c in z.items()} if slope != 0 else {}
                states.append(z)
            if terms > limit:
                return None
            state = states
        outputs += state
    return FaceMap(tuple(held), tuple(outputs))


def moved(polynomial: Polynomial, field: Field) -> dict[Monomial, fmpq]:
    """The derivative of a polynomial along a field."""
    by_parameter: dict[int, list[tuple[int, fmpq]]] = {}
    for p, q, c in field:
        by_parameter.setdefault(p, []).append((q, rational(c)))
    found: dict[Monomial, fmpq] = {}
    for monomial, coefficient in polynomial.items():
        for place, p in enumerate(monomial):
            for q, c in by_parameter.get(p, ()):
                key = replaced(monomial, place, q)
                found[key] = found.get(key, ZERO) + coefficient * c
    return {m: c for m, c in found.items() if c != 0}


def replaced(monomial: Monomial, place: int, q: int) -> Monomial:
    """A monomial with one factor replaced by another parameter, or left out."""
    rest = monomial[:place] + monomial[place + 1 :]
    return rest if q == CONSTANT else tuple(sorted((*rest, q)))
