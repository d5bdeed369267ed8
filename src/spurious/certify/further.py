"""How much further down it goes from a refuted point, and how long training would take.

One step along a refutation says little where the loss is badly conditioned. So damped Newton steps
in floats look for the lowest point within reach; that it is lower is then proved, like everything
that a verdict says of losses. How many updates would get there is an estimate, and called so.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from spurious.certify.arithmetics import FloatProgram, Floats
from spurious.certify.subject import Subject
from spurious.exact.rationals import nearest_float
from spurious.proof import Fall, Unfinished
from spurious.verdict import Enclosure

PARAMETER_LIMIT = 200
"""With more parameters Hessians cost too much for an estimate."""

STEPS = 20
"""Newton steps."""

DAMPINGS = (0.0, 1e-6, 1e-4, 1e-2, 1.0, 1e2)
"""Added to all eigenvalues, as shares of the largest, until the loss falls."""

SETTLED = 1e-13
"""A step that gains a smaller share of the loss is the last."""

SINGULAR = 1e-14
"""Eigenvalues count as at least this share of the largest."""

AT_REST = Fraction(1, 2**26)
"""What gains a smaller share of the loss than half the digits of a float64 show, is at rest."""

ALONG = (0.125, 0.25, 0.5, 0.75)
"""Where along a step the loss has to be falling too: so that no barrier is jumped over."""

PATIENCE = 10**9
"""Nobody waits for more updates than this."""

MOST_UPDATES = 10**15
"""No estimate goes further."""


def further_fall(subject: Subject, fall: Fall | None) -> Fall | None:
    """The lower of what is known and of where Newton's method leads, within the point's own size.

    With kinks, which it does not see, what is known.

    Args:
        subject: The refuted point.
        fall: A lower point next to it, if one is known.
    """
    found = subject.once(_newton_fall)
    if found is None or (fall is not None and found.decrease <= fall.decrease):
        return fall
    return found


def has_stalled(subject: Subject) -> bool:
    """Whether training would gain nothing to speak of in any time; for `Subject.once`."""
    if len(subject.values) > PARAMETER_LIMIT:
        return False
    left = unfinished(subject, subject.once(_newton_fall), subject.loss_at(subject.values))
    return left is None or left.updates is None or left.updates > PATIENCE


def _newton_fall(subject: Subject) -> Fall | None:
    if len(subject.values) > PARAMETER_LIMIT or subject.program.kinked:
        return None
    start = _floats(subject)
    end = _descended(FloatProgram(subject.program), start) if np.isfinite(start).all() else None
    if end is None:
        return None
    point = tuple(Fraction(v) for v in end.tolist())
    there = subject.loss_at(point)
    decrease = subject.loss_at(subject.values).lower - there.upper
    return Fall(point, there, decrease, subject.distance(point)) if decrease > 0 else None


def unfinished(subject: Subject, fall: Fall | None, loss: Enclosure) -> Unfinished | None:
    """How long training would still take; None where too little is left to speak of.

    Gradient descent on the quadratic model of the loss at the point, with the step 1/L, L the
    largest eigenvalue of the Hessian: the usual step (Y. Nesterov, Introductory Lectures on Convex
    Optimization, 2004, section 1.2.3).

    Args:
        subject: The refuted point.
        fall: A lower point.
        loss: The loss at the refuted point.
    """
    if fall is None or fall.decrease <= AT_REST * abs(loss.mid):
        return None
    if len(subject.values) > PARAMETER_LIMIT:
        return Unfinished(None, None)
    spectrum = _spectrum(FloatProgram(subject.program), _floats(subject))
    if spectrum is None or spectrum[1].max() <= 0:
        return Unfinished(None, None)
    _, values, slopes, _ = spectrum
    step = 1 / float(values.max())
    return Unfinished(_updates(slopes, values, step, float(fall.decrease) / 2), step)


def _floats(subject: Subject) -> Floats:
    return np.array([nearest_float(v) for v in subject.values])


def _spectrum(program: FloatProgram, point: Floats) -> tuple[float, Floats, Floats, Floats] | None:
    """Loss, eigenvalues of the Hessian, the gradient in its eigenvectors, and these (columns)."""
    with np.errstate(all="ignore"):
        loss, gradient = program.loss_and_gradient(point)
        curved = program.hessian(point)
    if not (np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite(curved).all()):
        return None
    values, vectors = np.linalg.eigh((curved + curved.T) / 2)
    return loss, values, np.asarray(vectors.T @ gradient), np.asarray(vectors)


def _descended(program: FloatProgram, start: Floats) -> Floats | None:
    """The end of damped Newton steps that each lower the loss in floats; None if there is none."""
    limit = max(1.0, float(np.abs(start).max()))
    low, high = start - limit, start + limit
    point: Floats | None = None
    for _ in range(STEPS):
        here = start if point is None else point
        spectrum = _spectrum(program, here)
        if spectrum is None:
            break
        loss, values, slopes, vectors = spectrum
        largest = float(np.abs(values).max())
        for damping in DAMPINGS:
            sizes = np.maximum(np.abs(values) + damping * largest, SINGULAR * largest + 1e-300)
            there = np.clip(here - vectors @ (slopes / sizes), low, high)
            gained = loss - _loss_after(program, here, there, loss)
            if gained > 0:
                break
        else:
            break
        point = there
        if gained <= SETTLED * abs(loss):
            break
    return point


def _loss_after(program: FloatProgram, here: Floats, there: Floats, loss: float) -> float:
    """The loss at the end of a step; infinite if it rises anywhere that is looked at."""
    last = loss
    with np.errstate(all="ignore"):
        for part in (*ALONG, 1.0):
            now = program.loss(here + part * (there - here))
            if not now <= last:
                return float("inf")
            last = now
    return last


def _updates(slopes: Floats, values: Floats, step: float, target: float) -> int | None:
    """The least number of updates that gain the target on the quadratic model."""

    def gained(count: float) -> float:
        with np.errstate(all="ignore"):
            left = (1 - step * values) ** count
            flat = np.abs(step * values) * count < 1e-8
            moves = np.where(flat, step * count, (1 - left) / np.where(flat, 1, values)) * slopes
            total = float(np.sum(slopes * moves - values * moves**2 / 2))
        return float("inf") if np.isnan(total) else total

    low, high = 0, 1
    while gained(high) < target:
        low, high = high, 2 * high
        if high > MOST_UPDATES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if gained(middle) >= target else (middle, high)
    return high
