"""How often training with weight decay ends in each family of a list of minima."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.atlas.decay.atlas import PenalisedAtlas
from spurious.atlas.decay.families import symmetries
from spurious.atlas.decay.floats import FloatModel
from spurious.atlas.decay.setting import describe
from spurious.atlas.random_starts import CHUNK, from_random_starts
from spurious.train import Recipe, train
from spurious.train.batched import preactivations
from spurious.train.polish import polish
from spurious.verdict import Answer

Floats = npt.NDArray[np.float64]

UPDATES: Final = 10_000

POLISHES: Final = 2
"""How often the ends are polished in a row."""

NUDGES: Final = (1e-3, 1e-2, 1e-2)
"""Standard deviations of the noise, one after the other."""

NEAR: Final = 1e-4
"""A run is at a family if their outputs differ by at most this share of the targets' spread."""

AT_ZERO: Final = 1e-3
"""A unit is at zero if |v| |(w, b)|, or |v| |w| where b costs nothing, is below this share of the
family's least at work."""

LEVEL: Final = 1e-6
"""By how much what a unit would gain by leaving may seem to exceed what it costs."""

TINY: Final = 1e-3
"""What takes the place of the family's least where a run is at no family: at least this."""


@dataclass(frozen=True, slots=True)
class DecayBasins:
    """What runs from random starts ended in.

    Attributes:
        runs: Number of starts.
        hits: For each family of the list how many ended in it or an image of it.
        resting: Runs that ended with units at zero that could leave and lower the loss: such
            points are no minima, but a unit that is off on all data shrinks to zero and stays
            there; by loss, rounded.
        unknown: All other runs, by loss.
    """

    runs: int
    hits: tuple[int, ...]
    resting: dict[str, int]
    unknown: dict[str, int]


