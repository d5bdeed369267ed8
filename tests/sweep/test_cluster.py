"""Sweeps on a real Dask scheduler with workers of their own processes, on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sweep.plans import contents, small

from spurious.errors import InputError
from spurious.sweep import (
    Shard,
    connect_cluster,
    executors,
    on_cluster,
    open_store,
    run_sweep,
    shards_of,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Dask's own
    pytest.mark.xdist_group("cluster"),
]

ROOT = Path(__file__).parents[2]
BAD_FIRST = 120


@pytest.fixture
def cluster(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The scheduler's address, and workers without a nanny, so that dead ones stay dead.

    Each takes seconds to begin, so a test says how many it needs.
    """
    file = tmp_path / "scheduler.json"
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT)))  # these sources, not installed ones
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}

    def dask(*arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )

    shared = ("--scheduler-file", str(file))
    local = ("--host", "127.0.0.1")
    scheduler = dask("scheduler", *shared, *local, "--port", "0", "--no-dashboard")
    while not file.exists() and scheduler.poll() is None:
        time.sleep(0.05)
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", *local)
    workers = [dask("worker", *shared, *options, "--name", f"w{i}") for i in range(request.param)]
    yield json.loads(file.read_text())["address"], workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def wait_for_workers(client, count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.wait_for_workers(count)


@pytest.mark.parametrize("cluster", [3], indirect=True)
def test_a_dead_worker_loses_nothing(cluster, finished: Path, tmp_path: Path) -> None:
    address, workers = cluster
    with connect_cluster(address) as client:
        wait_for_workers(client, 3)

        def report(progress) -> None:
            if progress.runs >= 160 and workers[0].poll() is None:
                workers[0].send_signal(signal.SIGKILL)
                workers[0].wait()

        result = run_sweep(small(), open_store(tmp_path / "store"), on_cluster(client), report)
    assert workers[0].returncode == -signal.SIGKILL
    assert not result.failed
    assert contents(tmp_path / "store") == contents(finished)


def bad_shard() -> Shard:
    return next(shard for shard in shards_of(small()) if shard.first == BAD_FIRST)


def deadly(shard: Shard, threads: int = 1, cancelled=lambda: False) -> bytes:
    """Like `make_part`, but one shard takes its worker down."""
    from spurious.sweep import make_part

    if shard.name == bad_shard().name:
        os._exit(1)
    return make_part(shard, threads, cancelled)


@pytest.mark.parametrize("cluster", [5], indirect=True)  # four may die
def test_a_deadly_shard_fails_alone(cluster, tmp_path: Path) -> None:
    address, _ = cluster
    store = open_store(tmp_path / "store")
    with connect_cluster(address) as client:
        wait_for_workers(client, 5)
        result = run_sweep(small(), store, on_cluster(client, deadly))
    bad = bad_shard().name
    assert list(result.failed) == [bad]
    assert "KilledWorker" in result.failed[bad]
    assert result.made == 31
    assert (tmp_path / "store" / "failed" / f"{bad}.json").exists()


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "ANSWERS_WITHIN", 0.2)
    with pytest.raises(InputError, match="no scheduler answers at tcp:"):
        connect_cluster("tcp://127.0.0.1:1")
