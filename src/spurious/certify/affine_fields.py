"""All affine fields along which polynomials do not change, by exact linear algebra.

The unknowns are the coefficients of the field, the equations the coefficients of what it makes of
the polynomials. Most unknowns are seen to be 0 at once; the rest falls apart into small systems.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from flint import fmpq, fmpq_mat

from spurious.certify.face_polynomials import Field, Monomial, Polynomial, product
from spurious.exact.rationals import fraction, nullspace

Unknown = tuple[int, int]
"""The coefficient of theta_q in component p of a field; (-1, h): of z_h in the image of z_h."""

CONSTANT = -1
"""Stands for the number 1 in place of theta_q."""

Key = tuple[int, Monomial]
"""The coefficient of a monomial in a row of dG v."""


def affine_symmetries(rows: Sequence[Polynomial], held: int, free: Sequence[int]) -> list[Field]:
    """A basis of all affine fields along which polynomials do not change where some are 0.

    Args:
        rows: The polynomials, linear in every parameter.
        held: The first so many are 0: what the field makes of one may be a multiple of it.
        free: The parameters.
    """
    unknowns = _possible(rows, held, free)
    images = _images(rows, held, unknowns)
    keys: dict[Key, set[Unknown]] = defaultdict(set)
    for unknown, image in images.items():
        for key in image:
            keys[key].add(unknown)
    fields: list[Field] = []
    for part in _components(images, keys):
        if len(part) == 1 and (images[part[0]] or part[0][1] != CONSTANT):
            continue  # it is 0; or its parameter has no effect, and the constant field is enough
        columns = sorted({key for unknown in part for key in images[unknown]})
        place = {key: k for k, key in enumerate(columns)}
        matrix = fmpq_mat(len(columns), len(part))
        for j, unknown in enumerate(part):
            for key, value in images[unknown].items():
                matrix[place[key], j] = value
        for solution in nullspace(matrix.tolist(), len(part)):
            entries = tuple(
                (p, () if q == CONSTANT else (q,), fraction(c))
                for (p, q), c in zip(part, solution, strict=True)
                if c != 0 and p >= 0
            )
            if entries:
                fields.append(entries)
    return fields


def _possible(rows: Sequence[Polynomial], held: int, free: Sequence[int]) -> set[Unknown]:
    """Unknowns that may differ from 0: no monomial of dG v comes from one of them alone."""
    sources: dict[Unknown, set[Monomial]] = defaultdict(set)
    factors = (CONSTANT, *free)
    for p in free:
        for q in factors:
            sources[p, q] = set()
    for monomial in {m for polynomial in rows for m in polynomial}:
        for place, p in enumerate(monomial):
            for q in factors:
                sources[p, q].add(_replaced(monomial, place, q))
    for k in range(held):
        sources[-1, k] = set(rows[k])
    users: dict[Monomial, set[Unknown]] = defaultdict(set)
    for unknown, monomials in sources.items():
        for monomial in monomials:
            users[monomial].add(unknown)
    alone = [monomial for monomial, unknowns in users.items() if len(unknowns) == 1]
    while alone:
        for unknown in users[alone.pop()].copy():
            for monomial in sources.pop(unknown):
                users[monomial].discard(unknown)
                if len(users[monomial]) == 1:
                    alone.append(monomial)
    return set(sources)


def _images(
    rows: Sequence[Polynomial], held: int, unknowns: set[Unknown]
) -> dict[Unknown, dict[Key, fmpq]]:
    """For each unknown what it adds to the rows of dG v."""
    found: dict[Unknown, dict[Key, fmpq]] = {unknown: {} for unknown in sorted(unknowns)}
    partners: dict[int, list[int]] = defaultdict(list)
    for p, q in found:
        partners[p].append(q)
    effects: dict[Monomial, list[tuple[Unknown, Monomial]]] = {}
    for k, polynomial in enumerate(rows):
        if k < held and (-1, k) in found:
            found[-1, k] = {(k, m): -c for m, c in polynomial.items()}
        for monomial, c in polynomial.items():
            if monomial not in effects:
                effects[monomial] = [
                    ((p, q), _replaced(monomial, place, q))
                    for place, p in enumerate(monomial)
                    for q in partners.get(p, ())
                ]
            for unknown, target in effects[monomial]:
                image, key = found[unknown], (k, target)
                image[key] = image[key] + c if key in image else c
    return found


def _components(
    images: dict[Unknown, dict[Key, fmpq]], keys: dict[Key, set[Unknown]]
) -> Iterator[list[Unknown]]:
    """The unknowns that are left, those with a common entry together."""
    left = set(images)
    for start in images:
        if start not in left:
            continue
        part, pending = [start], [start]
        left.discard(start)
        while pending:
            for key in images[pending.pop()]:
                new = keys[key] & left
                left -= new
                part += new
                pending += new
        yield sorted(part)


def _replaced(monomial: Monomial, place: int, q: int) -> Monomial:
    """A monomial with one factor replaced by another parameter, or left out."""
    rest = monomial[:place] + monomial[place + 1 :]
    return rest if q == CONSTANT else product(rest, (q,))
