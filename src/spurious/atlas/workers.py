"""Parts of an atlas, piece by piece: made here, or by several processes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from spurious.atlas.parts import Setting, minima_with, prepare, solve_branch
from spurious.atlas.records import family_to_data
from spurious.atlas.states import TooManyFacesError, UnresolvedError
from spurious.problem import DenseLoss


@dataclass(frozen=True, slots=True)
class BranchTask:
    """Solve the cells of one branch.

    Attributes:
        first: The branch's first region.
    """

    first: int

    @property
    def key(self) -> str:
        """The task's name in a journal."""
        return f"branch {self.first}"


@dataclass(frozen=True, slots=True)
class FitTask:
    """Find the minima that have one fitted vector.

    Attributes:
        support: A support of the fit, as a set of bits.
    """

    support: int

    @property
    def key(self) -> str:
        """The task's name in a journal."""
        return f"fit {self.support:x}"


AtlasTask: TypeAlias = BranchTask | FitTask


if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

PATIENCE: Final = 2.0
"""Seconds of work here before other processes are started."""

Make = Callable[[Sequence[AtlasTask]], Iterator[tuple[AtlasTask, Any]]]


def silent(what: str, done: int, total: int) -> None:
    """Reports no progress."""


_setting: list[Setting] = []
"""In a worker process, its own setting."""


def part(setting: Setting, task: AtlasTask) -> dict[str, Any]:
    """Makes a part, as JSON data."""
    if isinstance(task, BranchTask):
        branch = solve_branch(setting, task.first)
        return {
            "supports": [f"{support:x}" for support in branch.supports],
            "work": asdict(branch.work),
        }
    fit = setting.projector.evaluate(task.support)
    if fit is None:
        raise ArithmeticError("a support of a fit is no support")
    try:
        found = minima_with(setting, setting.projector.fits[fit])
    except (TooManyFacesError, UnresolvedError) as error:
        return {"undecided": str(error)}
    return {"families": [family_to_data(family) for family in found]}


@contextmanager
def makers(setting: Setting, loss: DenseLoss, workers: int) -> Generator[Make]:
    """Yields a function that makes parts and returns each with its task, in any order.

    It begins in this process; what is left after a while goes to other processes, whose start
    takes about a second.

    Args:
        setting: Of this process.
        loss: What it was prepared from.
        workers: How many processes; 1 for this one alone.
    """
    pool: list[ProcessPoolExecutor] = []

    def make(tasks: Sequence[AtlasTask]) -> Iterator[tuple[AtlasTask, Any]]:
        begun, left = perf_counter(), list(reversed(tasks))
        while left and (workers <= 1 or perf_counter() - begun < PATIENCE):
            task = left.pop()
            yield task, part(setting, task)
        if left:
            if not pool:
                pool.append(_pool(loss, workers))
            yield from _spread(pool[0], left)

    try:
        yield make
    finally:
        for running in pool:
            running.shutdown(cancel_futures=True)


def _pool(loss: DenseLoss, workers: int) -> ProcessPoolExecutor:
    import multiprocessing  # slow to import, and most problems need no second process
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _start_worker, (loss,)
    )


def _spread(
    pool: ProcessPoolExecutor, tasks: Sequence[AtlasTask]
) -> Iterator[tuple[AtlasTask, Any]]:
    from concurrent.futures import as_completed

    for done in as_completed([pool.submit(_done, task) for task in tasks]):
        yield done.result()


def _start_worker(loss: DenseLoss) -> None:
    end_with_parent()
    _setting.append(prepare(loss))


def end_with_parent() -> None:
    """Ends this process when its parent is gone, even if that was killed, and never by Ctrl-C."""
    import multiprocessing
    import os
    import signal
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=follow, daemon=True).start()


def _done(task: AtlasTask) -> tuple[AtlasTask, Any]:
    return task, part(_setting[0], task)
