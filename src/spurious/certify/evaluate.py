"""Exact evaluation of homogeneous networks: outputs, pre-activations, derivatives of the loss.

Notation as in `docs/certificates.md`, section 3: n points, layers 1..L, `z_l = W_l a_{l-1} + b_l`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias, TypeVar

from flint import fmpq

from spurious.certify.arithmetics import Entries, entries, exact_program
from spurious.exact.rationals import ONE, ZERO, Vector, fraction, rational, vector
from spurious.exact.softmax_numbers import Exact, constant, logistic, softmax
from spurious.problem import Dataset, DenseLoss, Layer, Loss, Network, Point, flatten
from spurious.program import Program, Run, Sum, dense_layers

Name = TypeVar("Name", bound=Hashable)

Rows: TypeAlias = tuple[Vector, ...]
"""A layer in rationals: each row holds a unit's incoming weights, then its bias."""


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

    problem: DenseLoss
    point: Point
    weights: tuple[Rows, ...]
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


def slope_at(value: fmpq, slopes: tuple[fmpq, fmpq]) -> fmpq:
    """The activation's derivative off the kink; p on it."""
    return slopes[0] if value >= 0 else slopes[1]


def rows_of(layer: Layer) -> Rows:
    """A layer's weights and biases in rationals."""
    pairs = zip(layer.weight, layer.bias, strict=True)
    return tuple((*vector(row), rational(bias)) for row, bias in pairs)


def layer_of(rows: Sequence[Vector]) -> Layer:
    """Undoes `rows_of`."""
    return Layer(
        tuple(tuple(map(fraction, row[:-1])) for row in rows),
        tuple(fraction(row[-1]) for row in rows),
    )


def piecewise_slopes(network: Network) -> tuple[fmpq, fmpq]:
    """(p, q) of a homogeneous activation; (1, 1) where there is no hidden layer."""
    if network.depth == 0:
        return ONE, ONE
    positive, negative = network.slopes
    return rational(positive), rational(negative)


def evaluate(problem: DenseLoss, point: Point) -> Evaluation:
    """Evaluates a homogeneous network (or one without hidden layer) exactly.

    Args:
        problem: Network, loss and data; a penalty does not count.
        point: Where to evaluate.
    """
    program = problem.program()
    run, layers = _run(program, point, order=0), _layers(program)
    outputs = _rows(run, layers[-1].preactivation)
    return Evaluation(
        problem=problem,
        point=point,
        weights=tuple(map(rows_of, point.layers)),
        inputs=tuple((*vector(x), ONE) for x in problem.data.x),
        groups=input_groups(problem.data),
        preactivations=tuple(_rows(run, layer.preactivation) for layer in layers[:-1]),
        features=tuple((*row, ONE) for row in _rows(run, layers[-1].state)),
        outputs=outputs,
        slopes=piecewise_slopes(problem.network),
        loss_derivative=loss_derivative(problem, outputs),
        factors=vector(problem.factors),
    )


def network_run(problem: DenseLoss, point: Point, order: int) -> Run[Entries]:
    """The network in exact arithmetic, without its loss, which need not be rational.

    The outputs are the result of the last operation but one.

    Args:
        problem: Any depth and activation.
        point: Where.
        order: How many derivatives can be asked for.

    Raises:
        ProgramError: A value or derivative is not known to be rational, or lies on a kink.
    """
    return _run(problem.program(), point, order)


def _run(program: Program, point: Point, order: int) -> Run[Entries]:
    values = entries(map(rational, flatten(point)))
    return exact_program(without_loss(program)).run(values, order)


_layers = lru_cache(maxsize=16)(dense_layers)


@lru_cache(maxsize=16)
def without_loss(program: Program) -> Program:
    """The sum of a program's outputs, so that these come last but one."""
    if program.outputs is None:
        raise ValueError("the program does not say where its outputs are")
    upto = program.operations[: program.outputs + 1]
    return Program((*upto, Sum(program.outputs, (0, 1))), program.outputs)


def _rows(run: Run[Entries], position: int) -> tuple[Vector, ...]:
    """The result of an operation, row by row."""
    return tuple(map(tuple, run.values[position].tolist()))


def input_groups(data: Dataset) -> tuple[int, ...]:
    """For each data point the smallest index with an equal input, shape (n,)."""
    first: dict[tuple[Fraction, ...], int] = {}
    return tuple(first.setdefault(x, i) for i, x in enumerate(data.x))


def members(names: Sequence[Name]) -> dict[Name, list[int]]:
    """The data points of each name, in the order of the first."""
    found: dict[Name, list[int]] = {}
    for i, name in enumerate(names):
        found.setdefault(name, []).append(i)
    return found


def loss_derivative(problem: DenseLoss, outputs: Sequence[Vector]) -> tuple[tuple[Exact, ...], ...]:
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
