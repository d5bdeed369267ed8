"""The rows of one cell of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spurious.sweep.axes import AXES
from spurious.sweep.plan import Cell


def cell_rows(connection: Any, cell: Cell, columns: Sequence[str]) -> list[dict[str, Any]]:
    """What a store holds of a cell's runs.

    Args:
        connection: From `connect`.
        cell: The cell.
        columns: The columns wanted.

    Returns:
        A row for each run, in the order of their index.
    """
    same = " AND ".join(f"{axis} IS NOT DISTINCT FROM ?" for axis in AXES)
    rows = connection.execute(
        f"SELECT {', '.join(columns)} FROM runs WHERE {same} ORDER BY index", list(cell.labels)
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]
