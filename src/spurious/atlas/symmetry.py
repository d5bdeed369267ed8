"""Symmetries of a dataset: affine maps of the inputs that permute the points and keep the targets.

If an affine map takes point i to point p(i) and y_p(i) = y_i, composing a network with it permutes
networks of equal loss; so does y_p(i) = k - y_i together with f -> k - f, which flips the signs of
the output weights. Local minima are taken to local minima, so one of each orbit is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from flint import fmpq, fmpq_mat

from spurious.atlas.arrangement import Sides
from spurious.atlas.landscape import UnitLandscape
from spurious.exact.rationals import ZERO, Vector, rank


class _Signed(Protocol):
    def __neg__(self) -> Self: ...


Signed = TypeVar("Signed", bound=_Signed)


@dataclass(frozen=True, slots=True)
class Symmetry:
    """One symmetry.

    Attributes:
        points: Where each different input goes, shape (n,).
        flips: Whether it turns the targets, and the signs of output weights, around.
    """

    points: tuple[int, ...]
    flips: bool

    def sides(self, sides: Sides) -> Sides:
        """Where a unit's signs go."""
        return Sides(self._bits(sides.positive), self._bits(sides.negative))

    def sign(self, sign: int) -> int:
        """Where the sign of an output weight goes."""
        return -sign if self.flips else sign

    def vector(self, values: Sequence[Signed]) -> tuple[Signed, ...]:
        """Where a vector over the points goes, such as the residuals; flips change its sign."""
        moved = list(values)
        for i, place in enumerate(self.points):
            moved[place] = -values[i] if self.flips else values[i]
        return tuple(moved)

    def _bits(self, bits: int) -> int:
        return sum(1 << place for i, place in enumerate(self.points) if bits >> i & 1)


def symmetries(landscape: UnitLandscape) -> tuple[Symmetry, ...]:
    """All symmetries, the identity first.

    An affine map is fixed by the images of a basis, so all images of one basis are tried; each
    point can only go to one of equal weight and fitting target.
    """
    found = [
        Symmetry(points, flips) for flips in (False, True) for points in _maps(landscape, flips)
    ]
    return identity_first(found, landscape.size)


def identity_first(found: Iterable[Symmetry], size: int) -> tuple[Symmetry, ...]:
    """Symmetries of so many points in a fixed order."""
    identity = tuple(range(size))
    return tuple(sorted(found, key=lambda s: (s.flips, s.points != identity, s.points)))


def _maps(landscape: UnitLandscape, flips: bool) -> Iterator[tuple[int, ...]]:
    points, weights = landscape.arrangement.points, landscape.weights
    total = sum((y * w for y, w in zip(landscape.targets, weights, strict=True)), ZERO)
    twice = 2 * total / sum(weights)
    wanted = [twice - y for y in landscape.targets] if flips else list(landscape.targets)
    fits = [
        [
            k
            for k in range(landscape.size)
            if weights[k] == weights[i] and landscape.targets[k] == wanted[i]
        ]
        for i in range(landscape.size)
    ]
    basis = _basis(points)
    inverse = fmpq_mat([list(points[i]) for i in basis]).inv()
    place = {point: k for k, point in enumerate(points)}

    def images(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(chosen) == len(basis):
            if rank([points[k] for k in chosen]) == len(basis):
                yield chosen
            return
        for k in fits[basis[len(chosen)]]:
            if k not in chosen:
                yield from images((*chosen, k))

    for chosen in images(()):
        moved = inverse * fmpq_mat([list(points[k]) for k in chosen])
        targets: list[int] = []
        for i, point in enumerate(points):
            image = _times(point, moved)
            k = place.get(image)
            if k is None or k not in fits[i]:
                break
            targets.append(k)
        else:
            yield tuple(targets)


def _basis(points: tuple[Vector, ...]) -> list[int]:
    """Indices of independent points that span all."""
    chosen: list[int] = []
    for i in range(len(points)):
        if rank([points[k] for k in (*chosen, i)]) > len(chosen):
            chosen.append(i)
    return chosen


def _times(point: Vector, matrix: fmpq_mat) -> Vector:
    row: fmpq_mat = fmpq_mat([list(point)]) * matrix
    values: list[fmpq] = [row[0, j] for j in range(len(point))]
    return tuple(values)
