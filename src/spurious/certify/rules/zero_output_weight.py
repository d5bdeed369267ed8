"""Rule `zero_output_weight` (Theorem 1): turn a unit without output weight, then let it speak."""

from __future__ import annotations

from fractions import Fraction

from spurious.certify.rules.descent_direction import turned
from spurious.certify.rules.one_sided_derivatives import ZeroWeightDescends, first_order
from spurious.certify.subject import Rule, Subject
from spurious.certify.sums import stationary
from spurious.exact.rationals import fraction
from spurious.problem import FlatPoint
from spurious.proof import Claim, Proof, Undecided, ZeroOutputWeight
from spurious.verdict import Decision

OUTPUT_WEIGHTS = (1, 3, 6, 9)
"""Powers of 1/10 tried as the output weight of the turned unit."""


def _prove(subject: Subject) -> Proof | Undecided:
    found = subject.once(first_order)
    if not isinstance(found, ZeroWeightDescends):
        return Undecided("no unit without output weight would lower the loss")
    turn = tuple(fraction(entry) for entry in found.direction)
    return Proof(
        claim=Claim(Decision.NOT_LOCAL_MINIMUM),
        evidence=ZeroOutputWeight(found.unit, found.output, turn),
        reason=(
            f"hidden unit {found.unit} has zero output weight, and turning it slightly makes "
            "the loss fall"
        ),
        directions=tuple(_speaking(subject, found, turn, power) for power in OUTPUT_WEIGHTS),
    )


def _speaking(
    subject: Subject, found: ZeroWeightDescends, turn: tuple[Fraction, ...], power: int
) -> FlatPoint:
    """The turn, with a much smaller output weight against the sign of psi."""
    wide, high = subject.network.widths[:2]
    values = list(turned(subject, found.unit, turn))
    values[high * (wide + 1) + found.output * high + found.unit] = Fraction(-found.side, 10**power)
    return tuple(values)


RULE = Rule(lambda s: s.homogeneous and s.network.depth == 1 and s.once(stationary), _prove)
