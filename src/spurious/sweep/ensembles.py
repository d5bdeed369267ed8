"""Shards of large networks: cells of one shape are trained together, with checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, cast

from spurious.large import LargeRecipe
from spurious.late import require
from spurious.sweep.part import part_bytes
from spurious.sweep.shard import Failure, Result, Shard, failure
from spurious.sweep.store import CHECKPOINTS, Store


class Checkpoints(MutableMapping[str, bytes]):
    """The checkpoints of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, name: str) -> bytes:
        content = self._store.read(f"{CHECKPOINTS}/{name}")
        if content is None:
            raise KeyError(name)
        return content

    def __setitem__(self, name: str, content: bytes) -> None:
        self._store.write(f"{CHECKPOINTS}/{name}", content)

    def __delitem__(self, name: str) -> None:
        if name not in self._store.names(CHECKPOINTS):
            raise KeyError(name)
        self._store.remove(f"{CHECKPOINTS}/{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.names(CHECKPOINTS))

    def __len__(self) -> int:
        return len(self._store.names(CHECKPOINTS))


def make_large_part(
    shard: Shard,
    threads: int = 1,  # noqa: ARG001 - JAX has threads of its own
    cancelled: Callable[[], bool] = lambda: False,
) -> bytes:
    """A shard of large networks by itself, without checkpoints.

    Raises:
        Cancelled: `cancelled` said so.
    """
    ((_, result),) = make_large_parts([shard], {}, cancelled, lambda _: None)
    if isinstance(result, Failure):
        raise RuntimeError(result.reason)
    return result


def make_large_parts(
    shards: Sequence[Shard],
    files: MutableMapping[str, bytes],
    cancelled: Callable[[], bool],
    say: Callable[[str], None],
) -> Iterator[tuple[Shard, Result]]:
    """Shards of large networks, trained together; each with its result as it is done.

    Args:
        shards: The shards.
        files: Checkpoints.
        cancelled: Whether to stop.
        say: Called with a line on what is done.

    Raises:
        InputError: JAX is not installed.
        Cancelled: `cancelled` said so.
    """
    require("jax", "large")
    from spurious.large.ensemble import Member
    from spurious.large.rows import columns
    from spurious.large.training import Means, trained

    owner: dict[str, Shard] = {}
    networks: dict[str, Member] = {}
    for shard in shards:
        for index in range(shard.first, shard.first + shard.count):
            name = f"{shard.name}:{index}"
            owner[name] = shard
            networks[name] = Member(cast(LargeRecipe, shard.cell.recipe), shard.seed, index)
    found: dict[str, list[dict[str, Any]]] = {shard.name: [] for shard in shards}
    pending = {shard.name: shard for shard in shards}
    try:
        for names, rows in trained(networks, Means(files, say, cancelled)):
            for name, row in zip(names, rows, strict=True):
                found[owner[name].name].append(row)
            whole = [s for s in pending.values() if len(found[s.name]) == s.count]
            for shard in whole:
                mine = sorted(found[shard.name], key=lambda row: row["index"])
                del pending[shard.name]
                content = part_bytes(shard.name, shard.cell.labels, shard.seed, columns(mine))
                yield shard, content
    except MemoryError as error:
        for shard in pending.values():
            yield shard, failure(error)
