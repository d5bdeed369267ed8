"""C7 in any dimension: region traps, certified, and how often training meets them.

The paper leaves the generalisation of its third proposition as future work.
"""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Final

from spurious.construct import RegionTrap, TrapReach, TrapShares, region_trap
from spurious.construct import trap_reach as measure_reach
from spurious.construct import trap_shares as measure_shares
from spurious.construct.relu import hidden_preactivations
from spurious.figures import Series, SeriesPanel, series_panels
from spurious.figures.panels import fitted_panel, rate_series
from spurious.problem.bundled import point_of, witness_of
from spurious.proof import exact_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.report.claim import Part, Picture, Row, Status, proved, table_of
from spurious.studies.tables import panel_table
from spurious.sweep import clopper_pearson, rate_text

HEADING: Final = "beyond the paper: any dimension, regions, units, ratio and depth"

REQUESTS: Final = (
    (1, 2, 3, Fraction(9), 1),
    (2, 2, 3, Fraction(9), 1),
    (2, 3, 5, Fraction(100), 1),
    (3, 4, 6, Fraction(9, 4), 2),
    (5, 2, 4, Fraction(10) ** 6, 3),
    (10, 3, 4, Fraction(10) ** 12, 1),
)
"""Inputs, regions, units, ratio and depth."""

MEASURED: Final = 2
"""So many of the requests are also trained."""

STARTS: Final = ("glorot_uniform", "he_normal", "pytorch")
RUNS: Final = 500
UPDATES: Final = 3_000
DISTANCES: Final = (0.01, 0.03, 0.06, 0.1, 0.2, 0.4)
NEAR_RUNS: Final = 200


def region_traps(name: str) -> Part:
    """Builds, certifies and trains region traps.

    Args:
        name: Start of the files' names.
    """
    traps = [region_trap(*request) for request in REQUESTS]
    bad = [
        certified(f"{name}-{i}-bad", f"{_shape(t)}, bad", t.problem) for i, t in enumerate(traps, 1)
    ]
    good = [
        certified(f"{name}-{i}-good", f"{_shape(t)}, good", t.good) for i, t in enumerate(traps, 1)
    ]
    shares = [measure_shares(trap, STARTS, RUNS, UPDATES) for trap in traps[:MEASURED]]
    reaches = [measure_reach(trap, DISTANCES, NEAR_RUNS) for trap in traps[:MEASURED]]
    rows = (
        *(_proved_row(*parts) for parts in zip(traps, bad, good, strict=True)),
        *(
            _share_row(trap, share)
            for trap, found in zip(traps, shares, strict=False)
            for share in found
        ),
    )
    fit = fitted_panel(
        "(a) d = 1, 2 regions, 3 units",
        traps[0].problem.network,
        traps[0].problem.data,
        (
            (f"bad minimum, loss {exact_text(traps[0].bad_loss)}", point_of(traps[0].problem)),
            (f"good minimum, loss {exact_text(traps[0].good_loss)}", witness_of(traps[0].problem)),
        ),
    )
    picture = Picture(
        f"{name}-reach",
        "Left: the bad minimum makes the small zigzag of the left region and misses the nine "
        "times costlier one of the right. Right: share of starts, at a distance from the bad "
        "minimum, from which descent returns to its loss, with 95 % intervals.",
        series_panels(
            (
                SeriesPanel(
                    "(b) starts that return",
                    "distance / norm of the parameters",
                    "share of starts",
                    tuple(
                        _reach_series(trap, reach)
                        for trap, reach in zip(traps, reaches, strict=False)
                    ),
                    log_x=True,
                    share=True,
                ),
            ),
            fit,
        ),
    )
    measured = (
        table_of(
            f"{name}-{what}",
            [
                {"trap": _shape(trap), **asdict(entry)}
                for trap, found in zip(traps, each, strict=False)
                for entry in found
            ],
        )
        for what, each in (("shares", shares), ("reach", reaches))
    )
    tables = (panel_table(f"{name}-fits", fit), *measured)
    return Part(rows, (*bad, *good), (picture,), tables)


def has_dead_unit(trap: RegionTrap) -> bool:
    """Whether some hidden unit is off on all data at the bad minimum."""
    values = _values(trap)
    return any(
        all(row[layer][unit] <= 0 for row in values)
        for layer, units in enumerate(trap.problem.network.hidden)
        for unit in range(units)
    )


def has_blind_spot(trap: RegionTrap) -> bool:
    """Whether some data point turns no unit of the first layer on at the bad minimum."""
    return any(max(row[0]) <= 0 for row in _values(trap))


def _values(trap: RegionTrap) -> tuple[tuple[tuple[Fraction, ...], ...], ...]:
    return hidden_preactivations(point_of(trap.problem), trap.problem.data.x)


def _shape(trap: RegionTrap) -> str:
    network = trap.problem.network
    layers = "1 layer" if network.depth == 1 else f"{network.depth} layers"
    regions, units = max(trap.regions) + 1, network.hidden[0]
    return f"d = {network.inputs}, {regions} regions, {units} units, {layers}"


def _proved_row(trap: RegionTrap, bad: CertifiedPoint, good: CertifiedPoint) -> Row:
    clean = not has_dead_unit(trap) and not has_blind_spot(trap)
    text = (
        f"local minimum of loss {exact_text(trap.bad_loss)}, {exact_text(trap.ratio)} times that "
        f"of another; no dead unit, no blind spot"
    )
    holds = bad.minimum and bad.suboptimal and good.minimum and clean
    return Row(
        _shape(trap),
        "",
        text if holds else f"{bad.verdict.decision}, {good.verdict.decision}",
        proved(holds),
        heading=HEADING,
    )


def _share_row(trap: RegionTrap, share: TrapShares) -> Row:
    bad = clopper_pearson(share.bad, share.runs)
    return Row(
        f"{_shape(trap)}: {share.start} starts that end at the bad loss",
        "",
        f"{rate_text(bad)}; {share.good} of {share.runs} at the good loss or below, "
        f"{share.worse} above the bad one",
        Status.MEASURED,
        heading=HEADING,
    )


def _reach_series(trap: RegionTrap, reach: tuple[TrapReach, ...]) -> Series:
    rates = [clopper_pearson(r.back, r.runs) for r in reach]
    return rate_series(f"d = {trap.problem.network.inputs}", [r.distance for r in reach], rates)
