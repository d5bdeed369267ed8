"""C6: two ReLU units on six points, as printed and corrected (v1, Proposition 2, Fig. 4b)."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from spurious.construct.relu import hidden_preactivations
from spurious.figures import RegressionPanel, regression_fits
from spurious.figures.panels import fitted_panel
from spurious.problem import Dataset, Point, Problem
from spurious.problem.bundled import bundled, point_of, witness_of
from spurious.proof import exact_text, interval_text, verdict_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.claims import C6
from spurious.studies.complete_lists import MarkedPoint, complete_lists
from spurious.studies.report.claim import (
    ClaimResult,
    Context,
    Part,
    Picture,
    Row,
    Status,
    Study,
    explained,
    joined,
    proved,
)
from spurious.studies.tables import panel_table

PRINTED = "as printed, w2 = -1"
CORRECTED = "corrected, w2 = +1"


def run(_: Context) -> ClaimResult:
    """Certifies the paper's two points as printed, and with the sign of w2 turned."""
    printed, corrected = bundled("c6-d2-as-printed"), bundled("c6-d2-corrected")
    bad = certified("c06-local-as-printed", f"claimed minimum, {PRINTED}", printed)
    perfect = certified(
        "c06-global-as-printed", f"claimed perfect fit, {PRINTED}", _at_witness(printed)
    )
    bad_right = certified("c06-local-corrected", f"claimed minimum, {CORRECTED}", corrected)
    perfect_right = certified(
        "c06-global-corrected", f"claimed perfect fit, {CORRECTED}", _at_witness(corrected)
    )
    as_printed = _rows(PRINTED, bad, perfect)
    as_corrected = (*_rows(CORRECTED, bad_right, perfect_right), *_blind_spots(corrected))
    lists = complete_lists(
        "c06-d2",
        corrected.data,
        (1, 2, 3),
        {
            2: (
                MarkedPoint("the bad minimum, corrected", point_of(corrected)),
                MarkedPoint("the perfect fit, corrected", witness_of(corrected)),
            )
        },
        drawn=2,
    )
    panels = [
        _panel("(a) as printed, $w_2 = -1$", bad, perfect),
        _panel("(b) corrected, $w_2 = +1$", bad_right, perfect_right),
    ]
    picture = Picture(
        "c06-fits",
        "The two functions as printed, where the second unit is off on all the data, and with the "
        "sign of its weight turned.",
        regression_fits(panels),
    )
    tables = (
        panel_table("c06-fits-as-printed", panels[0]),
        panel_table("c06-fits-corrected", panels[1]),
    )
    points = (bad, perfect, bad_right, perfect_right)
    own = Part((*as_printed, *as_corrected), points, (picture,), tables)
    status = _status(as_printed, (*as_corrected, *lists.rows))
    return joined(C6, status, explained(status, _explanation(printed)), own, lists)


def _status(as_printed: tuple[Row, ...], as_corrected: tuple[Row, ...]) -> Status:
    """Proved as it stands, proved after the correction, or neither."""
    if all(row.status is Status.PROVED for row in as_printed):
        return Status.PROVED
    if all(row.status is Status.PROVED for row in as_corrected):
        return Status.PROVED_WITH_CORRECTION
    return Status.DIFFERS


def _explanation(printed: Problem) -> str:
    """Why the printed signs cannot be meant, from the printed points themselves."""
    largest = [
        max(z[0][1] for z in hidden_preactivations(point, printed.data.x))
        for point in (point_of(printed), witness_of(printed))
    ]
    if max(largest) < 0:
        return (
            "As printed, the second unit is off on every data point (its largest pre-activation "
            f"is {exact_text(largest[0])} at the claimed minimum and {exact_text(largest[1])} at "
            "the claimed perfect fit), so it contributes nothing and the three points on the right "
            "are not fitted; with w2 = +1 both statements are proved."
        )
    return "As printed, the second unit is on at some data point."


def _rows(heading: str, bad: CertifiedPoint, perfect: CertifiedPoint) -> tuple[Row, ...]:
    corrected = heading == CORRECTED
    which = "corrected" if corrected else "as printed"

    def judged(holds: bool, fails: bool) -> Status:
        """A statement is refuted only by a proof of its opposite."""
        return Status.REFUTED if fails and not holds else proved(holds)

    return (
        Row(
            f"loss of the perfect fit, {which}",
            "0",
            interval_text(perfect.loss),
            judged(perfect.loss.upper == 0 and perfect.valid, perfect.loss.lower > 0),
            key=True,
            heading=heading,
        ),
        Row(
            f"perfect fit is global, {which}",
            "yes",
            f"{perfect.verdict.is_global} ({verdict_text(perfect.verdict.claim)})",
            judged(perfect.optimal, perfect.suboptimal),
            heading=heading,
        ),
        Row(
            f"claimed minimum, {which}",
            "local minimum",
            verdict_text(bad.verdict.claim),
            judged(bad.minimum, bad.refuted),
            key=True,
            heading=heading,
        ),
        Row(
            f"claimed minimum is suboptimal, {which}",
            "yes",
            f"{'yes' if bad.suboptimal else 'unknown'}, loss {interval_text(bad.loss)}",
            proved(bad.suboptimal),
            key=corrected,
            heading=heading,
        ),
    )


def _blind_spots(problem: Problem) -> tuple[Row, ...]:
    """The paper's remark: which data points activate no unit."""
    perfect = _unseen(witness_of(problem), problem.data)
    bad = _unseen(point_of(problem), problem.data)
    return (
        Row(
            "data in the blind spot of the perfect fit",
            "x = 1",
            _listed(perfect),
            proved(perfect == [Fraction(1)]),
            heading=CORRECTED,
        ),
        Row(
            "data in the blind spot of the local minimum",
            "none",
            _listed(bad),
            proved(not bad),
            heading=CORRECTED,
        ),
    )


def _unseen(point: Point, data: Dataset) -> list[Fraction]:
    """Inputs at which every unit's pre-activation is negative."""
    rows = zip(data.x, hidden_preactivations(point, data.x), strict=True)
    return [x[0] for x, layers in rows if all(z < 0 for z in layers[0])]


def _listed(values: list[Fraction]) -> str:
    return "x = " + ", ".join(map(exact_text, values)) if values else "none"


def _at_witness(problem: Problem) -> Problem:
    return Problem(problem.network, problem.loss, problem.data, point=problem.witness)


def _panel(title: str, bad: CertifiedPoint, perfect: CertifiedPoint) -> RegressionPanel:
    problem = bad.problem
    return fitted_panel(
        title,
        problem.network,
        problem.data,
        (
            (f"claimed minimum, loss {exact_text(bad.loss.mid)}", point_of(problem)),
            (
                f"claimed perfect fit, loss {exact_text(perfect.loss.mid)}",
                point_of(perfect.problem),
            ),
        ),
    )


STUDY: Final = Study(C6, run)
