"""Problem k of seed S: a random problem of a random family, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzzing import draw_channels, draw_exact, draw_fits, draw_smooth, draw_steps, draw_trained
from fuzzing.case import Case

FAMILIES: dict[str, tuple[int, Callable[[Random], Case]]] = {
    "any": (10, draw_exact.anything),
    "kinks": (6, draw_exact.kinks),
    "critical": (12, draw_exact.critical),
    "kinked and critical": (12, draw_exact.kinked_critical),
    "several outputs": (6, draw_exact.several_outputs),
    "dead": (10, draw_exact.dead),
    "log losses, huge and tiny": (8, draw_exact.extreme_logs),
    "perfect fit": (8, draw_exact.perfect_fit),
    "degenerate": (8, draw_exact.degenerate),
    "softsign, critical": (4, draw_smooth.softsign),
    "constant units": (5, draw_smooth.constant_units),
    "twin units": (4, draw_smooth.twin_units),
    "trained": (14, draw_trained.trained),
    "trained twins": (2, draw_trained.twins),
    "trained, dead unit": (3, draw_trained.dead_unit),
    "kinked, logistic": (3, draw_trained.on_kinks_logistic),
    "near a saddle": (4, draw_trained.near_saddle),
    "fits, nearly": (6, draw_fits.fits),
    "log ratios": (3, draw_fits.log_ratios),
    "steps": (4, draw_steps.steps),
    "channels": (2, draw_channels.channels),
    "sharp units": (2, draw_steps.sharp),
}
"""Name: weight, and how a problem is drawn."""


def draw(seed: int, index: int) -> tuple[Case, Random]:
    """The problem, and the source of chance to judge it with."""
    rng = Random(f"fuzz {seed} {index}")
    names = list(FAMILIES)
    name = rng.choices(names, [weight for weight, _ in FAMILIES.values()])[0]
    case = FAMILIES[name][1](rng)
    return Case(
        case.widths, case.activation, case.slope, case.loss, case.x, case.y, case.point, name
    ), rng
