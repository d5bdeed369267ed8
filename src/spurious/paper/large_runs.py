"""Runs of large networks as values, and comparisons of runs that differ in one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from spurious.errors import InputError
from spurious.figures import Series
from spurious.paper.claim import Claim, ClaimResult, Context, DataTable, Row, Status
from spurious.paper.sweeping import swept
from spurious.sweep import Plan, Rate, clopper_pearson, connect, rate_text
from spurious.train import Proved

__all__ = [
    "ENDINGS",
    "INDEPENDENCE",
    "LargeRun",
    "Pair",
    "ending_dots",
    "ending_row",
    "ending_words",
    "large_runs",
    "mostly",
    "pairs",
    "rarely",
    "run_of",
    "runs_table",
    "share",
    "without_data",
]

_COLUMNS: Final = (
    "dataset",
    "hidden",
    "initialisation",
    "updates",
    "index",
    "outcome",
    "proof",
    "proved",
    "final_loss",
    "correct",
    "dead_start",
    "dead_end",
    "regions_start",
    "regions_end",
    "blind_start",
    "blind_end",
    "floor",
    "floor_errors",
    "gradient_norm",
    "outputs",
)


@dataclass(frozen=True, slots=True)
class LargeRun:
    """A row of the store; see `spurious.large.rows.rows` for the columns not explained here.

    Attributes:
        dataset: As the plan's table shows it.
        hidden: Units of each hidden layer.
        initialisation: As the plan's table shows it.
        updates: Made.
        index: Of the network; runs with the same index have the same random numbers.
        accuracy: Share of the points that are classified right; 0 for values.
        loss: Mean over the points.
        slope: Norm of the gradient of the mean loss.
    """

    dataset: str
    hidden: tuple[int, ...]
    initialisation: str
    updates: int
    index: int
    outcome: str
    proof: str
    proved: str
    accuracy: float
    loss: float
    dead_start: float
    dead_end: float
    regions_start: int
    regions_end: int
    blind_start: float
    blind_end: float
    floor: float
    floor_errors: int
    slope: float
    outputs: tuple[float, ...]

    @property
    def units(self) -> int:
        """Of each hidden layer."""
        return self.hidden[0]

    @property
    def depth(self) -> int:
        """Hidden layers."""
        return len(self.hidden)


def large_runs(plan: Plan, context: Context) -> list[LargeRun]:
    """Runs the sweep, or what is missing of it, and reads its rows."""
    store = swept(plan, context)
    size = plan.cells[0].recipe.data.size
    rows = connect(store).execute(f"SELECT {', '.join(_COLUMNS)} FROM runs ORDER BY ALL").fetchall()
    return [run_of(dict(zip(_COLUMNS, row, strict=True)), size) for row in rows]


def run_of(row: Mapping[str, Any], size: int) -> LargeRun:
    """A row of the store as a value.

    Args:
        row: With the columns that `LargeRun` needs, and perhaps others.
        size: Points of the data.
    """
    return LargeRun(
        row["dataset"],
        tuple(int(units) for units in row["hidden"].split(",")),
        row["initialisation"],
        row["updates"],
        row["index"],
        row["outcome"],
        row["proof"],
        row["proved"],
        row["correct"] / size,
        row["final_loss"] / size,
        row["dead_start"],
        row["dead_end"],
        row["regions_start"],
        row["regions_end"],
        row["blind_start"],
        row["blind_end"],
        row["floor"] / size,
        row["floor_errors"],
        row["gradient_norm"] / size,
        tuple(row["outputs"]),
    )


ENDINGS: Final = (
    "solved",
    "stuck, proved",
    "no minimum yet, proved",
    "undecided",
    "diverged",
)
"""How a run ended, in the words of figures, and in the order of their looks."""


def ending_words(run: LargeRun) -> str:
    """Which of `ENDINGS` a run is."""
    if run.outcome == "solved":
        return "solved"
    if run.outcome == "diverged":
        return "diverged"
    if run.proved == Proved.LOCAL_MINIMUM_IN_REGION:
        return "stuck, proved"
    return "no minimum yet, proved" if run.proved == Proved.NOT_LOCAL_MINIMUM else "undecided"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs that differ in one thing."""

    before: LargeRun
    after: LargeRun


def pairs(
    before: Sequence[LargeRun],
    after: Sequence[LargeRun],
    key: Callable[[LargeRun], tuple[Any, ...]],
) -> list[Pair]:
    """The runs of two lists that agree in `key`, which tells those of a list apart."""
    first = {key(run): run for run in before}
    assert len(first) == len(before)
    return [Pair(first[key(run)], run) for run in after if key(run) in first]


def share(found: Sequence[Pair], worse: Callable[[Pair], bool]) -> Rate:
    """How many pairs are worse, with the interval."""
    return clopper_pearson(sum(worse(pair) for pair in found), len(found))


def mostly(rate: Rate) -> Status:
    """Whether the interval of a share lies above one half."""
    if rate.low > 0.5:
        return Status.REPRODUCED
    return Status.DIFFERS if rate.high < 0.5 else Status.MEASURED


def rarely(rate: Rate) -> Status:
    """Whether the interval of a share lies below one half."""
    if rate.high < 0.5:
        return Status.REPRODUCED
    return Status.DIFFERS if rate.low > 0.5 else Status.MEASURED


def ending_row(name: str, runs: Sequence[LargeRun]) -> Row:
    """A row that counts how runs ended."""
    counts = Counter(map(ending_words, runs))
    texts = [
        f"{words} {rate_text(clopper_pearson(counts[words], len(runs)))}"
        for words in ENDINGS
        if counts[words]
    ]
    return Row(name, "", "; ".join(texts), Status.MEASURED, heading="how runs ended")


def ending_dots(
    runs: Sequence[LargeRun],
    x: Callable[[LargeRun], float],
    y: Callable[[LargeRun], float],
) -> tuple[Series, ...]:
    """Dots for runs, a series for each kind of end."""
    found: list[Series] = []
    for look, words in enumerate(ENDINGS):
        mine = [run for run in runs if ending_words(run) == words]
        if mine:
            places, values = ([f(run) for run in mine] for f in (x, y))
            found.append(Series(words, np.array(places), np.array(values), None, None, False, look))
    return tuple(found)


def runs_table(name: str, runs: Sequence[LargeRun]) -> DataTable:
    """Every run as a row."""
    columns = tuple(f.name for f in fields(LargeRun) if f.name not in ("hidden", "outputs"))
    return DataTable(
        name,
        ("hidden", "ending", *columns),
        tuple(
            (
                "-".join(map(str, run.hidden)),
                ending_words(run),
                *(getattr(run, column) for column in columns),
            )
            for run in runs
        ),
    )


INDEPENDENCE: Final = (
    "Runs with the same index have the same random numbers in all cells, so that pairs differ in "
    "one thing only; the intervals (95 %, Clopper-Pearson) treat pairs as independent."
)


def without_data(claim: Claim, error: InputError) -> ClaimResult:
    """The result of a claim whose images are not there."""
    return ClaimResult(claim, Status.NOT_RUN_AT_BUDGET, explanation=(f"Not run: {error}.",))
