"""What a store holds, by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spurious.errors import InputError
from spurious.notebook import table
from spurious.sweep.axes import AXES, Label
from spurious.sweep.plan import Cell
from spurious.sweep.proofs import Standing, proof_columns, standing
from spurious.sweep.rates import Rate, clopper_pearson, rate_text
from spurious.sweep.store import Store
from spurious.train import Outcome


@dataclass(frozen=True, slots=True)
class Summary:
    """A cell's outcomes.

    Attributes:
        labels: Its value on each of `AXES`.
        counts: Runs by `Outcome`, the name that each was given; those that do not occur are 0.
        proofs: Runs by `Standing`, what is proved of each.
    """

    labels: tuple[Label, ...]
    counts: Counter[str]
    proofs: Counter[Standing] = field(default_factory=Counter[Standing])

    @property
    def total(self) -> int:
        """Runs in the cell."""
        return sum(self.counts.values())

    def rate(self, *outcomes: str) -> Rate:
        """The share of runs with one of these outcomes."""
        return clopper_pearson(sum(self.counts[o] for o in outcomes), self.total)

    def label(self, axis: str) -> Label:
        """Its value on an axis."""
        return self.labels[AXES.index(axis)]


def connect(store: Store) -> Any:
    """A DuckDB connection in which the table `runs` is the store's rows.

    Rows of an older engine get the columns `asked`, `proof` and `proved`, NULL where they cannot
    tell.

    Raises:
        InputError: There is no sweep, or nothing is done yet.
    """
    import duckdb  # slow to import

    paths = list(store.parts())
    if not paths:
        raise InputError(f"{store.url}: found no finished shard yet")
    connection: Any = duckdb.connect()
    if not store.local:
        connection.register_filesystem(store.files)
        paths = [store.files.unstrip_protocol(path) for path in paths]
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    rows = f"read_parquet([{listed}], union_by_name = true)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{store.url}: {str(error).splitlines()[0]}") from None
    columns = [str(column) for column, *_ in described]
    lacking = {axis: "NULL" for axis in AXES if axis not in columns}
    added = {**lacking, **proof_columns(columns)}
    extra = "".join(f", {value} AS {name}" for name, value in added.items())
    connection.execute(f"CREATE VIEW runs AS SELECT *{extra} FROM {rows}")
    return connection


class Summaries(list[Summary]):
    """The cells of a store; notebooks show what tells them apart, and their rates."""

    def _repr_html_(self) -> str:
        axes = [axis for axis in AXES if len({cell.label(axis) for cell in self}) > 1]
        seen = [outcome for outcome in Outcome if any(cell.counts[outcome] for cell in self)]
        rows = [
            [
                *("" if cell.label(axis) is None else str(cell.label(axis)) for axis in axes),
                f"{cell.total:,}",
                *(rate_text(cell.rate(outcome)) for outcome in seen),
            ]
            for cell in self
        ]
        return table(rows, [*axes, "runs", *(outcome.replace("_", " ") for outcome in seen)])


def summaries(store: Store) -> Summaries:
    """The outcomes of every cell, in the order of the plan.

    Raises:
        InputError: There is no sweep, or nothing is done yet.
    """
    axes = ", ".join(AXES)
    rows = (
        connect(store)
        .execute(
            f"SELECT {axes}, outcome, asked, proof, proved, count(*) FROM runs GROUP BY ALL "
            "ORDER BY ALL"
        )
        .fetchall()
    )
    cells: dict[tuple[Label, ...], Summary] = {}
    for *key, outcome, asked, proof, proved, count in rows:
        labels = tuple(key)
        cell = cells.setdefault(labels, Summary(labels, Counter(dict.fromkeys(Outcome, 0))))
        cell.counts[outcome] += count
        cell.proofs[standing(asked, proof, proved)] += count
    manifest = store.manifest() or {}
    order: dict[tuple[Label, ...], int] = {}
    for place, cell in enumerate(manifest.get("cells", [])):
        known = dict(zip(manifest["axes"], cell["labels"], strict=True))
        order[tuple(known.get(axis) for axis in AXES)] = place
    return Summaries(sorted(cells.values(), key=lambda cell: order.get(cell.labels, 0)))


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
