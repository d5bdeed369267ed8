"""Minima at which no hidden unit sees the data: rule `constant_units` (Theorem 20).

All units are constant on the data and the output is the best constant. If every unit bends the
right way, a condition on the data alone makes it a local minimum. Let G be the sum of (mean target
- target) over each group of equal inputs: either its second moments are positive definite, or a
transport of mass shows that it is balanced in the convex order.

The minimum is that of C. Yun, S. Sra, A. Jadbabaie, "Small nonlinearities in activation functions
create bad local minima in neural networks" (ICLR 2019), and T. Ding, D. Li, R. Sun, arXiv
1911.01413 (2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from flint import arb, fmpq, fmpq_mat

from spurious.certify.best_outputs import best_constant, weighted_mean
from spurious.certify.enclosures import enclosure
from spurious.certify.evaluate import input_groups, members
from spurious.certify.subject import Rule, Subject, nearby_limit
from spurious.exact import balls
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.plain import inner
from spurious.exact.rationals import (
    ONE,
    ZERO,
    Vector,
    dot,
    fraction,
    nearest_float,
    rank,
    rational,
    vector,
)
from spurious.exact.softmax_numbers import Exact
from spurious.problem import DenseLoss, Loss, Point, flatten
from spurious.program import SMOOTH
from spurious.proof import Claim, ConstantUnits, Proof, Undecided
from spurious.verdict import Answer, Decision, Enclosure

INPUT_LIMIT = 50
"""Second moments of more inputs are not tried: checking them takes more than ten seconds."""

ENTRY_LIMIT = 4000
"""Larger linear programs for the transport are not tried (rows times columns): about a second."""

LEAST_RADIUS = Fraction(1, 10**30)
"""Of the output bias, so that a few bits are enough to check it."""

Sums = Mapping[int, tuple[Vector, fmpq]]
"""By the name of each group of equal inputs: the input and G."""

Transport = Mapping[int, Mapping[int, Fraction]]
"""The mass moved from each group to each other one."""


def prove_constant_units(problem: DenseLoss, point: Point) -> Proof | None:
    """The proof, if the rule applies to the point up to a small shift of its output bias.

    Args:
        problem: One hidden layer of smooth units, one output.
        point: The point.
    """
    network = problem.network
    levels = constant_levels(problem, point)
    if levels is None:
        return None
    weights = point.layers[1].weight[0]
    bends = [bend(network.activation, level) for level in levels]
    if not all(
        s == 0 or (s is not None and s * v > 0) for s, v in zip(bends, weights, strict=True)
    ):
        return None
    sums = group_sums(problem)
    flat: int | None = None
    transport: Transport | None = None
    span = definite_moments(sums)
    if span is None:
        transport = find_transport(sums)
        if transport is None:
            return None
    elif 0 not in bends:
        flat = network.widths[1] * (network.widths[0] - span + 2)
    with balls.precision(balls.PRECISIONS[1]):
        return _with_best_constant(problem, point, levels, transport, flat)


def constant_levels(problem: DenseLoss, point: Point) -> list[Fraction] | None:
    """The units' pre-activations, if each is the same at all data points."""
    levels: list[Fraction] = []
    first, *others = problem.data.x
    layer = point.layers[0]
    for row, bias in zip(layer.weight, layer.bias, strict=True):
        level = inner(row, first)
        if any(inner(row, x) != level for x in others):
            return None
        levels.append(level + bias)
    return levels


def bend(activation: str, level: Fraction) -> int | None:
    """The sign of act'' around a pre-activation; 0 if act is affine there, None if not known."""
    if activation in ("sigmoid", "tanh", "softsign"):
        return None if level == 0 else -1 if level > 0 else 1
    if activation == "softplus":
        return 1
    if activation == "elu":
        return None if level == 0 else 0 if level > 0 else 1
    if activation == "gelu":
        return 1 if level * level < 2 else -1  # never equal: the level is rational
    with balls.precision(balls.PRECISIONS[1]):
        return balls.sign(SMOOTH[activation].ball(arb(rational(level)))[2]) or None


def group_sums(problem: DenseLoss) -> Sums:
    """G of every group of equal inputs; proportional to the loss's derivative at the best constant.

    At a point of weight w the derivative is 2 w (mean - y) for the squared loss, w (mean - y) / 2
    for the logistic one, with the weighted mean.
    """
    targets = [row[0] for row in problem.data.y]
    mean = weighted_mean(targets, problem.factors)
    pulls = [w * (mean - y) for w, y in zip(problem.factors, targets, strict=True)]
    return {
        name: (vector(problem.data.x[name]), rational(sum((pulls[i] for i in points), Fraction(0))))
        for name, points in members(input_groups(problem.data)).items()
    }


