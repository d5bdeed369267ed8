"""Is a point claimed to be a local minimum one? Slopes and falls around it say if not."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from fuzzing import precise
from fuzzing.case import Case
from fuzzing.pieces import place
from fuzzing.probe import Probe, axes, bends, directions


def minimum_faults(probe: Probe, strict: bool, thorough: bool, rng: Random) -> list[str]:
    """What contradicts that the probe's point is a local minimum, strict if so claimed."""
    case = probe.case
    faults = [] if probe.slack else _slope_faults(probe, thorough, rng)
    if faults:
        return faults
    if strict and _rescaling_is_flat(probe):
        return ["called strict, but rescaling a hidden unit keeps the loss"]
    rays = directions(case, rng, 36 if thorough else 6)
    if thorough:
        rays += bends(case)
    for index, ray in enumerate(rays):
        for less in (0, 12, 36) if thorough and index % 3 == 0 else (0,):
            step = probe.step / 2**less / (1 + int(max(map(abs, ray))))
            if probe.falls(ray, step):
                return [f"the loss falls along a ray, at steps from {float(step):.1e} down"]
            if strict and not probe.slack and probe.sign(ray, step) == 0:
                return ["called strict, but the loss is the same beside it"]
    return []


def _rescaling_is_flat(probe: Probe) -> bool:
    """Whether the loss is the same where the first hidden unit is rescaled by a little."""
    case = probe.case
    if len(case.widths) == 2 or not case.exact:
        return False
    by, moved, shape = 1 + probe.step, list(case.point), case.widths
    for source in (*range(shape[0]), None):
        moved[place(shape, 0, 0, source)] *= by
    for k in range(shape[2]):
        moved[place(shape, 1, k, 0)] /= by
    step = [b - a for a, b in zip(case.point, moved, strict=True)]
    return any(step) and probe.sign(step, Fraction(1)) == 0


def _slope_faults(probe: Probe, thorough: bool, rng: Random) -> list[str]:
    case = probe.case
    if not case.exact:
        return _gradient_faults(case)
    for ray in [*axes(case), *directions(case, rng, 30 if thorough else 6)]:
        if probe.rate(ray) < 0:
            moved = [j for j, u in enumerate(ray) if u]
            return [f"the one-sided derivative is negative along a direction (parameters {moved})"]
    return []


def _gradient_faults(case: Case) -> list[str]:
    """Parameters whose derivative is not zero: two precisions agree on what it is instead.

    What only rounding leaves is another number at another precision.
    """
    coarse, fine = (
        [g for g, _ in precise.gradient(case, ctx, [precise.real(ctx, v) for v in case.point])]
        for ctx in map(precise.context, (480, 960))
    )
    pairs = enumerate(zip(coarse, fine, strict=True))
    wrong = [j for j, (a, b) in pairs if b and abs(a - b) * 10**40 < abs(b)]
    return [f"the gradient is not zero (parameters {wrong})"] if wrong else []
