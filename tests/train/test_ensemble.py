"""What holds for every run, however it is cut up."""

from dataclasses import replace

import numpy as np
import pytest

from spurious.errors import InputError
from spurious.problem import Loss, Network, dataset, dataset_from_arrays
from spurious.train import (
    Cancelled,
    Initialisation,
    Optimiser,
    Recipe,
    Runs,
    log_spaced,
    train,
    train_and_name,
)


def recipe(activation: str = "relu", updates: int = 400, step: float = 0.05, **more) -> Recipe:
    found = dataset("xor")
    return Recipe(
        Network((2, 3, 1), activation),
        more.pop("loss", found.loss),
        found.data,
        Initialisation("pytorch"),
        Optimiser(more.pop("optimiser", "adam"), step),
        updates,
        **more,
    )


def same(left: Runs, right: Runs, rows: slice = slice(None)) -> bool:
    return all(
        np.array_equal(getattr(left, name)[rows], getattr(right, name), equal_nan=True)
        for name in ("index", "parameters", "loss", "correct", "solved_at", "updates", "diverged")
    ) and np.array_equal(left.snapshots[rows], right.snapshots, equal_nan=True)


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_cutting_changes_no_bit(batch: int | None, precision: str) -> None:
    plan = recipe(batch=batch, precision=precision, updates=300)
    times = (0, 7, 300)
    whole = train(plan, 9, 0, 700, threads=1, snapshots=times)
    assert same(whole, train(plan, 9, 0, 700, threads=4, snapshots=times))
    assert same(whole, train(plan, 9, 130, 333, threads=2, snapshots=times), slice(130, 463))
    assert same(whole, train(plan, 9, 699, 1, snapshots=times), slice(699, 700))


def test_other_seeds_and_indices_are_other_runs() -> None:
    plan = recipe(updates=10)
    first, second = (train(plan, seed, 0, 50).parameters for seed in (1, 2))
    assert (first != second).any(axis=1).all()
    assert len({row.tobytes() for row in first}) == 50


@pytest.mark.parametrize("tolerance", [None, 0.5])
def test_a_solved_run_stops_at_once(tolerance: float | None) -> None:
    stopping = recipe(tolerance=tolerance)
    runs = train(stopping, 1, 0, 200)
    going = train(replace(stopping, stop=False), 1, 0, 200, snapshots=range(401))
    assert (runs.solved_at == going.solved_at).all()
    solved = runs.solved_at >= 0
    assert 20 < solved.sum() < 200
    assert (runs.updates == np.where(solved, runs.solved_at, 400)).all()
    rows = np.flatnonzero(solved)
    at = runs.solved_at[rows]
    assert np.allclose(runs.loss[rows], going.snapshots[rows, at, 0], rtol=1e-6)
    if tolerance is not None:
        assert (runs.loss[rows] <= tolerance).all()
        assert (going.snapshots[rows, np.maximum(at - 1, 0), 0][at > 0] > tolerance).all()
    else:
        assert (runs.correct[rows] == 4).all()
        assert (runs.correct[~solved] < 4).all()


def test_a_start_may_be_solved_already() -> None:
    plan = replace(recipe(), data=dataset_from_arrays([[0, 0]], [[1]]))
    runs = train(plan, 1, 0, 100)
    assert (runs.solved_at == 0).any()
    none = train(replace(plan, updates=0), 1, 0, 100)
    assert ((none.solved_at == 0) == (none.correct == 1)).all()


@pytest.mark.parametrize("optimiser", ["gd", "momentum", "nesterov", "rmsprop", "adam"])
def test_divergence_is_reported(optimiser: str) -> None:
    plan = recipe(loss=Loss.SQUARED, step=1e25, updates=200, optimiser=optimiser, tolerance=1e-6)
    table = train_and_name(plan, 1, 0, 100)
    assert (table["outcome"] == "diverged").mean() > 0.9
    assert not np.isin(table["outcome"], ["solved"]).any()


def test_one_diverged_network_spares_its_neighbours() -> None:
    plan = recipe(step=30.0, optimiser="gd", loss=Loss.SQUARED, updates=100)
    runs = train(plan, 1, 0, 300)
    assert runs.diverged.any()
    alone = [train(plan, 1, int(i), 1) for i in np.flatnonzero(~runs.diverged)[:10]]
    for single in alone:
        assert (single.parameters[0] == runs.parameters[single.index[0]]).all()


def test_log_spaced_snapshots() -> None:
    assert log_spaced(0) == (0,)
    assert log_spaced(1) == (0, 1)
    assert log_spaced(30) == (0, 1, 2, 5, 10, 20, 30)
    plan = recipe(updates=30, stop=False)
    runs = train(plan, 1, 0, 9, snapshots=log_spaced(30))
    assert runs.times.tolist() == [0, 1, 2, 5, 10, 20, 30]
    assert np.isfinite(runs.snapshots).all()
    for place, updates in enumerate(runs.times):
        short = train(replace(plan, updates=int(updates)), 1, 0, 9)
        assert (runs.snapshots[:, place, 0] == short.loss).all()
        assert (runs.snapshots[:, place, 1] == short.gradient_norm).all()


def test_cancelling() -> None:
    with pytest.raises(Cancelled):
        train(recipe(), 1, 0, 10, cancelled=lambda: True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": Network((2, 65, 1), "relu")}, "widths.1.: found 65, expected at most 64"),
        ({"updates": -1}, "updates: found -1"),
        ({"updates": 1.5}, "updates: found 1.5"),
        ({"precision": "float16"}, "precision: found 'float16'"),
        ({"batch": 5}, "batch: found 5, expected an integer from 1 to 4"),
        ({"tolerance": -1.0}, "tolerance: found -1.0"),
        ({"tolerance": float("nan")}, "tolerance: found nan"),
        (
            {"data": dataset("d1").data, "network": Network((1, 2, 1), "relu"), "loss": "x"},
            "loss: found",
        ),
    ],
)
def test_impossible_recipes(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(recipe(), **change)


def test_too_many_points() -> None:
    data = dataset_from_arrays([[i, i] for i in range(4097)], [[1]] * 4097)
    with pytest.raises(InputError, match="found 4097 points, expected at most 4096"):
        replace(recipe(), data=data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((-1, 0, 1), "seed"), ((2**64, 0, 1), "seed"), ((1, -1, 1), "index"), ((1, 0, 0), "found 0")],
)
def test_impossible_numbers(arguments: tuple[int, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(recipe(), *arguments)
