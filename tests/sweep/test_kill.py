"""A sweep killed at random moments, or interrupted, and resumed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.sweep.plans import SMALL, contents

from spurious.sweep import open_store, parse_plan, run_sweep

KILLS = int(os.environ.get("SPURIOUS_TEST_KILLS", "3"))
LONGER = SMALL.replace("runs = 150", "runs = 100").replace("shard = 40", "shard = 10")
"""Long enough to be interrupted: eight cells of ten shards."""
SHARDS = 80
ATTEMPTS = 5
"""On a busy machine a sweep can end before this process gets to interrupt it."""


def start(plan: Path, store: Path) -> subprocess.Popen[bytes]:
    main = "from spurious.cli import main; main()"
    command = [sys.executable, "-c", main, "sweep", "run", plan, "--store", store]
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    run_sweep(parse_plan(LONGER, "longer", Path()), open_store(store))
    return store


def wait_for_parts(store: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and len(list((store / "parts").glob("*.parquet"))) < count:
        time.sleep(0.01)


def test_kill_and_resume(undisturbed: Path, tmp_path: Path) -> None:
    rng = random.Random(11)
    plan, store = tmp_path / "plan.toml", tmp_path / "store"
    plan.write_text(LONGER)
    killed = 0
    for _ in range(KILLS):
        process = start(plan, store)
        here = len(list((store / "parts").glob("*.parquet")))
        wait_for_parts(store, here + rng.randrange(3), process)
        time.sleep(rng.random() * 0.2)
        if process.poll() is None:
            process.kill()
            killed += 1
        process.communicate()
        if killed and not (set(contents(undisturbed)) - set(contents(store))):
            break
    assert killed > KILLS // 2
    process = start(plan, store)
    output, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    assert b"solved" in output
    assert contents(store) == contents(undisturbed)


def test_interrupt_and_resume(undisturbed: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(LONGER)
    for attempt in range(ATTEMPTS):
        store = tmp_path / f"store{attempt}"
        process = start(plan, store)
        wait_for_parts(store, 3, process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        if process.returncode != 0:
            break
    assert process.returncode == 130
    text = errors.decode()
    assert "Interrupted" in text and "Traceback" not in text
    assert 3 <= len(list((store / "parts").glob("*.parquet"))) < SHARDS
    process = start(plan, store)
    process.communicate()
    assert process.returncode == 0
    assert contents(store) == contents(undisturbed)