def measure_decay_basins(
    atlas: PenalisedAtlas,
    runs: int,
    seed: int,
    *,
    spread: float = 1.0,
    threads: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> DecayBasins:
    """Trains from random starts and looks up where each run ends.

    All weights and biases start normal with a given standard deviation; Adam with step size 0.01
    makes 10,000 updates in float64 on the penalised loss; then each run is polished (`settled`).

    Args:
        atlas: The list.
        runs: Number of starts.
        seed: From 0 to 2^64 - 1.
        spread: The standard deviation.
        threads: Changes no result.
        progress: Called with the number of runs done.

    Raises:
        InputError: The points have weights, or the loss is a mean, which is not trained here.
    """
    recipe = from_random_starts(atlas.loss, spread, UPDATES)
    lookup = Lookup(atlas, recipe)
    hits: Counter[int] = Counter()
    resting: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for first in range(0, runs, CHUNK):
        count = min(CHUNK, runs - first)
        started = train(recipe, seed, first, count, threads=threads).parameters
        at, losses = settled(lookup, started, seed, threads=threads)
        for place, loss in zip(lookup.places(at), losses.tolist(), strict=True):
            if place is not None and place >= 0:
                hits[place] += 1
            else:
                (unknown if place is None else resting)[f"{loss:.5g}"] += 1
        progress(first + count)
    return DecayBasins(
        runs,
        tuple(hits[k] for k in range(len(atlas.minima))),
        dict(sorted(resting.items())),
        dict(sorted(unknown.items())),
    )


def settled(
    lookup: Lookup, parameters: Floats, seed: int, *, threads: int = 1
) -> tuple[Floats, Floats]:
    """Where descent from parameters ends: polished, and pushed on where floats creep along a kink.

    Args:
        lookup: Of the list; runs that end at none of its families are moved by a little noise.
        parameters: Shape (N, P).
        seed: Of the noise.
        threads: Changes no result.

    Returns:
        Parameters, shape (N, P), and losses, (N,).
    """
    recipe, noise = lookup.recipe, np.random.default_rng(seed)
    at, losses = parameters.copy(), np.zeros(len(parameters))
    lost = np.arange(len(parameters))
    for nudge in (0.0, *NUDGES):
        moved = at[lost] + nudge * noise.standard_normal((len(lost), at.shape[1]))
        for _ in range(POLISHES):
            ends = polish(recipe, moved, threads=threads)
            moved = ends.parameters
            losses[lost] = ends.loss
        at[lost] = moved
        places = lookup.places(moved)
        lost = lost[[place is None for place in places]]
        if not len(lost):
            break
    return at, losses


class Lookup:
    """Outputs of all families and their images."""

    def __init__(self, atlas: PenalisedAtlas, recipe: Recipe) -> None:
        self.recipe = recipe
        setting = describe(atlas.loss)
        self.floats = FloatModel(setting)
        self.first = [group[0] for group in setting.groups]
        values, places = list[tuple[float, ...]](), list[int]()
        for k, family in enumerate(atlas.minima):
            outputs = [float(family.outputs[i]) for i in self.first]
            for symmetry in symmetries(setting):
                values.append(symmetry.vector(outputs))
                places.append(k)
        values.append((np.inf,) * len(self.first))  # far from everything
        places.append(-1)
        self.values, self.families = np.array(values), np.array(places)
        points = np.array([[float(v) for v in f.point] for f in atlas.minima])
        points = points.reshape(len(atlas.minima), recipe.network.parameter_count)
        sizes = _sizes(recipe, points, bias=not setting.free)
        self.least = [float(np.min(own[own > 0], initial=np.inf)) for own in sizes]
        self.rests = [family.rests is Answer.YES for family in atlas.minima]
        targets = np.array([float(y) for (y,) in atlas.loss.data.y])
        self.near = NEAR * max(1.0, float(np.ptp(targets)))

    def places(self, at: Floats) -> list[int | None]:
        """For each run its family; -1 if units are at zero and could leave; None if unknown.

        Args:
            at: Parameters, shape (N, P).
        """
        layers = preactivations(self.recipe, at)
        found = layers[-1][:, self.first, 0]
        away = np.abs(found[:, None, :] - self.values).max(axis=2)
        best = away.argmin(axis=1)
        sizes = _sizes(self.recipe, at, bias=not self.floats.setting.free)
        stay = self._stay(layers[0][:, self.first], found)
        places: list[int | None] = []
        for k, entry in enumerate(best.tolist()):
            family = int(self.families[entry])
            hit = bool(away[k, entry] <= self.near)
            at_work = self.least[family] if hit else max(float(sizes[k].max()), TINY)
            idle = bool(((sizes[k] < AT_ZERO * at_work) & ~stay[k]).any())
            if hit and (self.rests[family] or not idle):
                places.append(family)
            else:
                places.append(-1 if idle else None)
        return places

    def _stay(self, z: Floats, outputs: Floats) -> npt.NDArray[np.bool_]:
        """Whether a unit would stay if it were at zero for its bias (Theorem 42), shape (N, m).

        Args:
            z: Pre-activations, shape (N, n, m).
            outputs: Shape (N, n).
        """
        setting = self.floats.setting
        if not setting.free:
            return np.zeros((len(z), z.shape[2]), dtype=bool)
        high, low = (abs(float(s)) for s in setting.loss.network.slopes)
        pull = self.floats.losses(outputs)[1] @ setting.float_points[:, :-1]
        gain = np.linalg.norm(pull, axis=1)[:, None]
        slope = np.where((z > 0).all(1), high, np.where((z < 0).all(1), low, np.inf))
        with np.errstate(invalid="ignore"):
            return slope * gain <= self.floats.kappa * (1 + LEVEL)


def _sizes(recipe: Recipe, at: Floats, *, bias: bool) -> Floats:
    """|v| |(w, b)| of every unit, or |v| |w|, shape (N, m), from parameters (N, P)."""
    network = recipe.network
    d, m = network.inputs, network.hidden[0]
    w, b, v = at[:, : d * m].reshape(len(at), m, d), at[:, d * m : d * m + m], at[:, -m - 1 : -1]
    return np.abs(v) * np.sqrt((w * w).sum(2) + bias * b * b)
