"""The dataset that defeats a shifted start: exact properties, probabilities, and training."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from spurious.construct import (
    ShiftedStart,
    dead_probability,
    drawn_dead,
    same_sign_probability,
    shifted_start_data,
    sigma,
    smallest_mean,
)
from spurious.errors import InputError
from spurious.problem import Loss, Network
from spurious.sweep import clopper_pearson
from spurious.train import Initialisation, Optimiser, Recipe, train


@st.composite
def shifted(draw: st.DrawFn) -> ShiftedStart:
    inputs = draw(st.integers(2, 6))
    outliers = draw(st.integers(1, 8))
    least = max(2 * outliers, outliers + 2 * (inputs - 1))
    return shifted_start_data(inputs, draw(st.integers(least, least + 40)), outliers)


def dot(left: tuple[Fraction, ...], right: tuple[Fraction, ...]) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


@settings(deadline=None)
@given(shifted())
def test_the_data_are_white_separable_and_of_full_rank(made: ShiftedStart) -> None:
    assert made.unwhiteness < Fraction(1, 10**12)
    x = np.array(made.data.x, dtype=float)
    assert np.abs(x.mean(axis=0)).max() < 1e-12
    assert np.abs(x.T @ x / len(x) - np.eye(made.data.inputs)).max() < 1e-12
    *weight, offset = made.separator
    for point, (label,) in zip(made.data.x, made.data.y, strict=True):
        assert (dot(tuple(weight), point) + offset) * label > 0


@settings(deadline=None)
@given(shifted())
def test_the_bulk_lies_on_the_plane_and_within_its_vertices(made: ShiftedStart) -> None:
    assert len(made.vertices) == 2 * (made.data.inputs - 1)
    for x in made.bulk:
        assert dot(x, made.outlier) == -1
        assert any(
            _between(x, low, high)
            for low, high in zip(made.vertices[::2], made.vertices[1::2], strict=True)
        )
    assert {y for (y,) in made.data.y[: -made.outliers]} == {-1, 1}
    assert made.least_errors >= 1


def _between(
    x: tuple[Fraction, ...], low: tuple[Fraction, ...], high: tuple[Fraction, ...]
) -> bool:
    step = [(b - a, v - a) for v, a, b in zip(x, low, high, strict=True)]
    share = next(v / s for s, v in step if s)
    return 0 <= share <= 1 and all(v == share * s for s, v in step)


@settings(deadline=None)
@given(shifted(), st.integers(1, 50), st.floats(0.1, 5.0), st.floats(0.01, 1.0))
def test_the_bounds_hold_the_probability(
    made: ShiftedStart, units: int, ratio: float, std: float
) -> None:
    """One unit's failure lies between the largest tail and the sum; simulated and by formula."""
    mean = Fraction(ratio * std)
    bounds = dead_probability(made, mean, std, units)
    assert 0 <= bounds.lower <= bounds.upper <= 1
    x = np.array(made.vertices, dtype=float)
    tails = norm.sf(float(mean) / float(made.outlier[0]) / (std * np.linalg.norm(x, axis=1)))
    assert bounds.lower == pytest.approx(max(1 - tails.sum(), 0) ** units, abs=1e-9)
    assert bounds.upper == pytest.approx((1 - tails.max()) ** units, abs=1e-9)


@pytest.mark.parametrize(("inputs", "points", "units", "mean"), [(2, 20, 5, 1.3), (3, 30, 3, 1.5)])
def test_simulation_agrees_with_the_bounds(
    inputs: int, points: int, units: int, mean: float
) -> None:
    made = shifted_start_data(inputs, points)
    generator = np.random.default_rng(1)
    weight = generator.normal(mean, 0.1, (20_000, units, inputs))
    off = (weight @ np.array(made.bulk, dtype=float).T < 0).all(axis=(1, 2))
    rate = clopper_pearson(int(off.sum()), len(off), 1 - 1e-6)
    bounds = dead_probability(made, Fraction(mean), 0.1, units)
    assert rate.low <= bounds.upper and bounds.lower <= rate.high
    weight = generator.normal(mean / 5, 0.1, (20_000, units, inputs))
    off = (weight @ np.array(made.bulk, dtype=float).T < 0).all(axis=(1, 2))
    rate = clopper_pearson(int(off.sum()), len(off), 1 - 1e-6)
    bounds = dead_probability(made, Fraction(mean / 5), 0.1, units)
    assert rate.low <= bounds.upper and bounds.lower <= rate.high


def test_same_sign_probability_is_a_product() -> None:
    found = same_sign_probability((2, 3, 1), Fraction(1, 2), (0.3, 0.4))
    expected = norm.cdf(0.5 / 0.3) ** 6 * norm.cdf(0.5 / 0.4) ** 3
    assert found.lower == pytest.approx(expected) == pytest.approx(found.upper)


def test_the_smallest_mean_is_the_smallest() -> None:
    made = shifted_start_data(2, 50)
    for std in (1e-12, 0.01, 3.0, 1e9):
        mean = smallest_mean(lambda m, std=std: dead_probability(made, m, std, 100), 0.01)
        assert dead_probability(made, mean, std, 100).lower >= 0.99
        assert dead_probability(made, mean * Fraction(998, 1000), std, 100).lower < 0.99


def test_drawn_layers_are_within_the_bounds() -> None:
    made = shifted_start_data(3, 60)
    for mean in (0.05, 0.1, 0.2):
        dead = drawn_dead(made, mean, 0.05, 4, 5_000, 1)
        rate = clopper_pearson(dead, 5_000, 1 - 1e-6)
        bounds = dead_probability(made, Fraction(mean), 0.05, 4)
        assert rate.low <= bounds.upper and bounds.lower <= rate.high


