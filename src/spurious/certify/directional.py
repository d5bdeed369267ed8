"""The exact derivative of the loss along a half line, one-sided at kinks.

Piecewise linear maps are directionally differentiable and Lipschitz, so one-sided derivatives obey
the chain rule (A. Shapiro, "On concepts of directional differentiability", 1990): at a kink the
activation's derivative along dz is p dz for dz > 0 and q dz for dz < 0.
"""

from __future__ import annotations

from spurious.certify.evaluate import Evaluation, activate, layer_weights
from spurious.exact.rationals import ZERO, Vector, dot, rational
from spurious.exact.softmax_numbers import Exact
from spurious.problem import Point


def one_sided_derivative(evaluation: Evaluation, direction: Point) -> Exact:
    """The exact one-sided derivative of the loss of a homogeneous network along a direction."""
    moves = [layer_weights(layer).rows for layer in direction.layers]
    slopes = evaluation.slopes
    total: Exact = ZERO
    for i, start in enumerate(evaluation.inputs):
        state: Vector = start
        change: Vector = (ZERO,) * len(start)
        for level, layer in enumerate(evaluation.weights):
            rates = tuple(
                dot(move, state) + dot(row, change)
                for row, move in zip(layer.rows, moves[level], strict=True)
            )
            if level == len(evaluation.weights) - 1:
                for g, rate in zip(evaluation.loss_derivative[i], rates, strict=True):
                    total = total + g * rate
                break
            values = evaluation.preactivations[level][i]
            change = (
                *(
                    rate * slopes[0]
                    if z > 0
                    else rate * slopes[1]
                    if z < 0
                    else activate(rate, slopes)
                    for z, rate in zip(values, rates, strict=True)
                ),
                ZERO,
            )
            state = (*(activate(z, slopes) for z in values), rational(1))
    return total
