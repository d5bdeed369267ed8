"""Lists of minima as weight decay grows: which family of one is which of the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import sqrt

import numpy as np

from spurious.atlas import PenalisedAtlas, PenalisedFamily

CLOSE = 0.25
"""Families are one if their outputs differ by at most this, against the targets' spread."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A family followed as the decay changes.

    Attributes:
        l2: The decays, ascending.
        families: The family at each.
    """

    l2: tuple[Fraction, ...]
    families: tuple[PenalisedFamily, ...]


def linked(left: PenalisedAtlas, right: PenalisedAtlas) -> dict[int, int]:
    """Which family of one list goes on as which of another: each other's nearest, and compatible.

    Args:
        left: At one decay.
        right: At the next.

    Returns:
        Places in `left.minima` and in `right.minima`.
    """
    spread = max(1.0, float(np.ptp([float(y) for (y,) in left.loss.data.y])))
    away = np.full((len(left.minima), len(right.minima)), np.inf)
    for i, a in enumerate(left.minima):
        for j, b in enumerate(right.minima):
            if _compatible(a, b):
                moved = np.array(a.outputs, dtype=float) - np.array(b.outputs, dtype=float)
                away[i, j] = float(np.abs(moved).max()) / spread
    found: dict[int, int] = {}
    for i in range(len(left.minima)):
        j = int(away[i].argmin()) if away.shape[1] else -1
        if j >= 0 and away[i, j] < CLOSE and int(away[:, j].argmin()) == i:
            found[i] = j
    return found


def _compatible(a: PenalisedFamily, b: PenalisedFamily) -> bool:
    """Whether units can be paired so that no data point is on opposite sides."""
    if a.directions != b.directions or a.orbit != b.orbit:
        return False
    left = list(b.units)
    for sign, sides in a.units:
        match = next(
            (
                unit
                for unit in left
                if unit[0] == sign and all(s * t >= 0 for s, t in zip(sides, unit[1], strict=True))
            ),
            None,
        )
        if match is None:
            return False
        left.remove(match)
    return True


def refined_grid(
    make: Callable[[Fraction], PenalisedAtlas], grid: Sequence[Fraction], ratio: float
) -> dict[Fraction, PenalisedAtlas]:
    """Lists at a grid of decays, finer where families begin or end.

    Args:
        make: The list at a decay.
        grid: Ascending.
        ratio: Neighbouring decays are nearer than this wherever the lists do not match.
    """
    found = {l2: make(l2) for l2 in grid}
    waiting = list(pairwise(grid))
    while waiting:
        low, high = waiting.pop()
        links = linked(found[low], found[high])
        whole = len(links) == len(found[low].minima) == len(found[high].minima)
        if whole or high / low < ratio:
            continue
        middle = Fraction(f"{sqrt(low * high):.6g}")
        found[middle] = make(middle)
        waiting += [(low, middle), (middle, high)]
    return dict(sorted(found.items()))


def follow(lists: dict[Fraction, PenalisedAtlas]) -> list[Followed]:
    """The families followed through all lists.

    Args:
        lists: For each decay, ascending.
    """
    open_: dict[int, list[tuple[Fraction, PenalisedFamily]]] = {}
    done: list[list[tuple[Fraction, PenalisedFamily]]] = []
    before: PenalisedAtlas | None = None
    for l2, atlas in lists.items():
        links = {} if before is None else linked(before, atlas)
        goes_on = {links[i]: chain for i, chain in open_.items() if i in links}
        done += [chain for i, chain in open_.items() if i not in links]
        open_ = {}
        for j, family in enumerate(atlas.minima):
            open_[j] = [*goes_on.get(j, []), (l2, family)]
        before = atlas
    done += open_.values()
    return [
        Followed(tuple(l2 for l2, _ in chain), tuple(family for _, family in chain))
        for chain in done
    ]
