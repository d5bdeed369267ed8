"""Which of the minima of a walk are one family, and which families are images of each other.

Where hidden biases cost nothing one vector of outputs may be that of many sets of regions, so there
outputs that are not told apart count as one family (`docs/mathematics.md`, section 19).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flint import arb

from spurious.atlas.decay.bounds import Enclosed
from spurious.atlas.decay.setting import DecaySetting
from spurious.atlas.decay.walk import Proven, Undecidable, Walk
from spurious.atlas.symmetry import Symmetry, identity_first


def symmetries(setting: DecaySetting) -> tuple[Symmetry, ...]:
    """Maps of the units' space that change neither loss nor penalty, the identity first.

    A permutation of the inputs that keeps all products x^_i.x^_j is that of an orthogonal map of
    the units' space, so it permutes regions; one that turns all targets around does so with the
    signs of units and of the output's bias turned around.
    """
    found = [
        Symmetry(points, flips)
        for flips in (False, True)
        for points in _permutations(setting, flips)
    ]
    return identity_first(found, setting.size)


def moved_regions(setting: DecaySetting, symmetry: Symmetry) -> tuple[int, ...]:
    """Where each region goes."""
    found: list[int] = []
    for region in setting.regions:
        image = setting.region_of[symmetry.sign(region.sign), symmetry.sides(region.sides)]
        assert image is not None
        found.append(image)
    return tuple(found)


def _permutations(setting: DecaySetting, flips: bool) -> Iterator[tuple[int, ...]]:
    products, size = setting.products, setting.size
    kinds = list(zip(setting.above, setting.below, setting.targets, strict=True))
    wanted = kinds
    if flips and setting.squared:
        wanted = [(up, down, -y) for up, down, y in kinds]
    elif flips:
        wanted = [(down, up, y) for up, down, y in kinds]

    def extend(image: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        i = len(image)
        if i == size:
            yield image
            return
        for k in range(size):
            if k in image or kinds[k] != wanted[i] or products[k][k] != products[i][i]:
                continue
            if all(products[k][image[j]] == products[i][j] for j in range(i)):
                yield from extend((*image, k))

    yield from extend(())


NARROW = 1e-20
"""Outputs that are enclosed less well are never those of a known minimum."""


@dataclass(frozen=True, slots=True, eq=False)
class Orbit:
    """Families that are images of one another.

    Attributes:
        minimum: A minimum of one of these families, with as few units at work as any.
        boxes: What encloses that family: of the minimum, and of all that is not told apart from it.
        families: How many families there are.
    """

    minimum: Proven
    boxes: tuple[Enclosed, ...]
    families: int


def up_to_symmetry(walk: Walk) -> tuple[list[Orbit], list[Undecidable]]:
    """One family of each orbit, and the cells that stay undecided."""
    found, seen = list[Orbit](), set[int]()
    families, unclear = _families(walk)
    maps = symmetries(walk.setting)
    images = [moved_regions(walk.setting, s) for s in maps]
    for k, members in enumerate(families):
        if k in seen:
            continue
        orbit = {
            j
            for symmetry, image in zip(maps, images, strict=True)
            for j, other in enumerate(families)
            if _goes(walk.setting, members, other, symmetry, image)
        }
        seen |= orbit
        found.append(Orbit(members.minimum, members.boxes, len(orbit)))
    return found, unclear


def _families(walk: Walk) -> tuple[list[Orbit], list[Undecidable]]:
    if not walk.setting.free:
        return [Orbit(m, (m.enclosed,), 1) for m in walk.minima], walk.undecided
    unclear = [cell for cell in walk.undecided if not _is_narrow(cell.enclosed)]
    groups = list[list[tuple[Proven | Undecidable, Enclosed]]]()
    for item in (*walk.minima, *walk.undecided):
        own = item.enclosed
        if own is not None and (isinstance(item, Proven) or _is_narrow(own)):
            near = [g for g in groups if any(_meet(own.outputs, box.outputs) for _, box in g)]
            groups = [g for g in groups if g not in near]
            groups.append([*(member for g in near for member in g), (item, own)])
    families = list[Orbit]()
    for group in groups:
        minima = [item for item, _ in group if isinstance(item, Proven)]
        if minima:
            first = min(minima, key=lambda m: len(m.cell))
            families.append(Orbit(first, tuple(box for _, box in group), 1))
        else:
            unclear += [item for item, _ in group if isinstance(item, Undecidable)]
    return families, unclear


def _is_narrow(enclosed: Enclosed | None) -> bool:
    """Whether outputs are known well enough to say that they are those of a minimum."""
    return enclosed is not None and all(float(f.rad()) < NARROW for f in enclosed.outputs)


def _goes(
    setting: DecaySetting, family: Orbit, other: Orbit, symmetry: Symmetry, image: Sequence[int]
) -> bool:
    """Whether a symmetry takes one family to another."""
    if not setting.free:
        return other.minimum.explains([image[r] for r in family.minimum.cell])
    moved = symmetry.vector(family.minimum.enclosed.outputs)
    return any(_meet(moved, box.outputs) for box in other.boxes)


def _meet(left: Sequence[arb], right: Sequence[arb]) -> bool:
    """Whether two boxes have a point in common."""
    return all(a.overlaps(b) for a, b in zip(left, right, strict=True))
