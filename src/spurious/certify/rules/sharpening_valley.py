"""Rule `sharpening_valley`: a gelu or silu unit becomes a relu, and the loss falls for ever.

Theorem 27 (`docs/mathematics.md`). Its incoming weights grow without end, its outgoing ones tend to
0, and what is gained on the way is soon less than any float shows.
"""

from __future__ import annotations

from fractions import Fraction

from flint import arb, fmpq

from spurious.certify.enclosures import enclosure
from spurious.certify.further import has_stalled
from spurious.certify.rule import Rule
from spurious.certify.rules.saturating_valley import CLEAR, limit_of
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.rationals import dot, nearest_float, rational
from spurious.proof import Claim, Proof, SharpeningValley, Undecided
from spurious.verdict import Decision

__all__ = ["RULE"]


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth != 1:
        return False
    return subject.network.activation in ("gelu", "silu") and subject.once(has_stalled)


def _prove(subject: Subject) -> Proof | Undecided:
    with balls.precision(balls.PRECISIONS[0]):
        proofs = [_sharpened(subject, unit) for unit in range(subject.network.hidden[0])]
    found = [proof for proof in proofs if proof is not None]
    if not found:
        return Undecided("no unit becomes a relu with a loss that falls for ever")
    return min(found, key=_limit)


def _limit(proof: Proof) -> Fraction:
    return Fraction(0) if proof.claim.valley_limit is None else proof.claim.valley_limit.mid


def _sharpened(subject: Subject, unit: int) -> Proof | None:
    """The proof with this unit, if Theorem 27 holds for it."""
    layer, silu = subject.point.layers[0], subject.network.activation == "silu"
    own = [rational(v) for v in (*layer.weight[unit], layer.bias[unit])]
    z = [dot(own, [*map(rational, x), fmpq(1)]) for x in subject.dense.data.x]
    away = [i for i, v in enumerate(z) if v != 0]
    if not away:
        return None
    loss, slopes = limit_of(
        subject, {(i, unit): arb(v if v > 0 else fmpq(0)) for i, v in enumerate(z)}
    )
    weights = [rational(row[unit]) for row in subject.point.layers[1].weight]
    rises = [sum((w * g for w, g in zip(weights, row, strict=True)), arb(0)) for row in slopes]
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
    limit = enclosure(loss)
    return Proof(
        claim=Claim(Decision.NOT_LOCAL_MINIMUM, valley_limit=limit),
        evidence=SharpeningValley(unit),
        reason=(
            f"a valley to infinity: as hidden unit {unit} becomes a relu, the loss falls for "
            f"ever, towards {nearest_float(limit.mid):.6g}"
        ),
    )


RULE = Rule("sharpening_valley", _applies, _prove)
