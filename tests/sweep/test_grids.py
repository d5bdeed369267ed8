"""Plans made from values: what their text says is what they are."""

from pathlib import Path

import pytest

from spurious.errors import InputError
from spurious.problem import BuiltIn, Loss, dataset
from spurious.sweep import (
    cell_rows,
    connect,
    on_this_machine,
    open_store,
    parse_plan,
    plan_of,
    run_sweep,
    shards_of,
)
from spurious.sweep.axes import AXES

GRID = {
    "dataset": ["xor", "jellyfish"],
    "hidden": [2, [3, 2]],
    "activation": "relu",
    "initialisation": ["pytorch", {"name": "normal", "std": 0.5, "bias": "drawn"}],
    "optimiser": "adam",
    "step_size": 1e-5,
    "updates": 3,
}


def test_the_text_of_a_plan_gives_the_same_plan() -> None:
    plan = plan_of("two grids", [GRID, {**GRID, "step_size": 0.1}], runs=4, seed=9, shard=2)
    assert (plan.total, plan.seed, len(plan.cells)) == (4 * 16, 9, 16)
    again = parse_plan(plan.text, "other", Path())
    assert again == plan
    assert [s.name for s in shards_of(again)] == [s.name for s in shards_of(plan)]


def test_data_may_be_given_as_they_are() -> None:
    xor = dataset("xor")
    mine = BuiltIn("mine-0.5", "", "", Loss.SQUARED, xor.data)
    plan = plan_of("mine", [{**GRID, "dataset": mine, "hidden": 2}], runs=1)
    assert {cell.labels[0] for cell in plan.cells} == {"mine-0.5"}
    assert all(cell.recipe.data == xor.data for cell in plan.cells)
    assert all(cell.recipe.loss is Loss.SQUARED for cell in plan.cells)
    assert 'dataset = "mine-0.5"' in plan.text


def test_a_value_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"grid\.hiden: found an unknown key; did you mean hidden"):
        plan_of("x", [{**GRID, "hiden": 2}], runs=1)


def test_rows_of_a_cell_are_its_own_in_order(tmp_path: Path) -> None:
    plan = plan_of("rows", [{**GRID, "hidden": [1, 2], "updates": 0}], runs=3, shard=2)
    store = open_store(str(tmp_path / "store"))
    run_sweep(plan, store, on_this_machine(store))
    connection = connect(store)
    seen = []
    for cell in plan.cells:
        rows = cell_rows(connection, cell, ("index", "hidden", "initialisation"))
        assert [row["index"] for row in rows] == [0, 1, 2]
        label = AXES.index("initialisation")
        seen += [(cell.labels[1], cell.labels[label]) == tuple(row.values())[1:] for row in rows]
    assert len(seen) == plan.total and all(seen)
