"""Rule `sharpening_valley`: a gelu or silu unit becomes a relu, and the loss falls for ever.

Theorems 27 and 33 (`docs/mathematics.md`). Its incoming weights grow without end, its outgoing ones
tend to 0, and what is gained on the way is soon less than any float shows.
"""

from __future__ import annotations

from fractions import Fraction

from spurious.certify.enclosures import enclosure
from spurious.certify.further import has_stalled
from spurious.certify.rule import Rule
from spurious.certify.subject import Subject
from spurious.certify.valleys import deepest, preactivations, saturated, valley
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.proof import MonotoneValley, Proof, Undecided

__all__ = ["RULE"]


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth != 1:
        return False
    return subject.network.activation in ("gelu", "silu") and subject.once(has_stalled)


def _prove(subject: Subject) -> Proof | Undecided:
    with balls.precision(balls.PRECISIONS[0]):
        found = deepest(_sharpened(subject, unit) for unit in range(subject.network.hidden[0]))
    return found or Undecided("no unit becomes a relu with a loss that falls for ever")


def _sharpened(subject: Subject, unit: int) -> Proof | None:
    """The proof with this unit, if the loss falls."""
    layer = subject.point.layers[0]
    z = preactivations(subject, [rational(v) for v in (*layer.weight[unit], layer.bias[unit])])
    gate = "sigmoid" if subject.network.activation == "silu" else "normal"
    limit = saturated(subject, unit, z, list(zip(z, z, strict=True)), gate)
    if limit is None:
        return None
    still = (Fraction(0),) * len(subject.values)
    gates = tuple(Fraction(k == unit) for k in range(subject.network.hidden[0]))
    return valley(
        MonotoneValley(still, gates), enclosure(limit), f"as hidden unit {unit} becomes a relu,"
    )


RULE = Rule("sharpening_valley", _applies, _prove)
