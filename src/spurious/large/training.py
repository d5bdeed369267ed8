"""Trains networks in as large ensembles as memory allows, with checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from spurious.large.checkpoint import (
    Checkpoint,
    checkpoint_bytes,
    checkpoint_name,
    read_checkpoint,
)
from spurious.large.ensemble import Ensemble, Member
from spurious.large.memory import is_out_of_memory
from spurious.large.rows import rows
from spurious.train import Cancelled

CHECKPOINT_SECONDS: Final = 60.0
"""At most so much training is lost when the process is killed."""

SAY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """What `trained` may use.

    Attributes:
        files: Checkpoints by name; a value is written completely or not at all.
        say: Called with a line on what is being done.
        cancelled: Asked between blocks of updates whether to stop.
        every: Seconds between checkpoints.
    """

    files: MutableMapping[str, bytes]
    say: Callable[[str], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    every: float = CHECKPOINT_SECONDS


def trained(
    networks: Mapping[str, Member], work: Means
) -> Iterator[tuple[tuple[str, ...], list[dict[str, Any]]]]:
    """Trains networks and yields the rows of each ensemble as it is done.

    Networks of one shape train together. Ensembles that checkpoints hold go on where they stopped;
    one that does not fit into memory is halved. An ensemble's checkpoint stays until the next one
    is asked for after its rows: by then the caller has put them away.

    Args:
        networks: By name; the names tell networks apart in checkpoints.
        work: What to use.

    Yields:
        Names, and a row for each.

    Raises:
        Cancelled: `work.cancelled` said so; the state is in a checkpoint.
        MemoryError: One network alone does not fit.
    """
    waiting = _resumed(networks, work)
    taken = {name for piece in waiting for name in piece.names}
    waiting += _grouped({n: m for n, m in networks.items() if n not in taken})
    while waiting:
        piece = waiting.pop(0)
        names = piece.names
        try:
            found = _rows_of(piece, [networks[name] for name in names], work)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if len(names) == 1:
                raise MemoryError(f"one network alone is too large: {error}") from None
            half = len(names) // 2
            work.say(
                f"{len(names)} networks are too many at once ({_first_line(error)}); going on with "
                f"{half} and {len(names) - half}"
            )
            waiting[:0] = [_piece(names[:half]), _piece(names[half:])]
            continue
        yield names, found
        work.files.pop(piece.file, None)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Networks that train together, and the name of their checkpoint."""

    names: tuple[str, ...]
    file: str


def _piece(names: tuple[str, ...]) -> _Piece:
    return _Piece(names, checkpoint_name(names))


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else "out of memory"


def _resumed(networks: Mapping[str, Member], work: Means) -> list[_Piece]:
    """The ensembles that checkpoints hold; checkpoints that are of no use here are removed.

    Of a finished ensemble some networks may have been put away already.
    """
    found: list[_Piece] = []
    for file in sorted(work.files):
        checkpoint = read_checkpoint(work.files[file])
        left = () if checkpoint is None else tuple(n for n in checkpoint.members if n in networks)
        if checkpoint is None or not left:
            del work.files[file]
            continue
        finished = checkpoint.step == networks[left[0]].recipe.updates
        if finished or left == checkpoint.members:
            found.append(_Piece(left, file))
        else:
            del work.files[file]
    return found


def _grouped(networks: Mapping[str, Member]) -> list[_Piece]:
    """Networks by shape."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, member in networks.items():
        groups.setdefault(member.recipe.shape, []).append(name)
    return [_piece(tuple(names)) for names in groups.values()]


def _rows_of(piece: _Piece, members: Sequence[Member], work: Means) -> list[dict[str, Any]]:
    """Trains one ensemble from its checkpoint, if there is one, to its end."""
    recipe = members[0].recipe
    title = f"{recipe.network.shape_name}, {len(members)} networks"
    work.say(f"{title}: compiling")
    ensemble = Ensemble(members)
    content = work.files.get(piece.file)
    checkpoint = None if content is None else read_checkpoint(content)
    if checkpoint is None:
        state, saved = ensemble.start(), -1
    else:
        state = ensemble.restored(checkpoint.step, checkpoint.of(piece.names))
        saved = state.step
    began, first = time.monotonic(), state.step
    written = told = began

    def save() -> None:
        nonlocal saved
        if state.step != saved:
            made = Checkpoint(piece.names, state.step, state.arrays())
            work.files[piece.file] = checkpoint_bytes(made)
            saved = state.step

    try:
        while state.step < recipe.updates:
            if work.cancelled():
                raise Cancelled("training was stopped")
            state = ensemble.advance(state)
            now = time.monotonic()
            if now - written > work.every:
                save()
                written = now
            if now - told > SAY_SECONDS:
                told = now
                left = (now - began) / (state.step - first) * (recipe.updates - state.step)
                work.say(
                    f"{title}: {state.step:,} of {recipe.updates:,} updates, about "
                    f"{timedelta(seconds=round(left))} left"
                )
    except (KeyboardInterrupt, Cancelled):
        save()
        raise
    save()  # when only some of the rows are put away, the others must not change
    return rows(ensemble, state, lambda text: work.say(f"{title}: {text}"))
