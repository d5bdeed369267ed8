"""What is left to gain at a refuted point, and how long training would take for it."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.checker.truth import Landscape, mp, real

import spurious
from spurious import Decision, ProgramProblem
from spurious.certify.further import further_fall, unfinished
from spurious.certify.subject import Subject
from spurious.problem import flatten, parse_problem, problem_to_data
from spurious.program import Builder, Program
from spurious.proof import Fall, Unfinished, unfinished_text

DIGITS = 60


def quadratic(curvatures: list[str]) -> Program:
    """1 plus half the sum of curvature times the square of each parameter."""
    builder = Builder()
    x = builder.param("x", (len(curvatures),))
    factors = builder.const(np.array([Fraction(c) for c in curvatures], dtype=object))
    return builder.program((x * x * factors).sum() * Fraction(1, 2) + 1)


def left(curvatures: list[str], point: list[str]) -> tuple[Subject, Fall, Unfinished | None]:
    at = tuple(Fraction(v) for v in point)
    subject = Subject(ProgramProblem(quadratic(curvatures), at))
    loss = subject.loss_at(at)
    fall = further_fall(subject, None)
    assert fall is not None
    return subject, fall, unfinished(subject, fall, loss)


@pytest.mark.parametrize("conditioning", [1, 10, 1000, 10**6])
def test_updates_are_those_that_gradient_descent_makes(conditioning: int) -> None:
    """Half of the fall along the flat axis of a quadratic, counted one update after the other."""
    curvatures = ["1", str(Fraction(1, conditioning))]
    subject, fall, found = left(curvatures, ["0", "1"])
    assert abs(float(fall.decrease) - 0.5 / conditioning) < 1e-6 / conditioning
    if conditioning == 10**6:
        assert found is not None and found.updates is not None
        assert abs(found.updates / (conditioning * np.log(2) / 2) - 1) < 0.01
        return
    assert found is not None and found.step == pytest.approx(1)
    x, count = 1.0, 0
    while 0.5 / conditioning * (1 - x * x) < float(fall.decrease) / 2:
        x, count = x - x / conditioning, count + 1
    assert found.updates == count
    assert subject.distance(fall.point) == fall.distance <= 1


def test_what_is_too_little_is_not_left() -> None:
    """2^-26 of the loss is the border: (1e-4)^2/2 is below it, (2e-4)^2/2 above."""
    assert left(["1"], ["1/10000"])[2] is None
    assert left(["1"], ["1/5000"])[2] == Unfinished(1, 1.0)


def test_along_negative_curvature_it_takes_long_to_leave() -> None:
    """x^4/4 - x^2/2 from close to 0: updates grow like the logarithm of the distance."""
    builder = Builder()
    x, y = builder.param("x", ()), builder.param("y", ())
    square = x * x
    program = builder.program(square * square * Fraction(1, 4) - square * Fraction(1, 2) + y * y)
    counts = []
    for start in (Fraction(1, 10**3), Fraction(1, 10**5)):
        subject = Subject(ProgramProblem(program, (start, Fraction(0))))
        loss = subject.loss_at(subject.values)
        fall = further_fall(subject, None)
        assert fall is not None and float(fall.decrease) == pytest.approx(0.25, rel=1e-3)
        found = unfinished(subject, fall, loss)
        assert found is not None and found.updates is not None and found.step == 0.5
        counts.append(found.updates)
    assert counts[1] - counts[0] == pytest.approx(np.log(10**2) / np.log(1.5), abs=1.5)


def test_no_estimate_where_nothing_bends_up() -> None:
    builder = Builder()
    x = builder.param("x", ())
    subject = Subject(ProgramProblem(builder.program(x * 1), (Fraction(0),)))
    fall = Fall((Fraction(-1),), subject.loss_at((Fraction(-1),)), Fraction(1), Fraction(1))
    assert unfinished(subject, fall, subject.loss_at(subject.values)) == Unfinished(None, None)


def test_a_barrier_is_not_jumped_over() -> None:
    """cos x falls from 2 to pi; the lower -x/100 beyond the next barrier is not looked for."""
    builder = Builder()
    x = builder.param("x", ())
    program = builder.program(_cosine(x) - x * Fraction(1, 100))
    subject = Subject(ProgramProblem(program, (Fraction(2),)))
    fall = further_fall(subject, None)
    assert fall is not None and abs(float(fall.point[0]) - np.pi) < 0.02


def _cosine(x: Any) -> Any:
    from spurious.program import FUNCTIONS

    return x.map(FUNCTIONS["cos"])


def test_kinks_are_left_alone() -> None:
    from spurious.program import FUNCTIONS

    builder = Builder()
    x = builder.param("x", ())
    program = builder.program((x - 2).map(FUNCTIONS["abs"]))
    subject = Subject(ProgramProblem(program, (Fraction(0),)))
    assert further_fall(subject, None) is None


STOPPED: dict[str, Any] = {
    "format": "spurious-problem/1",
    "network": {"widths": [1, 1, 1], "activation": "tanh"},
    "loss": "squared",
    "data": {
        "x": [["-2"], ["-1"], ["0"], ["1"], ["2"]],
        "y": [["-1"], ["-4/5"], ["0"], ["1/2"], ["1"]],
    },
    "point": {
        "layers": [{"weight": [["1/2"]], "bias": ["0"]}, {"weight": [["1"]], "bias": ["0"]}],
    },
}
"""In the basin of a strict minimum, a little too far from it to call that nearby."""


def test_training_that_has_only_stopped() -> None:
    problem = parse_problem(json.dumps(STOPPED))
    verdict = spurious.certify(problem)
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM
    assert verdict.reason.startswith("training has only stopped: ")
    assert verdict.unfinished is not None and verdict.unfinished.updates is not None
    assert verdict.decrease is not None and verdict.certificate is not None
    landscape = Landscape(problem_to_data(problem))
    assert problem.point is not None
    with mp.workdps(DIGITS):
        there = [real(v) for layer in verdict.certificate["global_proof"]["point"]["layers"]
                 for row in (*layer["weight"], layer["bias"]) for v in row]  # fmt: skip
        here = [real(v) for v in flatten(problem.point)]
        gained = landscape.loss(here) - landscape.loss(there)
        assert 0 < real(verdict.decrease) <= gained
        # gradient descent with the step named, by differences, gains half of it in about that time
        point, count, step = here, 0, mp.mpf(verdict.unfinished.step)
        while landscape.loss(here) - landscape.loss(point) < gained / 2 and count < 1000:
            tiny = mp.mpf(10) ** -20
            slope = [
                (landscape.loss([v + tiny * (i == k) for i, v in enumerate(point)])
                 - landscape.loss([v - tiny * (i == k) for i, v in enumerate(point)])) / (2 * tiny)
                for k in range(len(point))
            ]  # fmt: skip
            point = [v - step * g for v, g in zip(point, slope, strict=True)]
            count += 1
    assert count / 3 <= verdict.unfinished.updates <= 3 * count


def test_minima_and_valleys_are_not_unfinished() -> None:
    perfect = {**STOPPED, "data": {"x": [["0"], ["1"]], "y": [["0"], ["0.4621171572600097"]]}}
    assert spurious.certify(parse_problem(json.dumps(perfect))).unfinished is None
    valley = {**STOPPED, "loss": "logistic", "data": {"x": [["-1"], ["1"]], "y": [["-1"], ["1"]]}}
    found = spurious.certify(parse_problem(json.dumps(valley)))
    assert found.method == "valley_to_infinity" and found.unfinished is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Unfinished(1, 0.5), "takes 1 more update of gradient descent with step 0.5 (an estimate)"),
        (Unfinished(12345, 1e-3), "takes about 12000 more updates"),
        (Unfinished(7, 1e-3), "takes about 7 more updates"),
        (Unfinished(3_912_345_678, 1e-3), "takes about 4e9 more updates"),
        (Unfinished(None, 1e-3), "more than 10^15 updates, or never"),
    ],
)
def test_words(value: Unfinished, words: str) -> None:
    assert words in unfinished_text(value)
