"""Symmetries of a penalised problem: maps of the units' space that change neither loss nor penalty.

A permutation of the inputs that keeps all products x^_i.x^_j is that of an orthogonal map of the
units' space, so it permutes regions; one that turns all targets around does so with the signs of
units and of the output's bias turned around.
"""

from __future__ import annotations

from collections.abc import Iterator

from spurious.atlas.decay.setting import DecaySetting
from spurious.atlas.symmetry import Symmetry, identity_first


def symmetries(setting: DecaySetting) -> tuple[Symmetry, ...]:
    """All of them, the identity first."""
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
