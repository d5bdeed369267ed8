"""Rays and chambers against counts that are known, and against all sign vectors."""

import random
from math import comb

import pytest
from flint import fmpq

from spurious.atlas.arrangement import Sides, arrange


def points(rows):
    return [tuple(fmpq(v) for v in row) for row in rows]


@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 1), (7, 1), (5, 2), (9, 2), (6, 3), (3, 4)])
def test_general_position_has_as_many_chambers_as_cover_counted(n, d):
    rng = random.Random(n * 100 + d)
    found = arrange(points([[rng.randint(-999, 999) for _ in range(d)] for _ in range(n)]))
    assert len(found.chambers) == 2 * sum(comb(n - 1, k) for k in range(d + 1))
    assert len(set(found.chambers)) == len(found.chambers)


def test_threshold_functions_of_the_three_by_three_grid():
    grid = arrange(points([(i, j) for i in range(3) for j in range(3)]))
    assert len(grid.chambers) == 58


def test_the_square_has_fourteen_of_sixteen_dichotomies():
    square = arrange(points([(0, 0), (0, 1), (1, 0), (1, 1)]))
    assert len(square.chambers) == 14
    assert all(chamber.positive not in (0b1001, 0b0110) for chamber in square.chambers)


def test_collinear_points_keep_fewer_coordinates():
    line = arrange(points([(0, 0), (1, 2), (2, 4)]))
    assert line.coordinates == (0, 2)
    assert len(line.chambers) == 6


def test_rays_come_in_opposite_pairs_and_every_chamber_is_spanned_by_its_rays():
    found = arrange(points([(0, 1), (2, 3), (5, -1), (-2, 2), (1, 1)]))
    for even, odd in zip(found.rays[::2], found.rays[1::2], strict=True):
        assert even.sides == Sides(odd.sides.negative, odd.sides.positive)
    for chamber in found.chambers:
        union = Sides(0, 0)
        for k in found.rays_of(chamber):
            union = union.then(found.rays[k].sides)
        assert union == chamber
        assert found.dimension(chamber) == 3
