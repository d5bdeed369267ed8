"""Dense programs against exact evaluations of networks; `tests/certify` has their derivatives."""

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from spurious.certify.evaluate import evaluate
from spurious.certify.exact_gradient import exact_gradient, exact_slope, point_loss
from spurious.errors import InputError
from spurious.exact.rationals import fraction, rational
from spurious.problem import (
    ACTIVATIONS,
    Dataset,
    Loss,
    Network,
    Problem,
    flatten,
    unflatten,
)
from spurious.program import FUNCTIONS, Function, leaky_relu
from spurious.program.arithmetic_exact import ExactArithmetic
from spurious.program.arithmetic_numpy import NumpyArithmetic
from spurious.program.dense import dense_layers, dense_program
from spurious.program.evaluate import evaluator
from spurious.program.line import along
from spurious.program.operations import Const
from spurious.program.program import Program
from spurious.verdict import Enclosure

EXACT, FLOATS = ExactArithmetic(), NumpyArithmetic()


def random_problem(
    rng: random.Random, activation: str, loss: Loss, widths: tuple[int, ...], grid: int = 97
) -> tuple[Problem, Program, list[Fraction]]:
    def number() -> Fraction:
        return Fraction(rng.randint(-30, 30), 10) + Fraction(1, grid)

    outputs = widths[-1]
    x = tuple(tuple(number() for _ in range(widths[0])) for _ in range(3))
    if loss is Loss.CROSS_ENTROPY:
        y = tuple((Fraction(rng.randrange(outputs)),) for _ in x)
    else:
        y = tuple(tuple(Fraction(rng.choice([-1, 1])) for _ in range(outputs)) for _ in x)
    slope = Fraction(1, 10) if activation == "leaky_relu" else None
    network = Network(widths, activation, slope)
    point = unflatten([number() for _ in range(network.parameter_count)], network)
    program = dense_program(widths, activation, loss, x, y, slope=slope)
    direction = [number() for _ in range(network.parameter_count)]
    return Problem(network, loss, Dataset(x, y), point), program, direction


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("widths", [(2, 2, 2), (1, 2, 3, 3), (2, 3), (1, 1, 1, 1, 2)])
def test_where_the_layers_are(activation: str, loss: Loss, widths: tuple[int, ...]) -> None:
    problem, _, _ = random_problem(random.Random(1), activation, loss, widths)
    program = problem.dense.program()
    assert program is replace(problem, point=None).dense.program()
    layers = dense_layers(program)
    assert len(layers) == len(widths) - 1
    assert layers[-1].preactivation == program.outputs
    run = evaluator(program, FLOATS).run(FLOATS.array(flatten(problem.point)), 0)
    state = np.array(problem.data.x, dtype=float)
    for layer, exact in zip(layers, problem.point.layers, strict=True):
        assert run.values[layer.state] == pytest.approx(state)
        weight, bias = (np.array(part, dtype=float) for part in (exact.weight, exact.bias))
        found = run.values[layer.preactivation]
        assert found == pytest.approx(state @ weight.T + bias)
        state = found
        if layer is not layers[-1] and activation != "identity":
            state = FLOATS.jet(function_of(problem.network), found, 0)[0]


def function_of(network: Network) -> Function:
    return leaky_relu(network.slope) if network.slope else FUNCTIONS[network.activation]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs"])
@pytest.mark.parametrize("widths", [(2, 4, 1), (1, 3, 3, 2)])
def test_exact_gradients(activation: str, widths: tuple[int, ...]) -> None:
    problem, program, _ = random_problem(random.Random(2), activation, Loss.SQUARED, widths)
    theta = np.array(flatten(problem.point), dtype=object)
    run = evaluator(program, EXACT).run(EXACT.constant(Const(theta)))
    pairs = zip(evaluate(problem.dense, problem.point).outputs, problem.data.y, strict=True)
    errors = [fraction(f) - t for row, y in pairs for f, t in zip(row, y, strict=True)]
    assert fraction(run.loss[()]) == sum(e * e for e in errors)
    assert point_loss(problem.dense, problem.point) == Enclosure(fraction(run.loss[()]))
    exact = exact_gradient(problem.dense, problem.point)
    assert list(run.gradient) == list(exact)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs"])
