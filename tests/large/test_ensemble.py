"""Ensembles against plain loops: the reference of package train, and one network at a time."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.large.networks import classes, members, recipe, train, zigzag_recipe

from spurious.errors import InputError
from spurious.large import LargeRecipe
from spurious.large.batches import Batches
from spurious.large.ensemble import Ensemble, Member, marks
from spurious.large.model import to_flat
from spurious.problem import Loss, Network, Penalty, dataset_from_arrays
from spurious.train import Optimiser, Recipe
from spurious.train import train as train_small
from spurious.train.reference import reference


def small_recipe(large: LargeRecipe) -> Recipe:
    """The same recipe for the small engine; its data are the float32 numbers."""
    targets = large.targets.reshape(large.data.size, -1)
    data = dataset_from_arrays(large.data.scaled().astype(float), targets.astype(float))
    return Recipe(
        large.network,
        large.loss,
        data,
        large.initialisation,
        large.optimiser,
        large.updates,
        batch=large.batch,
        tolerance=large.tolerance,
        stop=False,
        penalty=large.penalty,
        reduction=large.reduction,
        weights=large.weights,
    )


ADAMW = Optimiser("adamw", 0.01, weight_decay=0.3, biases=False)
DECAYING = replace(recipe(classes(tau=0.5)), optimiser=ADAMW, penalty=Penalty(Fraction(1, 20)))


WEIGHTS = tuple(Fraction(i % 4, 3) for i in range(23))
HINGE = replace(
    recipe(), loss="hinge", reduction="mean", weights=WEIGHTS, penalty=Penalty(Fraction(1, 50))
)


@pytest.mark.parametrize(
    "large",
    [
        recipe(classes(tau=0.5)),
        zigzag_recipe(),
        DECAYING,
        replace(zigzag_recipe(), penalty=Penalty(Fraction(1, 20), biases=False)),
        replace(recipe(), reduction="mean", weights=WEIGHTS),
        HINGE,
        replace(HINGE, loss="logistic", batch=None),
        replace(zigzag_recipe(), reduction="mean", weights=WEIGHTS[:9]),
    ],
    ids=["batch", "full", "decay", "penalty", "weights", "hinge", "logistic", "values"],
)
def test_equals_the_plain_loop_and_the_small_engine(large: LargeRecipe) -> None:
    ensemble = Ensemble([Member(large, 3, index) for index in (2, 3)])
    state = train(ensemble)
    path, losses = reference(small_recipe(large), 3, 2, 2)
    assert to_flat(state.parameters) == pytest.approx(path[-1], abs=2e-5)
    assert state.losses == pytest.approx(losses[list(ensemble.marks)], rel=1e-4)
    runs = train_small(small_recipe(large), 3, 2, 2)
    assert to_flat(state.parameters) == pytest.approx(runs.parameters, abs=2e-5)
    if large.data.classes:
        assert state.correct[-1].tolist() == runs.correct.tolist()


def test_a_network_does_not_depend_on_the_others() -> None:
    networks = list(members().values())
    together = to_flat(train(Ensemble(networks)).parameters)
    alone = to_flat(train(Ensemble(networks[2:3])).parameters)
    assert together[2] == pytest.approx(alone[0], abs=1e-5)
    assert abs(together[2] - together[0]).max() > 0.1


def test_batches_visit_every_point_once_an_epoch() -> None:
    batches = Batches(23, 5, [(1, 0), (1, 4), (1, 0)])
    places, weights = batches.block(0, 10, 12)
    for epoch in (slice(0, 5), slice(5, 10)):
        for network in range(3):
            seen = places[epoch, network][weights[epoch] > 0]
            assert sorted(seen.tolist()) == list(range(23))
        assert weights[epoch].sum(axis=1).tolist() == pytest.approx([23] * 5)
    assert (weights[10:] == 0).all()
    assert np.array_equal(places[:, 0], places[:, 2])
    assert (places[:10, 0] != places[:10, 1]).any()
    later, _ = Batches(23, 5, [(1, 4)]).block(7, 2, 2)
    assert np.array_equal(later[:, 0], places[7:9, 1])


def test_marks() -> None:
    assert marks(0) == (0,)
    assert marks(1) == (0, 1)
    found = marks(20_000)
    assert found[0] == 0 and found[-1] == 20_000 and 10_000 in found and len(found) == 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": Network((4, 5, 3), "relu")}, "found 4 inputs and 3 outputs, expected 3 and 3"),
        ({"loss": Loss.SQUARED}, "squared, expected cross_entropy or logistic or hinge for"),
        ({"reduction": "max"}, "reduction: found 'max', expected sum or mean"),
        ({"weights": (Fraction(1),)}, "weights: found 1 numbers, expected 23"),
        ({"updates": -1}, "updates: found -1"),
        ({"batch": 24}, "batch: found 24, expected an integer from 1 to 23"),
        ({"tolerance": -1.0}, "tolerance: found -1.0"),
        (
            {"penalty": Penalty(Fraction(-1))},
            "l2: found -1, expected a number that is not negative",
        ),
    ],
)
def test_recipes_that_cannot_be(changes: dict[str, object], message: str) -> None:
    good = recipe()
    fields = {
        "network": good.network,
        "loss": good.loss,
        "data": good.data,
        "initialisation": good.initialisation,
        "optimiser": Optimiser("adam", 0.01),
        "updates": 3,
    }
    with pytest.raises(InputError, match=message):
        LargeRecipe(**{**fields, **changes})  # pyright: ignore
