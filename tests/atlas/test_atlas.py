"""Atlases against what is known, against the certifier, and against trained networks."""

import random
from collections import Counter
from fractions import Fraction
from importlib import import_module
from itertools import permutations

import pytest

import spurious_checker
from spurious import atlas
from spurious.atlas.atlas import enumerate_strata
from spurious.atlas.basins import measure_basins
from spurious.certify import certify
from spurious.errors import InputError
from spurious.problem import Loss, Network, Problem, dataset, dataset_from_arrays
from spurious.verdict import Decision


def of(name, hidden):
    data = dataset(name).data
    return Problem(Network((data.inputs, hidden, 1), "relu"), Loss.SQUARED, data)


def made(x, y, hidden, activation="relu", slope=None):
    data = dataset_from_arrays(x, [[v] for v in y])
    return Problem(Network((data.inputs, hidden, 1), activation, slope), Loss.SQUARED, data)


def some(seed, n, d, hidden, activation="relu"):
    rng = random.Random(seed)
    x = [[rng.randint(-4, 4) for _ in range(d)] for _ in range(n)]
    y = [rng.randint(-3, 3) for _ in range(n)]
    return made(x, y, hidden, activation)


def losses(found):
    return [str(loss) for loss in sorted({family.loss for family in found.minima})]


@pytest.mark.parametrize(
    ("name", "hidden", "cells", "known"),
    [
        ("d1", 1, 20, ["14", "18", "75/4", "614/29", "106/5"]),
        ("xor", 1, 28, ["8/3", "4"]),
        ("xor", 2, 406, ["0", "2", "8/3", "4"]),
        ("jellyfish", 2, 406, ["0", "2", "8/3", "98/29", "4"]),
    ],
)
def test_lists_known_from_elsewhere(name, hidden, cells, known):
    found = atlas(of(name, hidden))
    assert found.cells == cells
    assert losses(found) == known
    assert found.complete


@pytest.mark.parametrize(
    ("name", "hidden", "count", "lowest", "highest"),
    [
        ("d1", 2, 12, Fraction(1, 14), Fraction(106, 5)),
        ("d2", 1, 7, Fraction(14, 3), Fraction(196, 3)),
        ("d2", 2, 19, 0, Fraction(196, 3)),
    ],
)
def test_counts_of_losses_known_from_a_float_prototype(name, hidden, count, lowest, highest):
    found = atlas(of(name, hidden))
    assert len(losses(found)) == count
    assert found.minima[0].loss == lowest
    assert found.minima[-1].loss == highest


def test_the_minimum_of_c5_lies_on_a_kink():
    found = atlas(of("d1", 1))
    eighteen = next(family for family in found.minima if family.loss == 18)
    assert not eighteen.differentiable
    assert eighteen.dimension == 1
    assert eighteen.outputs == (2, 1, 0, 0, 0)


