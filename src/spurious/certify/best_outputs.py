"""The best outputs of a loss: which functions of the parameters should take which values.

Theorem 22 (`docs/mathematics.md`). Where the loss adds up functions of outputs that have one
minimiser each, a point at which all outputs are these minimisers is a global minimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, cast

import numpy as np
from flint import arb, fmpq

from spurious.certify.arithmetics import entries, exact_program
from spurious.certify.evaluate import input_groups, members
from spurious.exact.plain import inner
from spurious.exact.rationals import ZERO, fraction, rational
from spurious.problem import DenseLoss, Loss
from spurious.program import Program, ProgramError, dense_layers
from spurious.program.equal_entries import equal_entries
from spurious.program.tail import squared_results, tail


def best_constant(
    loss: str, targets: Sequence[Fraction], factors: Sequence[Fraction]
) -> tuple[arb, Fraction | arb] | None:
    """The constant, in balls of the working precision, and its loss, exact for the squared loss.

    Args:
        loss: Squared or logistic.
        targets: Of one output; labels -1 and 1 for the logistic loss.
        factors: What the loss of each is multiplied by, not negative.

    Returns:
        None if there is no best constant: weights of 0 alone, or the logistic loss with labels of
        one kind.
    """
    whole = sum(factors, Fraction(0))
    if not whole:
        return None
    pairs = list(zip(factors, targets, strict=True))
    if loss == Loss.SQUARED:
        mean = weighted_mean(targets, factors)
        return arb(rational(mean)), sum((w * (mean - y) ** 2 for w, y in pairs), Fraction(0))
    ones = sum((w for w, y in pairs if y == 1), Fraction(0))
    if ones in (0, whole):
        return None
    parts = [rational(k) * arb(rational(whole / k)).log() for k in (ones, whole - ones)]
    return arb(rational(ones / (whole - ones))).log(), parts[0] + parts[1]


def weighted_mean(targets: Sequence[Fraction], factors: Sequence[Fraction]) -> Fraction:
    """The mean of targets with weights, not all of them 0."""
    return inner(factors, targets) / sum(factors, Fraction(0))


EQUATION_LIMIT = 200
"""With more equations nothing is tried: the certificate holds a matrix of that size."""

Form: TypeAlias = tuple[tuple[int, int], ...]
"""A linear form of the outputs: their positions with factors."""


@dataclass(frozen=True, slots=True)
class Equations:
    """Equations u = t for linear forms u of the outputs f; where all hold, no loss is smaller.

    Attributes:
        outputs: The operations whose results, flattened and one after the other, are f.
        forms: The u, one for each equation, in the order of the outputs that they begin with.
        targets: The t, in balls of the precision in force.
        loss: The loss where all hold: exact for squares.
    """

    outputs: tuple[int, ...]
    forms: tuple[Form, ...]
    targets: tuple[arb, ...]
    loss: Fraction | arb


def best_outputs(problem: DenseLoss) -> Equations | None:
    """The best outputs of a dense network: one equation for each output and different input.

    Inputs whose points have no weight have none.
    None where they do not exist (a group of equal inputs lacks a label), where there are more of
    them than parameters, or with three or more classes.
    """
    network, loss, data = problem.network, problem.loss, problem.data
    groups = members(input_groups(data))
    classes = loss == Loss.CROSS_ENTROPY
    columns = 1 if classes else network.outputs
    count = len(groups) * columns
    limit = min(EQUATION_LIMIT, network.parameter_count)
    if count > limit or (classes and network.outputs > 2):
        return None
    forms: list[Form] = []
    targets: list[arb] = []
    total: Fraction | arb = Fraction(0)
    for group, points in groups.items():
        factors = [problem.factors[i] for i in points]
        for k in range(columns if any(factors) else 0):
            values = [data.y[i][k] for i in points]
            values = [2 * y - 1 for y in values] if classes else values
            best = best_constant(Loss.LOGISTIC if classes else loss, values, factors)
            if best is None:
                return None
            place = group * network.outputs + k
            forms.append(((place, 1), (place + 1, -1)) if classes else ((place, 1),))
            targets.append(-best[0] if classes else best[0])
            total = _sum(total, best[1])
    if not forms:
        return None
    outputs = dense_layers(problem.program())[-1].preactivation
    return Equations((outputs,), tuple(forms), tuple(targets), total)


def _sum(left: Fraction | arb, right: Fraction | arb) -> Fraction | arb:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left + right
    one, other = (arb(rational(v)) if isinstance(v, Fraction) else v for v in (left, right))
    return one + other


def best_outputs_of_program(program: Program) -> Equations | None:
    """The best outputs of a loss that adds up squares of results less constants.

    The loss is then a sum of `loss(0) + slope f + bend f^2 / 2`, one for each entry of the results
    squared. Entries that come from the same operations on the same numbers are one.
    """
    places = squared_results(program)
    if not places or any(k in program.blocks for k in places):
        return None
    numbers = equal_entries(program, places[-1])
    names: list[int] = np.concatenate([numbers[k].ravel() for k in places]).tolist()
    if len(set(names)) > min(EQUATION_LIMIT, program.parameter_count):
        return None
    try:
        end = exact_program(tail(program, places))
        at_zero, at_one = (end.run(entries([fmpq(v)] * len(names))) for v in (0, 1))
    except ProgramError:
        return None
    slopes, bends = dict[int, fmpq](), dict[int, fmpq]()
    for name, zero, one in zip(names, at_zero.gradient, at_one.gradient, strict=True):
        slopes[name] = slopes.get(name, ZERO) + zero
        bends[name] = bends.get(name, ZERO) + one - zero
    used = [name for name, bend in bends.items() if bend != 0 or slopes[name] != 0]
    if not used or not all(bends[name] > 0 for name in used):
        return None
    total = cast("fmpq", at_zero.loss[()])
    for name in used:
        total -= slopes[name] ** 2 / (2 * bends[name])
    return Equations(
        places,
        tuple(((names.index(name), 1),) for name in used),
        tuple(arb(-slopes[name] / bends[name]) for name in used),
        fraction(total),
    )
