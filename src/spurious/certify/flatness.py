"""How flat a minimum of a shallow network with one output is.

Let (a, c) be the effective parameters (a_j = |v_j| (w_j, b_j)) at a local minimum proved by Theorem
1, and D(u) the exact change of the outputs for a small move u of them. The loss is strictly convex
in the outputs, so it stays equal only where D(u) = 0. Off the kinks D is linear in u; the rows of
points on no kink bound the dimension of {D = 0} from above, and the moves that keep every kink
point on its kink bound it from below. Each unit adds one dimension, its rescaling (Corollary 1,
`docs/mathematics.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from spurious.certify.evaluate import Evaluation, slope_at
from spurious.exact.rationals import ONE, ZERO, Vector, rank
from spurious.problem import Loss
from spurious.verdict import Answer


@dataclass(frozen=True, slots=True)
class Flatness:
    """Strictness of a minimum (`Verdict` explains the fields)."""

    strict: Answer = Answer.UNKNOWN
    strict_up_to_rescaling: Answer = Answer.UNKNOWN
    dimension: int | None = None


def generic_flatness(evaluation: Evaluation) -> Flatness:
    """What holds at every minimum of a homogeneous network: with hidden units it is never strict.

    A unit can be rescaled, or, if its incoming and outgoing weights are all zero, its outgoing
    weights can be changed freely.
    """
    hidden = evaluation.problem.network.depth > 0
    return Flatness(strict=Answer.NO if hidden else Answer.UNKNOWN)


def shallow_flatness(evaluation: Evaluation) -> Flatness:
    """Flatness at a local minimum of a network with widths [d, h, K], homogeneous activation."""
    outgoing, *others = evaluation.weights[1]
    if others or evaluation.problem.loss == Loss.CROSS_ENTROPY:
        return Flatness(strict=Answer.NO)
    weights = outgoing[:-1]
    if any(v == 0 for v in weights):
        return Flatness(strict=Answer.NO, strict_up_to_rescaling=Answer.NO)
    signs = [ONE if v > 0 else -ONE for v in weights]
    width = len(evaluation.inputs[0])
    free: list[Vector] = []
    rows: list[Vector] = []
    held: list[Vector] = []
    seen: set[tuple[int, int]] = set()
    for i, x in enumerate(evaluation.inputs):
        if not evaluation.factors[i]:
            continue  # the loss does not see its output
        row: list[fmpq] = []
        on_kink = False
        for j, side in enumerate(signs):
            z = evaluation.preactivations[0][i][j]
            slope = side * slope_at(z, evaluation.slopes)
            row.extend(slope * entry for entry in x)
            if evaluation.has_kinks and z == 0:
                on_kink = True
                if (j, evaluation.groups[i]) not in seen:
                    seen.add((j, evaluation.groups[i]))
                    before, after = j * width, (len(signs) - j - 1) * width + 1
                    held.append((*([ZERO] * before), *x, *([ZERO] * after)))
        row.append(ONE)
        rows.append(tuple(row))
        if not on_kink:
            free.append(tuple(row))
    size = len(signs) * width + 1
    upper = size - rank(free)
    lower = size - rank([*rows, *held])
    not_yes = Answer.NO if lower > 0 else Answer.UNKNOWN
    return Flatness(
        strict=Answer.NO,
        strict_up_to_rescaling=Answer.YES if upper == 0 else not_yes,
        dimension=upper + len(signs) if upper == lower else None,
    )
