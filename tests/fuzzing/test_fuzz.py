"""A hundred problems of a fixed seed, and the program that runs millions."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fuzzing.draw import FAMILIES, draw
from fuzzing.runner import examine

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SEED = 0


@pytest.mark.parametrize("start", range(0, 100, 25))
def test_a_hundred_problems_are_judged_rightly(start: int) -> None:
    answers = [examine(SEED, index) for index in range(start, start + 25)]
    wrong = [(a.index, a.judgement.faults) for a in answers if a.judgement.faults]
    assert not wrong, f"seed {SEED}: {wrong}"


def test_a_problem_depends_on_the_seed_and_its_number_alone() -> None:
    assert draw(5, 77)[0] == draw(5, 77)[0]
    assert draw(5, 77)[0] != draw(6, 77)[0]
    drawn = [draw(5, index)[0] for index in range(300)]
    assert {case.family for case in drawn} == set(FAMILIES)


def test_the_program_counts_what_it_did(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "fuzz.py"), "--count", "20", "--seed", "0"]
    done = subprocess.run(
        [*command, "--jobs", "1", "--out", str(tmp_path / "faults")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(
        r"20 problems, 0 false verdicts, 0 refused certificates, 0 undecided .*", last
    )
    assert done.stdout.startswith("seed 0\n")
    assert not (tmp_path / "faults").exists()
