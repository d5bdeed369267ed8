"""Interruption, exact resumption, and ensembles too large for the memory."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.large.networks import classes, members, recipe

import spurious.large.ensemble
from spurious.large import memory, training
from spurious.large.checkpoint import Checkpoint, checkpoint_bytes, read_checkpoint
from spurious.large.ensemble import Ensemble, Member
from spurious.large.training import Means, trained
from spurious.sweep import open_store
from spurious.sweep.ensembles import Checkpoints
from spurious.train import Cancelled

Rows = dict[str, dict[str, object]]


def rows(networks: dict[str, Member], work: Means) -> Rows:
    done: Rows = {}
    for names, found in trained(networks, work):
        done.update(zip(names, found, strict=True))
    return done


def same(one: Rows, other: Rows) -> bool:
    """Whether two results are equal to the last bit."""
    pairs = [
        (np.asarray(one[name][key]), np.asarray(other[name][key]))
        for name in one
        for key in one[name]
    ]
    return one.keys() == other.keys() and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs
    )


@pytest.fixture(scope="module")
def undisturbed() -> Rows:
    return rows(members(), Means({}))


@pytest.fixture
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one update, so that there is something to interrupt."""
    monkeypatch.setattr(spurious.large.ensemble, "BLOCK_SECONDS", 1e-9)


def test_a_finished_ensemble_leaves_no_checkpoint(undisturbed: Rows) -> None:
    files: dict[str, bytes] = {}
    assert same(rows(members(), Means(files)), undisturbed)
    assert not files


@pytest.mark.usefixtures("short_blocks")
def test_cancelled_and_resumed(undisturbed: Rows) -> None:
    files: dict[str, bytes] = {}
    asked = iter([False] * 30)
    with pytest.raises(Cancelled):
        rows(members(), Means(files, cancelled=lambda: next(asked, True)))
    ((name, content),) = files.items()
    checkpoint = read_checkpoint(content)
    assert name.endswith(".safetensors") and checkpoint is not None
    assert 8 < checkpoint.step < 60
    assert same(rows(members(), Means(files)), undisturbed)
    assert not files


@pytest.mark.usefixtures("short_blocks")
def test_interrupted_and_resumed(undisturbed: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Ensemble.advance, iter(range(1000))

    def interrupted(self: Ensemble, state: object) -> object:
        if next(calls) == 20:
            raise KeyboardInterrupt
        return real(self, state)  # pyright: ignore

    files: dict[str, bytes] = {}
    monkeypatch.setattr(Ensemble, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rows(members(), Means(files))
    assert len(files) == 1
    assert same(rows(members(), Means(files)), undisturbed)


def test_half_put_away(undisturbed: Rows) -> None:
    """A kill after some rows of a finished ensemble were written: the rest must not change."""
    files: dict[str, bytes] = {}
    next(trained(members(), Means(files)))  # and never asked for more
    assert len(files) == 1
    left = {name: member for name, member in members().items() if name in ("n1", "n3")}
    assert same(rows(left, Means(files)), {name: undisturbed[name] for name in left})
    assert not files


def test_checkpoints_of_no_use_are_removed(undisturbed: Rows) -> None:
    other = checkpoint_bytes(Checkpoint(("elsewhere",), 3, {"state.0": np.zeros(2)}))
    files = {"a.safetensors": b"damaged", "b.safetensors": other, "c.safetensors": b""}
    assert same(rows(members(), Means(files)), undisturbed)
    assert not files


SCRIPT = """
import sys
import spurious.large.ensemble as ensemble
ensemble.BLOCK_SECONDS = 0.02
from tests.large.networks import classes, recipe
from spurious.large.ensemble import Member
from spurious.large.training import Means, trained
from spurious.sweep import open_store
from spurious.sweep.ensembles import Checkpoints
long = recipe(classes(), updates=int(sys.argv[2]))
files = Checkpoints(open_store(sys.argv[1]))
list(trained({"a": Member(long, 1, 0), "b": Member(long, 1, 1)}, Means(files, every=0.0)))
"""


def test_killed_and_resumed(tmp_path: Path) -> None:
    updates = 20_000
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(updates)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    folder = tmp_path / "checkpoints"
    while process.poll() is None and not list(folder.glob("*.safetensors")):
        time.sleep(0.01)
    time.sleep(0.2)
    assert process.poll() is None, "it ended before it could be killed"
    process.kill()
    process.wait()
    files = Checkpoints(open_store(tmp_path))
    (name,) = files
    checkpoint = read_checkpoint(files[name])
    assert checkpoint is not None and 0 < checkpoint.step < updates
    long = recipe(classes(), updates=updates)
    networks = {"a": Member(long, 1, 0), "b": Member(long, 1, 1)}
    assert same(rows(networks, Means(files)), rows(networks, Means({})))
    assert not list(folder.iterdir())


def test_an_ensemble_too_large_is_halved(
    undisturbed: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Small(Ensemble):
        def __init__(self, networks: list[Member]) -> None:
            sizes.append(len(networks))
            if len(networks) > 1:
                raise MemoryError("training them together needs 9.0 GiB, and 1.0 GiB are free")
            super().__init__(networks)

    monkeypatch.setattr(training, "Ensemble", Small)
    said: list[str] = []
    two = {name: member for name, member in members().items() if name in ("n0", "n1")}
    found = rows(two, Means({}, said.append))
    assert sizes == [2, 1, 1]
    assert any("2 networks are too many at once" in line and "1 and 1" in line for line in said)
    for name, row in found.items():
        assert row["final_loss"] == pytest.approx(undisturbed[name]["final_loss"], rel=1e-4)


def test_one_network_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 1000)
    with pytest.raises(MemoryError, match=r"one network alone is too large: .* GiB are free"):
        rows({"n0": members()["n0"]}, Means({}))


def test_what_counts_as_out_of_memory() -> None:
    from jax.errors import JaxRuntimeError

    assert memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating"))
    assert not memory.is_out_of_memory(JaxRuntimeError("INVALID_ARGUMENT: out"))
    assert not memory.is_out_of_memory(ValueError("out of memory"))
