"""The hinge loss, the mean, and weights of points: against PyTorch, and against the exact loss."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from spurious.errors import InputError
from spurious.problem import Network, Penalty, ProgramProblem, dataset, dataset_from_arrays
from spurious.program import NumpyArithmetic, evaluator
from spurious.train import (
    MINIMA,
    Initialisation,
    Optimiser,
    Outcome,
    Recipe,
    point_weights,
    starts,
    train,
    train_and_name,
)
from spurious.train.batched import losses, penalties, preactivations
from spurious.train.face import exact_loss, faces
from spurious.train.reference import reference
from spurious.train.scalar import evaluated, model
from spurious.train.traps import unweighted

torch = pytest.importorskip("torch")

UPDATES = 30
X = [[0.3, -1.0], [1.5, 0.2], [-0.7, 0.9], [0.1, 0.4], [2.0, -0.6], [-1.1, -1.3], [0.8, 1.7]]
LABELS = [0, 2, 1, 0, 2, 2, 1]
SIGNS = [[1, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, 1], [1, -1, -1], [-1, 1, -1], [1, 1, 1]]
WEIGHTS = tuple(Fraction(w) for w in ("1", "1/2", "3", "0", "2", "1/3", "1"))


def recipe(loss: str = "hinge", **more) -> Recipe:
    targets = [[label] for label in LABELS] if loss == "cross_entropy" else SIGNS
    return Recipe(
        Network((2, 4, 3), more.pop("activation", "tanh")),
        loss,
        dataset_from_arrays(X, targets),
        Initialisation("pytorch"),
        Optimiser(more.pop("optimiser", "adam"), 0.05),
        more.pop("updates", UPDATES),
        precision=more.pop("precision", "float64"),
        stop=False,
        tolerance=0.0,
        **more,
    )


def in_torch(plan: Recipe, start: npt.NDArray[np.float64], loss: Any) -> npt.NDArray[np.float64]:
    """The parameters after PyTorch's training with Adam, shape (P,)."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    network = network.double()
    parameters = list(network.parameters())
    torch.nn.utils.vector_to_parameters(torch.tensor(start), parameters)
    x = torch.tensor(X, dtype=torch.float64)
    optimiser = torch.optim.Adam(parameters, 0.05)
    for _ in range(plan.updates):
        optimiser.zero_grad()
        loss(network(x)).backward()
        optimiser.step()
    return torch.nn.utils.parameters_to_vector(parameters).detach().numpy()


def torch_loss(loss: str, mean: bool, weights: tuple[Fraction, ...] | None) -> Any:
    """PyTorch's own functions of losses."""
    y = torch.tensor(SIGNS, dtype=torch.float64)
    factor = torch.tensor([float(w) for w in weights or (Fraction(1),) * 7], dtype=torch.float64)
    each = {
        "hinge": lambda f: torch.relu(1 - y * f).sum(1),
        "logistic": lambda f: torch.nn.functional.soft_margin_loss(f, y, reduction="none").sum(1),
        "squared": lambda f: torch.nn.functional.mse_loss(f, y, reduction="none").sum(1),
        "cross_entropy": lambda f: torch.nn.functional.cross_entropy(
            f, torch.tensor(LABELS), reduction="none"
        ),
    }[loss]
    return lambda f: (factor * each(f)).mean() if mean else (factor * each(f)).sum()


@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared", "cross_entropy"])
@pytest.mark.parametrize(
    ("reduction", "weights"), [("sum", None), ("mean", None), ("sum", WEIGHTS), ("mean", WEIGHTS)]
)
def test_the_updates_are_those_of_pytorch(
    loss: str, reduction: str, weights: tuple[Fraction, ...] | None
) -> None:
    plan = recipe(loss, reduction=reduction, weights=weights)
    rows = starts(plan, 5, 0, 2)
    given = torch_loss(loss, reduction == "mean", weights)
    theirs = np.array([in_torch(plan, row, given) for row in rows])
    assert train(plan, 5, 0, 2).parameters == pytest.approx(theirs, abs=1e-10)
    if weights:
        bare = train(replace(plan, weights=None), 5, 0, 2).parameters
        assert np.abs(bare - theirs).max() > 1e-3


