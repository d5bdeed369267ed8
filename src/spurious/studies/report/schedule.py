"""Claims side by side: what is begun first, and the compilation of the engine among them.

Proofs that need no training come first, so that there is something to read at once; then the
longest claims, so that no process is left with a long one at the end. Nothing that trains is begun
before the engine is compiled, which two processes do in two parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from spurious.studies.report.claim import Claim, ClaimResult
from spurious.studies.report.job import Job
from spurious.studies.report.lanes import BARRIER, Say, in_lanes
from spurious.studies.report.record import Record
from spurious.train.warm import PARTS, is_compiled

AT_ONCE: Final = ("C11", "C5", "C6")
"""Nothing of these trains, and each takes a few seconds."""

LONGEST_FIRST: Final = ("C3", "C14", "C7", "C12", "C13", "C1", "C10", "C8", "C2", "C9", "C4")
"""Of the paper's claims; others, which are long, come before them."""

Step = Job | str
"""A claim, or a part of the engine to compile."""


def side_by_side(
    jobs: Mapping[str, Job],
    lanes: int,
    starting: Callable[[Claim], None],
    say: Say,
) -> Iterator[tuple[ClaimResult, Record]]:
    """Tests claims in several processes.

    Args:
        jobs: By the claim's name.
        lanes: The number of processes.
        starting: Called with each claim that is begun.
        say: Called with lines on what is done.

    Yields:
        The results without their pictures, and their entries of `claims.json`, as they come.
    """
    first = [jobs[name] for name in AT_ONCE if name in jobs]
    known = (*AT_ONCE, *LONGEST_FIRST)
    longest = [name for name in LONGEST_FIRST if name in jobs]
    rest = [jobs[name] for name in (*(name for name in jobs if name not in known), *longest)]
    parts: list[Step] = [] if is_compiled() or not rest else list(PARTS)
    # The longest part of the engine goes on beside the first claims.
    tasks: list[Step | None] = [*parts[:1], *first, *parts[1:], BARRIER, *rest]

    def begun(task: Step) -> None:
        if isinstance(task, Job):
            starting(task.claim)

    def told(_: Step, line: str) -> None:
        say(line)

    for _, answer in in_lanes(_done, tasks, lanes, begun, told):
        if answer is not None:
            yield answer


def _done(task: Step, say: Say) -> tuple[ClaimResult, Record] | None:
    if isinstance(task, str):
        PARTS[task]()
        return None
    result, record = task.done(say)
    return replace(result, pictures=()), record
