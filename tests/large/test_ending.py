"""What is proved of a network's end: bounds against exact arithmetic, floors against search."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize
from tests.large.networks import classes, recipe, zigzag_recipe

from spurious.data import ArrayData
from spurious.large.ending import ending, layers_of
from spurious.large.ensemble import Member, starts_of
from spurious.large.recipe import LargeRecipe
from spurious.large.rounding import forward
from spurious.large.training import Means, trained
from spurious.problem import Network, Penalty
from spurious.train import Initialisation

exact = np.vectorize(lambda value: Fraction(float(value)), otypes=[object])


def test_rounding_errors_are_within_their_bounds() -> None:
    rng = np.random.default_rng(3)
    shapes = ((9, 8), (8, 8), (8, 2))
    layers = [(rng.standard_normal(shape), rng.standard_normal(shape[1])) for shape in shapes]
    x = rng.standard_normal((12, 9))
    h, worst = exact(x), Fraction(0)
    for (z, e), (weight, bias) in zip(forward(layers, x), layers, strict=True):
        true = h @ exact(weight) + exact(bias)
        off = abs(exact(z) - true)
        assert (off <= exact(e)).all()
        assert e.max() < 1e-12
        worst = max(worst, off.max())
        h = np.maximum(true, Fraction(0))
    assert worst > 0


def loss(data: ArrayData, layers: list[tuple[np.ndarray, np.ndarray]]) -> float:
    f = forward(layers, data.scaled().astype(float))[-1][0]
    if not data.classes:
        return float(((f - data.targets) ** 2).sum())
    top = f.max(axis=1)
    return float(
        (top + np.log(np.exp(f - top[:, None]).sum(axis=1)) - f[range(len(f)), data.targets]).sum()
    )


def best_last_layer(data: ArrayData, layers: list[tuple[np.ndarray, np.ndarray]]) -> list:
    """The output layer at its best for what it receives; the signs below stay."""
    *below, (weight, bias) = layers

    def whole(values: np.ndarray) -> list:
        return [*below, (values[: weight.size].reshape(weight.shape), values[weight.size :])]

    start = np.concatenate([weight.ravel(), bias])
    found = minimize(lambda values: loss(data, whole(values)), start, method="BFGS")
    return whole(found.x)


def dead_recipe(targets: np.ndarray) -> LargeRecipe:
    """A start whose first layer is off on all points, of three classes."""
    start = Initialisation("normal", mean=-3.0, std=0.1, bias="drawn")
    positive = ArrayData("cloud", abs(classes().inputs), 1.0, targets, 3)
    return recipe(positive, start=start)


def test_a_dead_layer() -> None:
    dead = dead_recipe(classes().targets)
    positive = dead.data
    found = ending(dead, starts_of([Member(dead, 1, 0)])[0])
    counts = np.bincount(positive.targets)
    entropy = float((counts * np.log(23 / counts)).sum())
    assert (found.dead_layer, found.regions, found.blind, found.attained) == (1, 1, 1.0, True)
    assert found.floor == pytest.approx(entropy) and found.floor < entropy
    assert found.floor_errors == 23 - counts.max()
    assert found.dead > 0.5


def test_a_penalty_takes_the_minimum_away_and_leaves_the_floor() -> None:
    """The floor bounds the loss still; the derivatives are those with the penalty."""
    plain = dead_recipe(classes().targets)
    flat = starts_of([Member(plain, 1, 0)])[0]
    penalised = replace(plain, penalty=Penalty(Fraction(1, 100)))
    found, before = ending(penalised, flat), ending(plain, flat)
    assert before.attained and not found.attained
    assert (found.dead_layer, found.floor) == (1, before.floor)
    ((_, (row,)),) = trained({"n": Member(penalised, 1, 0)}, Means({}))
    assert (row["outcome"], row["proved"]) == ("dead", "not_local_minimum")
    assert np.isnan(row["limit"])


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_no_minimum_without_a_point_of_each_class(missing: int) -> None:
    """The best constant is at infinity; the floor is an infimum."""
    labels = classes().targets
    dead = dead_recipe(np.where(labels == missing, (missing + 1) % 3, labels))
    found = ending(dead, starts_of([Member(dead, 1, 0)])[0])
    counts = np.bincount(dead.data.targets, minlength=3)
    entropy = float(sum(k * np.log(23 / k) for k in counts if k))
    assert found.dead_layer == 1 and counts[missing] == 0
    assert found.floor == pytest.approx(entropy)
    assert not found.attained and found.descends
    ((_, (row,)),) = trained({"n": Member(dead, 1, 0)}, Means({}))
    assert (row["outcome"], row["proved"]) == ("dead", "not_local_minimum")


def test_nothing_nearby_beats_the_floor() -> None:
    """Networks with points blind in a layer, moved at random as far as their signs allow."""
    rng = np.random.default_rng(5)
    seen = descents = 0
    for index in range(40):
        data = ArrayData("cloud", classes().inputs, 1.0, classes().targets, 3)
        shy = recipe(data, (3, 3), Initialisation("normal", mean=-0.4, std=1.0, bias="drawn"))
        flat = starts_of([Member(shy, 2, index)])[0]
        found = ending(shy, flat)
        if not found.floor > 0 or found.blind == 1:
            continue
        seen += 1
        assert found.blind > 0 and found.dead_layer == 0 and not found.attained
        layers = list(layers_of(shy.network, flat))
        signs = [z > 0 for z, _ in forward(layers, data.inputs.astype(float))[:-1]]
        start = loss(data, layers)
        layers = best_last_layer(data, layers)
        lowest = loss(data, layers)
        for _ in range(300):  # a crude descent that keeps the signs
            size = 10 ** rng.uniform(-3, 0)
            moved = [
                (w + rng.normal(0, size, w.shape), b + rng.normal(0, size, b.shape))
                for w, b in layers
            ]
            now = [z > 0 for z, _ in forward(moved, data.inputs.astype(float))[:-1]]
            kept = all(np.array_equal(a, b) for a, b in zip(signs, now, strict=True))
            if kept and loss(data, moved) < lowest:
                layers, lowest = moved, loss(data, moved)
        assert lowest >= found.floor
        descents += lowest - found.floor < 0.5 * (start - found.floor)
    assert seen > 5 and descents > seen // 2, "the search has to come down, or it shows nothing"


def test_descends() -> None:
    """True at a random point; false where the output layer is exactly at its optimum."""
    live = recipe()
    assert ending(live, starts_of([Member(live, 1, 0)])[0]).descends
    balanced = ArrayData("two", np.ones((4, 1), np.float32), 1.0, np.array([0, 1, 0, 1]), 2)
    still = recipe(balanced, (2,), batch=None)
    at_optimum = np.array([1, 2, 0.5, 0.5, 1, 1, 1, 1, 0.25, 0.25], np.float32)
    assert not ending(still, at_optimum).descends
    at_optimum[-1] += 1e-3
    assert ending(still, at_optimum).descends


def test_lines_of_the_zigzag() -> None:
    made = zigzag_recipe()
    x, y = made.data.scaled()[:, 0].astype(float), made.data.targets[:, 0].astype(float)
    flat = np.zeros(19, np.float32)
    flat[:6], flat[6:12] = 1, 3  # all six units on at all points
    found = ending(made, flat)
    assert (found.regions, found.attained, found.dead) == (1, True, 0.0)
    best = np.polyfit(x, y, 1, full=True)[1][0]
    assert found.floor == pytest.approx(best) and found.floor < best
    flat[6] = -0.125  # one kink, between two points
    found = ending(made, flat)
    halves = [np.polyfit(x[s], y[s], 1, full=True)[1] for s in (slice(0, 5), slice(5, 9))]
    assert (found.regions, found.attained) == (2, False)
    assert found.floor == pytest.approx(sum(float(h.sum()) for h in halves), abs=1e-9)
    flat[6] = -0.25  # the kink on a point: no floor is claimed
    assert ending(made, flat).floor == 0
    flat[:6] = 0  # all on, all constant: lines cannot be made
    flat[6:12] = 3
    assert not ending(made, flat).attained


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge", "cross_entropy"])
def test_floors_with_weights_are_the_best_constants(loss: str) -> None:
    """Of a dead layer: against a search over constants; derivatives against finite differences."""
    labels, weights = classes().targets, tuple(Fraction(1 + i % 3, 2) for i in range(23))
    if loss == "squared":
        values = np.random.default_rng(4).normal(size=(23, 2)).astype(np.float32)
        start = Initialisation("normal", mean=-3.0, std=0.1, bias="drawn")
        plain = recipe(ArrayData("cloud", abs(classes().inputs), 1.0, values, 0), start=start)
    else:
        plain = dead_recipe(labels)
    made = replace(plain, loss=loss, reduction="mean", weights=weights)
    flat = starts_of([Member(made, 1, 0)])[0]
    found = ending(made, flat)
    y, w = made.targets, made.factors

    def of_constant(c: np.ndarray) -> float:
        if loss == "cross_entropy":
            return float(w @ (np.log(np.exp(c).sum()) - c[y]))
        each = {
            "squared": (c - y) ** 2,
            "logistic": np.logaddexp(0, -y * c),
            "hinge": np.maximum(1 - y * c, 0),
        }[loss]
        return float(w @ each.sum(axis=1))

    corners = [np.array(c) for c in np.ndindex(*(3,) * made.network.outputs)]
    best = min(
        minimize(
            of_constant, c - 1.0, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
        ).fun
        for c in corners
    )
    assert (found.dead_layer, found.attained) == (1, True)
    assert found.floor == pytest.approx(best, abs=1e-7) and found.floor <= best + 1e-12
    assert found.descends == (abs(of_constant(flat[-made.network.outputs :]) - best) > 1e-9)


def test_the_hinge_loss_descends_but_where_it_bends() -> None:
    """Two points with labels 1 and -1: outputs 1 are at a minimum; with other weights, -1 are."""
    data = ArrayData("two", np.ones((2, 1), np.float32), 1.0, np.array([[1.0], [-1.0]]), 0)
    still = replace(
        recipe(classes(), (1,), batch=None),
        network=Network((1, 1, 1), "relu"),
        data=data,
        loss="hinge",
    )
    at = np.array([1, 0, 0.5, 0.5], np.float32)
    assert not ending(still, at).descends
    heavier = replace(still, weights=(Fraction(1), Fraction(2)))
    assert ending(heavier, at).descends
    assert not ending(heavier, np.array([1, 0, -0.5, -0.5], np.float32)).descends
