"""Families of local minima: their dimension, their kind, and one exact point of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Final, Protocol

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
            rounded where not exact. With the hinge loss those at `point`: others of the family may
            have other ones.
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


class Level(Protocol):
    """Minima of one loss, as far as the generators of their units are concerned."""

    @property
    def loss(self) -> fmpq:
        """The loss."""
        ...

    @property
    def radius(self) -> fmpq:
        """How far it may be from the number given; 0 if it is exact."""
        ...

    def equations(self, generators: int) -> int:
        """How many independent equations the coefficients of generators and c have to satisfy."""
        ...

    def bends(self, generators: int) -> bool:
        """Whether the loss bends in the outputs at all minima with these generators."""
        ...

    def outputs(self, generators: int) -> Vector:
        """Outputs at the different inputs, shape (n,), at the point of `coefficients`."""
        ...

    def coefficients(self, generators: int) -> tuple[fmpq, Mapping[int, fmpq]]:
        """The mean output, and positive coefficients of these centred generators, of a minimum.

        Raises:
            ArithmeticError: There is none.
        """
        ...


class FitLevel:
    """Minima with one fitted vector."""

    def __init__(self, landscape: UnitLandscape, projector: Fits, fit: Fit) -> None:
        self._landscape = landscape
        self._projector = projector
        self._fit = fit
        self._ranks: dict[int, int] = {}

    @property
    def loss(self) -> fmpq:
        """Of the fitted vector."""
        return self._fit.loss

    @property
    def radius(self) -> fmpq:
        """Of the loss."""
        return self._fit.radius

    def equations(self, generators: int) -> int:
        """The rank of the generators and the constant: the fitted vector is fixed."""
        if generators not in self._ranks:
            rows = [[fmpq(v) for v in self._projector.centred(k)] for k in members(generators)]
            self._ranks[generators] = rank(rows) + 1
        return self._ranks[generators]

    def bends(self, generators: int) -> bool:  # noqa: ARG002  (other losses bend)
        """Never."""
        return False

    def outputs(self, generators: int) -> Vector:  # noqa: ARG002  (here all have the same)
        """The fitted vector."""
        return tuple(
            r + y for r, y in zip(self._fit.residual, self._landscape.targets, strict=True)
        )

    def coefficients(self, generators: int) -> tuple[fmpq, Mapping[int, fmpq]]:
        """Of the fitted vector."""
        found = self._projector.positive(self._fit, generators, generators)
        if found is None:
            raise ArithmeticError("a stratum has lost its point")
        return self._projector.centre_of(self._fit), found


def families(
    landscape: UnitLandscape,
    level: Level,
    strata: Strata,
    keeping: Sequence[Symmetry],
    images: int,
) -> tuple[Family, ...]:
    """Describes the families of one level, one for each orbit of symmetries.

    Args:
        landscape: The data.
        level: What the minima have in common.
        strata: All their strata.
        keeping: The symmetries of the data that map these minima to one another.
        images: How many such levels there are, up to all symmetries.
    """
    describe = _Describer(landscape, level, strata.classes)
    return tuple(
        describe.family(sorted(orbit[0]), images * len(orbit), strata.complete)
        for orbit in orbits_of_parts(strata, keeping)
    )


def keepers(fit: Fit, symmetries: Sequence[Symmetry]) -> tuple[Symmetry, ...]:
    """The symmetries that keep a fitted vector."""
    return tuple(s for s in symmetries if s.vector(fit.residual) == fit.residual)


def orbits_of_parts(
    strata: Strata, keeping: Sequence[Symmetry]
) -> tuple[tuple[frozenset[Stratum], ...], ...]:
    """The families of strata, grouped by symmetries that map them to one another.

    In the order of `families`.
    """
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
    """The image of a family under a symmetry that maps the strata to one another."""
    place = {state: k for k, cls in enumerate(classes) for state in cls.states}
    moves = [
        place[UnitState(symmetry.sign(cls.states[0].sign), symmetry.sides(cls.states[0].sides))]
        for cls in classes
    ]
    return frozenset(Stratum(tuple(sorted(moves[k] for k in item.classes))) for item in part)


class _Describer:
    """What all families of one level share."""

    def __init__(self, landscape: UnitLandscape, level: Level, classes: Sequence[Class]) -> None:
        self.landscape = landscape
        self.level = level
        self.classes = classes
        self.inputs = landscape.inputs
        self.full = (1 << landscape.size) - 1
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
        generators = self._generators(chosen)
        return Family(
            loss=fraction(self.level.loss),
            loss_radius=fraction(self.level.radius),
            outputs=self._outputs(generators),
            dimension=max(self._dimension(item) for item in part),
            dead_units=sum(idle),
            blind_spots=self._blind_spots(states, idle),
            differentiable=self._is_smooth(chosen),
            cells=self._cells(part) if connected else None,
            orbit=orbit,
            connected=connected,
            point=self._point(states, generators),
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
        equations = self.level.equations(self._generators(item))
        return sum(self._freedom[k] for k in item.classes) + 1 - equations

    def _differentiable(self, state: UnitState) -> bool:
        """With output weight 0, or off all kinks."""
        return state.sign == 0 or state.sides.positive | state.sides.negative == self.full

    def _is_smooth(self, item: Stratum) -> bool:
        if not all(self._smooth[k] for k in item.classes):
            return False
        return not self.level.bends(self._generators(item))

    def _typical(self, cls: Class) -> UnitState:
        """A state of a class: off the kinks if there is one, and of the largest dimension."""
        return max(cls.states, key=lambda s: (self._differentiable(s), self._free(s), s))

    def _outputs(self, generators: int) -> tuple[Fraction, ...]:
        values: dict[int, Fraction] = {}
        for members_, output in zip(
            self.landscape.groups, self.level.outputs(generators), strict=True
        ):
            values.update(dict.fromkeys(members_, fraction(output)))
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

    def _point(self, states: Sequence[UnitState], generators: int) -> Point:
        """A point with these states, whose generators are given.

        Raises:
            ArithmeticError: There is none.
        """
        mean, coefficients = self.level.coefficients(generators)
        return point_from_coefficients(
            self.landscape,
            mean,
            coefficients,
            [(state.sign, state.sides) for state in states],
        )