@pytest.mark.parametrize("hidden", [(6,), (6, 5)])
@pytest.mark.parametrize("optimiser", ["gd", "momentum"])
def test_what_starts_dead_stays_dead_whatever_the_steps(
    hidden: tuple[int, ...], optimiser: str
) -> None:
    made = shifted_start_data(2, 12)
    network = Network((2, *hidden, 1), "relu")
    recipe = Recipe(
        network,
        Loss.LOGISTIC,
        made.data,
        Initialisation("normal", mean=2.0, std=0.2),
        Optimiser(optimiser, 0.05),
        3_000,
        precision="float64",
        stop=False,
    )
    start = train(replace_updates(recipe, 0), 1, 0, 200).parameters
    runs = train(recipe, 1, 0, 200)
    x = np.array(made.bulk, dtype=float)
    before, after = (first_layer(p, network, x) for p in (start, runs.parameters))
    dead = (before < 0).all(axis=(1, 2))
    assert dead.sum() > 150
    kept = np.isfinite(runs.parameters).all(axis=1) & dead
    assert kept.sum() > 100
    size = np.abs(runs.parameters[kept]).max(axis=1)[:, None, None]
    assert (np.abs(after - before)[kept] <= 1e-9 * (1 + size)).all()
    assert (runs.correct[kept] <= made.data.size - made.least_errors).all()


def replace_updates(recipe: Recipe, updates: int) -> Recipe:
    return Recipe(
        recipe.network,
        recipe.loss,
        recipe.data,
        recipe.initialisation,
        recipe.optimiser,
        updates,
        precision=recipe.precision,
        stop=False,
    )


def first_layer(parameters: np.ndarray, network: Network, x: np.ndarray) -> np.ndarray:
    (wide, high), *_ = pairwise(network.widths)
    weight = parameters[:, : wide * high].reshape(-1, high, wide)
    bias = parameters[:, wide * high : (wide + 1) * high]
    return x @ weight.transpose(0, 2, 1) + bias[:, None]


def test_impossible_requests() -> None:
    for request, line in (
        ((1, 10), "inputs: found 1, expected at least 2"),
        ((2, 10, 0), "outliers: found 0"),
        ((2, 10, 6), "outliers: found 6, expected 1 to 5"),
        ((6, 8, 1), "points: found 8"),
    ):
        with pytest.raises(InputError, match=line):
            shifted_start_data(*request)
    made = shifted_start_data(2, 10)
    for eps in (0.0, 1.0, -1.0, 2.0):
        with pytest.raises(InputError, match="between 0 and 1"):
            smallest_mean(lambda m: dead_probability(made, m, 1.0, 1), eps)
    with pytest.raises(InputError, match="expected at least 1e-12"):
        smallest_mean(lambda m: dead_probability(made, m, 1.0, 1), 1e-16)
    with pytest.raises(InputError, match="units: found 0"):
        dead_probability(made, Fraction(1), 1.0, 0)
    with pytest.raises(InputError, match="mean: found -1"):
        dead_probability(made, Fraction(-1), 1.0, 1)
    with pytest.raises(InputError, match="sigma: found 0"):
        dead_probability(made, Fraction(1), 0.0, 1)
    with pytest.raises(InputError, match="sigma: found 'he'"):
        sigma("he", 1, 1, 1)


def first_woken(
    added: float = 0.0, apart: float = 0.0, momentum: float = 0.9, steps: int = 300
) -> int | None:
    """The step at which a first-layer unit turns on in the bulk, if one does.

    Args:
        added: Weight decay that is added to the gradient.
        apart: Weight decay that multiplies the parameters, apart from the momentum.
        momentum: Of the method.
        steps: Of size 0.1.
    """
    made = shifted_start_data(2, 20)
    x, y = (torch.tensor(np.array(v, dtype=float)) for v in (made.data.x, made.data.y))
    first, last = torch.nn.Linear(2, 4).double(), torch.nn.Linear(4, 1).double()
    with torch.no_grad():
        first.weight[:] = torch.outer(torch.tensor([0.5, 1.0, 1.5, 2.0]).double(), x[-1])
        first.bias[:], last.bias[:] = 0, 0
        last.weight[:] = torch.tensor([[1.0, -1.0, 0.5, -0.5]])
    parameters = [*first.parameters(), *last.parameters()]
    start = first.weight.clone()
    rule = torch.optim.SGD(parameters, lr=0.1, momentum=momentum, weight_decay=added)
    for step in range(1, steps + 1):
        rule.zero_grad()
        torch.nn.functional.soft_margin_loss(last(torch.relu(first(x))), y).backward()
        with torch.no_grad():
            for values in parameters:
                values.mul_(1 - 0.1 * apart)
        rule.step()
        if (first(x[: -made.outliers]) >= 0).any():
            return step
    assert not torch.equal(first.weight, start)
    return None


@pytest.mark.parametrize("decay", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_decay_apart_from_the_momentum_wakes_no_unit(decay: float, momentum: float) -> None:
    assert first_woken(apart=decay, momentum=momentum) is None


def test_decay_in_the_gradient_wakes_units_beyond_a_bound() -> None:
    """Theorem 17: with momentum 0.9 the bound on step size times decay is 0.00263."""
    assert first_woken(added=0.05) == 48
    assert first_woken(added=0.03, steps=200) == 142
    assert first_woken(added=0.0263) is None
    assert first_woken(added=11, momentum=0.0) == 1