@pytest.mark.parametrize("seed", range(5))
def test_one_sided_derivatives_at_kinks(activation: str, seed: int) -> None:
    rng = random.Random(seed)
    problem, _, direction = random_problem(rng, activation, Loss.SQUARED, (2, 3, 3, 2))
    theta = list(flatten(problem.point))
    theta[:3] = [Fraction(0)] * 3  # a unit at its kink on all data, with a zero weight below it
    theta[6] = Fraction(0)
    theta[7] = Fraction(0)
    point = unflatten(theta, problem.network)
    program = dense_program(
        (2, 3, 3, 2), activation, "squared", problem.data.x, problem.data.y,
        slope=problem.network.slope,
    )  # fmt: skip
    run = evaluator(program, EXACT).run(EXACT.constant(Const(np.array(theta, dtype=object))), 0)
    assert any((signs == 0).any() for signs in run.kink_signs().values())
    line = along(
        evaluator(program, EXACT),
        *(EXACT.constant(Const(np.array(v, dtype=object))) for v in (theta, direction)),
    )
    assert line.first[()] == exact_slope(problem.dense, point, direction)
    step = Fraction(1, 10**12)
    losses = []
    for t in (1, 2, 4):
        moved = [a + t * step * b for a, b in zip(theta, direction, strict=True)]
        run = evaluator(program, EXACT).run(EXACT.constant(Const(np.array(moved, dtype=object))), 0)
        losses.append(fraction(run.loss[()] - line.value[()] - line.first[()] * rational(t * step)))
    for t, rest in zip((1, 2, 4), losses, strict=True):
        assert float(rest / (t * step) ** 2) == pytest.approx(float(line.second[()]) / 2, rel=1e-8)


def test_penalties_means_and_weights() -> None:
    x, y = [[1, 2], [0, 1], [3, -1]], [[1], [0], [2]]
    rng = random.Random(3)
    widths = (2, 2, 1)
    theta = [Fraction(rng.randint(-5, 5), 3) for _ in range(9)]

    def value(**more: object) -> Fraction:
        program = dense_program(widths, "relu", "squared", x, y, **more)
        point = EXACT.constant(Const(np.array(theta, dtype=object)))
        return fraction(evaluator(program, EXACT).run(point, 0).loss[()])

    plain, tenth = value(), Fraction(1, 10)
    assert value(mean=True) == plain / 3
    assert value(l2=tenth) == plain + tenth * sum(v * v for v in theta)
    flat = [*theta[:4], *theta[6:8]]
    assert value(l2=tenth, biases=False) == plain + tenth * sum(v * v for v in flat)
    assert value(l2={"layers[1].bias": tenth}) == plain + tenth * theta[8] ** 2
    alone = [value(weights=[Fraction(int(i == k)) for i in range(3)]) for k in range(3)]
    assert sum(alone) == plain
    assert value(weights=[Fraction(1, 2), 0, 3]) == alone[0] / 2 + 3 * alone[2]


def test_the_hinge_loss() -> None:
    program = dense_program((1, 1), "identity", "hinge", [[1], [2]], [[1], [-1]])
    point = EXACT.constant(Const([Fraction(1, 2), 0]))
    assert fraction(evaluator(program, EXACT).run(point, 0).loss[()]) == Fraction(1, 2) + 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"loss": "l1"}, "loss: found 'l1', expected one of squared, logistic, hinge"),
        ({"activation": "swish"}, "activation: found 'swish', expected one of identity"),
        ({"activation": "leaky_relu"}, "activation: found 'leaky_relu', expected one of"),
        ({"x": [1, 2]}, "x, y: found shapes"),
        ({"l2": {"w": Fraction(1)}}, "l2: found the block 'w', expected layers"),
        ({"x": [[1, 2]]}, "operation .* found shapes"),
    ],
)
def test_messages(changed: dict, message: str) -> None:
    given = {"widths": (1, 2, 1), "activation": "relu", "loss": "squared", "x": [[1]], "y": [[1]]}
    with pytest.raises(InputError, match=message):
        dense_program(**(given | changed))
