"""C13: strict bad minima of sigmoid networks, and the ten-point conjecture (v2, Theorem 1)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from spurious.exact import balls
from spurious.exact.five_points import inequalities
from spurious.figures import decision_boundaries, loss_slices
from spurious.figures.panels import LossSlices, boundary_panel, sampled_slices
from spurious.problem.bundled import bundled, point_of, witness_of
from spurious.proof import exact_text, interval_text, proved_decimal, verdict_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.claims import C13
from spurious.studies.classify import Count, classified
from spurious.studies.random_starts import ending_at
from spurious.studies.report.claim import (
    ClaimResult,
    Context,
    DataTable,
    Picture,
    Row,
    Status,
    Study,
    explained,
    overall,
    proved,
    table_of,
)
from spurious.studies.tables import slices_table
from spurious.sweep import rate_text
from spurious.verdict import Enclosure

LOG_LOSS: Final = (10, 9, 8, 7)
"""Sizes of the datasets, 2-2-1 networks with log loss."""

SQUARED: Final = (
    ("sigmoid-squared-6-points", "2-2-1, squared loss, 6 points"),
    ("sigmoid-squared-1d-7-points", "1-2-1, squared loss, 7 points"),
)
REACH: Final = 1.0
"""How far the loss slices go, in Euclidean distance."""

LEAST: Final = 6
"""No 2-2-1 sigmoid network has a minimum with a positive definite Hessian, other than the best fit,
on fewer points: Theorem A of docs/small-deadlocks-lower-bound.md."""

PRINTED_SHARE: Final = 0.12

PRINTED_LOSS: Final = Enclosure(Fraction(57774, 10000), Fraction(1, 20000))
"""5.7774, as printed: anything that rounds to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Deadlock:
    """A dataset with a strict bad minimum, certified.

    Attributes:
        size: Number of data points.
        proof: The certified minimum.
        at_minimum: Classification in the whole box that holds the minimum.
        at_witness: Classification at the better point.
        around: The loss around the minimum.
    """

    size: int
    proof: CertifiedPoint
    at_minimum: Count
    at_witness: Count
    around: LossSlices

    @property
    def holds(self) -> bool:
        """Strict, suboptimal, and outdone by a point that classifies everything."""
        everything = self.at_witness.correct == self.size > self.at_minimum.correct
        return self.proof.strict and self.proof.suboptimal and everything


def run(_: Context) -> ClaimResult:
    """Certifies minima on ten points and fewer, and tests the conjecture on them.

    The verdict rests on the rows for ten points and on the conjecture; a value that was only
    reproduced in floating point does not weaken the proof.
    """
    found = tuple(_deadlock(size) for size in LOG_LOSS)
    squared = tuple(certified(f"c13-{name}", subject, bundled(name)) for name, subject in SQUARED)
    main, conjecture = _main_rows(found[0]), _conjecture(found)
    rows = (
        *main,
        conjecture,
        *(row for deadlock in found[1:] for row in _size_rows(deadlock)),
        *map(_squared_row, squared),
    )
    proofs = (row for row in main if row.status is not Status.REPRODUCED)
    status = overall((*proofs, conjecture))
    return ClaimResult(
        C13,
        status,
        rows,
        explained(status, *_explanation(found)),
        (*(deadlock.proof for deadlock in found), *squared),
        tuple(picture for deadlock in (found[0], found[-1]) for picture in _pictures(deadlock)),
        (_table(found), *(slices_table(f"c13-slices-{d.size}-points", d.around) for d in found)),
    )


def _deadlock(size: int) -> Deadlock:
    problem = bundled(f"c13-deadlock-{size}-points")
    proof = certified(f"c13-{size}-points", f"{size} points", problem)
    radius = proof.verdict.radius or Fraction(0)
    point, witness = point_of(problem), witness_of(problem)
    return Deadlock(
        size,
        proof,
        classified(problem.network, point, problem.data, radius),
        classified(problem.network, witness, problem.data),
        sampled_slices(problem, point, REACH),
    )


def _explanation(found: tuple[Deadlock, ...]) -> tuple[str, ...]:
    sizes = [deadlock.size for deadlock in found if deadlock.holds]
    sentences = [
        "In ball arithmetic, the Hessian of the loss is positive definite over a whole box around "
        "the given point and the gradient at its centre is small enough for the box to hold a "
        "minimum: exactly one, strict and isolated. The count of points classified right is "
        "proved for the whole box."
    ]
    if 10 in sizes:
        sentences.append(
            "Since the better point classifies all ten points, scaling up its last layer drives "
            "the loss towards 0."
        )
    if sizes and min(sizes) < 10:
        sentences.append(
            f"The conjecture that ten points are the smallest is false: {min(sizes)} points "
            f"suffice, and fewer than {LEAST} never do (docs/small-deadlocks-lower-bound.md; for "
            "minima with a positive definite Hessian). It is quoted from a published reader's "
            "summary; version 2 of the paper itself we have not read."
        )
    return tuple(sentences)


