"""Shards: the pieces a sweep is cut into, named by their content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from spurious.large import LARGE_VERSION, LargeRecipe
from spurious.sweep.axes import AXES
from spurious.sweep.plan import Cell, Plan
from spurious.train import ENGINE_VERSION, Recipe

__all__ = ["Shard", "cell_name", "shards_of"]


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
            "labels": dict(zip(AXES, self.cell.labels, strict=True)),
            "recipe": _recipe_data(self.cell.recipe),
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
    return _hash(_recipe_data(recipe))


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:32]


def _recipe_data(recipe: Recipe | LargeRecipe) -> dict[str, Any]:
    """A recipe as text and numbers, exactly; large data by their hashes."""
    network = recipe.network
    found = {
        "widths": network.widths,
        "activation": network.activation,
        "slope": None if network.slope is None else str(network.slope),
        "loss": str(recipe.loss),
        "penalty": [[str(f) for f in pair] for pair in recipe.penalty.of_layers(network)],
        "initialisation": _fields(recipe.initialisation),
        "optimiser": _fields(recipe.optimiser),
        "updates": recipe.updates,
        "batch": recipe.batch,
        "tolerance": recipe.tolerance,
    }
    if isinstance(recipe, LargeRecipe):
        return {**found, "version": LARGE_VERSION, "data": recipe.data.digest}
    return {
        **found,
        "x": [[str(value) for value in row] for row in recipe.data.x],
        "y": [[str(value) for value in row] for row in recipe.data.y],
        "precision": recipe.precision,
        "stop": recipe.stop,
    }


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
