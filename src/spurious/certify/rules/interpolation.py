"""Rule `interpolation`: a point next to this one has the best outputs there are.

Theorem 22 (`docs/mathematics.md`). Move q of the parameters, hold the others, and solve u = t for
the q outputs that matter. If Krawczyk's test shows that a tiny box holds a solution, that is a
global minimum over all functions of the inputs, on a manifold of P - q dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram, FloatProgram, Floats, around
from spurious.certify.best_outputs import Equations, best_outputs, best_outputs_of_program
from spurious.certify.critical import is_critical
from spurious.certify.enclosures import enclosure
from spurious.certify.isolation import independent_columns, preconditioner
from spurious.certify.optimality import unbeaten
from spurious.certify.subject import Rule, Subject, distance, nearby_limit
from spurious.exact import balls
from spurious.exact.krawczyk import defect, largest_row
from spurious.exact.rationals import fraction, nearest_float, rational
from spurious.problem import FlatPoint
from spurious.program import Program, ProgramError, Run
from spurious.proof import Claim, Interpolation, Proof, Undecided
from spurious.verdict import Answer, Decision, Enclosure

FLOAT_STEPS = 30
"""Gauss-Newton steps in floats."""

REACHED = 1e-7
"""Outputs further than this share from the best ones after these steps have not reached them."""

STEPS = 12
"""Newton steps that refine the centre."""

CENTRE_DECIMALS = 36
"""Of the box's centre."""

DONE = Fraction(1, 10**34)
"""Smaller steps end the refinement."""

LEAST_RADIUS = Fraction(1, 10**24)
"""Of a box: so that a few bits are enough to check it."""

WIDER = 4
"""The box is wider by this factor than the outputs at its centre need."""

DIGITS = 17
"""Significant digits of the preconditioner."""


def _applies(subject: Subject) -> bool:
    """Whether there are best outputs, not too many, and no rule proves more about the point."""
    best = subject.once(_best_outputs)
    if best is None:
        return False
    if subject.is_dense:
        return subject.once(unbeaten) is None
    return len(best.forms) < len(subject.values) or not subject.once(is_critical)


def _best_outputs(subject: Subject) -> Equations | None:
    with balls.precision(balls.PRECISIONS[1]):
        if subject.is_dense:
            return best_outputs(subject.dense)
        return best_outputs_of_program(subject.program)


def _prove(subject: Subject) -> Proof | Undecided:
    best = subject.once(_best_outputs)
    if best is None:
        return Undecided("no outputs are best")
    with balls.precision(balls.PRECISIONS[1]):
        return _near(subject, best)


def _near(subject: Subject, best: Equations) -> Proof | Undecided:
    """Proves that the best outputs, enclosed at the precision in force, are reached nearby."""
    program, point = subject.program, subject.values
    near = _in_floats(FloatProgram(program), best, point)
    if isinstance(near, Undecided):
        return near
    values, slope = near
    moved = independent_columns(slope, len(slope))
    inverse = np.linalg.pinv(slope[:, moved])
    rows, matrix = preconditioner(inverse, DIGITS)
    try:
        centre = _refined(program, best, values, moved, matrix)
        if centre is None:
            return Undecided("Newton's method did not reach the best outputs to full precision")
        radius = _isolated(program, best, centre, moved, matrix)
    except ProgramError as error:
        return Undecided(f"around the best outputs: {error}")
    if radius is None:
        return Undecided("Krawczyk's test does not show that the best outputs are reached")
    away = distance(centre, point) + radius
    if away > nearby_limit(point):
        return Undecided("the best outputs are reached too far away")
    free = len(point) - len(moved)
    where = "at that point alone" if free == 0 else f"on a set of {free} dimensions"
    loss = Enclosure(best.loss) if isinstance(best.loss, Fraction) else enclosure(best.loss)
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM_NEARBY,
            loss,
            strict=Answer.NO if free else Answer.YES,
            strict_up_to_rescaling=_up_to_rescaling(subject, free),
            flat_dimension=free,
            radius=balls.simple_above(away),
        ),
        evidence=Interpolation(
            centre, radius, tuple(moved), rows, best.outputs if subject.loss is None else None
        ),
        reason=(
            "an exact fit lies in a tiny box: all outputs are the best that any function of the "
            f"inputs can have, {where}"
        ),
        minimum=centre,
    )