def test_class_weights_of_pytorch_divide_by_their_sum() -> None:
    """`CrossEntropyLoss(weight=...)` has the mean of weights that add up to n."""
    classes = [2.0, 0.5, 1.0]
    chosen = point_weights(dict(enumerate(classes)), LABELS)
    plan = recipe(
        "cross_entropy", reduction="mean", weights=tuple(7 * w / sum(chosen) for w in chosen)
    )
    own = torch.nn.CrossEntropyLoss(weight=torch.tensor(classes).double())
    rows = starts(plan, 5, 0, 2)
    theirs = [in_torch(plan, row, lambda f: own(f, torch.tensor(LABELS))) for row in rows]
    assert train(plan, 5, 0, 2).parameters == pytest.approx(np.array(theirs), abs=1e-10)


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("loss", ["hinge", "cross_entropy"])
@pytest.mark.parametrize("penalty", [Penalty(), Penalty(Fraction(1, 50))])
def test_the_kernel_is_the_reference(loss: str, batch: int | None, penalty: Penalty) -> None:
    plan = recipe(loss, batch=batch, penalty=penalty, reduction="mean", weights=WEIGHTS)
    path, values = reference(plan, 5, 3, 40)
    runs = train(plan, 5, 3, 40, snapshots=range(UPDATES + 1))
    assert runs.parameters == pytest.approx(path[-1], abs=1e-9)
    assert runs.snapshots[:, :, 0] == pytest.approx(values.T, rel=1e-9)
    single = train(replace(plan, precision="float32"), 5, 3, 40)
    assert single.parameters == pytest.approx(path[-1], abs=1e-3)


@pytest.mark.parametrize("batch", [None, 3])
def test_cutting_changes_no_bit(batch: int | None) -> None:
    plan = recipe(reduction="mean", weights=WEIGHTS, precision="float32", batch=batch)
    whole = train(plan, 9, 0, 300, threads=1)
    for threads, first, count in ((4, 0, 300), (2, 130, 133), (1, 299, 1)):
        part = train(plan, 9, first, count, threads=threads)
        rows = slice(first, first + count)
        assert (whole.parameters[rows] == part.parameters).all()
        assert (whole.loss[rows] == part.loss).all()


def test_weights_of_one_are_no_weights() -> None:
    assert recipe(weights=(Fraction(1),) * 7) == recipe()


@pytest.mark.parametrize("l2", [Fraction(1, 7), {"layers[1].bias": Fraction(1, 4)}])
@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared", "cross_entropy"])
def test_loss_and_gradient_are_those_of_the_problem(loss: str, l2: Any) -> None:
    plan = recipe(loss, reduction="mean", weights=WEIGHTS, penalty=Penalty(l2))
    rows = starts(plan, 4, 0, 5)
    problem = plan.problem([Fraction(v) for v in rows[0].tolist()])
    assert isinstance(problem, ProgramProblem)
    run, net = evaluator(problem.program, NumpyArithmetic()), model(plan)
    runs = train(replace(plan, updates=0), 4, 0, 5)
    for i, row in enumerate(rows):
        found = run.run(row)
        gradient = np.empty_like(row)
        work = np.empty((3, net.units + net.outputs))
        assert evaluated(row, gradient, net, work) == pytest.approx(float(found.loss))
        assert gradient == pytest.approx(found.gradient, abs=1e-12)
        value = losses(plan, preactivations(plan, row[None])[-1]) + penalties(plan, row[None])
        assert value[0] == pytest.approx(float(found.loss))
        assert runs.loss[i] == pytest.approx(float(found.loss))
        assert runs.gradient_norm[i] == pytest.approx(np.linalg.norm(found.gradient))


def test_points_right_are_counted_without_weights() -> None:
    runs, bare = (train(recipe(weights=w, updates=0), 4, 0, 50) for w in (WEIGHTS, None))
    assert (runs.correct == bare.correct).all() and runs.correct.sum() > 0


def xor(loss: str, activation: str, **more) -> Recipe:
    network, rule = Network((2, more.pop("hidden", 2), 1), activation), Optimiser("adam", 0.02)
    start = Initialisation("pytorch")
    return Recipe(network, loss, dataset("xor").data, start, rule, 3000, **more)


