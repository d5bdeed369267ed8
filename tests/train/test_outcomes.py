"""The names of ends, against cases whose answer is known."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize

from spurious.certify.decide import decide
from spurious.certify.float_network import loss_function
from spurious.certify.subject import Subject
from spurious.problem import ACTIVATIONS, DenseLoss, Loss, Network, Problem, dataset, unflatten
from spurious.proof import Claim, NotLocalMinimum, Proof
from spurious.train import (
    MINIMA,
    Initialisation,
    Optimiser,
    Outcome,
    Recipe,
    starts,
    train_and_name,
    traps,
)
from spurious.train.batched import correct, losses, preactivations
from spurious.train.face import exact_loss, faces
from spurious.train.polish import hessians, polish
from spurious.train.proofs import Proved
from spurious.train.scalar import evaluated, model
from spurious.verdict import Decision


def recipe(name: str, hidden: int, activation: str = "relu", **more) -> Recipe:
    found = dataset(name)
    tolerance = more.pop("tolerance", None)
    return Recipe(
        Network((found.data.inputs, *([hidden] * more.pop("depth", 1)), 1), activation),
        more.pop("loss", found.loss),
        found.data,
        more.pop("initialisation", Initialisation("pytorch")),
        Optimiser(more.pop("optimiser", "adam"), more.pop("step", 0.02)),
        more.pop("updates", 3000),
        tolerance=tolerance,
    )


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a != "leaky_relu"])
@pytest.mark.parametrize("loss", [Loss.SQUARED, Loss.LOGISTIC])
def test_scalar_gradients_agree_with_the_certifiers(activation: str, loss: Loss) -> None:
    plan = recipe("xor", 3, activation, loss=loss, depth=2)
    function = loss_function(DenseLoss(plan.network, loss, plan.data))
    net = model(plan)
    work = np.empty((3, net.units + net.outputs))
    for row in starts(plan, 4, 0, 20):
        gradient = np.empty_like(row)
        value = evaluated(row, gradient, net, work)
        expected, slope = function(row)
        assert value == pytest.approx(expected, rel=1e-12)
        assert gradient == pytest.approx(slope, rel=1e-9, abs=1e-12)
        outputs = preactivations(plan, row[None])[-1]
        assert losses(plan, outputs)[0] == pytest.approx(expected, rel=1e-12)


def test_hessians() -> None:
    plan = recipe("xor", 2, "tanh")
    rows = starts(plan, 4, 0, 3)
    kept, out = rows.copy(), np.empty((3, 9, 9))
    hessians(rows, out, model(plan))
    assert (rows == kept).all()
    function = loss_function(plan.dense)
    for row, matrix in zip(rows, out, strict=True):
        move = np.linspace(-1, 1, 9)
        h = 1e-4
        curvature = (function(row + h * move)[0] - 2 * function(row)[0]) / h**2
        curvature += function(row - h * move)[0] / h**2
        assert move @ matrix @ move == pytest.approx(curvature, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus"])
def test_polishing_does_as_well_as_scipy(activation: str) -> None:
    plan = recipe("d2", 2, activation, tolerance=1e-6)
    rows = starts(plan, 8, 0, 30)
    ends = polish(plan, rows)
    function = loss_function(plan.dense)
    theirs = [minimize(function, row, jac=True, method="BFGS").fun for row in rows]
    assert np.median(ends.loss - theirs) < 1e-6
    values = [function(row)[0] for row in ends.parameters]
    assert ends.loss == pytest.approx(values, rel=1e-9)
    assert (ends.loss <= [function(row)[0] for row in rows]).all()


def test_ends_on_xor_are_the_atlas_of_the_literature() -> None:
    """The values of findings.md: 0, 2, 8/3 and 4, and each end is certified."""
    table = train_and_name(recipe("xor", 2, loss=Loss.SQUARED), 1, 0, 1500)
    found = table["outcome"] == Outcome.FINITE_LOCAL_MINIMUM
    assert set(table["exact_loss"][found]) == {"2", "8/3", "4"}
    proved = np.isin(table["proved"][found], MINIMA)
    assert proved.mean() > 0.5
    assert (table["proof"][found] == np.where(proved, "certificate", "none")).all()
    assert 1 <= table["asked"].sum() <= 10 and not table["asked"][~found].any()
    assert proved.sum() > table["asked"].sum()  # the others are on the same faces
    kinds = Counter(table["outcome"].tolist())
    assert kinds[Outcome.DEAD] and kinds[Outcome.SOLVED] > 200
    assert kinds.total() == 1500


def test_a_refutation_is_no_statement_on_other_runs_of_the_face(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`certify` is asked about one rounded point; it may refute that one, and no other."""
    refuted = Proof(Claim(Decision.NOT_LOCAL_MINIMUM), NotLocalMinimum(), "made for this test")
    monkeypatch.setattr(traps, "prove", lambda *_: refuted)
    table = train_and_name(recipe("xor", 2, loss=Loss.SQUARED), 1, 0, 300)
    asked = table["asked"]
    assert 0 < asked.sum() < (table["exact_loss"] != "").sum()
    assert set(table["proved"][asked]) == {"not_local_minimum"}
    assert set(table["proved"][~asked]) == {"undecided"}
    assert ((table["proof"] == "certificate") == asked).all()


