"""Runs of large networks as values, and comparisons of runs that differ in one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from spurious.errors import InputError, MissingExtraError
from spurious.figures import Series
from spurious.problem.network import shape_name
from spurious.studies.large_plans import Arm, Design
from spurious.studies.report.claim import (
    Claim,
    ClaimResult,
    Context,
    DataTable,
    Row,
    Status,
    table_of,
)
from spurious.studies.sweeping import swept
from spurious.sweep import Rate, cell_rows, clopper_pearson, connect, rate_text
from spurious.train import Outcome, ProofKind, Proved


@dataclass(frozen=True, slots=True)
class LargeRun:
    """A row of the store; see `spurious.large.rows.rows` for the columns not explained here.

    Attributes:
        arm: What its cell stands for.
        dataset: As the plan's table shows it.
        hidden: Units of each hidden layer.
        initialisation: As the plan's table shows it.
        updates: How many were made.
        index: The network's number; runs with the same index have the same random numbers.
        accuracy: Share of the points that are classified right; 0 for values.
        loss: Mean over the points.
        slope: Norm of the gradient of the mean loss.
    """

    arm: Arm
    dataset: str
    hidden: tuple[int, ...]
    initialisation: str
    updates: int
    index: int
    outcome: Outcome
    proof: ProofKind
    proved: Proved
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
        """Units of each hidden layer."""
        return self.hidden[0]

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.hidden)


_MEANS: Final = {
    "accuracy": "correct",
    "loss": "final_loss",
    "floor": "floor",
    "slope": "gradient_norm",
}
"""What is a mean over the points, and the column that has the sum."""

_KINDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "outcome": Outcome,
    "proof": ProofKind,
    "proved": Proved,
    "outputs": tuple,
}
"""What a column's value is made into."""

_COLUMNS: Final = {
    field.name: _MEANS.get(field.name, field.name)
    for field in fields(LargeRun)
    if field.name not in ("arm", "hidden")
}
"""The column of each field."""


def large_runs(design: Design, context: Context) -> list[LargeRun]:
    """Runs the sweep, or what is missing of it, and reads its rows."""
    connection = connect(swept(design.plan, context))
    found = [
        run_of(arm, cell.recipe.network.hidden, row, cell.recipe.data.size)
        for cell, arm in zip(design.plan.cells, design.arms, strict=True)
        for row in cell_rows(connection, cell, tuple(_COLUMNS.values()))
    ]
    # The order is seen in the report's tables, and resampling depends on it.
    return sorted(
        found, key=lambda run: (run.dataset, str(run.hidden), run.initialisation, run.index)
    )


def run_of(arm: Arm, hidden: tuple[int, ...], row: Mapping[str, Any], size: int) -> LargeRun:
    """A row of the store as a value.

    Args:
        arm: What its cell stands for.
        hidden: Units of each hidden layer.
        row: With the columns that `LargeRun` needs, and perhaps others.
        size: Points of the data.
    """
    values = {name: row[column] for name, column in _COLUMNS.items()}
    values |= {name: values[name] / size for name in _MEANS}
    values |= {name: kind(values[name]) for name, kind in _KINDS.items()}
    return LargeRun(arm=arm, hidden=hidden, **values)


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
    if run.outcome is Outcome.SOLVED:
        return "solved"
    if run.outcome is Outcome.DIVERGED:
        return "diverged"
    if run.proved is Proved.LOCAL_MINIMUM_IN_REGION:
        return "stuck, proved"
    return "no minimum yet, proved" if run.proved is Proved.NOT_LOCAL_MINIMUM else "undecided"


@dataclass(frozen=True, slots=True)
class RunPair:
    """Two runs that differ in one thing."""

    before: LargeRun
    after: LargeRun


def pairs(
    before: Sequence[LargeRun],
    after: Sequence[LargeRun],
    key: Callable[[LargeRun], tuple[Any, ...]],
) -> list[RunPair]:
    """The runs of two lists that agree in `key`, which tells those of a list apart."""
    first = {key(run): run for run in before}
    assert len(first) == len(before)
    return [RunPair(first[key(run)], run) for run in after if key(run) in first]


def share(found: Sequence[RunPair], worse: Callable[[RunPair], bool]) -> Rate:
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
    names = [f.name for f in fields(LargeRun) if f.name not in ("arm", "hidden", "outputs")]
    return table_of(
        name,
        [
            {
                "hidden": shape_name(run.hidden),
                "ending": ending_words(run),
                **{name: getattr(run, name) for name in names},
            }
            for run in runs
        ],
    )


def spent_words(runs: Sequence[LargeRun]) -> str:
    """For how long networks of each width were trained."""
    spent = sorted({(run.updates, run.units) for run in runs})
    return ", ".join(f"{updates:,} updates for {units} units" for updates, units in spent)


INDEPENDENCE: Final = (
    "Runs with the same index have the same random numbers in all cells, so that pairs differ in "
    "one thing only; the intervals (95 %, Clopper-Pearson) treat pairs as independent."
)


def without_data(claim: Claim, error: InputError) -> ClaimResult:
    """The result of a claim whose images, or the package that holds them, are not there."""
    missing = isinstance(error, MissingExtraError)
    status = Status.NOT_INSTALLED if missing else Status.NOT_RUN_AT_BUDGET
    return ClaimResult(claim, status, explanation=(f"Not run: {error}.",))