def test_ends_with_the_hinge_loss_have_their_names() -> None:
    """No run falls for ever; at bad ends outputs are at the bend, and some are proved."""
    table = train_and_name(xor("hinge", "relu"), 1, 0, 300)
    names = set(table["outcome"])
    assert Outcome.SOLVED in names and Outcome.FINITE_LOCAL_MINIMUM in names
    assert Outcome.VALLEY_TO_INFINITY not in names
    assert (table["exact_loss"] == "").all() and 0 < table["asked"].sum() <= 10
    assert np.isin(table["proved"][table["asked"]], MINIMA).any()


def test_exact_losses_have_the_weights_in() -> None:
    """Weights 2 and a mean over four points: half of the values without them, 2, 8/3 and 4."""
    weights = (Fraction(2),) * 4
    table = train_and_name(xor("squared", "relu", reduction="mean", weights=weights), 1, 0, 300)
    found = table["outcome"] == Outcome.FINITE_LOCAL_MINIMUM
    assert set(table["exact_loss"][found]) == {"1", "4/3", "2"}
    assert np.isin(table["proved"][found], MINIMA).any()


def test_weights_are_repetitions() -> None:
    """What is certified has the same minima: the loss is a multiple, in outputs and slopes."""
    plan = xor("logistic", "tanh", reduction="mean", weights=tuple(map(Fraction, ("1/2", 0, 1, 3))))
    plain = unweighted(plan)
    assert not plain.weighted and plain.data.size == 1 + 2 + 6
    at = starts(plan, 1, 0, 20)
    outputs = [preactivations(p, at)[-1] for p in (plan, plain)]
    assert losses(plain, outputs[1]) == pytest.approx(8 * losses(plan, outputs[0]))
    assert unweighted(xor("logistic", "tanh", reduction="mean")).data == plan.data
    heavy = replace(plan, weights=(Fraction(1, 997), *plan.weights[1:]))
    assert unweighted(heavy) is heavy
    penalised = replace(plan, penalty=Penalty(Fraction(1)))
    assert unweighted(penalised) is penalised


def test_exact_losses_with_different_weights() -> None:
    """The weighted least squares on a face, against NumPy's."""
    plan = xor("squared", "abs", weights=tuple(map(Fraction, (1, 2, 0, 5))), hidden=1)
    found, (row,) = faces(plan, starts(plan, 2, 0, 1))[0], starts(plan, 2, 0, 1)
    w, b, (sign, *sides) = row[:2], row[2], found.units[0]
    assert len(found.units) == 1 and 0 not in sides
    x = np.array([[float(v) for v in p] for p in plan.data.x])
    y = np.array([float(p[0]) for p in plan.data.y])
    assert (np.sign(x @ w + b) == sides).all() and sign
    features = np.column_stack(
        [np.array(sides)[:, None] * np.column_stack([x, np.ones(4)]), [1] * 4]
    )
    root = np.sqrt(plan.factors)
    rest = (
        root * y
        - (root[:, None] * features)
        @ np.linalg.lstsq(root[:, None] * features, root * y, rcond=None)[0]
    )
    assert float(exact_loss(plan, found)) == pytest.approx(rest @ rest, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reduction": "max"}, "reduction: found 'max', expected sum or mean"),
        ({"weights": WEIGHTS[:3]}, "weights: found 3 numbers, expected 7"),
        ({"weights": (Fraction(-1), *WEIGHTS[1:])}, "found -1, expected numbers that are not neg"),
        ({"weights": (Fraction(0),) * 7}, "weights: found zeros alone"),
        ({"loss": "huber"}, "loss: found 'huber', expected one of squared"),
    ],
)
def test_losses_that_cannot_be(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(recipe(), **change)


def test_weights_of_classes() -> None:
    assert point_weights("balanced", [0, 0, 0, 2]) == (*[Fraction(2, 3)] * 3, Fraction(2))
    assert point_weights({"-1": 2, "1": 0.5}, [1, -1]) == (Fraction(1, 2), Fraction(2))
    assert point_weights([1, "2/3"], [1, 1]) == (Fraction(1), Fraction(2, 3))
    for given, message in (
        ("even", "weights: found 'even', expected balanced"),
        ({"1": 2}, "found weights of the classes 1, expected one for each of -1, 1"),
        ({"1": 1, "-1": 1, "0": 1}, "classes -1, 0, 1, expected one for each of -1, 1"),
    ):
        with pytest.raises(InputError, match=message):
            point_weights(given, [1, -1])
