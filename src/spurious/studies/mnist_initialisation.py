"""C1: bad initialisation on MNIST (v1, Fig. 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from spurious.errors import InputError
from spurious.figures import DotRow, Series, SeriesPanel, dot_grid
from spurious.studies.claims import C1
from spurious.studies.large_plans import (
    DEPTHS,
    MILD,
    SMALL,
    STANDARD,
    STRONG,
    initial_design,
)
from spurious.studies.large_runs import (
    INDEPENDENCE,
    LargeRun,
    RunPair,
    ending_dots,
    ending_row,
    large_runs,
    mostly,
    pairs,
    rarely,
    runs_table,
    share,
    spent_words,
    without_data,
)
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
from spurious.sweep import Rate, clopper_pearson, percent, rate_text
from spurious.train import Outcome, Proved

POINT: Final = 0.01
"""Accuracies that differ by less than one percentage point count as equal."""

IMAGES: Final = {
    Budget.QUICK: "scikit-learn's 1,797 digits of 8 x 8 pixels stand in for MNIST",
    Budget.STANDARD: "the 10,000 images of MNIST's test half, used as training data",
    Budget.FULL: "the 60,000 training images of MNIST",
}

TRUE: Final = "true labels"
PERMUTED: Final = "permuted labels"

_Runs = Mapping[tuple[str, str], Sequence[LargeRun]]


def run(context: Context) -> ClaimResult:
    """One sweep over starts, depths, widths, and true and permuted labels."""
    try:
        design = initial_design(context.budget)
    except InputError as error:
        return without_data(C1, error)
    runs = large_runs(design, context)
    found = {
        (start, labels): [r for r in runs if (r.arm.start, r.arm.permuted) == (start, permuted)]
        for start in _STARTS
        for labels, permuted in ((TRUE, False), (PERMUTED, True))
    }
    rows = (
        *_recovery_rows(found),
        *_depth_rows(found),
        *_label_rows(found),
        *_accuracy_rows(found),
        *(ending_row(start, [*found[start, TRUE], *found[start, PERMUTED]]) for start in _STARTS),
        *_unit_rows(found),
    )
    return ClaimResult(
        C1,
        overall(row for row in rows if row.printed),
        rows,
        (*_sentences(found), _protocol(context.budget, runs), INDEPENDENCE),
        (),
        _pictures(found),
        (runs_table("c01-runs", runs),),
    )


_STUCK: Final = Proved.LOCAL_MINIMUM_IN_REGION
_STARTS: Final = (STANDARD, MILD, STRONG, SMALL)
_BAD: Final = (MILD, STRONG)


def _recovered(found: _Runs, start: str, labels: str) -> Rate:
    """Runs that end as high as the lowest run of the same shape from the standard start."""
    lowest: dict[tuple[int, ...], float] = {}
    for run in found[STANDARD, labels]:
        lowest[run.hidden] = min(run.accuracy, lowest.get(run.hidden, 1.0))
    mine = found[start, labels]
    count = sum(run.accuracy >= lowest[run.hidden] - POINT for run in mine)
    return clopper_pearson(count, len(mine))


def _recovery_rows(found: _Runs) -> Iterator[Row]:
    heading = "is a bad start recovered from? runs that end as high as the standard start's lowest"
    for start in (STRONG, MILD, SMALL):
        for labels in (TRUE, PERMUTED):
            rate = _recovered(found, start, labels)
            claimed = start in _BAD and labels == TRUE
            yield Row(
                f"{start}, {labels}",
                "not recovered" if claimed else "",
                rate_text(rate),
                rarely(rate) if claimed else Status.MEASURED,
                claimed,
                heading,
            )


def _higher(pair: RunPair) -> bool:
    return pair.after.accuracy > pair.before.accuracy + POINT


def _lower(pair: RunPair) -> bool:
    return pair.after.accuracy < pair.before.accuracy - POINT


def _depth_pairs(found: _Runs, names: Sequence[str], labels: str) -> list[RunPair]:
    def key(run: LargeRun) -> tuple[Any, ...]:
        return run.initialisation, run.units, run.index

    runs = [run for start in names for run in found[start, labels]]
    few, many = ([run for run in runs if run.depth == depth] for depth in DEPTHS)
    return pairs(few, many, key)


def _depth_rows(found: _Runs) -> Iterator[Row]:
    heading = "does depth help? pairs of runs with 2 and 5 hidden layers, true labels"
    for name, chosen in (("shifted starts", _BAD), *((start, (start,)) for start in _STARTS)):
        found_pairs = _depth_pairs(found, chosen, TRUE)
        rate, worse = share(found_pairs, _higher), share(found_pairs, _lower)
        claimed = chosen == _BAD
        yield Row(
            name,
            "does not help" if claimed else "",
            f"5 layers end higher in {rate_text(rate)}, lower in {rate_text(worse)}",
            rarely(rate) if claimed else Status.MEASURED,
            claimed,
            heading,
        )


def _label_rows(found: _Runs) -> Iterator[Row]:
    heading = "do permuted labels make it worse? pairs of runs with true and permuted labels"

    def key(run: LargeRun) -> tuple[Any, ...]:
        return run.initialisation, run.hidden, run.index

    for name, chosen in (("all starts", _STARTS), *((start, (start,)) for start in _STARTS)):
        true, permuted = (
            [r for s in chosen for r in found[s, which]] for which in (TRUE, PERMUTED)
        )
        rate = share(pairs(true, permuted, key), _lower)
        claimed = chosen == _STARTS
        yield Row(
            name,
            "worse" if claimed else "",
            f"lower accuracy in {rate_text(rate)}",
            mostly(rate) if claimed else Status.MEASURED,
            claimed,
            heading,
        )
    widest = max(run.units for run in found[STANDARD, PERMUTED])
    solved = sorted(r.units for r in found[STANDARD, PERMUTED] if r.outcome is Outcome.SOLVED)
    best = max(run.accuracy for run in found[STANDARD, PERMUTED])
    yield Row(
        "units needed for zero training error, permuted labels, standard start",
        "at least about 400",
        f"{solved[0]}" if solved else f"more than {widest}; best accuracy {percent(best)}",
        Status.NOT_RUN_AT_BUDGET if not solved and widest < 400 else Status.MEASURED,
        heading=heading,
    )


def _accuracy_rows(found: _Runs) -> Iterator[Row]:
    for start in _STARTS:
        texts: list[str] = []
        for labels in (TRUE, PERMUTED):
            at = np.array([run.accuracy for run in found[start, labels]])
            low, high = percent(float(at.min())), percent(float(at.max()))
            texts.append(f"{labels} {percent(float(at.mean()))} ({low} to {high})")
        yield Row(
            start, "", "; ".join(texts), Status.MEASURED, heading="mean training accuracy (range)"
        )


def _unit_rows(found: _Runs) -> Iterator[Row]:
    heading = "units and regions, from start to end, means over runs with true labels"
    for start in _STARTS:
        runs = found[start, TRUE]

        def mean(field: str, runs: Sequence[LargeRun] = runs) -> float:
            return float(np.mean([getattr(run, field) for run in runs]))

        yield Row(
            start,
            "",
            f"units off on all data {percent(mean('dead_start'))} to {percent(mean('dead_end'))}; "
            f"regions that hold data {mean('regions_start'):,.0f} to {mean('regions_end'):,.0f}; "
            f"points on which a whole layer is off {percent(mean('blind_start'))} to "
            f"{percent(mean('blind_end'))}",
            Status.MEASURED,
            heading=heading,
        )


def _sentences(found: _Runs) -> Iterator[str]:
    for labels in (TRUE, PERMUTED):
        counts = ", ".join(
            f"{sum(r.proved is _STUCK for r in found[s, labels])} of {len(found[s, labels])} ({s})"
            for s in _STARTS
        )
        yield f"Proved stuck, {labels}: {counts}."
    yield (
        "Stuck is proved where some hidden layer is off on every point, with rounding errors "
        "bounded, and every class has a point: then no parameters nearby do better than a "
        "constant, and with the output bias at the best constant the network is a local minimum "
        "(C12)."
    )
    open_ = [
        run
        for start in _STARTS
        for run in found[start, TRUE]
        if run.proved is Proved.NOT_LOCAL_MINIMUM
    ]
    floors = [run for run in open_ if run.floor > 0]
    yield (
        f"{len(open_)} runs with true labels are proved to be no local minimum: a derivative with "
        f"respect to an output weight does not vanish. They are slow, not stuck, though in "
        f"{len(floors)} of them some points lie where a whole layer is off, and share one output "
        "until some unit reaches them."
    )


def _protocol(budget: Budget, runs: Sequence[LargeRun]) -> str:
    text = (
        f"Data: {IMAGES[budget]}. {spent_words(runs)}; Adam, step size 0.001, batches of 50, "
        f"log loss. {len(runs)} networks. The paper makes 1,000,000 updates on 60,000 images"
    )
    if budget is Budget.FULL:
        return text + "."
    return text + ": what is slow here may be fast enough there; what is proved stuck is stuck."


def _pictures(found: _Runs) -> tuple[Picture, ...]:
    widths = tuple(sorted({float(run.units) for run in found[STANDARD, TRUE]}))
    rows = tuple(
        DotRow(
            tuple(
                SeriesPanel(
                    (start if labels == TRUE else ""),
                    "hidden units a layer" if labels == PERMUTED else "",
                    f"accuracy, {labels}",
                    tuple(_depth_dots(found[start, labels], depth) for depth in DEPTHS),
                    log_x=True,
                    share=True,
                )
                for start in _STARTS
            ),
            widths,
        )
        for labels in (TRUE, PERMUTED)
    )
    described = "; ".join(
        f"{start}: {found[start, TRUE][0].initialisation.replace(', bias=drawn', '')}"
        for start in _STARTS
    )
    every = [run for runs in found.values() for run in runs]
    lacking = DotRow(
        (
            SeriesPanel(
                "(a) units off on all data",
                "share at the start",
                "share at the end",
                ending_dots(every, lambda r: r.dead_start, lambda r: r.dead_end),
                share=True,
            ),
            SeriesPanel(
                "(b) regions that hold data",
                "at the start",
                "at the end",
                ending_dots(every, lambda r: r.regions_start, lambda r: r.regions_end),
                log_x=True,
                log_y=True,
            ),
            SeriesPanel(
                "(c) gradient at the end",
                "norm of the gradient",
                "training accuracy",
                ending_dots(every, lambda r: max(r.slope, 1e-9), lambda r: r.accuracy),
                log_x=True,
                share=True,
            ),
        ),
        alike=False,
    )
    return (
        Picture(
            "c01-accuracy",
            "Final training accuracy, one dot a network, as in the paper's Fig. 1. Starts: "
            f"{described}.",
            dot_grid(rows),
        ),
        Picture(
            "c01-endings",
            "The same networks, by what is proved of their end. (a) Share of hidden units that are "
            "off on all data. (b) Linear regions that hold data. (c) Gradient of the mean loss at "
            "the end.",
            dot_grid((lacking,)),
        ),
    )


def _depth_dots(runs: Sequence[LargeRun], depth: int) -> Series:
    """Dots at the width, those of the two depths and of a cell's runs side by side."""
    mine = [run for run in runs if run.depth == depth]
    side = -1 if depth == DEPTHS[0] else 1
    x = np.array([run.units * 1.05 ** (side * (1.2 + 0.6 * run.index)) for run in mine])
    y = np.array([run.accuracy for run in mine])
    return Series(f"{depth} hidden layers", x, y, joined=False, look=DEPTHS.index(depth))


STUDY: Final = Study(C1, run)
