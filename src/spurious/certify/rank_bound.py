"""A bound for the rank of dG on a face, by fields (the lemma of section 12).

Fields v_1, ..., v_q that are independent at the point, and whose images dG v lie in a space of
dimension w, bound the rank by w + P - q. First the symmetries, w = 0. Then fields whose images lie
in the core: the space of all vectors that dG reaches at every point of the face. Taking them out
costs nothing, and what is left has more symmetries.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import fmpq, fmpq_mat

from spurious.certify.affine_fields import affine_symmetries
from spurious.certify.face_polynomials import (
    FaceMap,
    Field,
    Monomial,
    Polynomial,
    moved,
    on_face,
    product,
    relations,
)
from spurious.exact.rationals import ZERO, Vector, fraction, nullspace
from spurious.problem import Network, incoming_indices

INDEPENDENT = 1e-7
"""What is left of a vector of length 1, if it counts as independent of others: a proposal."""

SAMPLES = 3
"""Points of the face at which the core is looked for."""

LARGE = 5
"""The parameters of these points are integers up to this one."""


def bounding_fields(
    face: FaceMap, values: Sequence[float], known: Sequence[Field], rank: int
) -> tuple[Field, ...] | None:
    """Fields that bound the rank of dG near a point of the face by a number, if they are found.

    Args:
        face: G.
        values: All parameters at the point, in floats, shape (P,).
        known: Symmetries of every network: the rescalings.
        rank: The bound wanted: the rank of dG at the point.
    """
    count = len(values)
    used = {p for row in face.rows for monomial in row for p in monomial}
    unused = [_unit(p) for p in range(count) if p not in used]
    symmetries = independent([*known, *unused], values)
    if len(symmetries) >= count - rank:
        return symmetries[: count - rank]
    chart = _Chart.of(face, count)
    found = map(chart.lifted, affine_symmetries(chart.rows, len(chart.held), chart.free))
    symmetries = independent([*symmetries, *found], values)
    if len(symmetries) >= count - rank:
        return symmetries[: count - rank]
    if chart.held:
        return None
    found = map(chart.lifted, affine_symmetries(_beyond_core(chart), 0, chart.free))
    fields = independent([*symmetries, *found], values)
    return fields if _span(face, fields) + count - len(fields) <= rank else None


def independent(fields: Sequence[Field], values: Sequence[float]) -> tuple[Field, ...]:
    """Fields that are independent at a point: those first in the list are kept where possible."""
    at = np.array(values, dtype=np.float64)
    basis: list[np.ndarray] = []
    kept: list[Field] = []
    for item in fields:
        vector = np.zeros(len(values))
        for p, monomial, c in item:
            vector[p] += float(c) * float(np.prod(at[list(monomial)]))
        size = float(np.linalg.norm(vector))
        if size == 0:
            continue
        rest = vector / size
        for _ in range(2):
            for other in basis:
                rest = rest - (other @ rest) * other
        if np.linalg.norm(rest) > INDEPENDENT:
            basis.append(rest / np.linalg.norm(rest))
            kept.append(item)
    return tuple(kept)


def rescalings(network: Network) -> tuple[Field, ...]:
    """For each hidden unit its incoming parameters, less its outgoing weights."""
    layers, one = incoming_indices(network), Fraction(1)
    fields: list[Field] = []
    for below, above in pairwise(layers):
        for unit, incoming in enumerate(below):
            outgoing = [row[unit] for row in above]
            fields.append(
                (*((p, (p,), one) for p in incoming), *((p, (p,), -one) for p in outgoing))
            )
    return tuple(fields)


@dataclass(frozen=True, slots=True, eq=False)
class _Chart:
    """G on the face, by the parameters that are not determined there.

    Attributes:
        free: These parameters.
        known: The others, as polynomials of them.
        held: What is left of the z of held pairs that determine none.
        outputs: The outputs.
    """

    free: tuple[int, ...]
    known: dict[int, Polynomial]
    held: tuple[Polynomial, ...]
    outputs: tuple[Polynomial, ...]

    @staticmethod
    def of(face: FaceMap, count: int) -> _Chart:
        """The chart of a face."""
        relation = relations(face.held)
        known: dict[int, Polynomial] = {p: on_face(r, relation) for p, r in relation.items()}
        return _Chart(
            free=tuple(p for p in range(count) if p not in known),
            known=known,
            held=tuple(z for z in (on_face(z, known) for z in face.held) if z),
            outputs=tuple(on_face(f, known) for f in face.outputs),
        )

    @property
    def rows(self) -> tuple[Polynomial, ...]:
        """All entries of G that are not 0 on the face."""
        return self.held + self.outputs

    def lifted(self, item: Field) -> Field:
        """A field of the free parameters, with what the determined ones do."""
        entries = list(item)
        for p, factor, c in item:
            for determined, polynomial in self.known.items():
                for monomial, d in moved(polynomial, _unit(p)).items():
                    entries.append((determined, product(factor, monomial), c * fraction(d)))
        return tuple(entries)


def _unit(p: int) -> Field:
    return ((p, (), Fraction(1)),)


def _beyond_core(chart: _Chart) -> list[Polynomial]:
    """Combinations of the outputs that vanish on what dG reaches at every point of the face.

    Left kernels of dG at a few points, together; more points could only give more combinations.
    """
    rng, found = random.Random(1), list[Vector]()
    for _ in range(SAMPLES):
        at = {p: fmpq(rng.choice((-1, 1)) * rng.randint(1, LARGE)) for p in chart.free}
        rows = [_derivative(output, at, chart.free) for output in chart.outputs]
        columns = [[row[p] for row in rows] for p in chart.free]
        found += nullspace(columns, len(rows))
    if not found:
        return []
    reduced, size = fmpq_mat([list(row) for row in found]).rref()
    combinations: list[Polynomial] = []
    for k in range(size):
        total: dict[Monomial, fmpq] = defaultdict(fmpq)
        for j, output in enumerate(chart.outputs):
            if reduced[k, j] != 0:
                for monomial, c in output.items():
                    total[monomial] += reduced[k, j] * c
        combinations.append({m: c for m, c in total.items() if c != 0})
    return combinations


def _derivative(
    polynomial: Polynomial, at: dict[int, fmpq], free: Sequence[int]
) -> dict[int, fmpq]:
    """The gradient of a polynomial at a point."""
    found = dict.fromkeys(free, ZERO)
    for monomial, c in polynomial.items():
        for place, p in enumerate(monomial):
            term = c
            for q in monomial[:place] + monomial[place + 1 :]:
                term *= at[q]
            found[p] += term
    return found


def _span(face: FaceMap, fields: Iterable[Field]) -> int:
    """The dimension of the span of the coefficients of the images of fields."""
    known, size = relations(face.held), len(face.rows)
    rows = list[list[fmpq]]()
    for item in fields:
        by_monomial: dict[Monomial, list[fmpq]] = defaultdict(lambda: [ZERO] * size)
        for k, polynomial in enumerate(face.rows):
            for monomial, c in on_face(moved(polynomial, item), known).items():
                by_monomial[monomial][k] = c
        reduced, rank = fmpq_mat([*rows, *by_monomial.values()]).rref()
        rows = reduced.tolist()[:rank]
    return len(rows)
