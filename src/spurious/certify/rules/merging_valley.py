"""Rule `merging_valley`: two units become one and its derivative, and the loss falls for ever.

Theorem 26 (`docs/mathematics.md`). Ends of training with ever larger outgoing weights of opposite
sign are points of such a valley: the loss is as good as constant there, and no minimum is near.
"""

from __future__ import annotations

import numpy as np

from spurious.certify.enclosures import enclosure
from spurious.certify.further import has_stalled
from spurious.certify.merging_curves import HIGHER, falls_along
from spurious.certify.merging_search import candidate_pairs, curves
from spurious.certify.subject import Rule, Subject
from spurious.certify.valleys import valley
from spurious.exact import balls
from spurious.problem import unflatten
from spurious.proof import Merging, MergingValley, Proof, Undecided

PARAMETER_LIMIT = 100
"""With more parameters nothing is tried: Newton's method takes Hessians in many digits."""


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth == 0:
        return False
    if subject.network.parameter_count > PARAMETER_LIMIT:
        return False
    if subject.homogeneous:
        return subject.evaluation.has_kinks
    shallow = subject.network.depth == 1 and subject.network.activation in HIGHER
    return shallow and subject.once(has_stalled)


def _prove(subject: Subject) -> Proof | Undecided:
    with balls.precision(balls.PRECISIONS[1]):
        for pairs in candidate_pairs(subject):
            try:
                found = _along(subject, pairs)
            except np.linalg.LinAlgError:
                found = None
            if found is not None:
                return found
    return Undecided("along no curve on which two units merge does the loss fall for ever")


def _along(subject: Subject, pairs: tuple[Merging, ...]) -> Proof | None:
    for curve in curves(subject, pairs):
        loss = falls_along(subject, pairs, curve)
        if loss is None:
            continue
        named = " and ".join(f"{pair.units[1]} and {pair.units[0]}" for pair in pairs)
        where = (
            f"as units {named} of hidden layer {pairs[0].layer + 1} become one unit and its "
            "derivative,"
        )
        points = tuple(unflatten(c, subject.network) for c in curve[:-1])
        return valley(MergingValley(pairs, points), enclosure(loss), where)
    return None


RULE = Rule(_applies, _prove)
