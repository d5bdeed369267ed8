"""C5: one ReLU unit on five points (v1, Proposition 1, Fig. 4a)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from spurious.construct.relu import hidden_preactivations, squared_loss
from spurious.figures import regression_fits
from spurious.paper.bundled import bundled, point_of
from spurious.paper.claim import ClaimResult, Picture, Row, explained, overall, proved
from spurious.paper.claims import find_claim
from spurious.paper.complete_lists import Mark, complete_lists
from spurious.paper.curves import fitted_panel, panel_table
from spurious.paper.evidence import Proof, prove
from spurious.problem import Layer, Point
from spurious.proof import exact_text, interval_text, verdict_text

__all__ = ["better_point", "run"]


def better_point() -> Point:
    """f(x) = max(0, -3x): meets (-1, 3), and answers 0, their mean, at the four other points."""
    zero, one, three = Fraction(0), Fraction(1), Fraction(3)
    return Point((Layer(((-three,),), (zero,)), Layer(((one,),), (zero,))))


def run() -> ClaimResult:
    """Certifies the paper's point on D1 against an explicit better one."""
    problem = replace(bundled("c5-d1"), witness=better_point())
    proof = prove("c05-d1", "the paper's point", problem)
    lists = complete_lists(
        "c05-d1",
        problem.data,
        (1, 2, 3),
        {1: (Mark("the paper's point", point_of(problem)), Mark("our better one", better_point()))},
        drawn=1,
    )
    rows = (*_rows(proof), *lists.rows)
    panel = fitted_panel(
        "",
        problem.network,
        problem.data,
        (
            (f"local minimum, loss {exact_text(proof.loss.mid)}", point_of(proof.problem)),
            (f"better point, loss {exact_text(_better_loss(proof))}", better_point()),
        ),
    )
    picture = Picture(
        "c05-fits",
        "The function at the paper's point and a better one. The point x = 3 lies exactly on the "
        "kink, so the loss has no second derivative there.",
        regression_fits([panel]),
    )
    status = overall(rows)
    return ClaimResult(
        find_claim("C5"),
        status,
        rows,
        explained(
            status,
            "The loss has no second derivative at this point, because the data point x = 3 sits on "
            "the unit's kink. All one-sided derivatives are shown to be nonnegative, exactly; by "
            "convexity of the squared loss this proves a local minimum.",
            "The better point is f(x) = max(0, -3x). The enumeration shows that it is the best "
            "there is with one unit.",
        ),
        (proof, *lists.proofs),
        (picture, *lists.pictures),
        (panel_table("c05-fits", panel), *lists.tables),
    )


def _better_loss(proof: Proof) -> Fraction:
    return squared_loss(better_point(), proof.problem.data)


def _rows(proof: Proof) -> tuple[Row, ...]:
    verdict, data = proof.verdict, proof.problem.data
    on_kink = [
        exact_text(x[0])
        for x, z in zip(data.x, hidden_preactivations(point_of(proof.problem), data.x), strict=True)
        if z[0][0] == 0
    ]
    flat = verdict.flat_dimension
    return (
        Row(
            "loss",
            "18",
            interval_text(proof.loss),
            proved(proof.loss.exact and proof.loss.mid == 18),
            key=True,
        ),
        Row(
            "kind of point",
            "local minimum",
            verdict_text(verdict.claim),
            proved(proof.minimum),
            key=True,
        ),
        Row("strict", "no", str(verdict.strict), proved(proof.not_strict)),
        Row(
            "dimension of the manifold of equal loss",
            "1",
            "unknown" if flat is None else str(flat),
            proved(proof.minimum and flat == 1),
        ),
        Row(
            "global minimum",
            "no",
            f"{verdict.is_global}; a better point has loss {exact_text(_better_loss(proof))}",
            proved(proof.suboptimal and _better_loss(proof) < proof.loss.lower),
            key=True,
        ),
        Row(
            "data points on the kink",
            "x = 3",
            "x = " + ", ".join(on_kink) if on_kink else "none",
            proved(on_kink == ["3"]),
        ),
    )
