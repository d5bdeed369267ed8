"""Parameters without effect: dead units of programs, and points that just miss that."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from spurious import Answer, Decision, certify
from spurious.certify.arithmetics import FloatProgram
from spurious.problem import ProgramProblem
from spurious.program import Builder, dense_program
from spurious_checker import check

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([[0], [1], [1], [2]])


def dead(l2: dict[str, Fraction] | None = None, last: tuple[object, ...] = (3, 2, 1)):
    """A 2-2-1 relu network whose hidden layer is off; `last`: output weights and bias."""
    program = dense_program((2, 2, 1), "relu", "squared", X, Y, l2=l2 or {})
    return ProgramProblem(program, tuple(map(Fraction, (1, 2, -1, 1, -4, -3, *last))))


def test_a_dead_layer_is_a_flat_minimum() -> None:
    verdict = certify(dead())
    assert verdict.decision is Decision.LOCAL_MINIMUM and verdict.method == "idle_parameters"
    assert (verdict.strict, verdict.flat_dimension) == (Answer.NO, 8)
    assert verdict.is_global is Answer.NO and verdict.loss.mid == 2


def test_near_the_best_constant_it_is_nearby() -> None:
    verdict = certify(dead(last=(3, 2, Fraction(1) + Fraction(1, 10**7))))
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY, verdict.reason
    assert abs(verdict.loss.mid - 2) < Fraction(1, 10**20)
    assert check(dict(verdict.certificate)).valid


def test_what_is_penalised_is_not_idle() -> None:
    """With decay on the output weights alone these have their best value, 0."""
    l2 = {"layers[1].weight": Fraction(1, 100)}
    verdict = certify(dead(l2, last=(0, 0, 1)))
    assert verdict.decision is Decision.LOCAL_MINIMUM and verdict.flat_dimension == 6
    assert certify(dead(l2)).decision is Decision.NOT_LOCAL_MINIMUM


@pytest.mark.parametrize("bias", [-3, Fraction(-2999999, 10**6)])
def test_a_unit_on_its_kink_or_barely_on_is_not_off(bias: object) -> None:
    """At (1, 1) the first unit's weights add up to 3."""
    problem = dead()
    point = (*problem.point[:4], Fraction(bias), *problem.point[5:])
    verdict = certify(replace(problem, point=point))
    assert verdict.method != "idle_parameters"
    assert verdict.decision not in (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)


def test_where_nothing_has_an_effect_every_point_is_a_minimum() -> None:
    builder = Builder()
    w = builder.param("w", (2,))
    relu = dense_program((1, 1, 1), "relu", "squared", [[1]], [[1]]).operations
    function = next(op.function for op in relu if hasattr(op, "function"))
    loss = builder.map(function, w).sum() + 1
    problem = ProgramProblem(builder.program(loss), (Fraction(-1), Fraction(-1, 3)))
    verdict = certify(problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM and verdict.flat_dimension == 2
    assert verdict.loss.mid == 1 and check(dict(verdict.certificate)).valid


def test_nothing_near_is_lower() -> None:
    problem = dead()
    floats, rng = FloatProgram(problem.program), np.random.default_rng(0)
    here = np.array([float(v) for v in problem.point])
    lowest = min(floats.loss(here + rng.uniform(-0.5, 0.5, len(here)) / 2) for _ in range(2000))
    assert lowest >= 2
