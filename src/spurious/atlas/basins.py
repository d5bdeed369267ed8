"""How often training ends in each family of an atlas: random starts, descent, exact comparison."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.atlas.arrangement import Sides
from spurious.atlas.atlas import Atlas
from spurious.atlas.cells import CellCounts
from spurious.atlas.fits import Fit
from spurious.atlas.minima import keepers, orbits_of_parts
from spurious.atlas.parts import Setting, prepare
from spurious.atlas.random_starts import CHUNK, from_random_starts
from spurious.atlas.states import UnitState
from spurious.atlas.strata import Stratum, find_strata
from spurious.atlas.symmetry import Symmetry
from spurious.certify.decide import prove
from spurious.errors import InputError
from spurious.exact.rationals import Vector, rational
from spurious.proof import Proof
from spurious.train import Recipe, train
from spurious.train.batched import preactivations
from spurious.train.polish import polish
from spurious.verdict import Decision

Floats = npt.NDArray[np.float64]

POLISHES: Final = 5
"""How often a run that is at no entry of the atlas is polished again."""

UPDATES: Final = 20_000

NEAR: Final = 1e-5
"""A run is at an entry if their outputs differ by at most this share of the targets' spread."""

ON_KINK: Final = 1e-5
"""A point is on a unit's kink if its pre-activation is below this share of |(w, b)| |(x, 1)|."""


@dataclass(frozen=True, slots=True)
class Basins:
    """What runs from random starts ended in.

    Attributes:
        runs: Number of starts.
        hits: For each family of the atlas how many ended in it or in an image of it under a
            symmetry of the data.
        unplaced: Runs with the loss and outputs of an entry, whose family among several with these
            outputs could not be told in floats; by loss.
        descending: Runs that stopped where the loss provably still falls in some direction (as
            polishing in floats does when it creeps along kinks), by loss, rounded.
        unknown: All other runs, by loss.
    """

    runs: int
    hits: tuple[int, ...]
    unplaced: dict[str, int]
    descending: dict[str, int]
    unknown: dict[str, int]


