"""Weight decay in the engine: against PyTorch step for step, and against the exact problem."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from spurious.certify import certify
from spurious.errors import InputError
from spurious.problem import Network, Penalty, dataset
from spurious.train import (
    MINIMA,
    Initialisation,
    Optimiser,
    Outcome,
    Recipe,
    starts,
    train,
    train_and_name,
)
from spurious.train.polish import polish
from spurious.train.reference import reference

torch = pytest.importorskip("torch")

UPDATES = 30
DECAY = 0.3
BLOCKS = {"layers[0].weight": Fraction(1, 20), "layers[1].bias": Fraction(1, 4)}


def recipe(optimiser: Optimiser, penalty: Penalty | None = None, **more) -> Recipe:
    found = dataset("xor")
    return Recipe(
        Network((2, more.pop("hidden", 3), 1), more.pop("activation", "tanh")),
        more.pop("loss", found.loss),
        found.data,
        Initialisation("pytorch"),
        optimiser,
        more.pop("updates", UPDATES),
        precision=more.pop("precision", "float64"),
        stop=more.pop("stop", False),
        penalty=penalty or Penalty(),
        **more,
    )


def rule(name: str, parameters: list, biases: bool) -> Any:
    """PyTorch's optimiser, with decay for weights and, if wanted, for biases."""
    groups = [
        {"params": [p for p in parameters if p.ndim == 2], "weight_decay": DECAY},
        {
            "params": [p for p in parameters if p.ndim == 1],
            "weight_decay": DECAY if biases else 0.0,
        },
    ]
    if name == "adamw":
        return torch.optim.AdamW(groups, 0.05)
    if name == "adam":
        return torch.optim.Adam(groups, 0.05)
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, 0.05)
    momentum = 0.0 if name == "gd" else 0.9
    return torch.optim.SGD(groups, 0.05, momentum=momentum, nesterov=name == "nesterov")


def in_torch(plan: Recipe, start: npt.NDArray[np.float64], biases: bool) -> npt.NDArray[np.float64]:
    """The parameters after PyTorch's training, shape (P,)."""
    layers = [torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)]
    network = torch.nn.Sequential(*layers).double()
    parameters = list(network.parameters())
    place = 0
    with torch.no_grad():
        for p in parameters:
            p.copy_(torch.tensor(start[place : place + p.numel()]).reshape(p.shape))
            place += p.numel()
    x = torch.tensor([[float(v) for v in row] for row in plan.data.x], dtype=torch.float64)
    y = torch.tensor([[float(v) for v in row] for row in plan.data.y], dtype=torch.float64)
    optimiser = rule(plan.optimiser.name, parameters, biases)
    for _ in range(plan.updates):
        optimiser.zero_grad()
        torch.nn.functional.softplus(-y * network(x)).sum().backward()
        optimiser.step()
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_the_updates_are_those_of_pytorch(name: str, biases: bool) -> None:
    """PyTorch's weight decay is twice the penalty's factor, and AdamW's is its own."""
    if name == "adamw":
        plan = recipe(Optimiser(name, 0.05, weight_decay=DECAY, biases=biases))
    else:
        plan = recipe(Optimiser(name, 0.05), Penalty(Fraction(DECAY) / 2, biases))
    rows = starts(plan, 5, 0, 3)
    theirs = [in_torch(plan, row, biases) for row in rows]
    assert train(plan, 5, 0, 3).parameters == pytest.approx(np.array(theirs), abs=1e-10)
    bare = replace(plan, penalty=Penalty(), optimiser=Optimiser("adam", 0.05))
    assert np.abs(train(bare, 5, 0, 3).parameters - theirs).max() > 0.01


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize(
    ("optimiser", "penalty"),
    [
        (Optimiser("adam", 0.05), Penalty(Fraction(1, 10))),
        (Optimiser("momentum", 0.05), Penalty(BLOCKS)),
        (Optimiser("adamw", 0.05, weight_decay=0.5), Penalty(Fraction(1, 10), biases=False)),
        (Optimiser("adamw", 0.05, weight_decay=0.5, biases=False), Penalty()),
    ],
)
def test_the_kernel_is_the_reference(
    optimiser: Optimiser, penalty: Penalty, batch: int | None
) -> None:
    plan = recipe(optimiser, penalty, batch=batch)
    path, values = reference(plan, 5, 3, 40)
    runs = train(plan, 5, 3, 40, snapshots=range(UPDATES + 1))
    assert runs.parameters == pytest.approx(path[-1], abs=1e-9)
    assert runs.snapshots[:, :, 0] == pytest.approx(values.T, rel=1e-9)
    single = train(replace(plan, precision="float32"), 5, 3, 40)
    assert single.parameters == pytest.approx(path[-1], abs=1e-4)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("batch", [None, 3])
