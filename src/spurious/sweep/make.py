"""From a shard to its rows: one engine for each kind of recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from spurious.large import LargeRecipe
from spurious.sweep.ensembles import make_large_part, make_large_parts
from spurious.sweep.part import part_bytes
from spurious.sweep.shard import Result, Shard
from spurious.train import Recipe, train_and_name


class Make(Protocol):
    """A function like `make_part`."""

    def __call__(
        self, shard: Shard, threads: int = 1, cancelled: Callable[[], bool] = ...
    ) -> bytes:
        """The rows of a shard as a Parquet file."""
        ...


class MakeTogether(Protocol):
    """A function like `make_large_parts`."""

    def __call__(
        self,
        shards: Sequence[Shard],
        files: MutableMapping[str, bytes],
        cancelled: Callable[[], bool],
        say: Callable[[str], None],
    ) -> Iterator[tuple[Shard, Result]]:
        """Each shard with its rows, or why it has none, as it is done."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """What trains the networks of one kind of recipe.

    Attributes:
        make: A shard by itself.
        together: Several shards, with checkpoints; None if that gains nothing.
        compiles: Whether Numba compiles it first.
    """

    make: Make
    together: MakeTogether | None = None
    compiles: bool = False


def _never() -> bool:
    return False


def _make_small_part(
    shard: Shard, threads: int = 1, cancelled: Callable[[], bool] = _never
) -> bytes:
    recipe = shard.cell.recipe
    assert isinstance(recipe, Recipe)
    columns = train_and_name(
        recipe, shard.seed, shard.first, shard.count, threads=threads, cancelled=cancelled
    )
    return part_bytes(shard.name, shard.cell.labels, shard.seed, columns)


ENGINES: Final[Mapping[type, Engine]] = {
    Recipe: Engine(_make_small_part, compiles=True),
    LargeRecipe: Engine(make_large_part, make_large_parts),
}
"""By the class of a recipe."""


def engine_of(recipe: Recipe | LargeRecipe) -> Engine:
    """What trains networks of a recipe."""
    return ENGINES[type(recipe)]


def make_part(shard: Shard, threads: int = 1, cancelled: Callable[[], bool] = _never) -> bytes:
    """Trains a shard's networks and returns its rows as a Parquet file, the same bytes each time.

    Raises:
        Cancelled: `cancelled` said so.
    """
    return engine_of(shard.cell.recipe).make(shard, threads, cancelled)