@pytest.mark.parametrize("name", ["d1", "d2", "d3"])
@pytest.mark.parametrize("activation", ["relu", "abs"])
def test_exact_losses_are_those_of_proved_minima(name: str, activation: str) -> None:
    plan = recipe(name, 2, activation, tolerance=1e-6)
    table = train_and_name(plan, 3, 0, 200)
    rows = np.flatnonzero(table["proved"] == "local_minimum_nearby")[:15]
    assert len(rows)
    for row in rows:
        ends = polish(plan, table["parameters"][row : row + 1])
        point = unflatten([Fraction(v) for v in ends.parameters[0].tolist()], plan.network)
        proof = decide(Subject(Problem(plan.network, plan.loss, plan.data, point)))
        assert isinstance(proof, Proof) and proof.claim.loss is not None
        value = Fraction(str(table["exact_loss"][row]))
        assert proof.claim.loss.lower <= value <= proof.claim.loss.upper
        assert exact_loss(plan, faces(plan, ends.parameters)[0]) == value


def test_dead_networks() -> None:
    low = Initialisation("uniform", low=-2.0, high=-1.0, bias=-1.0)
    table = train_and_name(recipe("xor", 4, initialisation=low), 1, 0, 50)
    assert (table["outcome"] == Outcome.DEAD).all()
    assert np.allclose(table["limit"], 4 * np.log(2))


def test_valleys_of_log_loss() -> None:
    """Two points fitted for ever, two left at the coin's toss: the limit is 2 log 2."""
    table = train_and_name(recipe("xor", 2, "sigmoid"), 1, 0, 800)
    valley = table["outcome"] == Outcome.VALLEY_TO_INFINITY
    assert valley.sum() > 100
    three = 3 * np.log(3) - 2 * np.log(2)  # three points with labels 1, 1, -1
    near = np.minimum(abs(table["limit"] - 2 * np.log(2)), abs(table["limit"] - three))
    assert (near[valley] < 1e-6).all()
    assert not (table["outcome"] == Outcome.FINITE_LOCAL_MINIMUM).any()


def test_the_deadlock_is_found_and_proved() -> None:
    """The paper's C13: some runs end at its minimum, and certify proves it from there."""
    table = train_and_name(recipe("deadlock10", 2, "sigmoid", updates=10_000), 1, 0, 1500)
    found = table["outcome"] == Outcome.FINITE_LOCAL_MINIMUM
    assert found.sum() >= 5
    assert np.allclose(table["limit"][found], 5.77737845)
    assert set(table["proved"][found & table["asked"]]) == {"local_minimum_nearby"}


def test_unfinished_runs() -> None:
    table = train_and_name(recipe("jellyfish", 7, "sigmoid", step=0.001, updates=500), 1, 0, 300)
    unsolved = table["outcome"] != Outcome.SOLVED
    moving = [Outcome.STILL_DESCENDING, Outcome.SADDLE_OR_PLATEAU]
    assert unsolved.all() and np.isin(table["outcome"], moving).all()
    assert (table["heading"] == Outcome.SOLVED).mean() > 0.9


def test_a_saddle_is_escaped() -> None:
    """Near 0 the loss of XOR has no second order: a saddle that only the third order shows."""
    tiny = Initialisation("normal", std=1e-4)
    plan = recipe("xor", 4, "tanh", initialisation=tiny, optimiser="gd", step=0.01, updates=200)
    table = train_and_name(plan, 1, 0, 100)
    assert (table["outcome"] == Outcome.SADDLE_OR_PLATEAU).all()
    assert (table["heading"] == Outcome.SOLVED).mean() > 0.5


def test_cross_entropy_counts() -> None:
    found = dataset("xor")
    data = type(found.data)(found.data.x, tuple(((row[0] + 1) / 2,) for row in found.data.y))
    plan = Recipe(
        Network((2, 4, 2), "tanh"),
        Loss.CROSS_ENTROPY,
        data,
        Initialisation("pytorch"),
        Optimiser("adam", 0.05),
        500,
    )
    table = train_and_name(plan, 1, 0, 200)
    solved = table["outcome"] == Outcome.SOLVED
    assert solved.mean() > 0.8 and (table["correct"][solved] == 4).all()
    rows = starts(plan, 1, 0, 50)
    outputs = preactivations(plan, rows)[-1]
    labels = np.array([int(row[0]) for row in data.y])
    assert (correct(plan, outputs) == (outputs.argmax(axis=2) == labels).sum(axis=1)).all()


def test_every_decision_has_a_name_in_the_rows() -> None:
    assert {str(decision) for decision in Decision} <= {str(name) for name in Proved}
