"""Problems in parallel: each depends on the seed and its number alone."""

from __future__ import annotations

import json
import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from fuzzing.case import to_data
from fuzzing.draw import draw
from fuzzing.judge import Judgement, judge
from fuzzing.shrink import shrunk

CHUNK = 16
LIMIT = 120
"""Seconds that one problem may take."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Answer:
    """One problem's judgement, with the problem (made smaller) if there is a fault."""

    index: int
    family: str
    judgement: Judgement
    problem: dict[str, Any] | None


def examine(seed: int, index: int) -> Answer:
    """Draw problem `index` of a seed, judge it, and shrink it if something is wrong."""
    case, rng = draw(seed, index)
    judgement = judge(case, rng)
    problem = to_data(shrunk(case, judgement.faults)) if judgement.faults else None
    return Answer(index, case.family, judgement, problem)


def run(
    seed: int, number: int | None, seconds: float, jobs: int, told: Callable[[Answer], None]
) -> bool:
    """Examine problems 0, 1, ... until the number or the time is reached.

    Returns:
        Whether it was interrupted.
    """
    deadline = time.monotonic() + seconds
    for name in THREADS:
        os.environ[name] = "1"
    starts = _starts(number, deadline)
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _prepare)
    running: set[Future[list[Answer]]] = set()
    try:
        while True:
            while len(running) < 2 * jobs and (chunk := next(starts, None)) is not None:
                running.add(pool.submit(_examine_all, seed, chunk))
            if not running:
                return False
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                for answer in future.result():
                    told(answer)
    except KeyboardInterrupt:
        for future in running:
            future.cancel()
        return True
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def write_fault(answer: Answer, seed: int, folder: Path) -> str:
    """Write the problem of a fault to a file of its own, and say in a line what is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fault-{seed}-{answer.index}.json"
    path.write_text(json.dumps(answer.problem, indent=1) + "\n", encoding="utf-8")
    judgement = answer.judgement
    line = f"{path.name}: {judgement.verdict} {judgement.method}: {'; '.join(judgement.faults)}"
    with (folder / "faults.txt").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return line


def _starts(number: int | None, deadline: float) -> Iterator[range]:
    for start in count(0, CHUNK):
        if time.monotonic() > deadline or (number is not None and start >= number):
            return
        yield range(start, start + CHUNK if number is None else min(start + CHUNK, number))


def _examine_all(seed: int, indices: range) -> list[Answer]:
    found = []
    for index in indices:
        signal.alarm(LIMIT)
        try:
            found.append(examine(seed, index))
        except TimeoutError:
            late = Judgement("error", (f"no answer within {LIMIT} seconds",))
            case = draw(seed, index)[0]
            found.append(Answer(index, case.family, late, to_data(case)))
        finally:
            signal.alarm(0)
    return found


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _too_late)
    warnings.simplefilter("ignore")


def _too_late(*_: object) -> None:
    raise TimeoutError