def test_cutting_changes_no_bit(precision: str, batch: int | None) -> None:
    adamw = Optimiser("adamw", 0.05, weight_decay=0.1)
    plan = recipe(adamw, Penalty(Fraction(1, 100)), precision=precision, batch=batch, updates=200)
    whole = train(plan, 9, 0, 500, threads=1)
    for threads, first, count in ((4, 0, 500), (2, 130, 333), (1, 499, 1)):
        part = train(plan, 9, first, count, threads=threads)
        rows = slice(first, first + count)
        assert (whole.parameters[rows] == part.parameters).all()
        assert (whole.loss[rows] == part.loss).all()


def test_no_decay_is_no_decay() -> None:
    """A penalty of 0, and AdamW with no weight decay, are plain Adam to the last bit."""
    plain = train(recipe(Optimiser("adam", 0.05)), 2, 0, 50)
    nothing = train(recipe(Optimiser("adamw", 0.05, weight_decay=0.0)), 2, 0, 50)
    assert (plain.parameters == nothing.parameters).all() and (plain.loss == nothing.loss).all()


def test_a_tolerance_is_of_the_loss_with_its_penalty() -> None:
    plan = recipe(Optimiser("adam", 0.02), Penalty(Fraction(1, 50)), tolerance=2.0, updates=400)
    runs = train(plan, 1, 0, 100)
    going = train(replace(plan, stop=False), 1, 0, 100, snapshots=range(401))
    solved = runs.solved_at >= 0
    assert 0 < solved.sum() < 100
    rows = np.flatnonzero(solved)
    assert (going.snapshots[rows, runs.solved_at[rows], 0] <= 2.0).all()
    before = runs.solved_at[rows] - 1
    assert (going.snapshots[rows, np.maximum(before, 0), 0][before >= 0] > 2.0).all()


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_ends_are_minima_of_the_loss_with_its_penalty(activation: str) -> None:
    """With tolerance 0 no run counts as solved: every end is followed to a point and named."""
    plan = recipe(
        Optimiser("adam", 0.05),
        Penalty(Fraction(1, 20)),
        activation=activation,
        hidden=2,
        updates=2000,
        tolerance=0.0,
    )
    table = train_and_name(plan, 1, 0, 100)
    names = set(table["outcome"])
    assert Outcome.VALLEY_TO_INFINITY not in names and Outcome.DEAD not in names
    found = table["outcome"] == Outcome.FINITE_LOCAL_MINIMUM
    assert found.mean() > 0.9
    assert (table["exact_loss"] == "").all()
    ends = polish(plan, table["parameters"][found])
    assert table["limit"][found] == pytest.approx(ends.loss)
    if activation == "tanh":
        asked = table["asked"]
        assert asked.sum() == 10 and np.isin(table["proved"][asked], MINIMA).mean() > 0.5
        verdict = certify(plan.problem([Fraction(v) for v in ends.parameters[0].tolist()]))
        assert verdict.loss is not None
        assert float(verdict.loss.mid) == pytest.approx(ends.loss[0])


def test_adamw_holds_runs_where_no_loss_does() -> None:
    """The log loss falls for ever; AdamW's decay keeps the weights below 1 / weight_decay."""
    adamw = Optimiser("adamw", 0.02, weight_decay=1.0)
    held = recipe(adamw, activation="sigmoid", updates=3000, tolerance=0.0)
    table = train_and_name(held, 1, 0, 100)
    assert (table["outcome"] == Outcome.HELD_BY_DECAY).mean() > 0.5
    assert not np.isin(table["proved"], MINIMA).any()
    free = train_and_name(replace(held, optimiser=Optimiser("adam", 0.02)), 1, 0, 100)
    assert not (free["outcome"] == Outcome.HELD_BY_DECAY).any()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Optimiser("adam", 0.1, weight_decay=0.1), "but adam has none; leave it out, or"),
        (lambda: Optimiser("adam", 0.1, biases=True), "adam lets nothing decay by itself"),
        (lambda: Optimiser("adamw", 0.1, weight_decay=-1.0), "number in .0, inf."),
        (lambda: recipe(Optimiser("gd", 1.0), Penalty(Fraction(-1))), "l2: found -1, expected"),
        (
            lambda: recipe(Optimiser("gd", 1.0), Penalty({"layers[2].bias": Fraction(1)})),
            "found the block 'layers.2..bias', expected layers.0..weight",
        ),
    ],
)
def test_decay_that_cannot_be(made, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made()


def test_polishing_where_squares_are_too_small_for_floats() -> None:
    """A unit that decay has all but ended: a change of the gradient whose square is 0 in floats."""
    row = [
        *(1.1828828817242156, -1.1812332276769375, -1.1834810068532036, 1.1812491860956347),
        *(-2.4052916515976856e-221, 1.7819781565117456e-164),
        *(0.0006532592010514013, 0.0007390097217315166, -1.2665030397879464),
        *(1.6704252114083775, 1.6716569422257122, -2.9674842432118194e-145, -0.9862679537140099),
    ]
    plan = recipe(
        Optimiser("adam", 0.01),
        Penalty(Fraction(1, 100), biases=False),
        activation="relu",
        loss="squared",
    )
    ends = polish(plan, np.array([row]))
    assert np.isfinite(ends.loss[0]) and ends.steps[0] > 0
