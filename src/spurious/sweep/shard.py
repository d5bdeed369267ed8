"""Shards: the pieces a sweep is cut into, named by their content, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Event
from typing import Any, TypeAlias

from spurious.large import LargeRecipe
from spurious.sweep.axes import named_labels
from spurious.sweep.plan import Cell, Plan
from spurious.train import ENGINE_VERSION, Recipe


@dataclass(frozen=True, slots=True)
class Shard:
    """The networks first, ..., first + count - 1 of a cell.

    Attributes:
        cell: The cell.
        seed: Of the sweep.
        first: Index of the first network.
        count: How many.
    """

    cell: Cell
    seed: int
    first: int
    count: int

    @property
    def name(self) -> str:
        """A hash of everything that its rows depend on, 32 hexadecimal digits."""
        content = {
            "engine": ENGINE_VERSION,
            "labels": named_labels(self.cell.labels),
            "recipe": self.cell.recipe.to_data(),
            "seed": self.seed,
            "first": self.first,
            "count": self.count,
        }
        return _hash(content)


def shards_of(plan: Plan) -> Iterator[Shard]:
    """The shards of a plan: first those of every cell's first networks, then the next."""
    for first in range(0, plan.runs, plan.shard):
        for cell in plan.cells:
            yield Shard(cell, plan.seed, first, min(plan.shard, plan.runs - first))


def cell_name(recipe: Recipe | LargeRecipe) -> str:
    """A hash of a recipe, 32 hexadecimal digits."""
    return _hash(recipe.to_data())


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:32]


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
