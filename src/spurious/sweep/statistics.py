"""Rates with intervals, and what a store holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
from scipy.stats import beta

from spurious.errors import InputError
from spurious.sweep.axes import AXES, Label
from spurious.sweep.store import Store
from spurious.train import Outcome

__all__ = ["Rate", "Summary", "clopper_pearson", "connect", "summaries"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of runs with its interval.

    Attributes:
        count: How many runs had the outcome.
        total: Of how many.
        low: Lower end of the interval for the probability.
        high: Upper end.
    """

    count: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share itself."""
        return self.count / self.total if self.total else float("nan")


def clopper_pearson(count: int, total: int, confidence: float = 0.95) -> Rate:
    """The exact binomial interval.

    It holds the probability in at least `confidence` of all experiments, whatever it is.

    Source: Clopper & Pearson, Biometrika 26 (1934), 404-413.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(beta.ppf(tail, count, total - count + 1))
    high = 1.0 if count == total else float(beta.ppf(1 - tail, count + 1, total - count))
    return Rate(count, total, low, high)


@dataclass(frozen=True, slots=True)
class Summary:
    """A cell's outcomes.

    Attributes:
        labels: Its value on each of `AXES`.
        counts: Runs by `Outcome`; those that do not occur are 0.
        certified: Of the finite local minima passed to `certify`, how many were proved.
        sampled: How many were passed.
    """

    labels: tuple[Label, ...]
    counts: Mapping[str, int]
    certified: int
    sampled: int

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

    Raises:
        InputError: There is no sweep, or nothing is done yet.
    """
    paths = list(store.parts())
    if not paths:
        raise InputError(f"{store.url}: found no finished shard yet")
    connection: Any = duckdb.connect()
    if not store.local:
        connection.register_filesystem(store.files)
        paths = [store.files.unstrip_protocol(path) for path in paths]
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    connection.execute(
        f"CREATE VIEW runs AS SELECT * FROM read_parquet([{listed}], union_by_name = true)"
    )
    return connection


def summaries(store: Store) -> list[Summary]:
    """The outcomes of every cell, in the order of the plan.

    Raises:
        InputError: There is no sweep, or nothing is done yet.
    """
    axes = ", ".join(AXES)
    rows = (
        connect(store)
        .execute(
            f"SELECT {axes}, outcome, count(*), count(*) FILTER (certified <> ''), "
            "count(*) FILTER (certified LIKE 'local_minimum%') "
            f"FROM runs GROUP BY {axes}, outcome"
        )
        .fetchall()
    )
    cells: dict[tuple[Label, ...], dict[str, Any]] = {}
    for *labels, outcome, count, sampled, certified in rows:
        cell = cells.setdefault(tuple(labels), {"counts": dict.fromkeys(map(str, Outcome), 0)})
        cell["counts"][outcome] = count
        cell["sampled"] = cell.get("sampled", 0) + sampled
        cell["certified"] = cell.get("certified", 0) + certified
    manifest = store.manifest() or {}
    order = {tuple(cell["labels"]): i for i, cell in enumerate(manifest.get("cells", []))}
    return [
        Summary(labels, cell["counts"], cell["certified"], cell["sampled"])
        for labels, cell in sorted(cells.items(), key=lambda item: order.get(item[0], 0))
    ]