def measure_basins(
    atlas: Atlas,
    runs: int,
    seed: int,
    *,
    spread: float = 1.0,
    threads: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Basins:
    """Trains from random starts and looks up where each run ends.

    All weights and biases start normal with a given standard deviation; Adam with step size 0.01
    makes 20,000 updates in float64; then each run is polished (`spurious.train.polish`). Basins
    depend on the optimiser; the list of minima does not.

    Args:
        atlas: Of `spurious.atlas.atlas`.
        runs: Number of starts.
        seed: From 0 to 2^64 - 1.
        spread: The standard deviation.
        threads: Changes no result.
        progress: Called with the number of runs done.

    Raises:
        InputError: The points have weights, the loss is a mean, or the hinge loss.
    """
    if atlas.loss == "hinge":
        raise InputError("starts: found the hinge loss, whose minima no outputs tell apart; use 0")
    recipe = from_random_starts(atlas.asked, spread, UPDATES)
    lookup = _Lookup(atlas, recipe)
    hits: Counter[int] = Counter()
    unplaced: Counter[str] = Counter()
    descending: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for first in range(0, runs, CHUNK):
        count = min(CHUNK, runs - first)
        ends = train(recipe, seed, first, count, threads=threads)
        at = ends.parameters
        for _ in range(POLISHES):
            at = polish(recipe, at, threads=threads).parameters
            found = lookup.find(at)
            hits.update(place for place in found.places if place is not None)
            unplaced.update(found.ambiguous)
            at = at[found.entry < 0]
            if not len(at):
                break
        found = lookup.find(at)
        for label, parameters in zip(found.unsettled, at[found.entry < 0], strict=True):
            where = {Fate.AT_ENTRY: unplaced, Fate.DESCENDING: descending, Fate.UNKNOWN: unknown}
            where[lookup.judge(parameters)][label] += 1
        progress(first + count)
    return Basins(
        runs,
        tuple(hits[k] for k in range(len(atlas.minima))),
        dict(sorted(unplaced.items())),
        dict(sorted(descending.items())),
        dict(sorted(unknown.items())),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A fitted vector of the atlas and what tells its families apart.

    Attributes:
        residual: Output minus target at each different input.
        place: The family, if there is one only.
        classes: For each state of a unit its class.
        families: For each stratum the family.
    """

    residual: Floats
    place: int
    classes: Mapping[UnitState, int]
    families: Mapping[Stratum, int]


def _entry(setting: Setting, atlas: Atlas, places: Sequence[int]) -> _Entry:
    landscape, projector = setting.landscape, setting.projector
    family = atlas.minima[places[0]]
    residual = tuple(
        rational(family.outputs[group[0]]) - target
        for group, target in zip(landscape.groups, landscape.targets, strict=True)
    )
    floats = np.array([float(r) for r in residual])
    fit = strata = None
    if len(places) > 1:
        fit = _fit(setting, residual)
        strata = find_strata(landscape, projector, fit, setting.hidden)
    if fit is None or strata is None:
        return _Entry(floats, places[0], {}, {})
    orbits = orbits_of_parts(strata, keepers(fit, setting.group))
    if len(orbits) != len(places):
        raise ArithmeticError("the atlas and its strata differ")
    return _Entry(
        floats,
        -1,
        {state: k for k, cls in enumerate(strata.classes) for state in cls.states},
        {
            stratum: place
            for place, orbit in zip(places, orbits, strict=True)
            for part in orbit
            for stratum in part
        },
    )


def _fit(setting: Setting, residual: Vector) -> Fit:
    """The fit with given residuals.

    Raises:
        ArithmeticError: There is none.
    """
    for first in setting.branches:
        setting.solve(first, CellCounts())
    for fit in setting.projector.fits:
        if fit.residual == residual:
            return fit
    raise ArithmeticError("the atlas and its fits differ")


class Fate(enum.Enum):
    """What is proved about a run that floats find at no entry of the atlas."""

    AT_ENTRY = enum.auto()
    DESCENDING = enum.auto()
    UNKNOWN = enum.auto()


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Where networks are.

    Attributes:
        entry: Which fitted vector they have, or -1, shape (N,).
        places: For those that have one, in order, the family; None if it could not be told.
        losses: Shape (N,).
    """

    entry: npt.NDArray[np.int64]
    places: tuple[int | None, ...]
    losses: Floats

    @property
    def unsettled(self) -> list[str]:
        """The rounded losses of networks that are at no entry."""
        return [f"{loss:.6g}" for loss in self.losses[self.entry < 0]]

    @property
    def ambiguous(self) -> list[str]:
        """The rounded losses of networks whose family could not be told."""
        at = self.losses[self.entry >= 0]
        return [f"{loss:.6g}" for loss, place in zip(at, self.places, strict=True) if place is None]


class _Lookup:
    """Finds the families of trained networks."""

    def __init__(self, atlas: Atlas, recipe: Recipe) -> None:
        self.recipe = recipe
        self.setting = prepare(atlas.asked)
        landscape = self.setting.landscape
        self.first = [group[0] for group in landscape.groups]
        self.targets = np.array([float(target) for target in landscape.targets])
        self.weights = np.array(landscape.weights, dtype=np.float64)
        self.unavoidable = float(landscape.unavoidable)
        self.spread = max(float(np.ptp(self.targets)), 1e-12)
        groups: dict[tuple[Fraction, ...], list[int]] = {}
        for k, family in enumerate(atlas.minima):
            groups.setdefault(family.outputs, []).append(k)
        self.entries = [_entry(self.setting, atlas, places) for places in groups.values()]

    def find(self, at: Floats) -> _Found:
        """Where networks with parameters (N, P) are."""
        z, outputs = preactivations(self.recipe, at)
        residuals = outputs[:, self.first, 0] - self.targets
        losses = self.unavoidable + (self.weights * residuals**2).sum(axis=1)
        entry = np.full(len(at), -1)
        symmetry = np.zeros(len(at), np.int64)
        for g, move in enumerate(self.setting.group):
            moved = np.empty_like(residuals)
            moved[:, list(move.points)] = -residuals if move.flips else residuals
            for k, known in enumerate(self.entries):
                far = np.abs(moved - known.residual).max(axis=1)
                near = (entry < 0) & (far <= NEAR * self.spread)
                entry[near], symmetry[near] = k, g
        places: list[int | None] = []
        for row in map(int, np.flatnonzero(entry >= 0)):
            known = self.entries[int(entry[row])]
            place: int | None = known.place
            if known.families:
                move = self.setting.group[int(symmetry[row])]
                place = self._family(known, at[row], z[row][self.first], move)
            places.append(place)
        return _Found(entry, tuple(places), losses)

    def judge(self, parameters: Floats) -> Fate:
        """What can be proved about a network at no entry."""
        values = [Fraction(float(value)) for value in parameters]
        found = prove(self.recipe.problem(values))
        if not isinstance(found, Proof):
            return Fate.UNKNOWN
        if found.claim.decision is Decision.NOT_LOCAL_MINIMUM:
            return Fate.DESCENDING
        exact = np.array([[float(value) for value in found.minimum or values]])
        return Fate.AT_ENTRY if self.find(exact).entry[0] >= 0 else Fate.UNKNOWN

    def _family(self, entry: _Entry, at: Floats, z: Floats, move: Symmetry) -> int | None:
        """The family of a network, moved by a symmetry, from the states of its units."""
        network = self.recipe.network
        d, h = network.inputs, network.hidden[0]
        incoming = at[: d * h].reshape(h, d)
        size = np.sqrt((incoming**2).sum(axis=1) + at[d * h : (d + 1) * h] ** 2)
        outgoing = at[(d + 1) * h : -1]
        x = np.array([[float(v) for v in self.recipe.data.x[i]] for i in self.first])
        reach = np.sqrt(1 + (x**2).sum(axis=1))
        high, low = (float(slope) for slope in network.slopes)
        classes: list[int] = []
        for j in range(h):
            on = np.abs(z[:, j]) <= ON_KINK * size[j] * reach
            sides = move.sides(
                Sides(
                    _bits(~on & (z[:, j] > 0)),
                    _bits(~on & (z[:, j] < 0)),
                )
            )
            contribution = outgoing[j] * np.where(z[:, j] > 0, high, low) * z[:, j]
            idle = np.abs(contribution).max() <= NEAR * self.spread
            signs = (move.sign(int(np.sign(outgoing[j]))), *((0,) if idle else ()))
            found = [
                entry.classes[UnitState(sign, sides)]
                for sign in signs
                if UnitState(sign, sides) in entry.classes
            ]
            if not found:
                return None
            classes.append(found[0])
        return entry.families.get(Stratum(tuple(sorted(classes))))


def _bits(flags: npt.NDArray[np.bool_]) -> int:
    return sum(1 << i for i, flag in enumerate(flags.tolist()) if flag)
