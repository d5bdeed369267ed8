"""All local minima with one fitted vector: which states occur together, and which are connected.

Everything here is up to the order of the hidden units. A *stratum* is a multiset of m admissible
states together with all points that have these states, in some order, and the fitted vector. For
each order, in the effective parameters, they are the relative interior of a polyhedron, so they are
connected. It is not empty exactly if some coefficients, positive on all generators of its units,
give the fitted vector (Theorem 11): units share a generator by splitting its coefficient.

The set of minima with that fitted vector is the union of the strata. Two strata are in contact if
their units can be paired so that each state touches its partner's; the families are the connected
components of that graph (Theorem 12). In parameter space a family is one connected set and its
images under permutations of units, which may be disjoint from it. States that contribute nothing
move without the others, so those that are connected to one another count as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import prod
from typing import Final

from spurious.atlas.fits import Fit, Fits
from spurious.atlas.landscape import UnitLandscape
from spurious.atlas.states import UnitState, admissible_states

FACE_LIMIT: Final = 20_000
"""Most faces examined for one fitted vector."""

STRATA_LIMIT: Final = 5_000
"""Most strata of one fitted vector that are grouped into families."""


@dataclass(frozen=True, slots=True, order=True)
class Class:
    """States that count as one: a single one, or connected ones that contribute nothing.

    Attributes:
        states: In increasing order.
        generators: What a unit in these states contributes with, as bits; 0 for nothing.
    """

    states: tuple[UnitState, ...]
    generators: int


@dataclass(frozen=True, slots=True, order=True)
class Stratum:
    """A multiset of classes.

    Attributes:
        classes: Indices, one for each unit, in increasing order.
    """

    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Strata:
    """The minima with one fitted vector.

    Attributes:
        classes: The classes of states.
        families: The strata of each family, connected up to the order of units; at least one.
        complete: Whether all strata were listed; if not, `families` holds one with some of them,
            and how many there are in truth is not known.
    """

    classes: tuple[Class, ...]
    families: tuple[tuple[Stratum, ...], ...]
    complete: bool

    def states(self) -> list[tuple[UnitState, ...]]:
        """Every combination of unit states, each in increasing order, and in that order."""
        seen: set[tuple[UnitState, ...]] = set()
        for part in self.families:
            for stratum in part:
                choices = (self.classes[k].states for k in stratum.classes)
                seen.update(tuple(sorted(states)) for states in product(*choices))
        return sorted(seen)


def find_strata(landscape: UnitLandscape, projector: Fits, fit: Fit, hidden: int) -> Strata | None:
    """All strata of a fitted vector, grouped; None if it belongs to no local minimum.

    Args:
        landscape: The data.
        projector: For linear algebra on generators.
        fit: The fitted vector.
        hidden: Number of hidden units, m >= 1.

    Raises:
        TooManyFacesError: There are more faces than can be examined.
    """
    states = admissible_states(landscape, fit, FACE_LIMIT)
    classes = _classes(landscape, states)
    supports = _Supports(projector, fit)
    found: list[Stratum] = []
    for stratum in _strata(classes, supports, hidden):
        found.append(stratum)
        if len(found) > STRATA_LIMIT:
            return Strata(classes, (tuple(found),), False)
    if not found:
        return None
    return Strata(classes, components(classes, found), True)


def _classes(landscape: UnitLandscape, states: tuple[UnitState, ...]) -> tuple[Class, ...]:
    """Groups states that contribute nothing into connected classes; others stay alone."""
    alone: list[Class] = []
    idle: list[UnitState] = []
    for state in states:
        rays = landscape.arrangement.rays_of(state.sides)
        generators = landscape.generated(state.sign, rays) if state.sign else 0
        if generators:
            alone.append(Class((state,), generators))
        else:
            idle.append(state)
    together = connected(
        len(idle), lambda i, k: idle[i].touches(idle[k]) or idle[k].touches(idle[i])
    )
    grouped = [Class(tuple(idle[i] for i in part), 0) for part in together]
    return (*grouped, *alone)


def _strata(classes: Sequence[Class], supports: _Supports, hidden: int) -> Iterator[Stratum]:
    """All multisets of classes that hold a point with the fitted vector."""
    idle = [k for k, cls in enumerate(classes) if not cls.generators]
    active = [k for k, cls in enumerate(classes) if cls.generators]
    # What is left to come can only add generators of the later classes.
    later = [0] * (len(active) + 1)
    for position in range(len(active) - 1, -1, -1):
        later[position] = later[position + 1] | classes[active[position]].generators

    def sets(start: int, chosen: tuple[int, ...], generators: int) -> Iterator[tuple[int, ...]]:
        if supports.exactly(generators):
            yield chosen
        room = hidden - len(chosen)
        if not room or not supports.within(generators, generators | later[start]):
            return
        for position in range(start, len(active)):
            grown = generators | classes[active[position]].generators
            yield from sets(position + 1, (*chosen, active[position]), grown)

    for chosen in sets(0, (), 0):
        pool = sorted((*idle, *chosen))
        spare = hidden - len(chosen)
        for extra in combinations_with_replacement(pool, spare):
            yield Stratum(tuple(sorted((*chosen, *extra))))


class _Supports:
    """Which sets of generators give the fitted vector with positive coefficients; remembered."""

    def __init__(self, projector: Fits, fit: Fit) -> None:
        self._projector = projector
        self._fit = fit
        self._exactly: dict[int, bool] = {}
        self._within: dict[tuple[int, int], bool] = {}

    def exactly(self, generators: int) -> bool:
        """Whether coefficients positive on all of them do."""
        if generators not in self._exactly:
            found = self._projector.positive(self._fit, generators, generators)
            self._exactly[generators] = found is not None
        return self._exactly[generators]

    def within(self, needed: int, allowed: int) -> bool:
        """Whether coefficients do that are positive on some and nonnegative on others."""
        key = (needed, allowed)
        if key not in self._within:
            found = self._projector.positive(self._fit, needed, allowed)
            self._within[key] = found is not None
        return self._within[key]


def components(
    classes: Sequence[Class], found: Sequence[Stratum]
) -> tuple[tuple[Stratum, ...], ...]:
    """The connected components of the strata, up to the order of units."""
    touches = [
        [
            a == b or any(mine.touches(other) for mine in one.states for other in two.states)
            for b, two in enumerate(classes)
        ]
        for a, one in enumerate(classes)
    ]

    reach = [sum(1 << b for b, near in enumerate(row) if near) for row in touches]
    held = [sum(1 << k for k in set(item.classes)) for item in found]

    lower = [[a for a in range(len(classes)) if touches[a][b]] for b in range(len(classes))]
    place = {item.classes: i for i, item in enumerate(found)}
    parent = list(range(len(found)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    def below(k: int) -> Iterator[int]:
        """All strata below one: by their names, or, if these are more, by comparing all."""
        two = found[k].classes
        if prod(len(lower[c]) for c in two) <= len(found):
            for choice in product(*(lower[c] for c in two)):
                i = place.get(tuple(sorted(choice)))
                if i is not None:
                    yield i
            return
        for i, item in enumerate(found):
            one = item.classes
            if root(i) == root(k) or not all(reach[c] & held[k] for c in one):
                continue
            if _matches(touches, one, two):
                yield i

    for k in range(len(found)):
        for i in below(k):
            parent[root(i)] = root(k)
    parts: dict[int, list[Stratum]] = {}
    for k, item in enumerate(found):
        parts.setdefault(root(k), []).append(item)
    return tuple(map(tuple, parts.values()))


def _matches(touches: Sequence[Sequence[bool]], one: Sequence[int], two: Sequence[int]) -> bool:
    """Whether units can be paired so that each state of the first touches its partner's."""
    if not one:
        return True
    head, rest = one[0], one[1:]
    return any(
        touches[head][other] and _matches(touches, rest, (*two[:k], *two[k + 1 :]))
        for k, other in enumerate(two)
        if other not in two[:k]
    )


def connected(count: int, contact: Callable[[int, int], bool]) -> tuple[tuple[int, ...], ...]:
    """The connected components of a graph on 0, ..., count - 1."""
    left = set(range(count))
    parts: list[tuple[int, ...]] = []
    while left:
        fresh = [min(left)]
        left.discard(fresh[0])
        part: list[int] = []
        while fresh:
            node = fresh.pop()
            part.append(node)
            near = [other for other in left if contact(node, other)]
            left.difference_update(near)
            fresh.extend(near)
        parts.append(tuple(sorted(part)))
    return tuple(parts)
