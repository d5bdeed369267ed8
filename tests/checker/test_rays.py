"""Rule monotone_valley: numbers along a ray against their values, and false certificates."""

from __future__ import annotations

import copy
import random
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from tests.checker.programs import Writer, ball, certificate, falling_ray, loss, mp, signed

import spurious_checker as checker
from spurious.certify.paths import loss_path
from spurious.exact import balls
from spurious.problem.program_files import program_problem_from_data
from spurious.program import ProgramError
from spurious_checker import check

TIMES = [Fraction(0), Fraction(1, 100), *map(Fraction, ("1/3", "1", "3", "10", "40"))]


def at(problem: dict[str, Any], direction: list[Fraction], t: Fraction) -> Any:
    """The loss a time t along the ray."""
    point = [Fraction(v) for block in problem["point"].values() for v in block]
    there = [a + t * b for a, b in zip(point, direction, strict=True)]
    return loss(problem, [mp.mpf(v.numerator) / v.denominator for v in there])


def course(problem: dict[str, Any], direction: list[Fraction]) -> Any:
    case = checker.Case(checker.read_program(problem), {}, 192, layered=False)
    (path,) = checker.courses(case, direction)[0][-1] or [None]
    return path


def random_problem(rng: random.Random) -> tuple[dict[str, Any], list[Fraction]]:
    """Sums, products and functions of three moving numbers, at random."""
    w = Writer()
    blocks = [w.param(name, 2) for name in "ab"]
    here = [w.take(block, k) for block in blocks for k in range(2)]
    here.append(w.const(rng.choice(["2", "-1", "0", "1/2"])))
    names = [
        "exp",
        "sigmoid",
        "tanh",
        "softplus",
        "relu",
        "abs",
        "sqrt",
        "log",
        "reciprocal",
        "erf",
        "sin",
    ]
    for _ in range(rng.randint(2, 7)):
        one, other = rng.choice(here), rng.choice(here)
        kind = rng.randrange(4)
        if kind == 0:
            here.append(w.add(one, other))
        elif kind == 1:
            here.append(w.mul(one, other))
        else:
            here.append(w.map(rng.choice(names), one))
    w.add(here[-1], w.const("0"))
    point = [Fraction(rng.randint(-3, 3), rng.choice([1, 2])) for _ in range(4)]
    return w.problem(point), [Fraction(rng.randint(-1, 1)) for _ in range(4)]


def test_what_is_said_of_a_number_is_true_of_its_values() -> None:
    rng, moving, bounded = random.Random(5), 0, 0
    for _ in range(3000):
        problem, direction = random_problem(rng)
        try:
            path = course(problem, direction)
        except checker.Invalid:  # a function is undefined at the point
            continue
        if path is None or path.way is None:
            continue
        values = [at(problem, direction, t) for t in TIMES]
        steps = [b - a for a, b in pairwise(values)]
        tiny = mp.mpf(10) ** -90
        if path.way == 0:
            assert all(abs(step) < tiny for step in steps)
            continue
        assert all(path.way * step > -tiny for step in steps)
        assert path.way * sum(steps) > 0  # the first of them may be too small to be seen
        moving += 1
        if path.limit is not None:
            bounded += 1
            limit = checker.interval(path.limit, 192)
            rest = [(v - mp.mpf(limit.lower.numerator) / limit.lower.denominator) for v in values]
            assert all(path.way * r < mp.mpf(10) ** -40 for r in rest)
            assert abs(rest[-1]) <= abs(rest[0])
    assert moving > 200 and bounded > 100


def test_the_prover_says_the_same() -> None:
    rng, same = random.Random(6), 0
    for _ in range(400):
        problem, direction = random_problem(rng)
        read = program_problem_from_data(problem)
        assert read.point is not None
        try:
            path = course(problem, direction)
            with balls.precision(192):
                own = loss_path(read.program, read.point, tuple(direction))
        except (checker.Invalid, ProgramError):  # a function is undefined at the point
            continue
        other = None if path is None else path.way
        assert own.way == other or None in (own.way, other)
        same += own.way is not None and own.way == other
    assert same > 60


def valley(**changes: Any) -> dict[str, Any]:
    """The case of the list, changed."""
    data = copy.deepcopy(falling_ray())
    data["problem"]["program"][1]["values"][2] = changes.pop("slope", "0")
    data["proof"]["direction"] = changes.pop("direction", ["1"])
    data["claim"].update(changes)
    return signed(data)


def test_a_valley() -> None:
    assert "a valley falls to 0.693" in check(valley()).claim


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": ["-1"]},
        {"direction": ["0"]},
        {"slope": "1/1000"},
        {"valley_limit": ball(mp.log(2) + mp.mpf(10) ** -9)},
        {"valley_limit": ball(mp.mpf(0))},
        {"valley_limit": None},
        {"verdict": "local_minimum"},
        {"strict": "no"},
    ],
)
def test_false_valleys(changes: dict[str, Any]) -> None:
    assert not check(valley(**changes)).valid


def test_a_penalty_ends_every_ray() -> None:
    w = Writer()
    u = w.param("u")
    w.add(w.map("softplus", w.mul(u, w.const("-1"))), w.penalty("1/1000000", w.take(u, [0])))
    proof = {"rule": "monotone_valley", "direction": ["1"]}
    claim = {"loss": ball(mp.log(2)), "valley_limit": ball(mp.mpf(0))}
    assert not check(certificate(w.problem([0]), proof, verdict="not_local_minimum", **claim)).valid


def test_a_function_that_is_undefined_on_the_way_ends_the_ray() -> None:
    """Also where its value is multiplied by 0, or not read at all."""
    for read in (True, False):
        w = Writer()
        u = w.param("u")
        fall = w.map("softplus", w.mul(u, w.const("-1")))
        gone = w.mul(w.map("reciprocal", w.add(u, w.const("-1"))), w.const("0"))
        w.add(fall, gone if read else w.const("0"))
        problem = w.problem([0])
        with pytest.raises(checker.Undecided, match="undefined along the ray"):
            course(problem, [Fraction(1)])
        held = program_problem_from_data(problem)
        with pytest.raises(ProgramError, match="undefined along the ray"):
            loss_path(held.program, (Fraction(0),), (Fraction(1),))


@pytest.mark.parametrize("what", ["limit", "rate"])
def test_numbers_that_grow_along_the_ray_alone_are_refused_in_time(what: str) -> None:
    """At the point all of them are 0: a short file would else ask for numbers of any length."""
    w = Writer()
    u = w.param("u")
    here = u
    if what == "limit":  # 3, 9, 81, ...
        here = w.map("relu", w.mul(w.const("3"), w.map("softsign", u)))
    for _ in range(60):
        here = w.square(here) if what == "limit" else w.mul(here, w.const("1e-600"))
    w.mul(w.const("-1"), w.map("softsign", here))
    proof = {"rule": "monotone_valley", "direction": ["1"]}
    claim = {"loss": ball(Fraction(0)), "valley_limit": ball(Fraction(-1))}
    found = check(certificate(w.problem([0]), proof, verdict="not_local_minimum", **claim))
    assert found.reason == "a number grows too long"
