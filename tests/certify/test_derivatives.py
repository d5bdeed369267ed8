"""The loss of dense problems against its definition, its derivatives against differences."""

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp
import pytest
from flint import arb

from spurious.certify import certify
from spurious.certify.arithmetics import BallProgram, around, entries
from spurious.certify.exact_gradient import exact_gradient, exact_slope
from spurious.exact import balls
from spurious.exact.softmax_numbers import enclose
from spurious.problem import (
    ACTIVATIONS,
    SMOOTH_ACTIVATIONS,
    Dataset,
    Loss,
    Network,
    Problem,
    flatten,
    unflatten,
)
from spurious.program import SMOOTH, along

DEFINITIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": mp.tanh,
    "softplus": lambda z: mp.log(1 + mp.exp(z)),
    "softsign": lambda z: z / (1 + abs(z)),
    "gelu": lambda z: z * (1 + mp.erf(z / mp.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "mish": lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
    "elu": lambda z: z if z > 0 else mp.exp(z) - 1,
    "relu": lambda z: max(z, 0),
    "leaky_relu": lambda z: z if z > 0 else z / 10,
    "abs": abs,
    "identity": lambda z: z,
}


def defined_loss(problem: Problem) -> Any:
    """The loss at the problem's point by its definition, at mpmath's precision."""
    total = mp.mpf(0)
    act = DEFINITIONS[problem.network.activation]
    for x, y in zip(problem.data.x, problem.data.y, strict=True):
        state = [exactly(v) for v in x]
        for level, layer in enumerate(problem.point.layers):
            if level:
                state = [act(z) for z in state]
            state = [
                sum((exactly(w) * s for w, s in zip(row, state, strict=True)), exactly(bias))
                for row, bias in zip(layer.weight, layer.bias, strict=True)
            ]
        if problem.loss is Loss.CROSS_ENTROPY:
            total += mp.log(sum(mp.exp(f) for f in state)) - state[int(y[0])]
        elif problem.loss is Loss.LOGISTIC:
            pairs = zip(state, y, strict=True)
            total += sum(mp.log(1 + mp.exp(-exactly(sign) * f)) for f, sign in pairs)
        else:
            total += sum((f - exactly(t)) ** 2 for f, t in zip(state, y, strict=True))
    return total


def exactly(value: Fraction) -> Any:
    return mp.mpf(value.numerator) / value.denominator


def random_problem(rng: random.Random, activation: str, loss: Loss, widths: tuple[int, ...]):
    def number() -> Fraction:
        return Fraction(rng.randint(-30, 30), 10) + Fraction(1, 97)

    outputs = widths[-1]
    x = tuple(tuple(number() for _ in range(widths[0])) for _ in range(3))
    if loss is Loss.CROSS_ENTROPY:
        y = tuple((Fraction(rng.randrange(outputs)),) for _ in x)
    else:
        y = tuple(tuple(Fraction(rng.choice([-1, 1])) for _ in range(outputs)) for _ in x)
    network = Network(widths, activation, Fraction(1, 10) if activation == "leaky_relu" else None)
    count = network.parameter_count
    point = unflatten([number() for _ in range(count)], network)
    return Problem(network, loss, Dataset(x, y), point), unflatten(
        [number() for _ in range(count)], network
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("widths", [(2, 2, 2), (1, 2, 3, 2), (1, 2, 3, 3), (2, 3)])
def test_the_loss_and_its_derivatives(activation: str, loss: Loss, widths: tuple[int, ...]) -> None:
    problem, direction = random_problem(random.Random(1), activation, loss, widths)
    point = problem.point
    with balls.precision(300), mp.workdps(100):
        program = BallProgram.of(problem.dense.program())
        values = around(flatten(point))
        gradient = program.gradient(values)
        hessian = program.hessian(values)
        loss = program.loss(values)
        assert abs(float((loss - arb(mp.nstr(defined_loss(problem), 90))).mid())) < 1e-75
        every = [loss, *gradient, *hessian.entries()]
        assert all(float(entry.rad()) < 1e-70 for entry in every)
        step = arb(10) ** -30
        for p in range(len(values)):
            ends = []
            for side in (1, -1):
                moved = list(values)
                moved[p] = moved[p] + side * step
                ends.append(moved)
            up, down = ends
            slope = (program.loss(up) - program.loss(down)) / (2 * step)
            assert abs(float((slope - gradient[p]).mid())) < 1e-20
            pairs = zip(program.gradient(up), program.gradient(down), strict=True)
            for q, (a, b) in enumerate(pairs):
                assert abs(float(((a - b) / (2 * step) - hessian[q, p]).mid())) < 1e-20
        turn = around(flatten(direction))
        line = along(program.evaluator, entries(values), entries(turn))
        first, second = line.first[()], line.second[()]
        assert line.value[()].overlaps(loss)
        slope = sum((a * b for a, b in zip(gradient, turn, strict=True)), arb(0))
        size = range(len(turn))
        bend = sum((turn[i] * hessian[i, j] * turn[j] for i in size for j in size), arb(0))
        assert abs(float((first - slope).mid())) < 1e-60
        assert abs(float((second - bend).mid())) < 1e-60
        exact = exact_gradient(problem.dense, point)
        if exact is not None:
            for a, b in zip(exact, gradient, strict=True):
                assert enclose(a).overlaps(b)
        if problem.network.homogeneous or problem.network.depth == 0:
            slope_exact = exact_slope(problem.dense, point, flatten(direction))
            assert enclose(slope_exact).overlaps(first)


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
@pytest.mark.parametrize("z", ["-7", "-1.5", "-0.25", "0.5", "3", "8"])
def test_activations_against_their_definitions(activation: str, z: str) -> None:
    """Value and two derivatives, the latter by differences in 80 digits (mpmath)."""
    with mp.workdps(80), balls.precision(200):
        for order, found in enumerate(SMOOTH[activation].ball(arb(z))):
            expected = mp.diff(DEFINITIONS[activation], mp.mpf(z), order)
            assert abs(float((found - arb(mp.nstr(expected, 60))).mid())) < 1e-25
            assert float(found.rad()) < 1e-25


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
def test_enclosures_hold_over_wide_balls(activation: str) -> None:
    rng = random.Random(activation)
    jet = SMOOTH[activation].ball
    for _ in range(200):
        middle, radius = rng.uniform(-6, 6), 10 ** rng.uniform(-6, 0.5)
        wide = jet(arb(middle, radius))
        for _ in range(10):
            z = middle + radius * rng.uniform(-1, 1)
            for whole, part in zip(wide, jet(arb(z)), strict=True):
                assert whole.overlaps(part)


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
def test_enclosures_over_narrow_balls_are_narrow(activation: str) -> None:
    """Off 0 the first three derivatives are below 7 for |z| < 6, so nothing grows tenfold."""
    rng = random.Random(activation)
    for _ in range(50):
        middle = rng.choice([-1, 1]) * rng.uniform(0.1, 6)
        for found in SMOOTH[activation].ball(arb(middle, 1e-9)):
            assert float(found.rad()) < 1e-7


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_losses_beyond_all_range_are_undecided(activation: str) -> None:
    values = map(Fraction, (1, "1/3", 10**400, -(10**400), 2, 0, 1, 2))
    network = Network((1, 1, 3), activation)
    data = Dataset(((Fraction(1),), (Fraction(2),)), ((Fraction(0),), (Fraction(1),)))
    verdict = certify(Problem(network, Loss.CROSS_ENTROPY, data, unflatten([*values], network)))
    assert verdict.decision == "undecided"
    assert verdict.reason == "the loss is not finite: numbers here are too large"
