"""Every entry is built, decided and checked; the mathematics of those without a certificate."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from spurious.catalogue import ENTRIES, Entry, Standing, examine
from spurious.catalogue.affine_fit import affine_fit
from spurious.catalogue.binary_instances import INPUTS, LABELS, binary_instances
from spurious.catalogue.cloned_units import X, Y, cloned_units
from spurious.catalogue.linear_bottleneck import linear_bottleneck
from spurious.catalogue.population_loss import population_loss
from spurious.catalogue.safran_shamir import PUBLISHED, symmetric_point
from spurious.catalogue.single_neuron import axis_loss, axis_minima, count_minima
from spurious.certify import certify, check
from spurious.certify.arithmetics import FloatProgram
from spurious.errors import InputError
from spurious.problem import Dataset, dataset, from_jax
from spurious.verdict import Answer, Decision

OPEN = {"sprinkhuizen-kuyper-boers-xor", "martinelli-channel", "petzka-sminchisescu"}
VALLEYS = {"valley-to-infinity"}
SADDLES = {
    "fukumizu-amari-saddle": Decision.NOT_LOCAL_MINIMUM,
    "joudaki-clones": Decision.SADDLE_NEARBY,
    "arjevani-field-one-more": Decision.SADDLE_NEARBY,
}


def test_names_are_unique() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert {entry.name for entry in ENTRIES} >= OPEN


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_certified_proved_or_says_why_not(entry: Entry) -> None:
    outcome = examine(entry)
    assert outcome.text and entry.citation
    assert (outcome.standing is Standing.OPEN) == (entry.name in OPEN)
    assert (entry.problem is None) == bool(entry.reason)
    verdict, problem = outcome.verdict, outcome.problem
    if verdict is None or problem is None:
        return
    assert outcome.standing is Standing.CERTIFIED and check(verdict).valid
    if entry.name in VALLEYS:
        assert verdict.valley_limit is not None
        better = certify(replace(problem, point=problem.witness, witness=None))
        assert better.loss is not None
        assert better.loss.mid + better.loss.rad < verdict.valley_limit.mid / 10
    elif entry.name in SADDLES:
        assert verdict.decision is SADDLES[entry.name]
        assert verdict.is_global is Answer.NO
    else:
        assert verdict.decision in (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)
        assert verdict.is_global is Answer.NO


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("hidden", [(2,), (4,), (2, 3), (3, 2, 2)])
def test_affine_fits_of_random_data_are_bad_minima(
    activation: str, hidden: tuple[int, ...]
) -> None:
    generator = np.random.default_rng([len(hidden), hidden[0]])
    decided = 0
    for _ in range(6):
        n, d = int(generator.integers(4, 8)), int(generator.integers(1, 4))
        x = tuple(tuple(map(Fraction, map(int, row))) for row in generator.integers(-5, 6, (n, d)))
        y = tuple((Fraction(int(v)),) for v in generator.integers(-5, 6, n))
        try:
            problem = affine_fit(Dataset(x, y), hidden, activation)
        except InputError:
            continue
        verdict = certify(problem)
        assert verdict.decision is Decision.LOCAL_MINIMUM, (x, y)
        assert verdict.is_global is Answer.NO and verdict.witness_loss is not None
        decided += 1
    assert decided >= 3


def test_affine_data_have_no_bad_affine_fit() -> None:
    x = tuple((Fraction(k),) for k in range(4))
    with pytest.raises(InputError, match="perfect affine fit"):
        affine_fit(Dataset(x, x), (2,))
    twice = Dataset(((Fraction(0),), (Fraction(0),)), ((Fraction(0),), (Fraction(1),)))
    with pytest.raises(InputError, match="best function of the inputs"):
        affine_fit(twice, (2,))
    with pytest.raises(InputError, match="at least 2 units"):
        affine_fit(dataset("d1").data, (1,))


def test_clones_are_a_minimum_among_clones() -> None:
    """Bound to each other, the units have a strict minimum; free, they are far from it."""
    problem = cloned_units()
    assert problem.point is not None and problem.witness is not None
    weight, _, bias, _, out, _, last = problem.point
    fitted = tuple(zip(X, Y, strict=True))

    def among_clones(p: dict[str, Any]) -> Any:
        def output(x: int) -> Any:
            return 2 * p["out"] * jnp.tanh(p["weight"] * x + p["bias"]) + p["last"]

        squares = sum((output(x) - y) ** 2 for x, y in fitted)
        doubled = 2 * (p["weight"] ** 2 + p["bias"] ** 2 + p["out"] ** 2) + p["last"] ** 2
        return squares + 0.01 * doubled

    start = {"weight": weight, "bias": bias, "out": out, "last": last}
    bound = certify(from_jax(among_clones, {k: float(v) for k, v in start.items()}))
    assert bound.decision is Decision.LOCAL_MINIMUM_NEARBY and bound.strict is Answer.YES
    free = certify(problem)
    assert free.index == 1 and free.loss is not None and free.witness_loss is not None
    assert bound.loss is not None and float(bound.loss) == pytest.approx(float(free.loss), abs=1e-9)
    assert 10 * free.witness_loss.upper < free.loss.lower


def test_linear_network_of_full_rank_has_nothing_bad() -> None:
    """Without the bottleneck the same loss is convex, and lower."""
    problem = linear_bottleneck()
    x, y = problem.data.x, problem.data.y
    weights = np.zeros(6)
    inputs, labels = np.array(x, dtype=float), np.array(y, dtype=float)
    for _ in range(20_000):
        pull = -labels / (1 + np.exp(labels * (inputs @ weights[:4].reshape(2, 2).T + weights[4:])))
        weights -= 0.01 * np.concatenate([(pull.T @ inputs).ravel(), pull.sum(0)])
    outputs = inputs @ weights[:4].reshape(2, 2).T + weights[4:]
    lowest = float(np.logaddexp(0, -labels * outputs).sum())
    bad = certify(problem)
    assert bad.loss is not None and bad.witness_loss is not None
    assert lowest < float(bad.witness_loss) < float(bad.loss)


def test_minima_of_a_neuron_by_a_grid() -> None:
    generator = np.random.default_rng(0)
    several = 0
    for _ in range(16):
        sizes = (1, int(generator.choice([2, 9, 30])), 30)
        points = [(a, Fraction(int(generator.integers(1, 20)), 20)) for a in sizes]
        exact = [float(w.mid()) for w in axis_minima(points)]
        w = np.linspace(-8, 8, 400_001)
        value = sum((1 / (1 + np.exp(-a * w)) - float(y)) ** 2 for a, y in points)
        inner = (value[1:-1] < value[:-2]) & (value[1:-1] < value[2:])
        np.testing.assert_allclose(w[1:-1][inner], exact, atol=1e-4)
        several += len(exact) > 1
    assert several >= 3


def test_counting_a_neurons_minima() -> None:
    assert count_minima(((1, Fraction(1, 2)),), 7) == (1, 0)
    two = ((20, Fraction(2, 5)), (1, Fraction(9, 10)))
    assert count_minima(two, 3) == (8, 7)
    low, high = (float(axis_loss(two, w).mid()) for w in axis_minima(two))
    assert low < high
    twins = ((1, Fraction(1, 4)), (2, Fraction(1, 4)))
    assert count_minima(twins, 2) == (1, 0)


def test_population_loss_against_sampling() -> None:
    generator = np.random.default_rng(1)
    for students, teachers in ((6, 6), (3, 2)):
        weights = generator.standard_normal((students, teachers))
        program = FloatProgram(population_loss(students, teachers))
        value = program.loss_and_gradient(weights.ravel())[0] / (2 * math.pi)
        x = generator.standard_normal((200_000, teachers))
        gap = np.maximum(x @ weights.T, 0).sum(axis=1) - np.maximum(x, 0).sum(axis=1)
        error = np.std(gap**2) / 2 / math.sqrt(len(x))
        assert abs(value - np.mean(gap**2) / 2) < 5 * error


def test_the_published_minimum_is_the_one_proved() -> None:
    """Seven digits of every weight are right; the loss is far above that of the witness."""
    problem = symmetric_point(PUBLISHED)
    verdict = certify(problem)
    assert verdict.radius is not None and float(verdict.radius) < 3e-8
    assert verdict.loss is not None and verdict.witness_loss is not None
    assert float(verdict.loss) / (2 * math.pi) == pytest.approx(0.02508058, abs=1e-8)
    assert 4 * verdict.witness_loss.upper < verdict.loss.lower


def test_the_loss_of_five_binary_instances_by_its_formula() -> None:
    """And the two facts of the proof that four are too few: the root, and the inequality there."""
    problem = binary_instances()
    near, better = (np.array([float(v) for v in p]) for p in (problem.point, problem.witness))

    def by_formula(w1: float, w2: float, b: float) -> float:
        return sum(
            (1 / (1 + math.exp(-(w1 * x1 + w2 * x2 + b))) - y) ** 2
            for (x1, x2), y in zip(INPUTS, LABELS, strict=True)
        )

    verdict = certify(problem)
    assert verdict.loss is not None and verdict.witness_loss is not None
    assert float(verdict.loss) == pytest.approx(by_formula(*near), abs=1e-6)
    assert float(verdict.witness_loss) == pytest.approx(by_formula(*better), abs=1e-12)
    x = np.linspace(0, 1, 1001)[1:-1]
    assert ((1 - x + x * x) ** 3 < x)[x >= 0.5].all()
    assert (1 + 3 * x > 3 * x**2 + 5 * x**3)[x < 0.5].all()