PROBLEMS = {
    "d1, 2 units": of("d1", 2),
    "xor, 2 units": of("xor", 2),
    "jellyfish, 1 unit": of("jellyfish", 1),
    "random in a line": some(1, 6, 1, 2),
    "random in the plane": some(2, 5, 2, 2),
    "random in space": some(3, 6, 3, 1),
    "abs": some(4, 5, 1, 2, "abs"),
    "leaky": made([[0], [1], [3], [4]], [1, -1, 0, 2], 2, "leaky_relu", Fraction(1, 10)),
    "identity": some(5, 5, 2, 2, "identity"),
    "repeated points": made([[0], [0], [1], [3], [3], [3]], [1, 2, -1, 0, 3, 1], 2),
    "collinear": made([[0, 0], [1, 1], [2, 2], [4, 4]], [0, 2, -1, 1], 2),
    "equal targets": made([[0, 1], [1, 0], [2, 2]], [3, 3, 3], 2),
    "one point": made([[5, 7]], [2], 3),
    "more units than points": made([[0], [1]], [0, 1], 4),
    "huge numbers": made([[10**40], [10**40 + 1], [-(10**30)]], [10**50, 1, -7], 1),
    "tiny numbers": made(
        [[Fraction(1, 10**40)], [Fraction(1, 10**39)], [0]], [Fraction(1, 10**50), 1, 0], 2
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_family_is_certified_and_checked(name):
    found = atlas(PROBLEMS[name])
    assert found.minima
    assert found.complete
    for family in found.minima:
        verdict = certify(found.problem(family))
        assert verdict.decision is Decision.LOCAL_MINIMUM
        assert verdict.loss.mid == family.loss
        assert spurious_checker.check(dict(verdict.certificate)).valid
        if verdict.flat_dimension is not None:
            assert verdict.flat_dimension <= family.dimension


@pytest.mark.parametrize("name", ["d1, 2 units", "random in the plane", "repeated points", "abs"])
def test_trained_networks_end_in_the_list(name):
    found = atlas(PROBLEMS[name])
    basins = measure_basins(found, 150, 3, spread=3.0)
    assert basins.unknown == {}
    assert sum(basins.hits) + sum(basins.unplaced.values()) + sum(basins.descending.values()) == 150
    assert sum(basins.hits) > 130


SYMMETRIC = {
    "xor": (of("xor", 2), 8),
    "jellyfish": (of("jellyfish", 2), 2),
    "mirror": (made([[-2], [-1], [1], [2]], [1, -1, -1, 1], 2), 2),
    "turned mirror": (made([[-2], [-1], [1], [2]], [1, -1, 1, -1], 2), 2),
    "zigzag": (made([[0], [1], [2], [3], [4]], [0, 1, 0, 1, 0], 2), 2),
    "abs": (made([[-1], [0], [1]], [1, 0, 1], 2, "abs"), 2),
    "triangle": (made([[0, 0], [2, 0], [1, 3]], [1, 1, 0], 2), 2),
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_orbits_add_up_to_the_list_without_symmetries(name, monkeypatch):
    problem, size = SYMMETRIC[name]
    found = atlas(problem)
    assert found.symmetries == size
    module = import_module("spurious.atlas.atlas")
    prepare = module.prepare
    monkeypatch.setattr(module, "prepare", lambda p: prepare(p, symmetric=False))
    plain = atlas(problem)
    assert plain.symmetries == 1

    def counted(families):
        counts = Counter()
        for f in families:
            counts[f.loss, f.dimension, f.differentiable, f.cells] += f.orbit
        return counts

    assert counted(found.minima) == counted(plain.minima)


def test_repeated_points_are_a_weighted_point():
    once = atlas(made([[0], [1], [2]], [0, 3, 1], 1))
    thrice = atlas(made([[0], [1], [2]] * 3, [0, 3, 1] * 3, 1))
    assert [3 * f.loss for f in once.minima] == [f.loss for f in thrice.minima]
    assert [f.dimension for f in once.minima] == [f.dimension for f in thrice.minima]


def test_workers_change_nothing(monkeypatch):
    problem = of("d1", 3)
    alone = atlas(problem)
    monkeypatch.setattr(import_module("spurious.atlas.workers"), "PATIENCE", 0.05)
    assert atlas(problem, workers=2) == alone


@pytest.mark.parametrize(
    ("problem", "word"),
    [
        (Problem(Network((1, 2, 2, 1), "relu"), Loss.SQUARED, dataset("d1").data), "hidden layer"),
        (Problem(Network((1, 2, 1), "tanh"), Loss.SQUARED, dataset("d1").data), "tanh"),
    ],
)
def test_other_networks_are_refused(problem, word):
    with pytest.raises(InputError, match=word):
        atlas(problem)


def test_an_interrupted_atlas_goes_on(tmp_path):
    problem, path = of("d2", 2), tmp_path / "journal.jsonl"
    whole = atlas(problem, journal=path)
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in (0, 1, 7, len(lines) - 1):
        path.write_bytes(b"".join(lines[:kept]) + lines[kept][: len(lines[kept]) // 2])
        steps = []

        def note(*step, steps=steps):
            steps.append(step)

        assert atlas(problem, journal=path, progress=note) == whole
        assert len(steps) == len(lines) - 1 - max(kept - 1, 0) + 2
    other = atlas(of("d1", 2), journal=path)
    assert other.data == dataset("d1").data
    assert other == atlas(of("d1", 2))


def test_a_family_is_connected_up_to_the_order_of_units_only():
    """The perfect fits of D2 with two units: one family, two components (Theorem 12)."""
    problem = of("d2", 2)
    targets = tuple(y for (y,) in problem.data.y)
    perfect = [states for outputs, states in enumerate_strata(problem) if outputs == targets]
    (family,) = [family for family in atlas(problem).minima if family.loss == 0]
    assert (family.orbit, family.connected, family.dimension) == (1, True, 2)
    ((one, other),) = perfect
    assert {one.sign, other.sign} == {-1, 1}
    for labelled in permutations((one, other)):
        for unit, state in zip((one, other), labelled, strict=True):
            assert unit.touches(state) is (unit == state)
