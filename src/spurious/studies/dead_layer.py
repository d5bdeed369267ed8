"""C12: a dead layer is a spurious local minimum, at any depth (v1, Theorem 1)."""

from __future__ import annotations

from typing import Final

from spurious.construct.dead_layer import DeadLayer, dead_layer
from spurious.figures import dead_layer as draw_dead_layer
from spurious.figures.panels import fitted_panel
from spurious.problem import dataset_from_arrays
from spurious.problem.bundled import point_of, witness_of
from spurious.proof import exact_text, interval_text, verdict_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.claims import C12
from spurious.studies.dead_basins import basin_rows, share_table
from spurious.studies.dead_cases import IN_THE_PLANE, ON_A_LINE, Case
from spurious.studies.plateau import dead_layer_profiles
from spurious.studies.report.claim import (
    ClaimResult,
    Context,
    DataTable,
    Picture,
    Row,
    Study,
    explained,
    overall,
    proved,
    table_of,
)
from spurious.studies.tables import panel_table, profile_table
from spurious.verdict import Answer

CASES: Final = (
    Case((1, 3, 1), 1, ON_A_LINE, 1),
    Case((1, 4, 3, 1), 1, ON_A_LINE, 2),
    Case((1, 4, 3, 1), 2, ON_A_LINE, 6),
    Case((1, 3, 4, 3, 1), 2, ON_A_LINE, 4),
    Case((1, 3, 4, 3, 1), 3, ON_A_LINE, 5),
    Case((2, 4, 2), 1, IN_THE_PLANE, 3),
    Case((2, 3, 2, 2), 2, IN_THE_PLANE, 7),
    Case((2, 5, 3, 2, 3, 2), 3, IN_THE_PLANE, 8),
)
NOT_DECENT: Final = dataset_from_arrays(
    [["-1"], ["-1"], ["0"], ["2"], ["2"]], [["1"], ["3"], ["2"], ["0"], ["4"]]
)
FURTHER: Final = (
    Case((1, 1, 1), 1, ON_A_LINE, 9),
    Case((1, 2, 2, 1), 2, ON_A_LINE, 10),
    Case((2, 1, 1, 1, 2), 3, IN_THE_PLANE, 11),
    Case((1, 3, 3, 1), 2, NOT_DECENT, 12),
)
"""What the paper leaves open: fewer than 3 units in the first layer, and no decent data."""

DRAWN: Final = 2
"""Index of the case that is drawn."""


def run(_: Context) -> ClaimResult:
    """Certifies a dead layer at every depth of the cases, against an explicit better point."""
    found = tuple(_dead(case) for case in CASES)
    further = tuple(_dead(case) for case in FURTHER)
    proofs = tuple(map(_prove, CASES, found))
    more = tuple(map(_prove, FURTHER, further))
    basins, shares = basin_rows(CASES, found)
    rows = (
        *_summary(proofs, found),
        *map(_case_row, CASES, proofs),
        *map(_further_row, FURTHER, further, more),
        *basins,
    )
    case, problem = CASES[DRAWN], proofs[DRAWN].problem
    fit = fitted_panel(
        f"(a) {case.name}",
        problem.network,
        problem.data,
        (
            (f"dead layer, loss {exact_text(proofs[DRAWN].loss.mid)}", point_of(problem)),
            (
                f"better point, loss {_better_text(proofs[DRAWN])}",
                witness_of(problem),
            ),
        ),
    )
    profiles = dead_layer_profiles(problem, point_of(problem), case.layer)
    picture = Picture(
        "c12-dead-layer",
        "Left: a network whose second hidden layer is off on all data computes the mean; the "
        "better point answers one input with that input's own mean. Right: the loss along random "
        "directions of the dead layer's parameters is exactly flat until a unit wakes up.",
        draw_dead_layer(
            fit,
            profiles,
            "distance along a random direction",
            "(b) loss over the parameters of that layer",
        ),
    )
    status = overall(rows)
    return ClaimResult(
        C12,
        status,
        rows,
        explained(
            status,
            "The argument is general. A layer that is strictly off on all data stays off nearby, "
            "where the output is thus one constant; so the loss nearby is never below that of the "
            "best constant, the mean, which is attained (Theorem 4 of docs/mathematics.md). The "
            "same holds at every point nearby in the layer's parameters: the minima fill an open "
            "set.",
            "A better point raises a tent over one group of equal inputs with three units of the "
            "first layer and hands it up, to answer the group with its own mean. The certificates "
            "below check all this on networks with seeded weights.",
            "Three units are not needed: one hinge in the right place is always better than the "
            "mean, so a dead layer is spurious for all widths if the data are decent, and global "
            "if they are not (Theorem 15).",
        ),
        (*proofs, *more),
        (picture,),
        (
            panel_table("c12-fits", fit),
            profile_table("c12-plateau", profiles),
            _table(proofs),
            share_table("c12-shares", shares),
        ),
    )


