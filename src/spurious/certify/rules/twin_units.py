"""Rule `twin_units`: hidden units with equal incoming weights and biases, a plateau of minima.

Theorem 19 (`docs/mathematics.md`), after K. Fukumizu and S. Amari, "Local minima and plateaus in
hierarchical structures of multilayer perceptrons", Neural Networks 13 (2000). Merge the units of
each group of twins into one that has the sum v of their output weights v_j. Rule `convex_ball`
encloses a strict minimum of the merged network. Split again in the shares v_j / v it is a critical
point whose Hessian, the shares held, is the merged one and for each group the product of two forms:

    B = sum_i g_i act''(z_i) x~_i x~_i^T   and   diag(v_j) on the t with sum_j v_j t_j = 0.

If the products are positive definite, the shares are the only way down or along, and along them
the loss is constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram, Entries, around
from spurious.certify.rules import convex_ball
from spurious.certify.subject import Rule, Subject, distance, nearby_limit
from spurious.exact import balls
from spurious.exact.definiteness import congruence, is_dominant, prove_definite
from spurious.problem import DenseLoss, Layer, Point, flatten
from spurious.program import SMOOTH, DenseLayer, Run, dense_layers
from spurious.proof import Claim, ConvexBall, Matrix, Proof, TwinUnits, Undecided
from spurious.verdict import Answer, Decision


@dataclass(frozen=True, slots=True)
class Merger:
    """A network with one output, its equal hidden units merged.

    Attributes:
        groups: Hidden units with equal incoming weights and bias, in order of their first.
        shares: For each unit its output weight over the sum of its group's.
        problem: The merged network, loss and data, without a point.
        point: The merged point.
    """

    groups: tuple[tuple[int, ...], ...]
    shares: tuple[Fraction, ...]
    problem: DenseLoss
    point: Point


def twins(subject: Subject) -> Merger | Undecided | None:
    """The point with equal units merged; None if the rule is not for it. For `Subject.once`."""
    if not (subject.smooth and subject.single):
        return None
    return merged(subject.dense, subject.point)


def _prove(subject: Subject) -> Proof | Undecided:
    """Proves a plateau of minima at or near the point."""
    found = subject.once(twins)
    if not isinstance(found, Merger):
        return Undecided("no two units are exactly equal") if found is None else found
    below = convex_ball.prove(found.problem, found.point)
    if isinstance(below, Undecided) or not isinstance(below.evidence, ConvexBall):
        return Undecided(f"with equal units merged: {below.reason}")
    with balls.precision(balls.PRECISIONS[1]):
        bends = _bends(found, below.evidence, subject.point.layers[1].weight[0])
    if isinstance(bends, Undecided):
        return bends
    return _plateau(subject.point, found, below, below.evidence, bends)


def merged(problem: DenseLoss, point: Point) -> Merger | Undecided | None:
    """Merges exactly equal hidden units; None if there are none."""
    hidden, last = point.layers
    members: dict[tuple[Fraction, ...], list[int]] = {}
    for unit, (row, bias) in enumerate(zip(hidden.weight, hidden.bias, strict=True)):
        members.setdefault((*row, bias), []).append(unit)
    groups = tuple(tuple(units) for units in members.values())
    if len(groups) == len(hidden.bias):
        return None
    weights = last.weight[0]
    totals = [sum((weights[j] for j in units), Fraction(0)) for units in groups]
    shares = [Fraction(1)] * len(weights)
    for units, total in zip(groups, totals, strict=True):
        if len(units) > 1 and (total == 0 or any(weights[j] == 0 for j in units)):
            return Undecided(
                f"hidden units {_listed(units)} are equal, but an output weight or their sum is 0"
            )
        if len(units) > 1:
            for j in units:
                shares[j] = weights[j] / total
    first = [units[0] for units in groups]
    network = replace(problem.network, widths=(problem.network.inputs, len(groups), 1))
    small = Point(
        (
            Layer(tuple(hidden.weight[j] for j in first), tuple(hidden.bias[j] for j in first)),
            Layer((tuple(totals),), last.bias),
        )
    )
    return Merger(groups, tuple(shares), replace(problem, network=network), small)


def split(small: Point, groups: Sequence[Sequence[int]], shares: Sequence[Fraction]) -> Point:
    """The point of the large network that has the function of a merged one.

    Args:
        small: The merged point.
        groups: For each merged unit the units it becomes.
        shares: For each of these its share of the output weight; they add up to 1 in each group.
    """
    hidden, last = small.layers
    source = {j: k for k, units in enumerate(groups) for j in units}
    order = [source[j] for j in range(len(shares))]
    outward = tuple(share * last.weight[0][k] for k, share in zip(order, shares, strict=True))
    return Point(
        (
            Layer(tuple(hidden.weight[k] for k in order), tuple(hidden.bias[k] for k in order)),
            Layer((outward,), last.bias),
        )
    )


def _bends(
    found: Merger, below: ConvexBall, weights: Sequence[Fraction]
) -> tuple[Matrix, ...] | Undecided:
    """For each group of twins the congruence that proves its form definite over the box."""
    box = around(flatten(below.centre), below.radius)
    program = found.problem.program()
    run = BallProgram.of(program).run(box)
    hidden, last = dense_layers(program)
    outgoing = box[program.parameters["layers[1].weight"]]
    jumps = SMOOTH[found.problem.network.activation].bend is not None
    bends: list[Matrix] = []
    for k, units in enumerate(found.groups):
        if len(units) == 1:
            continue
        side = definite_side([weights[j] for j in units])
        total = sum((weights[j] for j in units), Fraction(0))
        if balls.sign(outgoing[k]) != (1 if total > 0 else -1):
            return Undecided(f"the output weights of units {_listed(units)} may add up to 0")
        if jumps and any(
            balls.sign(z) not in (1, -1) for z in run.values[hidden.preactivation][:, k]
        ):
            return Undecided(f"units {_listed(units)} may be at 0, where act'' jumps")
        form = _form(run, hidden, last, k)
        proved = prove_definite(form * side) if side else None
        if proved is None or not is_dominant(
            congruence(form * side, Fraction(0), proved.transform)
        ):
            return Undecided(_why_not(form, side, units))
        bends.append(proved.transform)
    return tuple(bends)


def definite_side(weights: Sequence[Fraction]) -> int:
    """1 or -1 if diag(v_j) is positive or negative on {t: sum v_j t_j = 0}, else 0.

    That space is the orthogonal complement, in the form diag(v_j), of (1, ..., 1), on which the
    form has the value sum v_j. So one sign is taken away from those of the v_j.

    Args:
        weights: At least two, none 0, their sum not 0.
    """
    positive = sum(v > 0 for v in weights)
    total = sum(weights, Fraction(0))
    if len(weights) - positive == (total < 0):
        return 1
    return -1 if positive == (total > 0) else 0


def _form(run: Run[Entries], hidden: DenseLayer, last: DenseLayer, unit: int) -> arb_mat:
    """B = sum_i g_i act''(z_i) x~_i x~_i^T, shape (d + 1, d + 1)."""
    slopes, bends = run.adjoints[last.preactivation], run.seconds[last.state]
    if slopes is None or bends is None:
        raise TypeError("the form is for activations with two derivatives")
    inputs = [[*row, arb(1)] for row in run.values[hidden.state].tolist()]
    factors = slopes[:, 0] * bends[:, unit]
    scaled = [[f * v for v in row] for f, row in zip(factors, inputs, strict=True)]
    return arb_mat(scaled).transpose() * arb_mat(inputs)


def _why_not(form: arb_mat, side: int, units: Sequence[int]) -> str:
    merging = f"merging the equal units {_listed(units)} gives a strict minimum, but"
    if not side:
        return (
            f"{merging} with output weights of these signs the form of their parting has two signs"
        )
    if prove_definite(form * -side) is not None:
        return f"{merging} with these shares it is a saddle: the loss falls if they part either way"
    return f"{merging} the loss is not proved to rise whichever way they part"


def _plateau(
    point: Point, found: Merger, below: Proof, ball: ConvexBall, bends: tuple[Matrix, ...]
) -> Proof | Undecided:
    reach = max(Fraction(1), *(abs(share) for share in found.shares))
    nearest = split(ball.centre, found.groups, found.shares)
    whole = balls.simple_above(distance(flatten(nearest), flatten(point)) + ball.radius * reach)
    exact = below.claim.decision is Decision.LOCAL_MINIMUM
    if not exact and whole > nearby_limit(flatten(point)):
        return Undecided("with equal units merged, the minimum is not nearby")
    flat = len(found.shares) - len(found.groups)
    equal = " and ".join(_listed(units) for units in found.groups if len(units) > 1)
    return Proof(
        claim=Claim(
            below.claim.decision,
            below.claim.loss,
            strict=Answer.NO,
            strict_up_to_rescaling=Answer.NO,
            flat_dimension=flat,
            eigenvalue_bound=below.claim.eigenvalue_bound,
            radius=None if exact else whole,
        ),
        evidence=TwinUnits(ball.centre, ball.radius, ball.transform, bends),
        reason=(
            f"a plateau of minima: hidden units {equal} are equal, the network with these merged "
            "has a strict minimum, and the loss rises whichever way they part"
        ),
        minimum=flatten(point if exact else nearest),
    )


def _listed(units: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, units)) + ")"


RULE = Rule(lambda s: s.once(twins) is not None, _prove)
