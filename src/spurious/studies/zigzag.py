"""C8: regression on the zig-zag (v1, Fig. 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from spurious.data import array_data
from spurious.figures import DotRow, Series, SeriesPanel, dot_grid, series_panels
from spurious.large import LargeRecipe
from spurious.problem import Loss, Problem, dataset_from_arrays, unflatten
from spurious.proof import interval_text, verdict_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.claims import C8
from spurious.studies.large_plans import ZIGZAG_TAUS, Design, zigzag_design
from spurious.studies.large_runs import (
    INDEPENDENCE,
    LargeRun,
    ending_dots,
    ending_row,
    large_runs,
    mostly,
    pairs,
    rarely,
    runs_table,
    share,
    spent_words,
)
from spurious.studies.mnist_scaled import beside, by_tau, region_dots, same_start
from spurious.studies.report.claim import ClaimResult, Context, Picture, Row, Status, Study, overall
from spurious.studies.sweeping import store_of
from spurious.sweep import cell_rows, clopper_pearson, connect, percent, rate_text
from spurious.train import Outcome

WORSE: Final = 1.1
"""Errors count as different if one is at least so many times the other."""

THOUSANDS: Final = 1_000
"""From so many units on, a width says something about the paper's thousands."""

SHOWN: Final = 3
"""Solutions in the picture."""


def run(context: Context) -> ClaimResult:
    """One sweep over scales and widths, one hidden layer, full batch."""
    design = zigzag_design(context.budget)
    runs = large_runs(design, context)
    found = by_tau(runs, ZIGZAG_TAUS)
    widest = max(run.units for run in runs)
    smallest = ZIGZAG_TAUS[-1]
    points = _certified(found[smallest], design, context)
    rows = (
        *(_row(found, tau) for tau in ZIGZAG_TAUS[1:]),
        _width_row([run for run in found[smallest] if run.units == widest], smallest),
        *(_error_row(found[tau], tau) for tau in ZIGZAG_TAUS),
        *(ending_row(f"tau = {tau:g}", found[tau]) for tau in ZIGZAG_TAUS),
        *map(_certified_row, points),
    )
    return ClaimResult(
        C8,
        overall(row for row in rows if row.printed),
        rows,
        (
            "Data: 61 points of a zig-zag of 12 straight pieces between -1 and 1, the inputs "
            "evenly spaced on [-tau, tau]. A perfect fit takes 12 units. PyTorch's start, Adam "
            f"with step size 0.001, full batch; {spent_words(runs)}; {len(runs)} networks. "
            "The paper makes 2,000,000 updates.",
            "The floor of a network is the squared error that no parameters nearby beat: on each "
            "linear region its outputs are a straight line, and the best line of each region "
            "leaves that error. Where all points share one region and the error is within 1 % of "
            "the floor, a local minimum with the same hidden layer is proved.",
            *("For one of these runs there is a certificate, in rational numbers." for _ in points),
            INDEPENDENCE,
        ),
        points,
        (_picture(found), _solutions(found[smallest], smallest, widest)),
        (runs_table("c08-runs", runs),),
    )


def _row(found: Mapping[float, Sequence[LargeRun]], tau: float) -> Row:
    rate = share(
        pairs(found[1.0], found[tau], same_start),
        lambda pair: pair.after.loss > WORSE * pair.before.loss,
    )
    return Row(
        f"tau = {tau:g}",
        "worse",
        f"larger error than the same start at tau = 1 in {rate_text(rate)}",
        mostly(rate),
        tau == ZIGZAG_TAUS[-1],
        "does a small tau make it harder? pairs of runs with the same start",
    )


def _width_row(runs: Sequence[LargeRun], tau: float) -> Row:
    rate = clopper_pearson(sum(run.outcome is Outcome.SOLVED for run in runs), len(runs))
    errors = [run.loss for run in runs]
    return Row(
        f"{runs[0].units:,} units at tau = {tau:g}",
        "hard even with thousands of units",
        f"solved {rate_text(rate)}; mean squared error {min(errors):.3g} to {max(errors):.3g} "
        f"of {array_data({'name': 'zigzag'}).targets.var():.3g}",
        rarely(rate) if runs[0].units >= THOUSANDS else Status.NOT_RUN_AT_BUDGET,
        True,
        "do more units help?",
    )