def definite_moments(sums: Sums) -> int | None:
    """The rank of the inputs' differences, if condition (a) of Theorem 20 holds.

    The second moments have that rank at most, and are positive definite on the differences if and
    only if they have no negative eigenvalue and just that rank. All eigenvalues are real, so the
    signs of the characteristic polynomial's coefficients tell (Descartes' rule).
    """
    places, weights = zip(*sums.values(), strict=True)
    size = len(places[0])
    if size > INPUT_LIMIT:
        return None
    columns = list(zip(*places, strict=True))
    if any(dot(weights, column) != 0 for column in columns):
        return None
    span = rank([[a - b for a, b in zip(x, places[0], strict=True)] for x in places])
    weighted = [[g * v for g, v in zip(weights, column, strict=True)] for column in columns]
    moments = fmpq_mat([[dot(row, column) for column in columns] for row in weighted])
    coefficients = moments.charpoly().coeffs()[::-1]
    signed = [c if k % 2 == 0 else -c for k, c in enumerate(coefficients)]
    definite = all(c > 0 for c in signed[: span + 1]) and not any(signed[span + 1 :])
    return span if definite else None


def find_transport(sums: Sums) -> Transport | None:
    """The transport of condition (b), or None if there is none.

    Strassen's theorem: if there is one, there is one that only moves mass from groups with G < 0 to
    groups with G > 0. One row for each coordinate and the mass of every source, and for the mass of
    every target.
    """
    sources = [r for r, (_, g) in sums.items() if g < 0]
    targets = [s for s, (_, g) in sums.items() if g > 0]
    pairs = [(r, s) for r in sources for s in targets]
    size = len(next(iter(sums.values()))[0]) + 1
    height = len(sources) * size + len(targets)
    if height * len(pairs) > ENTRY_LIMIT:
        return None
    columns: list[list[fmpq]] = []
    for r, s in pairs:
        column = [ZERO] * height
        start = sources.index(r) * size
        move = [a - b for a, b in zip(sums[s][0], sums[r][0], strict=True)]
        column[start : start + size] = [*move, ONE]
        column[len(sources) * size + targets.index(s)] = ONE
        columns.append(column)
    rhs: list[Exact] = []
    for r in sources:
        rhs += [*([ZERO] * (size - 1)), -sums[r][1]]
    rhs += [sums[s][1] for s in targets]
    found = solve(columns, rhs)
    if not isinstance(found, Feasible):
        return None
    moved: dict[int, dict[int, Fraction]] = {}
    for (r, s), mass in zip(pairs, found.multipliers, strict=True):
        if isinstance(mass, fmpq) and mass != 0:
            moved.setdefault(r, {})[s] = fraction(mass)
    return moved


def _with_best_constant(
    problem: DenseLoss,
    point: Point,
    levels: list[Fraction],
    transport: Transport | None,
    flat: int | None,
) -> Proof | None:
    """Moves the output bias so that the output is the best constant, if that is near."""
    targets = [row[0] for row in problem.data.y]
    mean = weighted_mean(targets, problem.factors)
    found = best_constant(problem.loss, targets, problem.factors)
    if found is None:
        return None
    best, value = found
    loss = Enclosure(value) if isinstance(value, Fraction) else enclosure(value)
    reason = "no unit sees the data, and turning any of them raises the loss"
    if _is_best(problem, point, levels, mean):
        return Proof(
            claim=Claim(
                Decision.LOCAL_MINIMUM,
                loss,
                strict=Answer.NO,
                strict_up_to_rescaling=Answer.NO,
                flat_dimension=flat,
            ),
            evidence=ConstantUnits(transport),
            reason=reason,
        )
    layer = point.layers[1]
    act = SMOOTH[problem.network.activation]
    output = arb(rational(layer.bias[0]))
    for v, level in zip(layer.weight[0], levels, strict=True):
        output += rational(v) * act.ball(arb(rational(level)))[0]
    low, high = balls.bounds(best - output)
    radius = balls.simple_above(max(max(-low, high) * Fraction(101, 100), LEAST_RADIUS))
    if radius > nearby_limit(flatten(point)):
        return None
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM_NEARBY,
            loss,
            strict=Answer.NO,
            strict_up_to_rescaling=Answer.NO,
            flat_dimension=flat,
            radius=radius,
        ),
        evidence=ConstantUnits(transport, radius),
        reason=f"the best output bias is within {nearest_float(radius):.2g}; there {reason}",
    )


def _is_best(problem: DenseLoss, point: Point, levels: list[Fraction], mean: Fraction) -> bool:
    """Whether the output is rational and exactly the best constant.

    The best constant for the logistic loss is rational only if it is 0, for labels 1 and -1 of
    equal weight.
    """
    layer = point.layers[1]
    output = rational(layer.bias[0])
    for v, level in zip(layer.weight[0], levels, strict=True):
        jet = SMOOTH[problem.network.activation].rational(rational(level))
        if not jet:
            return False
        output += rational(v) * jet[0]
    rational_best = problem.loss == Loss.SQUARED or mean == 0
    return rational_best and output == rational(mean)


def _applies(subject: Subject) -> bool:
    """No unit of the one hidden layer sees the data."""
    if not (subject.smooth and subject.single and any(subject.dense.factors)):
        return False
    return constant_levels(subject.dense, subject.point) is not None


def _prove(subject: Subject) -> Proof | Undecided:
    found = prove_constant_units(subject.dense, subject.point)
    return found or Undecided("no unit sees the data, but turning one may lower the loss")


RULE = Rule(_applies, _prove)
