"""A forward pass of its own, and the loss near a point: exact, or in high precision."""

from decimal import Decimal, getcontext
from fractions import Fraction

from spurious.problem import Loss, Point, Problem

getcontext().prec = 60


def outputs(problem: Problem, point: Point, x: tuple[Fraction, ...]) -> list[Fraction]:
    """The outputs of a network with a homogeneous activation."""
    high, low = problem.network.slopes if problem.network.depth else (Fraction(1), Fraction(1))
    state = list(x)
    for level, layer in enumerate(point.layers):
        state = [
            sum((w * s for w, s in zip(row, state, strict=True)), bias)
            for row, bias in zip(layer.weight, layer.bias, strict=True)
        ]
        if level < len(point.layers) - 1:
            state = [z * high if z > 0 else z * low for z in state]
    return state


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def loss(problem: Problem, point: Point) -> Fraction | Decimal:
    """The loss: exact for the squared loss, to about 55 digits for log losses."""
    exact = Fraction(0)
    rounded = Decimal(0)
    for x, y in zip(problem.data.x, problem.data.y, strict=True):
        f = outputs(problem, point, x)
        if problem.loss is Loss.SQUARED:
            exact += sum(((a - b) ** 2 for a, b in zip(f, y, strict=True)), Fraction(0))
        elif problem.loss is Loss.LOGISTIC:
            for a, b in zip(f, y, strict=True):
                rounded += (1 + decimal(-a * b).exp()).ln()
        else:
            rounded += sum(decimal(a - f[int(y[0])]).exp() for a in f).ln()
    return exact if problem.loss is Loss.SQUARED else rounded
