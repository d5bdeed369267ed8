"""Runs of large networks as values, and comparisons of runs that differ in one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from spurious.paper.claim import Context
from spurious.paper.sweeping import swept
from spurious.sweep import Plan, Rate, clopper_pearson, connect

__all__ = ["LargeRun", "Pair", "ending_words", "large_runs", "pairs", "share"]

_COLUMNS: Final = (
    "dataset",
    "hidden",
    "initialisation",
    "updates",
    "index",
    "outcome",
    "certified",
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
    certified: str
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
    return [_run(dict(zip(_COLUMNS, row, strict=True)), size) for row in rows]


def _run(row: dict[str, Any], size: int) -> LargeRun:
    return LargeRun(
        row["dataset"],
        tuple(int(units) for units in row["hidden"].split(",")),
        row["initialisation"],
        row["updates"],
        row["index"],
        row["outcome"],
        row["certified"],
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


def ending_words(run: LargeRun) -> str:
    """How a run ended, in the words of figures."""
    if run.outcome == "solved":
        return "solved"
    if run.outcome == "diverged":
        return "diverged"
    if run.certified == "local_minimum_in_region":
        return "stuck, proved"
    return "not at a minimum, proved" if run.certified == "not_local_minimum" else "undecided"


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
