"""C5: one ReLU unit on five points (v1, Proposition 1, Fig. 4a)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from spurious.construct.relu import hidden_preactivations, squared_loss
from spurious.figures import regression_fits
from spurious.figures.panels import fitted_panel
from spurious.problem import Layer, Point
from spurious.problem.bundled import bundled, point_of
from spurious.proof import exact_text, interval_text, verdict_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.claims import C5
from spurious.studies.complete_lists import MarkedPoint, complete_lists
from spurious.studies.report.claim import (
    ClaimResult,
    Context,
    Part,
    Picture,
    Row,
    Study,
    explained,
    joined,
    overall,
    proved,
)
from spurious.studies.tables import panel_table


def better_point() -> Point:
    """f(x) = max(0, -3x): meets (-1, 3), and answers 0, their mean, at the four other points."""
    zero, one, three = Fraction(0), Fraction(1), Fraction(3)
    return Point((Layer(((-three,),), (zero,)), Layer(((one,),), (zero,))))


def run(_: Context) -> ClaimResult:
    """Certifies the paper's point on D1 against an explicit better one."""
    problem = replace(bundled("c5-d1"), witness=better_point())
    point = certified("c05-d1", "the paper's point", problem)
    lists = complete_lists(
        "c05-d1",
        problem.data,
        (1, 2, 3),
        {
            1: (
                MarkedPoint("the paper's point", point_of(problem)),
                MarkedPoint("our better one", better_point()),
            )
        },
        drawn=1,
    )
    panel = fitted_panel(
        "",
        problem.network,
        problem.data,
        (
            (f"local minimum, loss {exact_text(point.loss.mid)}", point_of(point.problem)),
            (f"better point, loss {exact_text(_better_loss(point))}", better_point()),
        ),
    )
    picture = Picture(
        "c05-fits",
        "The function at the paper's point and a better one. The point x = 3 lies exactly on the "
        "kink, so the loss has no second derivative there.",
        regression_fits([panel]),
    )
    own = Part(_rows(point), (point,), (picture,), (panel_table("c05-fits", panel),))
    status = overall((*own.rows, *lists.rows))
    return joined(
        C5,
        status,
        explained(
            status,
            "The loss has no second derivative at this point, because the data point x = 3 sits on "
            "the unit's kink. All one-sided derivatives are shown to be nonnegative, exactly; by "
            "convexity of the squared loss this proves a local minimum.",
            "The better point is f(x) = max(0, -3x). The enumeration shows that it is the best "
            "there is with one unit.",
        ),
        own,
        lists,
    )


def _better_loss(point: CertifiedPoint) -> Fraction:
    return squared_loss(better_point(), point.problem.data)


def _rows(point: CertifiedPoint) -> tuple[Row, ...]:
    verdict, data = point.verdict, point.problem.data
    on_kink = [
        exact_text(x[0])
        for x, z in zip(data.x, hidden_preactivations(point_of(point.problem), data.x), strict=True)
        if z[0][0] == 0
    ]
    flat = verdict.flat_dimension
    return (
        Row(
            "loss",
            "18",
            interval_text(point.loss),
            proved(point.loss.exact and point.loss.mid == 18),
            key=True,
        ),
        Row(
            "kind of point",
            "local minimum",
            verdict_text(verdict.claim),
            proved(point.minimum),
            key=True,
        ),
        Row("strict", "no", str(verdict.strict), proved(point.not_strict)),
        Row(
            "dimension of the manifold of equal loss",
            "1",
            "unknown" if flat is None else str(flat),
            proved(point.minimum and flat == 1),
        ),
        Row(
            "global minimum",
            "no",
            f"{verdict.is_global}; a better point has loss {exact_text(_better_loss(point))}",
            proved(point.suboptimal and _better_loss(point) < point.loss.lower),
            key=True,
        ),
        Row(
            "data points on the kink",
            "x = 3",
            "x = " + ", ".join(on_kink) if on_kink else "none",
            proved(on_kink == ["3"]),
        ),
    )


STUDY: Final = Study(C5, run)
