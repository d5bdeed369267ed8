"""Work shared out to a few processes, one task at a time each.

`multiprocessing`'s pools are not used: they cannot tell what a worker is doing, and stop late.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Final, TypeAlias

from spurious.atlas.workers import end_with_parent

BARRIER: Final = None
"""Stands among tasks."""

Say: TypeAlias = Callable[[str], None]
"""Called with a line on what is being done."""

DoTask: TypeAlias = Callable[[Any, Say], Any]
"""Does a task, in another process."""


def in_lanes(
    work: DoTask,
    tasks: Iterable[Any],
    lanes: int,
    starting: Callable[[Any], None],
    say: Callable[[Any, str], None],
) -> Iterator[tuple[Any, Any]]:
    """Does tasks in several processes, which end with this one.

    Args:
        work: A function of a module, called with a task and a function that takes a line.
        tasks: In the order in which they are begun; what follows a `BARRIER` waits for all before.
        lanes: The number of processes.
        starting: Called here with every task that is begun.
        say: Called here with a task and a line of it.

    Yields:
        Each task with its answer, in the order in which they are done.

    Raises:
        RuntimeError: A process ended without an answer.
        Exception: What `work` has raised.
    """
    spawn = multiprocessing.get_context("spawn")
    left = deque(tasks)
    busy: dict[Connection, Any] = {}
    idle: list[Connection] = []
    processes: list[Any] = []

    def begin() -> None:
        while idle and left:
            if left[0] is BARRIER:
                if busy:
                    return
                left.popleft()
                continue
            connection = idle.pop()
            busy[connection] = task = left.popleft()
            starting(task)
            connection.send(task)

    try:
        for _ in range(lanes):
            here, there = spawn.Pipe()
            processes.append(spawn.Process(target=_lane, args=(work, there)))
            processes[-1].start()
            there.close()
            idle.append(here)
        begin()
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                try:
                    line, answer = connection.recv()
                except EOFError:
                    raise RuntimeError(f"the process of {busy[connection]} has ended") from None
                if line is not None:
                    say(busy[connection], line)
                    continue
                if isinstance(answer, Exception):
                    raise answer
                yield busy.pop(connection), answer
                idle.append(connection)
            begin()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _lane(work: DoTask, connection: Connection) -> None:
    """What a process does: task after task."""
    end_with_parent()
    while True:
        task = connection.recv()
        try:
            answer = work(task, lambda line: connection.send((line, None)))
        except Exception as error:  # it is the caller's
            answer = error
        connection.send((None, answer))
