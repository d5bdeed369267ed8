"""How large the basins of dead layers are: distances and shares of random starts (C12)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final

from spurious.construct import DeadLayer, DeadShare, dead_distance, dead_shares
from spurious.problem import Network
from spurious.problem.network import shape_name
from spurious.studies.dead_cases import ON_A_LINE, Case
from spurious.studies.report.claim import DataTable, Row, Status, table_of
from spurious.sweep import clopper_pearson, rate_text

Shares = dict[tuple[int, ...], tuple[DeadShare, ...]]

NETWORKS: Final = ((1, 2, 1), (1, 3, 3, 1), (1, 3, 3, 3, 3, 1))
RUNS: Final = 1_000
UPDATES: Final = 1_000


def basin_rows(cases: Sequence[Case], found: Sequence[DeadLayer]) -> tuple[tuple[Row, ...], Shares]:
    """Distances to the nearest live start, and shares of standard starts with a dead layer.

    Args:
        cases: The cases.
        found: Their points.
    """
    shares: Shares = {
        widths: dead_shares(Network(widths, "relu"), ON_A_LINE, RUNS, UPDATES)
        for widths in NETWORKS
    }
    rows = [*map(_distance_row, cases, found)]
    rows += [_share_row(widths, share) for widths, row in shares.items() for share in row]
    return tuple(rows), shares


def share_table(name: str, shares: Shares) -> DataTable:
    """The counts behind the rows."""
    return table_of(
        name,
        [
            {
                "widths": shape_name(widths),
                "start": share.start,
                "runs": share.runs,
                "dead at start": share.at_start,
                "dead at end": share.at_end,
            }
            for widths, row in shares.items()
            for share in row
        ],
    )


def _distance_row(case: Case, found: DeadLayer) -> Row:
    distance = dead_distance(found)
    return Row(
        case.name,
        "",
        f"the first unit wakes up {sqrt(distance.own_squared):.4g} away in the layer's own "
        f"parameters; no unit does within {float(distance.all_layers):.3g} in all parameters "
        "(Euclidean)",
        Status.PROVED,
        heading="distance to the nearest live start",
    )


def _share_row(widths: tuple[int, ...], share: DeadShare) -> Row:
    start, end = (clopper_pearson(k, share.runs) for k in (share.at_start, share.at_end))
    return Row(
        f"{shape_name(widths)}, {share.start}",
        "",
        f"{rate_text(start)} start with a dead layer, {rate_text(end)} end with one",
        Status.MEASURED,
        heading="share of standard starts in the basin (data of the first case; x = 0 is among "
        "them, so a start without biases has no layer strictly off)",
    )
