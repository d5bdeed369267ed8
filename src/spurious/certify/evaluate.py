"""Exact evaluation of homogeneous networks: outputs, pre-activations, derivatives of the loss.

Notation as in `docs/certificates.md`, section 3: n points, layers 1..L, `z_l = W_l a_{l-1} + b_l`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq

from spurious.exact.rationals import ONE, ZERO, Vector, dot, rational, vector
from spurious.exact.softmax_numbers import Exact, constant, logistic, softmax
from spurious.problem import Dataset, DenseLoss, Layer, Loss, Network, Point, Problem


@dataclass(frozen=True, slots=True)
class Weights:
    """A layer in rationals: each row holds a unit's incoming weights, then its bias."""

    rows: tuple[Vector, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A homogeneous network at an exact point, on all data.

    Attributes:
        problem: What is evaluated; `problem.point` is ignored.
        point: The point.
        weights: The point in rationals, layer by layer.
        inputs: x~ = (x, 1) for each data point, shape (n, d + 1).
        groups: For each data point the smallest index with an equal input, shape (n,).
        preactivations: z of every hidden layer, shape (L - 1, n, width).
        features: Input of the last layer with a 1 appended, shape (n, width + 1).
        outputs: f, shape (n, K).
        slopes: (p, q) of the activation.
        loss_derivative: g, the derivative of the loss with respect to f, shape (n, K).
        factors: What the loss of each data point is multiplied by, not negative, shape (n,).
    """

    problem: Problem | DenseLoss
    point: Point
    weights: tuple[Weights, ...]
    inputs: tuple[Vector, ...]
    groups: tuple[int, ...]
    preactivations: tuple[tuple[Vector, ...], ...]
    features: tuple[Vector, ...]
    outputs: tuple[Vector, ...]
    slopes: tuple[fmpq, fmpq]
    loss_derivative: tuple[tuple[Exact, ...], ...]
    factors: Vector

    @property
    def has_kinks(self) -> bool:
        """Whether the activation bends at 0 (p != q)."""
        return self.slopes[0] != self.slopes[1]


def activate(value: fmpq, slopes: tuple[fmpq, fmpq]) -> fmpq:
    """P z for z >= 0, q z for z < 0."""
    return value * (slopes[0] if value >= 0 else slopes[1])


def slope_at(value: fmpq, slopes: tuple[fmpq, fmpq]) -> fmpq:
    """The activation's derivative off the kink; p on it."""
    return slopes[0] if value >= 0 else slopes[1]


def layer_weights(layer: Layer) -> Weights:
    """A layer's weights and biases in rationals."""
    return Weights(
        tuple(
            (*vector(row), rational(bias))
            for row, bias in zip(layer.weight, layer.bias, strict=True)
        )
    )


def piecewise_slopes(network: Network) -> tuple[fmpq, fmpq]:
    """(p, q) of a homogeneous activation; (1, 1) where there is no hidden layer."""
    if network.depth == 0:
        return ONE, ONE
    positive, negative = network.slopes
    return rational(positive), rational(negative)


def evaluate(problem: Problem | DenseLoss, point: Point) -> Evaluation:
    """Evaluates a homogeneous network (or one without hidden layer) exactly.

    Args:
        problem: Network, loss and data; a penalty does not count.
        point: Where to evaluate.
    """
    slopes = piecewise_slopes(problem.network)
    weights = tuple(layer_weights(layer) for layer in point.layers)
    inputs = tuple((*vector(x), ONE) for x in problem.data.x)
    states = inputs
    preactivations: list[tuple[Vector, ...]] = []
    for layer in weights[:-1]:
        hidden = tuple(tuple(dot(row, state) for row in layer.rows) for state in states)
        preactivations.append(hidden)
        states = tuple((*(activate(z, slopes) for z in row), ONE) for row in hidden)
    outputs = tuple(tuple(dot(row, state) for row in weights[-1].rows) for state in states)
    return Evaluation(
        problem=problem,
        point=point,
        weights=weights,
        inputs=inputs,
        groups=input_groups(problem.data),
        preactivations=tuple(preactivations),
        features=states,
        outputs=outputs,
        slopes=slopes,
        loss_derivative=loss_derivative(problem, outputs),
        factors=vector(problem.factors),
    )


def input_groups(data: Dataset) -> tuple[int, ...]:
    """For each data point the smallest index with an equal input, shape (n,)."""
    first: dict[tuple[Fraction, ...], int] = {}
    return tuple(first.setdefault(x, i) for i, x in enumerate(data.x))


def loss_derivative(
    problem: Problem | DenseLoss, outputs: Sequence[Vector]
) -> tuple[tuple[Exact, ...], ...]:
    """g_ik, the exact derivative of the loss with respect to output k of point i, shape (n, K)."""
    return tuple(
        tuple(g if factor == 1 else g * factor for g in row)
        for row, factor in zip(
            _derivatives(problem.loss, problem.data, outputs), vector(problem.factors), strict=True
        )
    )


def _derivatives(
    loss: str, data: Dataset, outputs: Sequence[Vector]
) -> tuple[tuple[Exact, ...], ...]:
    """The same of the points' own losses, without their weights."""
    rows: list[tuple[Exact, ...]] = []
    for targets, output in zip(data.y, outputs, strict=True):
        if loss == Loss.SQUARED:
            rows.append(tuple(2 * (f - rational(y)) for f, y in zip(output, targets, strict=True)))
        elif loss == Loss.LOGISTIC:
            signs = [rational(y) for y in targets]
            rows.append(tuple(logistic(y * f) * (-y) for f, y in zip(output, signs, strict=True)))
        else:
            label = int(targets[0])
            shares = softmax(output)
            rows.append(
                tuple(
                    share - ONE if k == label else share + constant(ZERO)
                    for k, share in enumerate(shares)
                )
            )
    return tuple(rows)