def _main_rows(ten: Deadlock) -> tuple[Row, ...]:
    proof, least = ten.proof, float(ten.around.eigenvalues[0])
    inside = PRINTED_LOSS.lower <= proof.loss.lower and proof.loss.upper <= PRINTED_LOSS.upper
    right = ten.at_minimum
    return (
        Row(
            "total log loss, 10 points",
            "about 5.7774",
            interval_text(proof.loss),
            proved(proof.minimum and inside),
            key=True,
        ),
        Row(
            "kind of point",
            "strict local minimum",
            verdict_text(proof.verdict.claim),
            proved(proof.strict),
            key=True,
        ),
        Row(
            "smallest eigenvalue of the Hessian",
            "about 1.3e-3",
            f"{least:.4g} in floating point",
            Status.REPRODUCED if f"{least:.1e}" == "1.3e-03" else Status.DIFFERS,
        ),
        Row(
            "a lower bound for it",
            "above 0",
            _bound_text(proof),
            proved(proof.strict and (proof.verdict.eigenvalue_bound or 0) > 0),
        ),
        Row(
            "points classified right",
            "40%",
            str(right),
            proved(right.decided and right.correct == 4),
        ),
        Row(
            "global minimum",
            "no",
            f"{proof.verdict.is_global}; a better point has loss {_witness_text(proof)} and "
            f"classifies {ten.at_witness}",
            proved(ten.holds),
            key=True,
        ),
        *_starts_rows(ten),
    )


def _starts_rows(ten: Deadlock) -> tuple[Row, ...]:
    """The first spread is the protocol; the others show how much it matters."""
    first, *others = ending_at(ten.proof.problem.data, float(ten.proof.loss.mid))
    covered = first.rate.low <= PRINTED_SHARE <= first.rate.high
    return (
        Row(
            "standard normal starts from which BFGS ends there",
            "about 12% of 3000",
            f"{rate_text(first.rate)} of {first.rate.total:,}",
            Status.REPRODUCED if covered else Status.DIFFERS,
        ),
        *(
            Row(
                f"the same, starts with standard deviation {other.spread:g}",
                "",
                rate_text(other.rate),
                Status.MEASURED,
            )
            for other in others
        ),
    )


def _conjecture(found: tuple[Deadlock, ...]) -> Row:
    sizes = [deadlock.size for deadlock in found if deadlock.holds]
    fewer = bool(sizes) and min(sizes) < 10
    numbers = inequalities().values()
    least = all(balls.sign(number) == -1 for number in numbers)
    bounds = [f"at most {min(sizes)} (certified)"] if sizes else []
    if least:
        bounds.append(f"at least {LEAST} (a proof with {len(numbers)} inequalities, all checked)")
    return Row(
        "fewest points with such a minimum (conjecture, from a published reader's summary)",
        "10",
        ", ".join(bounds) or "none proved",
        Status.REFUTED if fewer else Status.DIFFERS,
        key=True,
        heading="the ten-point conjecture",
    )


def _size_rows(deadlock: Deadlock) -> tuple[Row, ...]:
    proof, size = deadlock.proof, deadlock.size
    return (
        Row(
            f"{size} points: kind of point",
            "",
            f"{verdict_text(proof.verdict.claim)}; least eigenvalue {_bound_text(proof)}",
            proved(proof.strict),
            heading="the ten-point conjecture",
        ),
        Row(
            f"{size} points: loss, classified right",
            "",
            f"{interval_text(proof.loss)}, {deadlock.at_minimum}; better point: "
            f"{_witness_text(proof)}, {deadlock.at_witness}",
            proved(deadlock.holds),
            heading="the ten-point conjecture",
        ),
    )


def _squared_row(proof: CertifiedPoint) -> Row:
    return Row(
        proof.subject,
        "",
        f"{verdict_text(proof.verdict.claim)}; loss {interval_text(proof.loss)}, better "
        f"{_witness_text(proof)}; least eigenvalue {_bound_text(proof)}",
        proved(proof.strict and proof.suboptimal),
        heading="squared loss, found by this project",
    )


def _bound_text(proof: CertifiedPoint) -> str:
    bound = proof.verdict.eigenvalue_bound
    return "unknown" if bound is None else f"at least {exact_text(bound)}"


def _witness_text(proof: CertifiedPoint, digits: int = 6) -> str:
    loss = proof.verdict.witness_loss
    return "unknown" if loss is None else proved_decimal(loss, digits)


def _pictures(deadlock: Deadlock) -> tuple[Picture, Picture]:
    proof, size = deadlock.proof, deadlock.size
    problem = proof.problem
    panels = [
        boundary_panel(
            f"(a) minimum: {deadlock.at_minimum} right, loss {proved_decimal(proof.loss, 5)}",
            problem,
            point_of(problem),
            deadlock.at_minimum.right,
        ),
        boundary_panel(
            f"(b) better point: {deadlock.at_witness} right, loss {_witness_text(proof, 3)}",
            problem,
            witness_of(problem),
            deadlock.at_witness.right,
        ),
    ]
    return (
        Picture(
            f"c13-boundaries-{size}-points",
            f"{size} points: decision boundaries of the 2-2-1 sigmoid network at the strict bad "
            "minimum and at the better point.",
            decision_boundaries(panels),
        ),
        Picture(
            f"c13-slices-{size}-points",
            f"{size} points: the loss around the minimum, along and over the plane of the two "
            "eigenvectors of the Hessian with the lowest curvature (floating point).",
            loss_slices(deadlock.around.lines, deadlock.around.plane),
        ),
    )


def _table(found: tuple[Deadlock, ...]) -> DataTable:
    return table_of(
        "c13-sizes",
        [
            {
                "points": d.size,
                "loss": interval_text(d.proof.loss),
                "eigenvalue bound": str(d.proof.verdict.eigenvalue_bound),
                "radius": str(d.proof.verdict.radius),
                "right": d.at_minimum.correct,
                "witness loss": _witness_text(d.proof),
                "witness right": d.at_witness.correct,
            }
            for d in found
        ],
    )


STUDY: Final = Study(C13, run)
