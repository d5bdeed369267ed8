"""Large networks in plans and stores: errors, resumption, part files, and a mixed sweep."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.sweep.plans import contents

from spurious.errors import InputError
from spurious.large import LargeRecipe
from spurious.sweep import (
    CERTIFIED,
    Standing,
    connect,
    make_part,
    open_store,
    parse_plan,
    run_sweep,
    shards_of,
    summaries,
)
from spurious.sweep.executors import on_this_machine

MIXED = """
name = "mixed"
seed = 3
runs = 3
shard = 2

[[grid]]
dataset = [
  { name = "zigzag", points = 9, pieces = 2 },
  { name = "zigzag", points = 9, pieces = 2, tau = 0.1 },
]
hidden = [4]
activation = "relu"
initialisation = ["pytorch", { name = "normal", mean = -9.0, bias = "drawn" }]
optimiser = "adam"
step_size = 0.01
updates = 40
tolerance = 0.01

[[grid]]
dataset = "xor"
hidden = 3
activation = "relu"
initialisation = "pytorch"
optimiser = "adam"
step_size = 0.02
updates = 50
"""


def plan(text: str = MIXED):
    return parse_plan(text, "mixed", Path())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "store"
    said: list[str] = []
    target = open_store(folder)
    result = run_sweep(plan(), target, on_this_machine(target, say=said.append))
    assert not result.failed and result.made == 10
    assert any("1-4-1, 12 networks: compiling" in line for line in said)
    return folder


def test_rows(store: Path) -> None:
    found = summaries(open_store(store))
    assert [cell.total for cell in found] == [3] * 5
    (dead,) = [
        cell
        for cell in found
        if "mean=-9.0" in str(cell.label("initialisation")) and "tau" in str(cell.label("dataset"))
    ]
    assert dead.counts["dead"] == dead.proofs[Standing.BOUND_MINIMUM] == 3
    assert not any(dead.proofs[kind] for kind in CERTIFIED)
    rows = connect(open_store(store)).execute(
        "SELECT index, dead_end, len(outputs), curve_updates[-1], curve_loss[-1] = final_loss, "
        "len(parameters) FROM runs WHERE dataset = 'zigzag(points=9, pieces=2)' "
        "AND initialisation = 'pytorch' ORDER BY index"
    )
    for index, row in enumerate(rows.fetchall()):
        assert row[0] == index and 0 <= row[1] < 1
        assert row[2:] == (9, 40, True, 13)


def test_the_same_plan_twice_does_nothing_twice(store: Path) -> None:
    before = contents(store)
    result = run_sweep(plan(), open_store(store))
    assert (result.made, result.found) == (0, 10)
    assert contents(store) == before
    assert not (store / "checkpoints").exists() or not list((store / "checkpoints").iterdir())


def test_interrupted_between_the_shards_of_an_ensemble(store: Path, tmp_path: Path) -> None:
    """The shards that were not written yet must come out the same, bit for bit."""
    target = open_store(tmp_path)

    def interrupt(progress: object) -> None:
        if progress.shard is not None and progress.runs >= 5:  # pyright: ignore
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan(), target, report=interrupt)
    assert 0 < len(list((tmp_path / "parts").iterdir())) < 8
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    run_sweep(plan(), target)
    assert contents(tmp_path) == contents(store)


def test_a_shard_alone_is_the_same_to_rounding(store: Path) -> None:
    """As a cluster's workers make it."""
    import io

    import pyarrow.parquet as pq

    shard = next(s for s in shards_of(plan()) if isinstance(s.cell.recipe, LargeRecipe))
    alone = pq.read_table(io.BytesIO(make_part(shard))).to_pydict()
    there = pq.read_table(store / "parts" / f"{shard.name}.parquet").to_pydict()
    assert alone["outcome"] == there["outcome"] and alone["index"] == there["index"]
    assert alone["final_loss"] == pytest.approx(there["final_loss"], rel=1e-4)


def test_failures_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spurious.large import memory

    monkeypatch.setattr(memory, "free_bytes", lambda: 1000)
    text = MIXED.partition('[[grid]]\ndataset = "xor"')[0]
    result = run_sweep(plan(text), open_store(tmp_path))
    assert len(result.failed) == 8 and result.made == 0
    assert all("one network alone is too large" in reason for reason in result.failed.values())


def test_names_depend_on_the_data() -> None:
    names = {shard.name for shard in shards_of(plan())}
    for change in ("points = 11", "pieces = 4", "noise = 0.1"):
        key = change.split(" ")[0]
        text = (
            MIXED.replace("points = 9", change)
            if key == "points"
            else MIXED.replace("pieces = 2", f"pieces = 2, {change}" if key == "noise" else change)
        )
        other = {s.name for s in shards_of(plan(text)) if isinstance(s.cell.recipe, LargeRecipe)}
        assert not names & other
    (small,) = {s.name for s in shards_of(replace(plan(), runs=1)) if s.cell.labels[0] == "xor"}
    assert len(small) == 32


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"xor"', '"mnits"', r"grid\[1\]\.dataset: found 'mnits', expected one of xor.*zigzag"),
        ('"xor"', "{ tau = 2.0 }", r"grid\[1\]\.dataset: .*expected a name, or a table"),
        ('"xor"', '{ name = "xor" }', r"grid\[1\]\.dataset: dataset.name: found 'xor'"),
        ("pieces = 2 }", "peices = 2 }", r"dataset.peices: found an unknown key.*mean pieces"),
        ("tolerance = 0.01", "", "tolerance: found nothing, expected the loss"),
        (
            "tolerance = 0.01",
            "tolerance = 0.01\nbatch = 10",
            "batch: found 10, expected an integer",
        ),
        (
            "tolerance = 0.01",
            'tolerance = 0.01\nprecision = "float64"',
            "precision: found 'float64', expected float32",
        ),
        (
            "tolerance = 0.01",
            'tolerance = 0.01\nloss = "logistic"',
            "loss: found logistic, expected squared",
        ),
    ],
)
def test_plan_errors(old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        plan(MIXED.replace(old, new))
    assert len(str(caught.value).splitlines()) == 1


def test_images_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPURIOUS_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"grid\[1\]\.dataset: .*found no file train-images"):
        plan(MIXED.replace('"xor"', '"mnist"'))
