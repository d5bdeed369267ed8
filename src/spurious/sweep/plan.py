"""Sweep plans: TOML files, or values of a program, that name what is trained, over grids."""

from __future__ import annotations

import difflib
import itertools
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from spurious.errors import InputError
from spurious.large import LargeRecipe
from spurious.problem import BuiltIn
from spurious.sweep.axes import AXES, OPTIONAL, Label, recipe_of
from spurious.train import Recipe

SHARD: Final = 10_000
"""Networks in a shard, unless the plan says otherwise."""

MAX_CELLS: Final = 100_000
MAX_RUNS: Final = 10**10

_KEYS: Final = ("name", "seed", "runs", "shard", "grid")


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of a grid.

    Attributes:
        labels: A value for each of `AXES`, as it is written in tables.
        recipe: What it means.
    """

    labels: tuple[Label, ...]
    recipe: Recipe | LargeRecipe


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep trains: a grid of cells, and so many runs of each.

    Attributes:
        name: What it is called.
        seed: Of all its runs.
        runs: Networks in each cell.
        shard: Networks in a shard.
        cells: The combinations, in the plan's order.
        text: The plan as TOML text, kept beside the rows.
    """

    name: str
    seed: int
    runs: int
    shard: int
    cells: tuple[Cell, ...]
    text: str

    @property
    def total(self) -> int:
        """Networks in all cells."""
        return self.runs * len(self.cells)


def read_plan(path: str | Path) -> Plan:
    """Reads a plan; datasets named by a path are sought beside it.

    Raises:
        InputError: The file cannot be read or is no valid plan.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: found no such file, expected a sweep plan") from None
    except IsADirectoryError:
        raise InputError(f"{path}: found a directory, expected a sweep plan") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}), expected a sweep plan") from None
    return parse_plan(text, path.stem, path.parent, str(path))


def parse_plan(text: str, name: str, folder: Path, source: str = "plan") -> Plan:
    """Reads a plan from TOML text.

    Args:
        text: The text.
        name: The plan's name if it gives none.
        folder: Where datasets named by a path are sought.
        source: The text's name in error messages.

    Raises:
        InputError: It is no valid plan.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source}: found no valid TOML: {error}") from None
    try:
        return plan_of_table(table, text, name, folder)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def plan_of_table(table: Mapping[str, Any], text: str, name: str, folder: Path) -> Plan:
    """The plan that a table says.

    Args:
        table: As TOML has it.
        text: The same as TOML text, kept beside the rows.
        name: The plan's name if the table gives none.
        folder: Where datasets named by a path are sought.

    Raises:
        InputError: It is no valid plan.
    """
    _known(table, _KEYS, "")
    runs = _integer(table, "runs", 1, MAX_RUNS)
    seed = _integer(table, "seed", 0, 2**64 - 1, 0)
    shard = _integer(table, "shard", 1, 10**7, SHARD)
    given = table.get("name", name)
    if not isinstance(given, str) or not given:
        raise InputError(f"name: found {given!r}, expected some text")
    cells = _cells(table.get("grid"), folder)
    if runs * len(cells) > MAX_RUNS:
        raise InputError(
            f"runs: found {runs} in each of {len(cells)} cells, expected at most {MAX_RUNS} in all"
        )
    return Plan(given, seed, runs, shard, cells, text)


def _cells(grids: Any, folder: Path) -> tuple[Cell, ...]:
    """Every combination of every grid."""
    tables = _listed(grids)
    if grids is None or not tables:
        found = "nothing" if grids is None else repr(grids)
        raise InputError(f"grid: found {found}, expected a table [grid] or tables [[grid]]")
    cells: dict[tuple[Label, ...], Cell] = {}
    for index, grid in enumerate(tables):
        where = f"grid[{index}]" if len(tables) > 1 else "grid"
        if not isinstance(grid, dict):
            raise InputError(f"{where}: found {grid!r}, expected a table")
        for cell in _combinations(cast(dict[str, Any], grid), where, folder):
            if cell.labels in cells:
                raise InputError(f"{where}: found the cell {_shown(cell.labels)} twice")
            cells[cell.labels] = cell
            if len(cells) > MAX_CELLS:
                raise InputError(f"grid: found more than {MAX_CELLS} cells, expected fewer")
    return tuple(cells.values())


def _combinations(grid: Mapping[str, Any], where: str, folder: Path) -> list[Cell]:
    _known(grid, AXES, f"{where}.")
    axes: list[list[Any]] = []
    for axis in AXES:
        if axis not in grid and axis not in OPTIONAL:
            raise InputError(f"{where}.{axis}: found nothing, expected a value or a list of values")
        values = _listed(grid.get(axis))
        if not values:
            raise InputError(f"{where}.{axis}: found an empty list, expected at least one value")
        axes.append(values)
    return [
        Cell(*recipe_of(dict(zip(AXES, values, strict=True)), where, folder))
        for values in itertools.product(*axes)
    ]


def _listed(value: Any) -> list[Any]:
    """A list as it is, anything else as the only entry of one."""
    return cast(list[Any], value) if isinstance(value, list) else [value]


def _known(table: Mapping[str, Any], keys: Sequence[str], prefix: str) -> None:
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; expected {', '.join(keys)}"
            raise InputError(f"{prefix}{key}: found an unknown key{hint}")


def _integer(
    table: Mapping[str, Any], key: str, low: int, high: int, default: int | None = None
) -> int:
    found = table.get(key, default)
    if type(found) is not int or not low <= found <= high:
        shown = "nothing" if found is None else repr(found)
        raise InputError(f"{key}: found {shown}, expected an integer from {low} to {high}")
    return found


def _shown(labels: tuple[Label, ...]) -> str:
    return ", ".join(f"{a} {v}" for a, v in zip(AXES, labels, strict=True) if v is not None)


def plan_of(
    name: str,
    grids: Sequence[Mapping[str, Any]],
    *,
    runs: int,
    seed: int = 0,
    shard: int = SHARD,
) -> Plan:
    """A plan over grids.

    Args:
        name: What it is called.
        grids: As in a plan's file: for each of `AXES` a value or a list of values; a dataset may
            also be a `BuiltIn`, which need not be built in.
        runs: Networks in each cell.
        seed: Of all its runs.
        shard: Networks in a shard.

    Raises:
        InputError: It is no valid plan.
    """
    head = {"name": name, "seed": seed, "runs": runs, "shard": shard}
    lines = [_line(key, value) for key, value in head.items()]
    for grid in grids:
        lines += ["[[grid]]", *(_line(axis, values) for axis, values in grid.items())]
    table = {**head, "grid": [dict(grid) for grid in grids]}
    return plan_of_table(table, "\n".join([*lines, ""]), name, Path())


def _line(key: str, value: object) -> str:
    return f"{key} = {_toml(value)}"


def _toml(value: object) -> str:
    """Lists, tables, text and numbers as TOML on one line; of other data the name."""
    if isinstance(value, BuiltIn):
        return _toml(value.name)
    if isinstance(value, Mapping):
        entries = cast(Mapping[str, object], value).items()
        return "{" + ", ".join(_line(key, entry) for key, entry in entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, cast(list[object], value))) + "]"
    return json.dumps(value)
