"""From a shard to its rows, of small networks and of large ones."""

from __future__ import annotations

from collections.abc import Callable

from spurious.large import LargeRecipe
from spurious.sweep.ensembles import make_large_part
from spurious.sweep.part import part_bytes
from spurious.sweep.shard import Shard
from spurious.train import train_and_name

__all__ = ["make_part"]


def make_part(
    shard: Shard, threads: int = 1, cancelled: Callable[[], bool] = lambda: False
) -> bytes:
    """Trains a shard's networks and returns its rows as a Parquet file, the same bytes each time.

    Raises:
        Cancelled: `cancelled` said so.
    """
    if isinstance(shard.cell.recipe, LargeRecipe):
        return make_large_part(shard, cancelled)
    columns = train_and_name(
        shard.cell.recipe,
        shard.seed,
        shard.first,
        shard.count,
        threads=threads,
        cancelled=cancelled,
    )
    return part_bytes(shard.name, shard.cell.labels, shard.seed, columns)
