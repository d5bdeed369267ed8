"""Atlases for the logistic loss: known values, the certifier, perturbations, trained networks."""

import math
import random
from collections import Counter
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from flint import fmpq

from spurious import atlas
from spurious.atlas.basins import measure_basins
from spurious.atlas.recession import recedes
from spurious.atlas.records import family_from_data, family_to_data
from spurious.certify import certify
from spurious.problem import Loss, Network, Problem, dataset, dataset_from_arrays
from spurious.problem.forward import float_data, float_point, forward, losses
from spurious.verdict import Answer, Decision


def of(name, hidden):
    data = dataset(name).data
    return Problem(Network((data.inputs, hidden, 1), "relu"), Loss.LOGISTIC, data)


def made(x, y, hidden, activation="relu"):
    slope = Fraction(1, 5) if activation == "leaky_relu" else None
    data = dataset_from_arrays(x, [[v] for v in y])
    return Problem(Network((data.inputs, hidden, 1), activation, slope), Loss.LOGISTIC, data)


def some(seed):
    rng = random.Random(seed)
    n, d, hidden = rng.choice([3, 4, 5, 6]), rng.choice([1, 1, 2]), rng.choice([1, 2])
    x = [[rng.randint(-5, 5) for _ in range(d)] for _ in range(n)]
    y = [rng.choice([-1, 1]) for _ in range(n)]
    return made(x, y, hidden, rng.choice(["relu", "abs", "leaky_relu"]))


@pytest.mark.parametrize("hidden", [1, 2, 3, 4])
def test_xor_has_no_finite_minimum_but_the_constant(hidden):
    found = atlas(of("xor", hidden))
    assert found.complete
    for family in found.minima:
        assert float(family.loss) == pytest.approx(4 * math.log(2), abs=1e-15)
        assert set(family.outputs) == {0}


def test_jellyfish_has_a_second_loss():
    found = atlas(of("jellyfish", 2))
    assert found.complete
    losses = sorted({round(float(family.loss), 4) for family in found.minima})
    assert losses == [2.4488, 2.7726]
    assert found.is_global(found.minima[0]) is Answer.UNKNOWN
    assert found.is_global(found.minima[-1]) is Answer.NO


SAMPLE = {f"random {seed}": some(seed) for seed in range(11)} | {
    "jellyfish, 2 units": of("jellyfish", 2),
    "deadlock7, 1 unit": of("deadlock7", 1),
    "both labels at a point": made([[0], [0], [1], [3]], [1, -1, -1, 1], 1),
    "one class": made([[0], [1], [3]], [1, 1, 1], 2),
    "one point of each class": made([[0], [1]], [1, -1], 2),
}


@cache
def listed(name):
    return atlas(SAMPLE[name])


@pytest.mark.parametrize("name", SAMPLE)
def test_nothing_near_a_family_is_lower(name):
    problem, found = SAMPLE[name], listed(name)
    assert found.complete
    x, _ = float_data(problem.data)
    rng = np.random.default_rng(1)
    for family in found.minima:
        base = float_point(family.point)
        moves = rng.uniform(-1, 1, (2000, len(base))) * (rng.random((2000, len(base))) < 0.6)
        for radius in (1e-7, 1e-5):
            near = losses(problem, base + radius * moves)
            assert near.min() > float(family.loss) - 1e-13
        outputs = forward(problem.network, base, x)[:, 0]
        assert outputs == pytest.approx([float(f) for f in family.outputs], abs=1e-9)
        assert family_from_data(family_to_data(family)) == family


def test_the_certifier_agrees_where_it_decides():
    """Points with constant outputs are exact, or proved to have a minimum nearby.

    Others are rounded, and the certifier rightly says of some that the loss still falls there.
    """
    seen = Counter()
    for name in SAMPLE:
        found = listed(name)
        for family in found.minima:
            verdict = certify(found.problem(family))
            minimum = verdict.decision in (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)
            constant = len(set(family.outputs)) == 1
            seen[minimum, constant] += 1
            if minimum:
                assert float(verdict.loss.mid) == pytest.approx(float(family.loss), abs=1e-9)
            else:
                assert verdict.decision is Decision.NOT_LOCAL_MINIMUM and not constant, name
    assert seen[True, True] >= 5 and seen[True, False] >= 3, seen


@pytest.mark.parametrize("name", ["jellyfish, 2 units", "deadlock7, 1 unit", "random 9"])
def test_trained_networks_end_in_the_list_or_fall_for_ever(name):
    found = listed(name)
    basins = measure_basins(found, 60, 2, spread=3.0)
    assert basins.unknown == {}
    assert sum(basins.unplaced.values()) == 0
    assert sum(basins.hits) + sum(basins.descending.values()) == 60
    assert sum(basins.hits) >= 1


def test_one_class_has_no_minimum_and_two_points_only_dead_units():
    assert listed("one class").minima == ()
    (dead,) = listed("one point of each class").minima
    assert dead.dead_units == 2
    assert dead.outputs == (0, 0)


def test_recession_is_told_from_a_minimum():
    plus, minus = [fmpq(1), fmpq(0), fmpq(0)], [fmpq(0), fmpq(1), fmpq(1)]
    up = (fmpq(1), fmpq(0), fmpq(0))
    assert recedes([up], 0b1, plus, minus)
    assert not recedes([tuple(-v for v in up)], 0b1, plus, minus)
    assert not recedes([up], 0b0, plus, minus)
    assert not recedes([up], 0b1, [fmpq(1)] * 3, [fmpq(1)] * 3)
