"""First and second derivatives of the loss along a line, one-sided at kinks.

Piecewise linear maps are directionally differentiable and Lipschitz, so one-sided derivatives obey
the chain rule (A. Shapiro, "On concepts of directional differentiability", 1990): at a kink the
activation's derivative along dz is p dz for dz > 0 and q dz for dz < 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb

from spurious.certify.activations import BENT_AT_ZERO, SMOOTH, KinkError, piecewise_linear
from spurious.certify.derivatives import differentiator
from spurious.certify.evaluate import Evaluation, activate, layer_weights, piecewise_slopes
from spurious.exact import balls
from spurious.exact.balls import sign
from spurious.exact.rationals import ZERO, Vector, dot, rational, vector
from spurious.exact.softmax_numbers import Exact
from spurious.problem import Loss, Point, Problem, flatten


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


def smooth_derivatives(problem: Problem, point: Point, direction: Point) -> tuple[arb, arb]:
    """First and second derivative of the loss along a line, enclosed at the current precision.

    Raises:
        KinkError: the loss has no second derivative along the line at this point: a unit may be at
        a
            kink of the activation or, for softsign and elu, of its derivative.
    """
    network = problem.network
    jet = SMOOTH.get(network.activation)
    if jet is None or network.depth == 0:
        jet = piecewise_linear(piecewise_slopes(network))
    bent = network.activation in BENT_AT_ZERO
    layers = [layer_weights(layer).rows for layer in point.layers]
    moves = [layer_weights(layer).rows for layer in direction.layers]
    outputs: list[list[arb]] = []
    firsts: list[list[arb]] = []
    seconds: list[list[arb]] = []
    for x in problem.data.x:
        state = [arb(entry) for entry in vector(x)]
        rate = [arb(0)] * len(state)
        bend = [arb(0)] * len(state)
        for level, (rows, turns) in enumerate(zip(layers, moves, strict=True)):
            z = [_affine(row, state) for row in rows]
            dz = [
                _affine(turn, state) + _linear(row, rate)
                for row, turn in zip(rows, turns, strict=True)
            ]
            ddz = [
                2 * _linear(turn, rate) + _linear(row, bend)
                for row, turn in zip(rows, turns, strict=True)
            ]
            if level == len(layers) - 1:
                outputs.append(z)
                firsts.append(dz)
                seconds.append(ddz)
                break
            if bent and any(not sign(value) for value in z):
                raise KinkError
            jets = [jet(value) for value in z]
            state = [value for value, _, _ in jets]
            rate = [d1 * v for (_, d1, _), v in zip(jets, dz, strict=True)]
            bend = [d2 * v * v + d1 * w for (_, d1, d2), v, w in zip(jets, dz, ddz, strict=True)]
    return _chain(problem, outputs, firsts, seconds)


def _affine(row: Vector, state: Sequence[arb]) -> arb:
    return sum((w * s for w, s in zip(row[:-1], state, strict=True)), arb(row[-1]))


def _linear(row: Vector, rate: Sequence[arb]) -> arb:
    return sum((w * s for w, s in zip(row[:-1], rate, strict=True)), arb(0))


def _chain(
    problem: Problem,
    outputs: Sequence[Sequence[arb]],
    firsts: Sequence[Sequence[arb]],
    seconds: Sequence[Sequence[arb]],
) -> tuple[arb, arb]:
    """The loss's derivatives from those of the outputs, all of shape (n, K)."""
    first, second = arb(0), arb(0)
    for y, f, df, ddf in zip(problem.data.y, outputs, firsts, seconds, strict=True):
        if problem.loss is Loss.CROSS_ENTROPY:
            p = [1 / sum(((other - own).exp() for other in f), arb(0)) for own in f]
            label = int(y[0])
            mean = sum((a * b for a, b in zip(p, df, strict=True)), arb(0))
            first += mean - df[label]
            second += sum((a * balls.square(b - mean) for a, b in zip(p, df, strict=True)), arb(0))
            second += sum((a * b for a, b in zip(p, ddf, strict=True)), arb(0)) - ddf[label]
            continue
        for target, value, rate, bend in zip(vector(y), f, df, ddf, strict=True):
            if problem.loss is Loss.SQUARED:
                g, h = 2 * (value - target), arb(2)
            else:
                share = 1 / (1 + (value * target).exp())
                g, h = -share * target, share * (1 - share)
            first += g * rate
            second += h * rate * rate + g * bend
    return first, second


def gradient_balls(problem: Problem, point: Point) -> list[arb]:
    """The gradient in flat order, enclosed at the current precision.

    Raises:
        KinkError: a unit of a piecewise linear network may be on its kink.
    """
    derivatives = differentiator(problem)
    values = [arb(rational(value)) for value in flatten(point)]
    return derivatives.gradient(derivatives.run(values))
