"""Plans made from values, for programs that sweep: no text is read, though the plan can be told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from spurious.problem import BuiltIn
from spurious.sweep.plan import SHARD, Plan, plan_of_table


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
