"""What the rules for valleys to infinity share: the loss as units saturate, the proof.

Theorem 33 (`docs/mathematics.md`), with the curves of Theorems 8 and 25 to 27.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from flint import arb, fmpq

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.rationals import dot, nearest_float, rational
from spurious.program import Program, dense_layers
from spurious.program.tail import tail
from spurious.proof import Claim, Evidence, Proof
from spurious.verdict import Decision, Enclosure

CLEAR = arb(2) ** -200
"""Slopes closer to 0 are not used: a checker would need too many bits."""

SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0), "normal": (0, 0)}
"""How fast the derivative falls (0: as e^(-z^2/2)), and the limit on the left; right it is 1."""


def loss_of_outputs(subject: Subject) -> Program:
    """The loss as a function of a dense network's outputs, point by point; for `Subject.once`."""
    return tail(subject.program, (dense_layers(subject.program)[-1].preactivation,))


def saturated(
    subject: Subject,
    unit: int,
    factors: Sequence[fmpq],
    line: Sequence[tuple[fmpq, fmpq]],
    name: str,
) -> arb | None:
    """The limit of the loss of a network with one hidden layer as a unit saturates, if it falls.

    At point i the unit gives `c S(z + t k)` for t >= 0, and everything else stays: rule 5 of
    Theorem 33.

    Args:
        subject: The network and its point.
        unit: The hidden unit.
        factors: c, shape (n,).
        line: z and k, shape (n,).
        name: S: `tanh`, `sigmoid`, or `normal` (Phi; then all k are z).
    """
    away = [i for i, (_, k) in enumerate(line) if k != 0]
    if not away or any(line[i][0] * line[i][1] <= 0 for i in away):
        return None
    steep, low = SATURATING[name]
    first = min(away, key=lambda i: abs(line[i][1]))
    least = abs(line[first][0])

    def decay(z: fmpq) -> arb:
        gap = (least * least - z * z) / 2 if steep == 0 else steep * (least - abs(z))
        return arb(gap).exp()

    top = arb(1) if steep == 0 else (1 + arb(-steep * least).exp()) ** 2
    run = BallProgram.of(subject.program).run(around(subject.values), order=0)
    states: list[list[arb]] = run.values[dense_layers(subject.program)[-1].state].tolist()
    weights = [rational(row[unit]) for row in subject.point.layers[1].weight]
    spans, ends = [list(row) for row in states], [list(row) for row in states]
    slopes = [arb(0)] * len(states)
    for i in away:
        z, k = line[i]
        ends[i][unit] = arb(factors[i] * (1 if z > 0 else low))
        spans[i][unit] = states[i][unit].union(ends[i][unit])
        share = arb(1) if i == first else arb(0).union(decay(z) * top)
        slopes[i] = factors[i] * k * share
    rest = BallProgram.of(subject.once(loss_of_outputs))
    gradient = rest.gradient(_outputs(subject, spans))
    along = [w * slope for slope in slopes for w in weights]
    rise = sum((g * a for g, a in zip(gradient, along, strict=True)), arb(0))
    return rest.loss(_outputs(subject, ends)) if balls.certainly_less(rise, -CLEAR) else None


def _outputs(subject: Subject, states: Sequence[Sequence[arb]]) -> list[arb]:
    """The outputs of a network with one hidden layer, point by point."""
    top = subject.point.layers[1]
    return [
        sum((rational(w) * a for w, a in zip(row, hidden, strict=True)), arb(rational(b)))
        for hidden in states
        for row, b in zip(top.weight, top.bias, strict=True)
    ]


def preactivations(subject: Subject, weights: Sequence[fmpq]) -> list[fmpq]:
    """w.x + b at all points for w with b behind."""
    return [dot(weights, [*map(rational, x), fmpq(1)]) for x in subject.dense.data.x]


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
