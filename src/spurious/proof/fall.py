"""How far down the loss provably goes from a refuted point, and how long training would take."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from spurious.verdict import Enclosure


@dataclass(frozen=True, slots=True)
class Fall:
    """A point with a provably smaller loss, near a refuted one.

    Attributes:
        point: The lower point, shape (P,).
        loss: The loss there.
        decrease: The loss at the refuted point is larger by at least this, and it is positive.
        distance: The largest difference of a parameter.
    """

    point: tuple[Fraction, ...]
    loss: Enclosure
    decrease: Fraction
    distance: Fraction


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Training that has only stopped at a refuted point. These are estimates, nothing is proved.

    Attributes:
        updates: About how many more updates of gradient descent gain half of the `Fall`, or None:
            more than anyone makes, or not known.
        step: Their step, 1 over the largest eigenvalue of the Hessian, or None.
    """

    updates: int | None
    step: float | None
