"""Points of programs: what is proved, against floats and 60 digits, and at the rules' edges."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize

from spurious import Answer, Decision, certified_minima, certified_saddles, certify
from spurious.certify.arithmetics import FloatProgram
from spurious.problem import ProgramProblem
from spurious.program import FUNCTIONS, Builder, Program, dense_program
from spurious_checker import check

MINIMA = (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6, 2)).round(1), rng.normal(size=(6, 1)).round(1)


def dense(activation: str, seed: int = 0) -> Program:
    return dense_program((2, 3, 1), activation, "squared", *data(seed), l2=Fraction(1, 50))


def trained(program: Program, seed: int = 0) -> ProgramProblem:
    floats = FloatProgram(program)
    start = np.random.default_rng(seed).normal(size=program.parameter_count)
    end = minimize(floats.loss_and_gradient, start, jac=True, method="BFGS", options={"gtol": 1e-9})
    return ProgramProblem(program, tuple(map(Fraction, end.x.tolist())))


def of_one(expression) -> Program:
    """A program of one parameter x."""
    builder = Builder()
    return builder.program(expression(builder.param("x", ())))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "gelu", "silu", "softsign"])
def test_a_trained_network_with_decay_is_at_a_strict_minimum(activation: str) -> None:
    problem = trained(dense(activation))
    verdict = certify(problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY, verdict.reason
    assert verdict.strict is Answer.YES
    floats = FloatProgram(problem.program)
    at = np.array([float(v) for v in problem.point])
    assert float(verdict.loss) == pytest.approx(floats.loss_and_gradient(at)[0], rel=1e-9)
    lowest = np.linalg.eigvalsh(floats.hessian(at))[0]
    assert 0.9 * lowest < float(verdict.eigenvalue_bound) < lowest * 1.001
    assert check(dict(verdict.certificate)).valid


def test_the_same_verdict_as_for_the_network_itself() -> None:
    """Without a penalty a smooth network is proved by both ways, with nearly the same bound."""
    from spurious.problem import flatten
    from spurious.problem.bundled import bundled

    given = bundled("c13-deadlock-7-points")
    program = dense_program(given.network.widths, "sigmoid", "logistic", given.data.x, given.data.y)
    first = certify(given)
    second = certify(ProgramProblem(program, flatten(given.point), flatten(given.witness)))
    assert first.decision is second.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert float(first.eigenvalue_bound) == pytest.approx(float(second.eigenvalue_bound), rel=0.05)
    assert abs(first.loss.mid - second.loss.mid) < Fraction(1, 10**20)
    assert first.is_global is second.is_global is Answer.NO


def test_minima_and_saddles_are_told_apart() -> None:
    """(x^2 - 1)^2 + y^2 - z^2 + z^4: minima at x = +-1, saddles of index 1 to 2 between them."""
    builder = Builder()
    v = builder.param("v", (3,))
    x, y, z = (v.take(np.array(k)) for k in range(3))
    program = builder.program((x * x - 1) ** 2 + y * y - z * z + z**4)
    minima = certified_minima(program, starts=8)
    assert [float(m.verdict.loss) for m in minima] == pytest.approx([-0.25])
    saddles = certified_saddles(program, starts=24)
    found = [(float(s.verdict.loss), s.verdict.index) for s in saddles]
    assert [index for _, index in found] == [1, 1, 2]
    assert [loss for loss, _ in found] == pytest.approx([0.0, 0.75, 1.0], abs=1e-12)
    for point in (*minima, *saddles):
        assert check(dict(point.verdict.certificate)).valid


def test_a_bad_minimum_has_its_witness() -> None:
    builder = Builder()
    x = builder.param("x", ())
    program = builder.program((x * x - 1) ** 2 + x * Fraction(1, 4))
    low, high = certified_minima(program, starts=8)
    assert low.verdict.is_global is Answer.UNKNOWN and high.verdict.is_global is Answer.NO
    assert float(high.verdict.witness_loss) == pytest.approx(float(low.verdict.loss))


EXACT = {
    "a parabola": (lambda x: (x - 2) ** 2, "2", Decision.LOCAL_MINIMUM),
    "beside it": (lambda x: (x - 2) ** 2, "2.001", Decision.LOCAL_MINIMUM_NEARBY),
    "a hill": (lambda x: -((x - 2) ** 2), "2", Decision.SADDLE_NEARBY),
    "a line": (lambda x: x * 3, "7", Decision.NOT_LOCAL_MINIMUM),
    "a kink that is a minimum": (lambda x: x.map(FUNCTIONS["abs"]), "0", Decision.UNDECIDED),
    "a kink that is none": (lambda x: -x.map(FUNCTIONS["abs"]), "0", Decision.NOT_LOCAL_MINIMUM),
    "a relu that is on": (
        lambda x: (x.map(FUNCTIONS["relu"]) - 2) ** 2, "2", Decision.LOCAL_MINIMUM,
    ),
    "a relu that is off": (
        lambda x: (x.map(FUNCTIONS["relu"]) - 2) ** 2, "-1", Decision.LOCAL_MINIMUM,
    ),
    "flat to second order": (lambda x: x**4, "0", Decision.UNDECIDED),
    "falling to third order": (lambda x: x**3, "0", Decision.UNDECIDED),
    "a pole": (lambda x: x.reciprocal(), "0", Decision.UNDECIDED),
    "softsign, bent both ways": (
        lambda x: x.map(FUNCTIONS["softsign"]) * x, "0", Decision.LOCAL_MINIMUM,
    ),
    "the end of a domain": (lambda x: x.map(FUNCTIONS["sqrt"]), "0", Decision.UNDECIDED),
    "huge": (lambda x: (x * 10**30 - 1) ** 2, "1e-30", Decision.LOCAL_MINIMUM),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_one_parameter(name: str) -> None:
    expression, at, decision = EXACT[name]
    verdict = certify(ProgramProblem(of_one(expression), (Fraction(at),)))
    assert verdict.decision is decision, verdict.reason
    assert verdict.reason
    assert verdict.certificate is None or check(dict(verdict.certificate)).valid


def test_nothing_near_a_minimum_is_lower_in_sixty_digits() -> None:
    problem = trained(dense("tanh", seed=3), seed=1)
    verdict = certify(problem, search=False)
    assert verdict.decision in MINIMA
    centre = [Fraction(v) for v in verdict.certificate["proof"]["centre"]]
    rng = np.random.default_rng(5)
    x, y = ([[mpmath.mpf(v) for v in row] for row in part.tolist()] for part in data(seed=3))

    def loss(p):
        w, b, v, c = p[:6], p[6:9], p[9:12], p[12]
        total = mpmath.fsum(a * a for a in p) / 50
        for (one, two), (target,) in zip(x, y, strict=True):
            h = [mpmath.tanh(w[2 * j] * one + w[2 * j + 1] * two + b[j]) for j in range(3)]
            total += (mpmath.fdot(v, h) + c - target) ** 2
        return total

    with mpmath.workdps(60):
        base = [mpmath.mpf(v.numerator) / v.denominator for v in centre]
        here = loss(base)
        assert abs(here - mpmath.mpf(float(verdict.loss))) < 1e-12
        for size in (1e-2, 1e-4, 1e-8, 1e-12):
            for _ in range(50):
                moved = [
                    a + mpmath.mpf(float(d))
                    for a, d in zip(base, size * rng.normal(size=13), strict=True)
                ]
                assert loss(moved) > here


def test_too_many_parameters_are_refused_in_a_line() -> None:
    from spurious import InputError

    builder = Builder()
    w = builder.param("w", (2000,))
    problem = ProgramProblem(builder.program((w * w).sum()), (Fraction(0),) * 2000)
    with pytest.raises(InputError, match="found 2000 parameters, expected at most 1000"):
        certify(problem)
