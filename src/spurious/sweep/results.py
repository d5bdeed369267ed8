"""What an executor makes of a shard: its rows as a file, or why it has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TypeAlias

from spurious.sweep.shard import Shard


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a shard has no rows.

    Attributes:
        reason: One line.
    """

    reason: str


Result: TypeAlias = bytes | Failure
Executor: TypeAlias = Callable[[Sequence[Shard], Event], Iterator[tuple[Shard, Result]]]


def failure(error: BaseException) -> Failure:
    """An exception as the reason of a failure."""
    text = " ".join(str(error).split())
    return Failure(f"{type(error).__name__}: {text}" if text else type(error).__name__)
