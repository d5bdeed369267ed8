"""Rule `sharpening_valley`: a gelu or silu unit becomes a relu, and the loss falls for ever.

Theorem 27 (`docs/mathematics.md`). Its incoming weights grow without end, its outgoing ones tend to
0, and what is gained on the way is soon less than any float shows.
"""

from __future__ import annotations

from flint import arb, fmpq

from spurious.certify.enclosures import enclosure
from spurious.certify.further import has_stalled
from spurious.certify.rule import Rule
from spurious.certify.subject import Subject
from spurious.certify.valleys import CLEAR, at_limits, deepest, valley
from spurious.exact import balls
from spurious.exact.rationals import dot, rational
from spurious.proof import Proof, SharpeningValley, Undecided


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth != 1:
        return False
    return subject.network.activation in ("gelu", "silu") and subject.once(has_stalled)


def _prove(subject: Subject) -> Proof | Undecided:
    with balls.precision(balls.PRECISIONS[0]):
        found = deepest(_sharpened(subject, unit) for unit in range(subject.network.hidden[0]))
    return found or Undecided("no unit becomes a relu with a loss that falls for ever")


def _sharpened(subject: Subject, unit: int) -> Proof | None:
    """The proof with this unit, if Theorem 27 holds for it."""
    layer, silu = subject.point.layers[0], subject.network.activation == "silu"
    own = [rational(v) for v in (*layer.weight[unit], layer.bias[unit])]
    z = [dot(own, [*map(rational, x), fmpq(1)]) for x in subject.dense.data.x]
    away = [i for i, v in enumerate(z) if v != 0]
    if not away:
        return None
    limits = {i: arb(v if v > 0 else fmpq(0)) for i, v in enumerate(z)}
    loss, rises = at_limits(subject, unit, limits)
    nearest = min(away, key=lambda i: abs(z[i]))
    least = abs(z[nearest])
    total, top = rises[nearest] * least**2, (1 + arb(-least).exp()) ** 2
    for i in away:
        if i != nearest:
            gap = least - abs(z[i]) if silu else (least**2 - z[i] ** 2) / 2
            share = arb(gap).exp() * top if silu else arb(gap).exp()
            total += rises[i].max(arb(0)) * share * z[i] ** 2
    if not balls.certainly_less(total, -CLEAR):
        return None
    where = f"as hidden unit {unit} becomes a relu,"
    return valley(SharpeningValley(unit), enclosure(loss), where)


RULE = Rule("sharpening_valley", _applies, _prove)