def _dead(case: Case) -> DeadLayer:
    return dead_layer(case.network, case.data, case.layer, case.seed)


def _prove(case: Case, found: DeadLayer) -> CertifiedPoint:
    name = f"c12-{case.network.shape_name}-layer-{case.layer}"
    return certified(name, case.name, found.problem)


def _summary(proofs: tuple[CertifiedPoint, ...], found: tuple[DeadLayer, ...]) -> tuple[Row, ...]:
    count = len(proofs)
    minima = sum(proof.minimum for proof in proofs)
    worse = sum(proof.suboptimal for proof in proofs)
    margins = [dead.margin for dead in found]
    depth = max(proof.problem.network.depth for proof in proofs)
    return (
        Row(
            "points with a dead layer that are local minima",
            "all",
            f"{minima} of {count} certified, 1 to {depth} hidden layers",
            proved(minima == count),
            key=True,
        ),
        Row(
            "of these, not global",
            "all, with 3 units in the first layer and decent data",
            f"{worse} of {count} certified",
            proved(worse == count),
            key=True,
        ),
        Row(
            "open set of the dead layer's parameters",
            "yes",
            f"every pre-activation of the layer is {exact_text(-min(margins))} or less on all data",
            proved(min(margins) > 0),
        ),
    )


def _case_row(case: Case, proof: CertifiedPoint) -> Row:
    return Row(
        case.name,
        "local minimum, not global",
        f"{verdict_text(proof.verdict.claim)}; global: {proof.verdict.is_global}; loss "
        f"{interval_text(proof.loss)}, better {_better_text(proof)}",
        proved(proof.minimum and proof.suboptimal),
        heading="case by case",
    )


def _further_row(case: Case, found: DeadLayer, proof: CertifiedPoint) -> Row:
    """With fewer than 3 units it is spurious all the same; without decent data it is global."""
    expected = Answer.NO if found.decent else Answer.YES
    kind = "decent" if found.decent else "not decent"
    text = f"{verdict_text(proof.verdict.claim)}; global: {proof.verdict.is_global}"
    if found.decent:
        text += f"; loss {interval_text(proof.loss)}, better {_better_text(proof)}"
    holds = proof.minimum and proof.verdict.is_global is expected
    return Row(
        f"{case.name}, data {kind}",
        "",
        text,
        proved(holds),
        heading="beyond the paper: any widths, any data",
    )


def _better_text(proof: CertifiedPoint) -> str:
    loss = proof.verdict.witness_loss
    return "unknown" if loss is None else exact_text(loss.mid)


def _table(points: tuple[CertifiedPoint, ...]) -> DataTable:
    return table_of(
        "c12-cases",
        [
            {
                "widths": case.network.shape_name,
                "dead layer": case.layer,
                "points": case.data.size,
                "seed": case.seed,
                "verdict": str(point.verdict.decision),
                "global": str(point.verdict.is_global),
                "loss": exact_text(point.loss.mid),
                "better loss": _better_text(point),
            }
            for case, point in zip(CASES, points, strict=True)
        ],
    )


STUDY: Final = Study(C12, run)
