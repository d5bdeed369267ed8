"""C7: three ReLU units on six points (v1, Proposition 3, Fig. 4c)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from spurious.construct.relu import squared_loss
from spurious.exact.plain import best_line, inner
from spurious.figures import regression_fits
from spurious.figures.panels import fitted_panel
from spurious.problem import Dataset, Point, Problem
from spurious.problem.bundled import bundled, point_of, witness_of
from spurious.proof import exact_text, interval_text, verdict_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.claims import C7
from spurious.studies.complete_lists import MarkedPoint, complete_lists
from spurious.studies.region_traps import region_traps
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

BORDER: Final = Fraction(6)
"""Region I is x < 6, region II the rest."""


@dataclass(frozen=True, slots=True)
class Halves:
    """The data left and right of the border.

    Attributes:
        left: Region I.
        right: Region II.
    """

    left: Dataset
    right: Dataset


def split(data: Dataset) -> Halves:
    """Divides data with one input at the border."""

    def chosen(left: bool) -> Dataset:
        pairs = [(x, y) for x, y in zip(data.x, data.y, strict=True) if (x[0] < BORDER) is left]
        return Dataset(tuple(x for x, _ in pairs), tuple(y for _, y in pairs))

    return Halves(chosen(True), chosen(False))


def line_loss(data: Dataset) -> Fraction:
    """The least squares loss of a straight line through data with one input and one target.

    Raises:
        ZeroDivisionError: All inputs are equal.
    """
    x, y = [row[0] for row in data.x], [row[0] for row in data.y]
    slope, offset = best_line(x, y)
    left = [b - slope * a - offset for a, b in zip(x, y, strict=True)]
    return inner(left, left)


def run(_: Context) -> ClaimResult:
    """Certifies both points of the paper on D3."""
    problem = bundled("c7-d3")
    bad = certified("c07-bad", "the worse minimum", problem)
    better = certified(
        "c07-better",
        "the better minimum",
        Problem(problem.network, problem.loss, problem.data, point=witness_of(problem)),
    )
    lists = complete_lists(
        "c07-d3",
        problem.data,
        (1, 2, 3),
        {
            3: (
                MarkedPoint("the worse minimum", point_of(problem)),
                MarkedPoint("the better minimum", witness_of(problem)),
            )
        },
        drawn=3,
    )
    traps = region_traps("c07-trap")
    panel = fitted_panel(
        "",
        problem.network,
        problem.data,
        (
            (f"worse minimum, loss {exact_text(bad.loss.mid)}", point_of(problem)),
            (f"better minimum, loss {exact_text(better.loss.mid)}", witness_of(problem)),
        ),
    )
    picture = Picture(
        "c07-fits",
        "The worse minimum spends one unit on the three points on the left and two on those on "
        "the right; the better one does the opposite.",
        regression_fits([panel]),
    )
    own = Part(
        (*_rows(bad, better), *_region_rows(problem)),
        (bad, better),
        (picture,),
        (panel_table("c07-fits", panel),),
    )
    status = overall((*own.rows, *lists.rows, *traps.rows))
    return joined(
        C7,
        status,
        explained(
            status,
            "At each point some data lie exactly on a unit's kink; the proof covers every "
            "one-sided direction. In the region that gets one unit, each solution is as good as "
            "the best straight line, computed by exact least squares; in the region that gets "
            "two, it is exact. The enumeration shows that neither is the best: three units fit "
            "these six points exactly.",
            "The generalisation that the paper leaves as future work is Theorem 16 of "
            "docs/mathematics.md: for any number of inputs, regions, units and layers, and any "
            "ratio of the losses. Below, examples of it, certified, and how often training from "
            "standard starts ends at the bad minimum's loss.",
        ),
        own,
        lists,
        traps,
    )


def _rows(bad: CertifiedPoint, better: CertifiedPoint) -> tuple[Row, ...]:
    return (
        Row(
            "worse point",
            "local minimum",
            verdict_text(bad.verdict.claim),
            proved(bad.minimum),
            True,
        ),
        Row(
            "better point",
            "local minimum",
            verdict_text(better.verdict.claim),
            proved(better.minimum),
            key=True,
        ),
        Row(
            "the worse point is global",
            "no",
            str(bad.verdict.is_global),
            proved(bad.suboptimal),
        ),
        Row(
            "the second point is better",
            "yes",
            f"loss {interval_text(better.loss)} against {interval_text(bad.loss)}",
            proved(better.loss.upper < bad.loss.lower),
            key=True,
        ),
    )


def _region_rows(problem: Problem) -> tuple[Row, ...]:
    """Each solution against the best line, or a perfect fit, region by region."""
    regions = split(problem.data)
    rows: list[Row] = []
    for name, point, straight in (
        ("worse", point_of(problem), "I"),
        ("better", witness_of(problem), "II"),
    ):
        for region, data in (("I", regions.left), ("II", regions.right)):
            rows.append(_region_row(name, point, region, data, straight == region))
    return tuple(rows)


def _region_row(name: str, point: Point, region: str, data: Dataset, straight: bool) -> Row:
    loss = squared_loss(point, data)
    best = line_loss(data) if straight else Fraction(0)
    against = "the best line" if straight else "a perfect fit"
    return Row(
        f"{name} point in region {region}",
        "best fit",
        f"loss {exact_text(loss)}; {against} has {exact_text(best)}",
        proved(loss == best),
        heading="region by region (I: x < 6, II: x >= 6)",
    )


STUDY: Final = Study(C7, run)
