"""What the rules for valleys to infinity share: the loss where units reach their limits, the proof.

The theorems are 8 and 25 to 27 (`docs/mathematics.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from flint import arb

from spurious.certify.arithmetics import BallProgram, around, loss_of
from spurious.certify.subject import Subject
from spurious.exact.rationals import nearest_float, rational
from spurious.program import Program, dense_layers
from spurious.program.tail import tail
from spurious.proof import Claim, Evidence, Proof
from spurious.verdict import Decision, Enclosure

CLEAR = arb(2) ** -200
"""Slopes closer to 0 are not used: a checker would need too many bits."""


def loss_of_outputs(subject: Subject) -> Program:
    """The loss as a function of a dense network's outputs, point by point; for `Subject.once`."""
    return tail(subject.program, (dense_layers(subject.program)[-1].preactivation,))


def at_limits(subject: Subject, unit: int, limits: Mapping[int, arb]) -> tuple[arb, list[arb]]:
    """The loss of a network with one hidden layer where one of its units has other values.

    Args:
        subject: The network and its point.
        unit: The hidden unit.
        limits: Its values, by data point; at all others it keeps its own.

    Returns:
        The loss, and for each data point its derivative by the outputs along the unit's outgoing
        weights.
    """
    state = dense_layers(subject.program)[-1].state
    run = BallProgram.of(subject.program).run(around(subject.values), order=0)
    states: list[list[arb]] = run.values[state].tolist()
    for i, value in limits.items():
        states[i][unit] = value
    top = subject.point.layers[1]
    outputs = [
        sum((rational(w) * a for w, a in zip(row, hidden, strict=True)), arb(rational(b)))
        for hidden in states
        for row, b in zip(top.weight, top.bias, strict=True)
    ]
    rest = BallProgram.of(subject.once(loss_of_outputs)).run(outputs, order=1)
    weights, slopes = [rational(row[unit]) for row in top.weight], list(rest.gradient)
    rows = [slopes[k : k + len(weights)] for k in range(0, len(slopes), len(weights))]
    along = [sum((w * g for w, g in zip(weights, row, strict=True)), arb(0)) for row in rows]
    return loss_of(rest), along


def valley(evidence: Evidence, limit: Enclosure, where: str) -> Proof:
    """The proof that the loss falls for ever.

    Args:
        evidence: Of the rule.
        limit: What the loss tends to.
        where: The beginning of the sentence, such as "along a ray of the last layer".
    """
    return Proof(
        claim=Claim(Decision.NOT_LOCAL_MINIMUM, valley_limit=limit),
        evidence=evidence,
        reason=(
            f"a valley to infinity: {where} the loss falls for ever, "
            f"towards {nearest_float(limit.mid):.6g}"
        ),
    )


def deepest(proofs: Iterable[Proof | None]) -> Proof | None:
    """Of the valleys that are proved that with the lowest limit."""
    found = [proof for proof in proofs if proof is not None]
    return min(found, key=_limit, default=None)


def _limit(proof: Proof) -> Fraction:
    return Fraction(0) if proof.claim.valley_limit is None else proof.claim.valley_limit.mid