def _up_to_rescaling(subject: Subject, free: int) -> Answer:
    """Rescalings of hidden units make at most one dimension each, and none in smooth networks."""
    if free == 0:
        return Answer.YES
    if not subject.is_dense:
        return Answer.UNKNOWN
    rescalings = sum(subject.network.hidden) if subject.homogeneous else 0
    return Answer.NO if free > rescalings else Answer.UNKNOWN


def _in_floats(
    program: FloatProgram, best: Equations, point: FlatPoint
) -> tuple[Floats, Floats] | Undecided:
    """Gauss-Newton steps of least norm; the end and the derivative of u there, shape (q, P)."""
    targets = np.array([float(t.mid()) for t in best.targets])
    start = np.array([nearest_float(value) for value in point])
    limit = nearest_float(nearby_limit(point))
    values, last = start, float("inf")
    for _ in range(FLOAT_STEPS):
        with np.errstate(all="ignore"):
            run = program.evaluator.run(values, order=1)
            gap = np.asarray(_outputs(run, best) - targets, dtype=np.float64)
            slope = np.asarray(_slopes(run, best), dtype=np.float64)
        if not (np.isfinite(gap).all() and np.isfinite(slope).all()):
            return Undecided("the outputs or their derivatives are not finite in floats")
        step = np.asarray(np.linalg.lstsq(slope, gap, rcond=None)[0], dtype=np.float64)
        size = float(np.abs(step).max())
        if not float(np.abs(values - step - start).max()) <= limit:
            return Undecided("no perfect fit is near")
        if size >= last / 2 or size == 0:
            reached = bool((np.abs(gap) <= REACHED * (1 + np.abs(targets))).all())
            return (values, slope) if reached else Undecided("no perfect fit is near")
        values, last = np.asarray(values - step, dtype=np.float64), size
    return Undecided("no perfect fit is near")


def _outputs(run: Run[npt.NDArray[Any]], best: Equations) -> npt.NDArray[Any]:
    """The u, shape (q,)."""
    return _forms(np.concatenate([run.values[k].ravel() for k in best.outputs]), best)


def _slopes(run: Run[npt.NDArray[Any]], best: Equations) -> npt.NDArray[Any]:
    """The derivative of u by the parameters, shape (q, P)."""
    return _forms(np.concatenate([run.jacobian(k) for k in best.outputs]), best)


def _forms(rows: npt.NDArray[Any], best: Equations) -> npt.NDArray[Any]:
    """The linear forms of the outputs' rows."""
    return np.stack([sum(rows[place] * factor for place, factor in form) for form in best.forms])


def _refined(
    program: Program, best: Equations, start: Floats, moved: Sequence[int], inverse: arb_mat
) -> FlatPoint | None:
    """Newton's method with one inverse in the parameters that move; None if it does not end."""
    evaluated = BallProgram.of(program)
    values = [balls.round_to(Fraction(v), CENTRE_DECIMALS) for v in start.tolist()]
    last = Fraction(2)
    for _ in range(STEPS):
        step = inverse * _gap(evaluated.run(around(values), order=0), best)
        sizes = [balls.midpoint(step[i, 0]) for i in range(len(moved))]
        for i, size in zip(moved, sizes, strict=True):
            values[i] = balls.round_to(values[i] - fraction(size), CENTRE_DECIMALS)
        largest = max(abs(fraction(size)) for size in sizes)
        if largest < DONE:
            return tuple(values)
        if largest > last / 2:
            return None
        last = largest
    return None


def _gap(run: Run[npt.NDArray[Any]], best: Equations) -> arb_mat:
    """The outputs less their best values, a column."""
    gaps = zip(_outputs(run, best).tolist(), best.targets, strict=True)
    return arb_mat([[output - target] for output, target in gaps])


def _isolated(
    program: Program,
    best: Equations,
    centre: FlatPoint,
    moved: Sequence[int],
    inverse: arb_mat,
) -> Fraction | None:
    """The radius of a box that passes Krawczyk's test, or None."""
    evaluated = BallProgram.of(program)
    here = around(centre)
    start = largest_row(inverse * _gap(evaluated.run(here, order=0), best))
    radius = balls.power_of_ten_above(max(WIDER * balls.bounds(start)[1], LEAST_RADIUS))
    wide = around(centre, radius)
    box = [wide[i] if i in set(moved) else here[i] for i in range(len(here))]
    slope = arb_mat(_slopes(evaluated.run(box, order=1), best)[:, moved].tolist())
    half = arb(rational(radius))
    found = start + largest_row(defect(inverse, slope)) * half
    return radius if balls.certainly_less(found, half) else None


RULE = Rule(_applies, _prove)
