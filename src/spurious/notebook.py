"""Tables for notebooks, which show a value by its `_repr_html_`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["table"]


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """A table as HTML, aligned to the left.

    Args:
        rows: The texts of its cells; without a head the first of each row names the others.
        head: The names of its columns.
    """
    lines = [_line(head, range(len(head)))] if head else []
    lines += [_line(row, () if head else (0,)) for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _line(cells: Sequence[str], names: Sequence[int]) -> str:
    """One line; the cells at `names` are headings."""
    kinds = ["th" if place in names else "td" for place in range(len(cells))]
    style = "style='text-align:left'"
    parts = (f"<{k} {style}>{escape(c)}</{k}>" for k, c in zip(kinds, cells, strict=True))
    return f"<tr>{''.join(parts)}</tr>"
