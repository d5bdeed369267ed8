"""C11: a dead layer makes a constant model, which ends at the mean (v1, Lemmas 1 and 2)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from spurious.construct.dead_layer import dead_point, target_means
from spurious.construct.relu import outputs
from spurious.figures import dead_layer
from spurious.figures.panels import fitted_panel
from spurious.problem import Layer, Loss, Point, Problem, flatten
from spurious.problem.bundled import point_of
from spurious.proof import DescentDirection, Evidence, exact_text, interval_text, verdict_text
from spurious.studies.certified import CertifiedPoint, certified
from spurious.studies.claims import C11
from spurious.studies.dead_cases import IN_THE_PLANE, ON_A_LINE, Case
from spurious.studies.plateau import output_bias_profile
from spurious.studies.report.claim import (
    ClaimResult,
    Context,
    Picture,
    Row,
    Study,
    explained,
    overall,
    proved,
)
from spurious.studies.tables import panel_table, profile_table

CASES: Final = (
    Case((1, 2, 1), 1, ON_A_LINE, 11),
    Case((1, 5, 1), 1, ON_A_LINE, 12),
    Case((1, 3, 2, 1), 2, ON_A_LINE, 13),
    Case((2, 4, 3, 2), 1, IN_THE_PLANE, 14),
    Case((1, 2, 2, 3, 1), 3, ON_A_LINE, 15),
    Case((2, 3, 4, 2, 2), 2, IN_THE_PLANE, 16),
)
AWAY: Final = Fraction(1, 2)
"""How far the output biases are moved off the mean."""

DRAWN: Final = 2
"""Index of the case that is drawn."""


def off_the_mean(point: Point) -> Point:
    """The point with every output bias raised by `AWAY`."""
    last = point.layers[-1]
    raised = Layer(last.weight, tuple(bias + AWAY for bias in last.bias))
    return replace(point, layers=(*point.layers[:-1], raised))


def moved_layers(evidence: Evidence | None) -> tuple[int, ...]:
    """The layers, counted from 1, that a descent direction moves; () without one."""
    if not isinstance(evidence, DescentDirection) or not isinstance(evidence.direction, Point):
        return ()
    layers = evidence.direction.layers
    return tuple(number for number, layer in enumerate(layers, 1) if any(flatten(Point((layer,)))))


def run(_: Context) -> ClaimResult:
    """Certifies dead networks with the output at the mean, and refutes them off the mean."""
    at_mean = tuple(_prove(case, "at-mean") for case in CASES)
    off_mean = tuple(_prove(case, "off-mean") for case in CASES)
    rows = (
        *_summary(at_mean, off_mean),
        *map(_case_row, CASES, at_mean, off_mean),
    )
    case, problem = CASES[DRAWN], at_mean[DRAWN].problem
    off = off_mean[DRAWN].problem
    fit = fitted_panel(
        f"(a) {case.name}",
        problem.network,
        problem.data,
        (
            (f"off the mean, loss {exact_text(off_mean[DRAWN].loss.mid)}", point_of(off)),
            (f"at the mean, loss {exact_text(at_mean[DRAWN].loss.mid)}", point_of(problem)),
        ),
    )
    profiles = (output_bias_profile(problem, point_of(problem), "loss", 1.0),)
    picture = Picture(
        "c11-constant-model",
        "Left: with a layer off on all data the network computes a constant. Right: the loss as "
        "its output bias moves; the minimum is where the constant is the mean of the targets.",
        dead_layer(
            fit,
            profiles,
            "output bias minus its value at the mean",
            "(b) loss along the output bias",
        ),
    )
    status = overall(rows)
    return ClaimResult(
        C11,
        status,
        rows,
        explained(
            status,
            "The argument is general. With a layer strictly off on all n data points the output "
            "is, nearby, a constant c that does not depend on that layer or those below; the "
            "derivative of the loss with respect to the output bias is 2n(c - mean), so only the "
            "mean is at rest. Theorems 4 and 6 of docs/mathematics.md give the proof for any "
            "depth, width and data.",
            "The certificates below check this on networks with seeded weights: at the mean the "
            f"point is a local minimum; with the output bias raised by {exact_text(AWAY)} it is "
            "not, and the direction of descent leaves the dead layer and those below unchanged.",
        ),
        at_mean + off_mean,
        (picture,),
        (panel_table("c11-fits", fit), profile_table("c11-output-bias", profiles)),
    )


def _prove(case: Case, kind: str) -> CertifiedPoint:
    network = case.network
    point = dead_point(network, case.layer, case.data, case.seed)
    if kind == "off-mean":
        point = off_the_mean(point)
    name = f"c11-{network.shape_name}-layer-{case.layer}-{kind}"
    problem = Problem(network, Loss.SQUARED, case.data, point=point)
    return certified(name, f"{case.name}, {kind.replace('-', ' the ')}", problem)


def _constant(proof: CertifiedPoint) -> tuple[Fraction, ...] | None:
    """The output on all data, or None if it is not constant."""
    values = set(outputs(point_of(proof.problem), proof.problem.data.x))
    return values.pop() if len(values) == 1 else None


def _leaves_lower_layers(case: Case, proof: CertifiedPoint) -> bool:
    """Whether the proved descent moves only layers above the dead one."""
    moved = moved_layers(proof.verdict.evidence)
    return proof.refuted and bool(moved) and min(moved) > case.layer


def _summary(
    at_mean: tuple[CertifiedPoint, ...], off_mean: tuple[CertifiedPoint, ...]
) -> tuple[Row, ...]:
    count = len(CASES)
    constant = sum(_constant(proof) == target_means(proof.problem.data) for proof in at_mean)
    minima = sum(proof.minimum for proof in at_mean)
    refuted = sum(map(_leaves_lower_layers, CASES, off_mean))
    return (
        Row(
            "output with a dead layer, at the optimum",
            "the mean target",
            f"the mean target, exactly, in {constant} of {count} networks",
            proved(constant == count),
            key=True,
        ),
        Row(
            "at the mean",
            "training stays",
            f"local minimum, certified in {minima} of {count}",
            proved(minima == count),
            key=True,
        ),
        Row(
            "off the mean",
            "training moves, to the mean, and leaves the layers up to the dead one unchanged",
            f"descent above the dead layer only, certified in {refuted} of {count}",
            proved(refuted == count),
            key=True,
        ),
    )


def _case_row(case: Case, at_mean: CertifiedPoint, off_mean: CertifiedPoint) -> Row:
    moved = ", ".join(map(str, moved_layers(off_mean.verdict.evidence))) or "none"
    return Row(
        case.name,
        "minimum at the mean only",
        f"at the mean: {verdict_text(at_mean.verdict.claim)}, loss {interval_text(at_mean.loss)}; "
        f"off it: {verdict_text(off_mean.verdict.claim)}, descent moves layer {moved} of "
        f"{len(case.widths) - 1}",
        proved(at_mean.minimum and _leaves_lower_layers(case, off_mean)),
        heading="case by case",
    )


STUDY: Final = Study(C11, run)
