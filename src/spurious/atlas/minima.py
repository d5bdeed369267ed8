"""Families of local minima: their dimension, their kind, and one exact point of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Final

from flint import fmpq

from spurious.atlas.fits import Fit, Fits, members
from spurious.atlas.landscape import UnitLandscape
from spurious.atlas.points import point_from_coefficients
from spurious.atlas.states import UnitState
from spurious.atlas.strata import Class, Strata, Stratum
from spurious.atlas.symmetry import Symmetry
from spurious.exact.rationals import Vector, fraction, rank
from spurious.problem import Point

CELL_LIMIT: Final = 100_000
"""Most cells counted for one family."""


@dataclass(frozen=True, slots=True)
class Family:
    """Local minima with one loss and one fitted vector: a connected set, and its permutations.

    Permuting hidden units gives minima that do the same. They belong to the family, whether or not
    a path of minima leads to them: up to the order of units it is connected (Theorem 12).

    Attributes:
        loss: The loss; with the logistic loss, the middle of an interval.
        loss_radius: Half the interval's width; 0 where the loss is exact.
        outputs: The network's output at each data point whose weight is not 0, in their order;
            rounded where not exact.
        dimension: The largest dimension of a part of the family, in the network's parameters.
        dead_units: Hidden units without effect on the data at `point`: off on all of it, or with
            output weight 0.
        blind_spots: Data points, if their weight is not 0, where no unit with an effect is active,
            at `point`.
        differentiable: Whether the loss is differentiable at some point of the family.
        cells: How many closed activation cells hold a point of the family; None if more than
            100,000.
        orbit: How many families there are like it, up to the symmetries of the data.
        connected: Whether it is known to be connected up to the order of units, and to be all of
            its component.
        point: A point of the family, where the loss is differentiable if possible; rounded
            where the family has no rational point.
    """

    loss: Fraction
    loss_radius: Fraction
    outputs: tuple[Fraction, ...]
    dimension: int
    dead_units: int
    blind_spots: tuple[int, ...]
    differentiable: bool
    cells: int | None
    orbit: int
    connected: bool
    point: Point


def families(
    landscape: UnitLandscape,
    projector: Fits,
    fit: Fit,
    strata: Strata,
    symmetries: Sequence[Symmetry],
) -> tuple[Family, ...]:
    """Describes the families of one fitted vector, one for each orbit of symmetries.

    Args:
        landscape: The data.
        projector: For linear algebra on generators.
        fit: The fitted vector.
        strata: The strata of that vector.
        symmetries: All symmetries of the data.
    """
    describe = _Describer(landscape, projector, fit, strata.classes)
    images = len({symmetry.vector(fit.residual) for symmetry in symmetries})
    found: list[Family] = []
    for orbit in orbits_of_parts(strata, fit.residual, symmetries):
        count = images * len(orbit)
        found.append(describe.family(sorted(orbit[0]), count, strata.complete))
    return tuple(found)


def orbits_of_parts(
    strata: Strata, residual: Vector, symmetries: Sequence[Symmetry]
) -> tuple[tuple[frozenset[Stratum], ...], ...]:
    """The families of strata, grouped by the symmetries that keep the fitted vector.

    In the order of `families`.
    """
    keeping = [s for s in symmetries if s.vector(residual) == residual]
    found: list[tuple[frozenset[Stratum], ...]] = []
    seen: set[frozenset[Stratum]] = set()
    for part in map(frozenset, strata.families):
        if part in seen:
            continue
        images = [part]
        if strata.complete:
            images = list(dict.fromkeys(_moved(part, strata.classes, s) for s in keeping))
        seen.update(images)
        found.append(tuple(images))
    return tuple(found)


def _moved(
    part: frozenset[Stratum], classes: Sequence[Class], symmetry: Symmetry
) -> frozenset[Stratum]:
    """The image of a family under a symmetry that keeps the fitted vector."""
    place = {state: k for k, cls in enumerate(classes) for state in cls.states}
    moves = [
        place[UnitState(symmetry.sign(cls.states[0].sign), symmetry.sides(cls.states[0].sides))]
        for cls in classes
    ]
    return frozenset(Stratum(tuple(sorted(moves[k] for k in item.classes))) for item in part)


class _Describer:
    """What all families of one fitted vector share."""

    def __init__(
        self, landscape: UnitLandscape, projector: Fits, fit: Fit, classes: Sequence[Class]
    ) -> None:
        self.landscape = landscape
        self.projector = projector
        self.fit = fit
        self.classes = classes
        self.inputs = landscape.inputs
        self.full = (1 << landscape.size) - 1
        self._ranks: dict[int, int] = {}
        self._freedom = [max(self._free(state) for state in cls.states) for cls in classes]
        self._smooth = [any(self._differentiable(state) for state in cls.states) for cls in classes]

    def family(self, part: Sequence[Stratum], orbit: int, connected: bool) -> Family:
        """The description of a family's strata."""
        chosen = max(
            part,
            key=lambda item: (self._is_smooth(item), self._dimension(item), item.classes),
        )
        states = [self._typical(self.classes[k]) for k in chosen.classes]
        idle = [not self.classes[k].generators for k in chosen.classes]
        return Family(
            loss=fraction(self.fit.loss),
            loss_radius=fraction(self.fit.radius),
            outputs=self._outputs(),
            dimension=max(self._dimension(item) for item in part),
            dead_units=sum(idle),
            blind_spots=self._blind_spots(states, idle),
            differentiable=self._is_smooth(chosen),
            cells=self._cells(part) if connected else None,
            orbit=orbit,
            connected=connected,
            point=self._point(states, idle),
        )

    def _generators(self, item: Stratum) -> int:
        bits = 0
        for k in item.classes:
            bits |= self.classes[k].generators
        return bits

    def _free(self, state: UnitState) -> int:
        """The dimension of a unit's state: incoming weights, and the output weight if not 0."""
        arrangement = self.landscape.arrangement
        hidden_from_data = self.inputs + 1 - len(arrangement.coordinates)
        return arrangement.dimension(state.sides) + hidden_from_data + (state.sign != 0)

    def _dimension(self, item: Stratum) -> int:
        """Freedom of the units and the output bias, less one for each independent equation."""
        generators = self._generators(item)
        if generators not in self._ranks:
            rows = [[fmpq(v) for v in self.projector.centred(k)] for k in members(generators)]
            self._ranks[generators] = rank(rows)
        return sum(self._freedom[k] for k in item.classes) - self._ranks[generators]

    def _differentiable(self, state: UnitState) -> bool:
        """With output weight 0, or off all kinks."""
        return state.sign == 0 or state.sides.positive | state.sides.negative == self.full

    def _is_smooth(self, item: Stratum) -> bool:
        return all(self._smooth[k] for k in item.classes)

    def _typical(self, cls: Class) -> UnitState:
        """A state of a class: off the kinks if there is one, and of the largest dimension."""
        return max(cls.states, key=lambda s: (self._differentiable(s), self._free(s), s))

    def _outputs(self) -> tuple[Fraction, ...]:
        values: dict[int, Fraction] = {}
        for members_, r, y in zip(
            self.landscape.groups, self.fit.residual, self.landscape.targets, strict=True
        ):
            values.update(dict.fromkeys(members_, fraction(r + y)))
        return tuple(value for _, value in sorted(values.items()))

    def _blind_spots(self, states: Sequence[UnitState], idle: Sequence[bool]) -> tuple[int, ...]:
        if self.landscape.slopes[1] != 0:
            return ()
        active = 0
        for state, without in zip(states, idle, strict=True):
            if not without:
                active |= state.sides.positive
        return tuple(
            sorted(
                i
                for k, group in enumerate(self.landscape.groups)
                if not active >> k & 1
                for i in group
            )
        )

    def _cells(self, part: Sequence[Stratum]) -> int | None:
        """How many multisets of signed chambers have a point of the strata in their closure."""
        options = [self._chambers_around(cls) for cls in self.classes]
        cells: set[tuple[int, ...]] = set()
        for item in part:
            size = 1
            for k in item.classes:
                size *= len(options[k])
            if size > CELL_LIMIT:
                return None
            for choice in product(*(options[k] for k in item.classes)):
                cells.add(tuple(sorted(choice)))
            if len(cells) > CELL_LIMIT:
                return None
        return len(cells)

    def _chambers_around(self, cls: Class) -> tuple[int, ...]:
        """Signed chambers, numbered, that a class's states are in the closure of."""
        found: set[int] = set()
        for state in cls.states:
            for k in self.landscape.arrangement.chambers_around(state.sides):
                found.update(2 * k + (sign < 0) for sign in (1, -1) if state.sign in (0, sign))
        return tuple(sorted(found))

    def _point(self, states: Sequence[UnitState], idle: Sequence[bool]) -> Point:
        """A point with these states.

        Raises:
            ArithmeticError: The states do not give the fitted vector.
        """
        generators = 0
        for state, without in zip(states, idle, strict=True):
            if not without:
                rays = self.landscape.arrangement.rays_of(state.sides)
                generators |= self.landscape.generated(state.sign, rays)
        coefficients = self.projector.positive(self.fit, generators, generators)
        if coefficients is None:
            raise ArithmeticError("a stratum has lost its point")
        return point_from_coefficients(
            self.landscape,
            self.projector.centre_of(self.fit),
            coefficients,
            [(state.sign, state.sides) for state in states],
        )
