"""C2: MNIST with inputs scaled down (v1, Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from spurious.errors import InputError
from spurious.figures import DotRow, Series, SeriesPanel, dot_grid
from spurious.studies.claims import C2
from spurious.studies.large_plans import TAUS, scaled_design
from spurious.studies.large_runs import (
    INDEPENDENCE,
    LargeRun,
    ending_dots,
    ending_row,
    large_runs,
    mostly,
    pairs,
    runs_table,
    share,
    spent_words,
    without_data,
)
from spurious.studies.mnist_initialisation import IMAGES, POINT
from spurious.studies.rank_correlation import mean_correlation
from spurious.studies.report.claim import (
    Budget,
    ClaimResult,
    Context,
    Picture,
    Row,
    Status,
    Study,
    overall,
)
from spurious.sweep import percent, rate_text
from spurious.train import Outcome, Proved


def run(context: Context) -> ClaimResult:
    """One sweep over scales and widths, one hidden layer."""
    try:
        design = scaled_design(context.budget)
    except InputError as error:
        return without_data(C2, error)
    runs = large_runs(design, context)
    found = by_tau(runs, TAUS)
    rows = (
        *(_row(found, tau) for tau in TAUS[1:]),
        _region_row(runs),
        *(_accuracy_row(found, tau) for tau in TAUS),
        *(ending_row(f"tau = {tau:g}", found[tau]) for tau in TAUS),
    )
    return ClaimResult(
        C2,
        overall(row for row in rows if row.printed),
        rows,
        (
            f"Data: {IMAGES[context.budget]}, times tau. One hidden layer, PyTorch's start, Adam "
            f"with step size 0.001, batches of 50, log loss; {spent_words(runs)}; "
            f"{len(runs)} networks. The paper makes 1,200,000 updates.",
            "The starts and batches are the same at every tau. With small inputs a step of the "
            "first layer's weights also moves its outputs less, so this experiment alone does not "
            "tell crowded regions from slow learning; C14 has a control for that.",
            INDEPENDENCE,
            *_sentences(found),
        ),
        (),
        (_picture(found, context.budget),),
        (runs_table("c02-runs", runs),),
    )


def _sentences(found: Mapping[float, Sequence[LargeRun]]) -> Iterator[str]:
    """What a reader should know before believing the rows."""
    for tau in TAUS[1:]:
        if _row(found, tau).status is Status.DIFFERS:
            regions = float(np.mean([run.regions_start for run in found[tau]]))
            yield (
                f"tau = {tau:g} is no worse than 1: there the fresh networks still spread the data "
                f"over {regions:,.0f} regions on average, not few."
            )
    unsolved = [run for tau in TAUS[1:] for run in found[tau] if run.outcome is not Outcome.SOLVED]
    slow = sum(run.proved is Proved.NOT_LOCAL_MINIMUM for run in unsolved)
    stuck = sum(run.proved is Proved.LOCAL_MINIMUM_IN_REGION for run in unsolved)
    floors = sum(run.floor > 0 for run in unsolved)
    yield (
        f"Of {len(unsolved)} unsolved runs below tau = 1, {stuck} are proved stuck, {slow} are "
        f"proved to be at no local minimum, so merely slow, and in {floors} some points have all "
        "units off."
    )


def by_tau(runs: Sequence[LargeRun], taus: Sequence[float]) -> dict[float, list[LargeRun]]:
    """The runs by the scale of their inputs."""
    return {tau: [run for run in runs if run.arm.tau == tau] for tau in taus}


def same_start(run: LargeRun) -> tuple[Any, ...]:
    """What runs that differ only in the scale have in common."""
    return run.hidden, run.index


def _row(found: Mapping[float, Sequence[LargeRun]], tau: float) -> Row:
    rate = share(
        pairs(found[1.0], found[tau], same_start),
        lambda pair: pair.after.accuracy < pair.before.accuracy - POINT,
    )
    return Row(
        f"tau = {tau:g}",
        "worse",
        f"lower accuracy than the same start at tau = 1 in {rate_text(rate)}",
        mostly(rate),
        tau == TAUS[-1],
        "does a small tau make it harder? pairs of runs with the same start and batches",
    )


def _region_row(runs: Sequence[LargeRun]) -> Row:
    groups: dict[tuple[Any, ...], list[LargeRun]] = {}
    for run in runs:
        groups.setdefault(same_start(run), []).append(run)
    correlation = mean_correlation(
        [
            (
                np.array([run.regions_start for run in group], dtype=float),
                np.array([run.accuracy for run in group]),
            )
            for group in groups.values()
        ]
    )
    return Row(
        "accuracy against regions that hold data at the start, along tau",
        "positive",
        f"rank correlation {correlation} over {correlation.groups} starts",
        Status.REPRODUCED if correlation.low > 0 else Status.DIFFERS,
        True,
        "do few linear regions make it harder?",
    )


def _accuracy_row(found: Mapping[float, Sequence[LargeRun]], tau: float) -> Row:
    runs = found[tau]
    at = np.array([run.accuracy for run in runs])
    start, end = (
        float(np.mean([getattr(run, f"regions_{when}") for run in runs]))
        for when in ("start", "end")
    )
    return Row(
        f"tau = {tau:g}",
        "",
        f"{percent(float(at.mean()))} ({percent(float(at.min()))} to {percent(float(at.max()))}); "
        f"regions that hold data {start:,.0f} to {end:,.0f}",
        Status.MEASURED,
        heading="mean training accuracy (range), and regions from start to end",
    )


def _picture(found: Mapping[float, Sequence[LargeRun]], budget: Budget) -> Picture:
    widths = tuple(sorted({float(run.units) for run in found[1.0]}))
    top = DotRow(
        tuple(
            SeriesPanel(
                f"tau = {tau:g}",
                "",
                "training accuracy",
                ending_dots(found[tau], beside, lambda run: run.accuracy),
                log_x=True,
                share=True,
            )
            for tau in TAUS
        ),
        widths,
    )
    return Picture(
        "c02-scaled",
        f"Top: final training accuracy, one dot a network, {IMAGES[budget]}, inputs times tau, "
        "one hidden layer. Bottom: linear regions that hold data, at the start and at the end.",
        dot_grid((top, region_dots(found, TAUS, widths))),
    )


def beside(run: LargeRun) -> float:
    """The hidden units, runs of a cell side by side."""
    return run.units * 1.05 ** (run.index - 1)


def region_dots(
    found: Mapping[float, Sequence[LargeRun]],
    taus: Sequence[float],
    widths: tuple[float, ...] = (),
) -> DotRow:
    """Regions that hold data against units, at the start and at the end."""

    def dots(runs: Sequence[LargeRun], when: str, look: int) -> Series:
        x = np.array([beside(run) for run in runs])
        y = np.array([float(getattr(run, f"regions_{when}")) for run in runs])
        return Series(f"regions at the {when}", x, y, joined=False, look=look)

    return DotRow(
        tuple(
            SeriesPanel(
                "",
                "hidden units",
                "regions with data",
                (dots(found[tau], "start", 4), dots(found[tau], "end", 5)),
                log_x=True,
                log_y=True,
            )
            for tau in taus
        ),
        widths,
    )


STUDY: Final = Study(C2, run)