def _error_row(runs: Sequence[LargeRun], tau: float) -> Row:
    errors = np.array([run.loss for run in runs])
    floors = np.array([run.floor for run in runs])
    start, end = (
        float(np.median([getattr(run, f"regions_{when}") for run in runs]))
        for when in ("start", "end")
    )
    return Row(
        f"tau = {tau:g}",
        "",
        f"{np.median(errors):.3g} ({errors.min():.3g} to {errors.max():.3g}); "
        f"{percent(float(floors.sum() / errors.sum()))} of the error is floor; "
        f"regions that hold data {start:.0f} to {end:.0f}",
        Status.MEASURED,
        heading="median squared error (range), its floor, median regions from start to end",
    )


def _certified(
    runs: Sequence[LargeRun], design: Design, context: Context
) -> tuple[CertifiedPoint, ...]:
    """A certificate for the first of the narrowest runs, if it is said to be stuck."""
    narrow = min(runs, key=lambda run: (run.units, run.index))
    if narrow.outcome is not Outcome.FINITE_LOCAL_MINIMUM:
        return ()
    cell = next(
        cell
        for cell, arm in zip(design.plan.cells, design.arms, strict=True)
        if (arm, cell.recipe.network.hidden) == (narrow.arm, narrow.hidden)
    )
    recipe = cell.recipe
    assert isinstance(recipe, LargeRecipe)
    rows = cell_rows(connect(store_of(design.plan, context)), cell, ("index", "parameters"))
    (parameters,) = (row["parameters"] for row in rows if row["index"] == narrow.index)
    data = dataset_from_arrays(
        recipe.data.scaled().astype(float), recipe.data.targets.astype(float)
    )
    point = unflatten([Fraction(value) for value in parameters], recipe.network)
    problem = Problem(recipe.network, Loss.SQUARED, data, point)
    subject = f"the end of a run with {narrow.units} units at tau = {ZIGZAG_TAUS[-1]:g}"
    return (certified("c08-stuck", subject, problem),)


def _certified_row(point: CertifiedPoint) -> Row:
    return Row(
        point.subject,
        "",
        f"{verdict_text(point.verdict.claim)}, loss {interval_text(point.loss)}",
        Status.PROVED if point.minimum else Status.MEASURED,
        heading="one end with a certificate",
    )


def _picture(found: Mapping[float, Sequence[LargeRun]]) -> Picture:
    top = DotRow(
        tuple(
            SeriesPanel(
                f"tau = {tau:g}",
                "",
                "mean squared error",
                ending_dots(found[tau], beside, lambda run: max(run.loss, 1e-9)),
                log_x=True,
                log_y=True,
            )
            for tau in ZIGZAG_TAUS
        ),
    )
    return Picture(
        "c08-zigzag",
        "Top: final mean squared error on the zig-zag, one dot a network, inputs on [-tau, tau]. "
        "Bottom: linear regions that hold data, at the start and at the end.",
        dot_grid((top, region_dots(found, ZIGZAG_TAUS))),
    )


def _solutions(runs: Sequence[LargeRun], tau: float, widest: int) -> Picture:
    """Three found solutions at the smallest scale, at the data points."""
    data = array_data({"name": "zigzag"})
    x = data.inputs[:, 0].astype(float)
    target = Series("zig-zag", x, data.targets[:, 0].astype(float), joined=False, look=1)
    shown = [run for run in runs if run.units == widest][:SHOWN]
    lines = (
        Series(f"network {run.index}", x, np.array(run.outputs), look=look)
        for run, look in zip(shown, (0, 2, 3), strict=False)
    )
    return Picture(
        "c08-solutions",
        f"Three found solutions at tau = {tau:g}, {widest:,} hidden units.",
        series_panels(
            (
                SeriesPanel(
                    f"tau = {tau:g}, {widest:,} hidden units",
                    "input / tau",
                    "output",
                    (target, *lines),
                ),
            )
        ),
    )


STUDY: Final = Study(C8, run)
