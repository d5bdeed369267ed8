"""Outputs and held pre-activations on a face as polynomials, and what a field does to them.

Section 12 of `docs/mathematics.md`: G = (z_H, f). On a face every product of weights along a path
is a monomial, with one parameter of each layer. The components of a field are
polynomials, too; those of most are affine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from flint import fmpq

from spurious.certify.pattern import Pattern
from spurious.exact.rationals import ONE, ZERO, rational
from spurious.problem import DenseLoss, Loss, incoming_indices

Monomial: TypeAlias = tuple[int, ...]
"""Flat indices of parameters, ascending."""

Polynomial: TypeAlias = Mapping[Monomial, fmpq]

Field: TypeAlias = tuple[tuple[int, Monomial, Fraction], ...]
"""Entries (p, m, c): component p of the field has the summand c times the monomial m."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceMap:
    """G, entry by entry.

    Attributes:
        held: z of each held pair.
        outputs: What the loss depends on, point by point: the outputs, their differences to the
            label's, or with the hinge loss what is missed.
    """

    held: tuple[Polynomial, ...]
    outputs: tuple[Polynomial, ...]

    @property
    def rows(self) -> tuple[Polynomial, ...]:
        """All entries."""
        return self.held + self.outputs


def face_map(problem: DenseLoss, pattern: Pattern, limit: int) -> FaceMap | None:
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
        if problem.loss != "hinge":
            outputs += _compared(problem, i, state)
            continue
        for k, y in enumerate(problem.data.y[i]):
            missed = _missed(state[k], rational(y))
            if (network.depth, k, i) in owner:
                held[owner[network.depth, k, i]] = missed
            if pattern.missed[i, k]:
                outputs.append(missed)
    return FaceMap(tuple(held), tuple(outputs))


def _missed(output: Polynomial, label: fmpq) -> Polynomial:
    """1 - y f, where the hinge loss bends at 0."""
    found = {m: -label * c for m, c in output.items()}
    found[()] = found.get((), ZERO) + ONE
    return {m: c for m, c in found.items() if c != 0}


def _compared(problem: DenseLoss, i: int, state: list[Polynomial]) -> list[Polynomial]:
    """What the loss at a data point depends on."""
    if problem.loss != Loss.CROSS_ENTROPY:
        return state
    label = int(problem.data.y[i][0])
    found: list[Polynomial] = []
    for k, output in enumerate(state):
        if k != label:
            total = dict(output)
            for m, c in state[label].items():
                total[m] = total.get(m, ZERO) - c
            found.append({m: c for m, c in total.items() if c != 0})
    return found


def moved(polynomial: Polynomial, field: Field) -> dict[Monomial, fmpq]:
    """The derivative of a polynomial along a field."""
    by_parameter: dict[int, list[tuple[Monomial, fmpq]]] = {}
    for p, factor, c in field:
        by_parameter.setdefault(p, []).append((factor, rational(c)))
    found: dict[Monomial, fmpq] = {}
    for monomial, coefficient in polynomial.items():
        for place, p in enumerate(monomial):
            for factor, c in by_parameter.get(p, ()):
                key = product(monomial[:place] + monomial[place + 1 :], factor)
                found[key] = found.get(key, ZERO) + coefficient * c
    return {m: c for m, c in found.items() if c != 0}


def product(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    return tuple(sorted((*left, *right)))


def relations(held: Sequence[Polynomial]) -> dict[int, Polynomial]:
    """Parameters that the others determine where all held z are 0, and as which polynomial.

    One for each z that contains a parameter by itself and nowhere else: the bias of its unit, or
    in the first layer any.
    """
    found: dict[int, Polynomial] = {}
    for z in held:
        rest = on_face(z, found)
        alone = [m[0] for m in rest if len(m) == 1 and sum(m[0] in other for other in rest) == 1]
        if alone:
            p = min(alone)
            found[p] = {m: -c / rest[p,] for m, c in rest.items() if m != (p,)}
    return found


def on_face(polynomial: Polynomial, known: Mapping[int, Polynomial]) -> dict[Monomial, fmpq]:
    """A polynomial with these parameters replaced, again and again.

    It ends: what `relations` puts for a parameter contains none found before it.
    """
    found: dict[Monomial, fmpq] = {}
    pending = list(polynomial.items())
    while pending:
        monomial, coefficient = pending.pop()
        place = next((k for k, p in enumerate(monomial) if p in known), None)
        if place is None:
            found[monomial] = found.get(monomial, ZERO) + coefficient
            continue
        rest = monomial[:place] + monomial[place + 1 :]
        pending += [(product(rest, m), coefficient * c) for m, c in known[monomial[place]].items()]
    return {m: c for m, c in found.items() if c != 0}
