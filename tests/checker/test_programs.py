"""Certificates about programs: valid ones made without the prover, and false ones."""

from __future__ import annotations

import copy
import random
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from tests.checker import programs
from tests.checker.programs import CASES, RADIUS, Writer, ball, certificate, derivatives, mp, signed

import spurious_checker as checker
from spurious_checker import Balls, check


@cache
def case(name: str) -> Any:
    return CASES[name]()


def changed(data: Any, *path: Any, to: Any) -> Any:
    result = copy.deepcopy(data)
    target = result
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = to
    return signed(result)


def refused(data: Any) -> str:
    result = check(data)
    assert not result.valid, result.claim
    assert result.reason and not result.reason.startswith("the check failed"), result.reason
    return result.reason


@pytest.mark.parametrize("name", CASES)
def test_valid(name: str) -> None:
    result = check(case(name))
    assert result.valid, result.reason


def test_every_rule_has_a_case() -> None:
    rules = {case(name)["proof"]["rule"] for name in CASES}
    others = {"penalised", "cell_multipliers", *checker.SUMS}  # tests/certify/test_weights.py, ...
    assert rules | others == set(checker.PROGRAM_RULES)


def test_the_claims_in_words() -> None:
    assert check(case("exact_minimum")).claim == "local minimum, strict, loss 0"
    assert "index 2" in check(case("saddle_two")).claim
    assert check(case("descent_at_a_kink")).claim == (
        "not a local minimum, not global, loss 2, a better point has loss 1"
    )


FALSE_CLAIMS = {
    "verdict": [
        "local_minimum",
        "local_minimum_nearby",
        "saddle_nearby",
        "not_local_minimum",
        None,
    ],
    "strict": ["yes", "no", "unknown"],
    "index": [0, 1, 2, 3, True, "1", None],
    "eigenvalue_bound": [None, "0", "-1", "1000", "NaN"],
    "global": ["yes", "no", "unknown"],
    "loss": [None, ball(Fraction(77)), {"mid": "1", "rad": "100"}, {"mid": "inf", "rad": "0"}],
    "witness_loss": [None, ball(Fraction(77)), "1"],
    "radius": [None, "0", "1", "1/1000000000000000", "-1"],
    "flat_dimension": [0, 2, 4, 6, 8, "7", True, None],
    "valley_limit": [None, ball(Fraction(0)), ball(Fraction(77)), "1"],
}


@pytest.mark.parametrize("name", CASES)
def test_no_other_claim_can_be_forged(name: str) -> None:
    data = case(name)
    keys = set(FALSE_CLAIMS) - ({"flat_dimension", "valley_limit"} - set(data["claim"]))
    assert keys == set(data["claim"])
    for key in keys:
        for other in FALSE_CLAIMS[key]:
            if other != data["claim"][key] or type(other) is not type(data["claim"][key]):
                refused(changed(data, "claim", key, to=other))
        less = copy.deepcopy(data)
        del less["claim"][key]
        refused(signed(less))


@pytest.mark.parametrize("name", CASES)
def test_missing_and_superfluous_keys(name: str) -> None:
    data = case(name)
    for part in ("problem", "proof"):
        for key in data[part]:
            less = copy.deepcopy(data)
            del less[part][key]
            refused(signed(less))
        refused(changed(data, part, "extra", to="1"))
    refused({**data, "extra": "1"})
    refused({**data, "digest": "0" * 64})


def test_a_small_gradient_is_seen_at_the_first_precision() -> None:
    """Its square is below 2^-128, and was lost there."""
    data, r = case("tanh_regression"), Fraction(1, 2**80)
    here = [Fraction(v) for block in data["problem"]["point"].values() for v in block]
    centre = [Fraction(v) for v in data["proof"]["centre"]]
    away = max(abs(a - b) for a, b in zip(centre, here, strict=True))
    data = changed(data, "proof", "radius", to=str(r))
    data = changed(data, "claim", "radius", to=str((away + r) * 3 / 2))
    assert checker.check_at(data, 128)
    assert check(data).valid


MINIMA = [name for name in CASES if name in ("tanh_regression", "cross_entropy", "layer_norm")]
SADDLES = [name for name in CASES if name.startswith("saddle")]


@pytest.mark.parametrize("name", MINIMA)
def test_false_minima(name: str) -> None:
    data = case(name)
    bound = Fraction(data["claim"]["eigenvalue_bound"])
    # above the least eigenvalue, of which it is nine tenths
    refused(changed(data, "claim", "eigenvalue_bound", to=str(bound * Fraction(112, 100))))
    assert check(
        changed(data, "claim", "eigenvalue_bound", to=str(bound * Fraction(110, 100)))
    ).valid
    refused(changed(data, "proof", "radius", to="1"))
    refused(changed(data, "proof", "radius", to=str(Fraction(1, 2**90))))
    refused(changed(data, "proof", "radius", to="-1/1000000000000"))
    refused(changed(data, "proof", "radius", to="0"))
    centre = data["proof"]["centre"]
    moved = [str(Fraction(centre[0]) + Fraction(1, 1000)), *centre[1:]]
    refused(changed(data, "proof", "centre", to=moved))
    refused(changed(data, "proof", "centre", to=centre[:-1]))
    mid = Fraction(data["claim"]["loss"]["mid"])
    refused(changed(data, "claim", "loss", to=ball(mid + Fraction(1, 2**50))))
    refused(changed(data, "claim", "loss", to=ball(mid, Fraction(1))))
    exactly = copy.deepcopy(data)
    exactly["claim"].update(verdict="local_minimum", radius=None)
    refused(signed(exactly))


@pytest.mark.parametrize("idle", [[], [0], [0, 1], [0, 1, 2, 3], [3], [2, 1, 0], [0, 0, 1], [4]])
def test_other_parameters_than_the_idle_ones(idle: list[int]) -> None:
    data = changed(case("dead_unit"), "claim", "flat_dimension", to=len(idle))
    refused(changed(data, "proof", "idle", to=idle))


def test_an_idle_parameter_has_no_effect_on_the_whole_box() -> None:
    """The unit is off while w x + b < 0: at x = 2 within 1 of the centre."""
    assert check(changed(case("dead_unit"), "proof", "radius", to="99/100")).valid
    refused(changed(case("dead_unit"), "proof", "radius", to="1"))
    assert check(changed(case("constant_loss"), "proof", "radius", to="99/100")).valid
    refused(changed(case("constant_loss"), "proof", "radius", to="1"))


def test_an_idle_parameter_leaves_the_others_to_be_best() -> None:
    """Whatever c is but the mean target, or the eigenvalue bound above 4, is no minimum."""
    refused(changed(case("dead_unit"), "claim", "eigenvalue_bound", to="4"))
    moved = changed(case("dead_unit"), "problem", "point", "c", to=["2000001/1000000"])
    refused(moved)
    refused(changed(moved, "proof", "centre", to=["1", "-5", "2", "2000001/1000000"]))


def test_an_exact_minimum_is_exact() -> None:
    data = case("exact_minimum")
    refused(changed(data, "problem", "point", "a", to=["1000001/1000000"]))
    both = changed(data, "problem", "point", "a", to=["1000001/1000000"])
    refused(changed(both, "proof", "centre", to=["1000001/1000000", "2"]))


@pytest.mark.parametrize("name", SADDLES)
def test_false_saddles(name: str) -> None:
    data = case(name)
    rows = data["proof"]["preconditioner"]
    refused(changed(data, "proof", "preconditioner", to=[["0"] * len(rows)] * len(rows)))
    other = [[str(-Fraction(v)) for v in row] for row in rows]
    refused(changed(data, "proof", "preconditioner", to=other))
    refused(changed(data, "proof", "preconditioner", to=rows[:-1]))
    refused(changed(data, "proof", "preconditioner", to=[row[:-1] for row in rows]))
    refused(changed(data, "proof", "radius", to="4"))
    centre = data["proof"]["centre"]
    moved = [str(Fraction(centre[0]) + Fraction(1, 1000)), *centre[1:]]
    refused(changed(data, "proof", "centre", to=moved))
    refused(changed(data, "global_proof", "rule", to="witness"))


@pytest.mark.parametrize("function", ["elu", "softsign", "exp"])
def test_no_hessian_at_a_saddle_where_it_jumps(function: str) -> None:
    """f(p) - p - 2 p^2 + q^2: the second derivative of elu and softsign at 0 jumps."""
    w = programs.Writer()
    p, q = w.param("p"), w.param("q")
    bent = w.minus(w.map(function, p), p)
    flat = w.mul(w.const(-2), w.square(p))
    w.add(w.add(bent, flat), w.square(q))
    radius = "1/1000000"
    proof = {
        "rule": "krawczyk", "centre": ["0", "0"], "radius": radius,
        "preconditioner": [["-2/7", "0"], ["0", "1/2"]],
    }  # fmt: skip
    data = programs.certificate(
        w.problem([0, 0]), proof, verdict="saddle_nearby", index=1, radius=radius,
        loss=ball(Fraction(function == "exp"), Fraction(1, 2**21)),
    )  # fmt: skip
    if function == "exp":
        assert check(data).valid, check(data).reason
    else:
        assert "jump" in refused(data)


def test_a_minimum_is_no_saddle() -> None:
    data = programs.saddle(programs.network("tanh", [1, 1], 3, 1)[0], [0, 0], 0)
    assert "no saddle" in refused(data)


@pytest.mark.parametrize("direction", [["0"], ["1", "1"], [], ["x"], ["nan"], "1"])
def test_directions_that_do_not_fall(direction: Any) -> None:
    refused(changed(case("descent_at_a_kink"), "proof", "direction", to=direction))


def test_a_kink_has_two_sides() -> None:
    """(relu(w) - 1)^2 falls to the right of 0 alone; -relu(-w) - w / 2 to the left alone."""
    w = Writer()
    w.square(w.add(w.map("relu", w.param("w")), w.const(-1)))
    for way, falls in (("1", True), ("-1", False)):
        proof = {"rule": "descent_direction", "direction": [way]}
        data = certificate(
            w.problem([0]), proof, verdict="not_local_minimum", loss=ball(Fraction(1))
        )
        assert check(data).valid == falls
    refused(changed(data, "proof", "rule", to="negative_curvature"))


def test_kinks_in_the_box() -> None:
    """w^2 + relu(w - 1/4): a minimum at 0; a box of radius 1/2 would hold the kink."""
    w = Writer()
    p = w.param("w")
    w.add(w.square(p), w.map("relu", w.add(p, w.const("-1/4"))))
    proof = {"rule": "strongly_convex", "centre": ["0"], "radius": "1/8"}
    data = certificate(
        w.problem([0]), proof, verdict="local_minimum", strict="yes", eigenvalue_bound="1",
        loss=ball(Fraction(0), Fraction(0)),
    )  # fmt: skip
    assert check(data).valid
    assert "kink" in refused(changed(data, "proof", "radius", to="1/2"))
    assert "kink" in refused(changed(data, "proof", "radius", to="1/4"))


@pytest.mark.parametrize("function", ["softsign", "elu"])
def test_jumps_of_the_second_derivative(function: str) -> None:
    """w^2/2 + f(w) - f'(0) w: over a box around 0 the Hessian of softsign reaches 1 - 2 < 0."""
    w = Writer()
    p = w.param("w")
    w.add(w.mul(w.const("1/2"), w.square(p)), w.minus(w.map(function, p), p))
    proof = {"rule": "strongly_convex", "centre": ["0"], "radius": "1/1024"}
    data = certificate(
        w.problem([0]), proof, verdict="local_minimum", strict="yes", eigenvalue_bound="1/2",
        loss=ball(Fraction(0), Fraction(0)),
    )  # fmt: skip
    assert check(data).valid == (function == "elu")
    curved = {"rule": "negative_curvature", "direction": ["1"]}
    refused(
        certificate(w.problem([0]), curved, verdict="not_local_minimum", loss=ball(Fraction(0)))
    )


@pytest.mark.parametrize("function", ["log", "sqrt", "reciprocal"])
def test_domains(function: str) -> None:
    """Over the box the argument may leave the domain."""
    w = Writer()
    p = w.param("w")
    w.add(w.square(p), w.map(function, w.add(p, w.const("1/4"))))
    proof = {"rule": "strongly_convex", "centre": ["0"], "radius": "1/2"}
    refused(
        certificate(
            w.problem([0]), proof, verdict="local_minimum_nearby", strict="yes",
            eigenvalue_bound="1/100", loss=ball(Fraction(0)), radius="1/2",
        )
    )  # fmt: skip


def test_a_witness_must_be_lower() -> None:
    data = case("descent_at_a_kink")
    for point, value in (("0", 2), ("5", 17), ("1", Fraction(1, 2))):
        other = changed(data, "global_proof", "point", to=[point])
        refused(changed(other, "claim", "witness_loss", to=ball(Fraction(value), Fraction(0))))
    refused(changed(data, "global_proof", "point", to=[]))
    refused(changed(data, "global_proof", to={"rule": "pointwise_optimum"}))
    refused(changed(data, "global_proof", to=None))
    minimum = case("tanh_regression")
    no = changed(minimum, "claim", "global", to="no")
    refused(changed(no, "global_proof", to={"rule": "not_local_minimum"}))


PARAM = {"op": "param", "name": "w", "shape": []}
PAIR = {"op": "param", "name": "w", "shape": [2]}
ROW = {"op": "take", "of": [0], "shape": [1, 1500], "index": [0] * 1500}
BAD_PROGRAMS: dict[str, list[Any]] = {
    "empty": [],
    "no parameters": [{"op": "const", "shape": [], "values": ["1"]}],
    "no scalar": [{"op": "param", "name": "w", "shape": [1]}],
    "not an object": [PARAM, 1],
    "unknown op": [PARAM, {"op": "div", "of": [0, 0]}],
    "no op": [PARAM, {"of": [0, 0]}],
    "later operand": [PARAM, {"op": "add", "of": [0, 2]}, {"op": "add", "of": [0, 0]}],
    "itself": [PARAM, {"op": "mul", "of": [0, 1]}],
    "negative operand": [PARAM, {"op": "mul", "of": [0, -1]}],
    "three operands": [PARAM, {"op": "mul", "of": [0, 0, 0]}],
    "join of nothing": [PARAM, {"op": "join", "of": []}, PARAM],
    "boolean operand": [PARAM, PARAM | {"name": "v"}, {"op": "mul", "of": [0, True]}],
    "duplicate name": [PARAM, PARAM, {"op": "mul", "of": [0, 1]}],
    "name is a number": [{**PARAM, "name": 1}],
    "zero axis": [{**PARAM, "shape": [0]}, PARAM],
    "huge shape": [{**PARAM, "shape": [10**9, 10**9]}, PARAM],
    "many axes": [{**PARAM, "shape": [1] * 100}, PARAM],
    "huge broadcast": [
        {**PARAM, "shape": [1500, 1]}, ROW,
        {"op": "add", "of": [0, 1]}, {"op": "sum", "of": [2], "axes": [0, 1]},
    ],
    "huge product": [
        {**PARAM, "shape": [1500, 1]}, ROW,
        {"op": "matmul", "of": [0, 1]}, {"op": "sum", "of": [2], "axes": [0, 1]},
    ],
    "huge join": [{**PARAM, "shape": [500_000]}, {"op": "join", "of": [0] * 5}],
    "shapes that differ": [PAIR, {**PARAM, "name": "v", "shape": [3]},
                           {"op": "add", "of": [0, 1]}],
    "matmul of vectors": [PAIR, {"op": "matmul", "of": [0, 0]}],
    "matmul that does not fit": [{**PARAM, "shape": [2, 3]}, {"op": "matmul", "of": [0, 0]}],
    "unknown function": [PARAM, {"op": "map", "of": [0], "function": "tan"}],
    "identity is none": [PARAM, {"op": "map", "of": [0], "function": "identity"}],
    "slope without use": [PARAM, {"op": "map", "of": [0], "function": "relu", "slope": "1"}],
    "no slope": [PARAM, {"op": "map", "of": [0], "function": "leaky_relu"}],
    "no such axis": [PAIR, {"op": "sum", "of": [0], "axes": [1]}],
    "axes that fall": [{**PARAM, "shape": [2, 2]}, {"op": "sum", "of": [0], "axes": [1, 0]}],
    "axis twice": [{**PARAM, "shape": [2, 2]}, {"op": "sum", "of": [0], "axes": [0, 0]}],
    "index out of range": [PAIR, {"op": "take", "of": [0], "shape": [], "index": [2]}],
    "negative index": [PAIR, {"op": "take", "of": [0], "shape": [], "index": [-1]}],
    "indices that are too few": [PARAM, {"op": "take", "of": [0], "shape": [2], "index": [0]}],
    "values that are too few": [PARAM, {"op": "const", "shape": [2], "values": ["1"]}, PARAM],
    "NaN": [PARAM, {"op": "const", "shape": [], "values": ["nan"]}, {"op": "mul", "of": [0, 1]}],
    "infinity": [PARAM, {"op": "const", "shape": [], "values": ["inf"]},
                 {"op": "mul", "of": [0, 1]}],
    "huge exponent": [PARAM, {"op": "const", "shape": [], "values": ["1e99999"]},
                      {"op": "mul", "of": [0, 1]}],
    "extra key": [PARAM, {"op": "mul", "of": [0, 0], "axes": []}],
    "too many operations": [PARAM, *[{"op": "mul", "of": [0, 0]}] * 100_000],
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_PROGRAMS)
def test_bad_programs(name: str) -> None:
    program = BAD_PROGRAMS[name]
    blocks = {
        str(op["name"]): ["1"] * min(checker.math.prod(op["shape"]), 10**6)
        for op in program
        if isinstance(op, dict) and op.get("op") == "param"
    }
    problem = {"format": "spurious-problem/2", "program": program, "point": blocks}
    with pytest.raises(checker.Invalid):
        checker.read_program(problem)


@pytest.mark.parametrize("point", [{}, {"w": ["1", "2"]}, {"w": ["1"], "v": ["1"]}, {"w": 1}, []])
def test_bad_points(point: Any) -> None:
    problem = {"format": "spurious-problem/2", "program": [PARAM], "point": {"w": ["1"]}}
    assert checker.read_program(problem).point == [1]
    for key in ("point", "witness"):
        with pytest.raises(checker.Invalid):
            checker.read_program({**problem, key: point})


@pytest.mark.parametrize("start", ["2", "1/3"])
def test_numbers_do_not_grow_for_ever(start: str) -> None:
    """Squared a hundred times a number would have 2^100 digits."""
    ops = [PARAM, *[{"op": "mul", "of": [k, k]} for k in range(100)]]
    problem = {"format": "spurious-problem/2", "program": ops, "point": {"w": [start]}}
    for proof in (
        {"rule": "descent_direction", "direction": ["-1"]},
        {"rule": "negative_curvature", "direction": ["-1"]},
    ):
        data = certificate(problem, proof, verdict="not_local_minimum", loss=ball(Fraction(0)))
        refused(data)


# ---- derivatives --------------------------------------------------------------------------------

SAFE = {"log": 2, "sqrt": 1, "reciprocal": 3}


def random_program(rng: random.Random) -> tuple[dict[str, Any], list[Fraction]]:
    """All nine operations in random order; arguments of log, sqrt and reciprocal are positive."""
    w = Writer()
    parts = [w.param("a", 2, 3), w.param("b", 3), w.param("c")]
    parts.append(w.const([[Fraction(rng.randint(-9, 9), 5) for _ in range(3)] for _ in range(2)]))
    for _ in range(8):
        one, other = rng.choice(parts[-4:]), rng.choice(parts)
        kind = rng.choice(["add", "mul", "matmul", "map", "map", "sum", "take", "join"])
        if kind in ("add", "mul"):
            if w.shapes[one] != w.shapes[other] and () not in (w.shapes[one], w.shapes[other]):
                other = w.take(other, [0] * w.shapes[one][-1])
            parts.append(getattr(w, kind)(one, other))
        elif kind == "matmul":
            size = checker.math.prod(w.shapes[one])
            left = w.take(one, [[[rng.randrange(size) for _ in range(2)] for _ in range(3)]] * 2)
            size = checker.math.prod(w.shapes[other])
            right = w.take(other, [[rng.randrange(size) for _ in range(3)] for _ in range(2)])
            parts.append(w.sum(w.matmul(left, right), 0))
        elif kind == "map":
            name = rng.choice(programs.SMOOTH)
            z = one
            if name in SAFE:
                z = w.add(w.square(w.map("tanh", z)), w.const(SAFE[name]))
            elif name == "exp":
                z = w.map("sin", z)
            parts.append(w.map(name, z))
        elif kind == "sum" and w.shapes[one]:
            parts.append(w.sum(one, rng.randrange(len(w.shapes[one]))))
        elif kind == "take":
            size = checker.math.prod(w.shapes[one])
            parts.append(w.take(one, [rng.randrange(size) for _ in range(3)]))
        elif kind == "join":
            parts.append(w.join(one, other, one))
    w.sum(w.map("tanh", w.mul(w.const("1/9"), w.join(*parts[-3:], *parts[:3]))))
    point = [Fraction(rng.randint(-99, 99), 50) for _ in range(10)]
    return w.problem(point), point


@pytest.mark.parametrize("seed", range(12))
def test_derivatives_of_random_programs(seed: int) -> None:
    rng = random.Random(seed)
    problem, point = random_program(rng)
    at = [mp.mpf(v.numerator) / v.denominator for v in point]
    value, gradient, hessian = derivatives(problem, at)
    program = checker.read_program(problem)
    for radius, most in ((Fraction(0), 2.0**-60), (Fraction(1, 2**50), 1.0)):
        found = checker.Curved(program, Balls.around(point, radius, 128))
        columns = found.hessian(range(found.size))
        for got, want in (
            (found.loss, [value]),
            (found.gradient(), list(gradient)),
            *((column, [hessian[i, j] for i in range(10)]) for j, column in enumerate(columns)),
        ):
            for z, true in zip(got.intervals(), want, strict=True):
                slack = Fraction(1, 2**100)
                exact = programs.rounded([true], 200)[0]
                assert z.lower - slack <= exact <= z.upper + slack
                assert float(z.upper - z.lower) < most
    # exact and interval arithmetic mixed agree with balls
    entries = checker.Curved(program, checker.Numbers([*point], 128)).gradient().entries
    for one, other in zip(entries, gradient, strict=True):
        z = checker.interval(one, 128)
        assert abs(z.lower - programs.rounded([other], 200)[0]) < Fraction(1, 2**90)


@pytest.mark.parametrize("seed", range(6))
def test_wide_boxes_hold_the_derivatives_inside(seed: int) -> None:
    rng = random.Random(1000 + seed)
    problem, point = random_program(rng)
    program = checker.read_program(problem)
    found = checker.Curved(program, Balls.around(point, Fraction(1, 500), 128))
    columns = found.hessian(range(found.size))
    inside = [v + Fraction(rng.randint(-1000, 1000), 500_000) for v in point]
    _, gradient, hessian = derivatives(
        problem, [mp.mpf(v.numerator) / v.denominator for v in inside]
    )
    for z, true in zip(found.gradient().intervals(), gradient, strict=True):
        assert z.lower <= programs.rounded([true], 200)[0] <= z.upper
    for j, column in enumerate(columns):
        for i, z in enumerate(column.intervals()):
            exact, slack = programs.rounded([hessian[i, j]], 200)[0], Fraction(1, 2**100)
            assert z.lower - slack <= exact <= z.upper + slack


def test_factors_of_random_matrices() -> None:
    """The inertia and the error that L D L^T leaves, against eigenvalues."""
    rng = random.Random(7)
    for _ in range(30):
        n = rng.randint(1, 6)
        flat = {(i, j): rng.randint(-(2**30), 2**30) for i in range(n) for j in range(i + 1)}
        matrix = [[flat[max(i, j), min(i, j)] << 98 for j in range(n)] for i in range(n)]
        negative, errors = checker.factored(matrix, 128, definite=False)
        values = mp.eigsy(mp.matrix(matrix), eigvals_only=True)
        assert max(errors) < 2**64
        assert negative == sum(v < 0 for v in values)
        least = min(values) / mp.mpf(2) ** 128
        enclosed = [Balls(row, [0] * n, 128) for row in matrix]
        if least > 0:
            checker.require_above(enclosed, programs.rounded([least * 999 / 1000], 60)[0])
        with pytest.raises(checker.Undecided):
            checker.require_above(enclosed, programs.rounded([abs(least) + least / 10**9], 60)[0])


def test_radii_count() -> None:
    """The matrix 1 +- 1/2 has no eigenvalue above 1/2 for sure, but above any less."""
    matrix = [Balls([1 << 128], [1 << 127], 128)]
    checker.require_above(matrix, Fraction(49, 100))
    for bound in (Fraction(1, 2), Fraction(51, 100)):
        with pytest.raises(checker.Undecided):
            checker.require_above(matrix, bound)


@pytest.mark.parametrize("name", ["saddle_one", *MINIMA])
def test_the_radius_of_the_claim_follows_the_point(name: str) -> None:
    data = case(name)
    assert Fraction(data["claim"]["radius"]) == RADIUS * 3 / 2
    block, (first, *rest) = next(iter(data["problem"]["point"].items()))
    moved = [str(Fraction(first) + RADIUS), *rest]
    assert "radius" in refused(changed(data, "problem", "point", block, to=moved))


@pytest.mark.parametrize("name", ["saddle_one", "saddle_without_diagonal", *MINIMA])
def test_centres_that_are_not_critical(name: str) -> None:
    """All else is true of the centre a little away, but no critical point is that near."""
    data = copy.deepcopy(case(name))
    centre = [Fraction(v) + Fraction(1, 2**30) for v in data["proof"]["centre"]]
    data["proof"]["centre"] = [str(v) for v in centre]
    rest = list(data["proof"]["centre"])
    for block, values in data["problem"]["point"].items():
        data["problem"]["point"][block], rest = rest[: len(values)], rest[len(values) :]
    value = programs.loss(data["problem"], [mp.mpf(v.numerator) / v.denominator for v in centre])
    data["claim"]["loss"] = ball(value, Fraction(1, 2**36))
    reason = refused(signed(data))
    assert ("gradient" if name in MINIMA else "no solution") in reason


def test_the_centre_of_an_exact_minimum_is_the_point() -> None:
    data = copy.deepcopy(case("exact_minimum"))
    data["problem"]["point"]["a"] = ["1000001/1000000"]
    data["claim"]["loss"] = ball(
        programs.loss(data["problem"], [mp.mpf(1000001) / 1000000, mp.mpf(2)])
    )
    assert "not the problem's point" in refused(signed(data))


def quadratic(matrix: list[list[str]], centre: list[str], radius: str, **claim: Any) -> Any:
    """A saddle of x^T M x / 2, with the inverse of M as the preconditioner."""
    w = Writer()
    n = len(matrix)
    x = w.param("x", n, 1)
    form = w.matmul(w.transpose(x), w.matmul(w.const(matrix), x))
    w.sum(w.mul(w.const("1/2"), form))
    rows = [[mp.mpf(Fraction(v).numerator) / Fraction(v).denominator for v in r] for r in matrix]
    inverse = mp.inverse(mp.matrix(rows))
    a = [[str(programs.rounded([inverse[i, j]], 200)[0]) for j in range(n)] for i in range(n)]
    proof = {"rule": "krawczyk", "centre": centre, "radius": radius, "preconditioner": a}
    return certificate(w.problem(centre), proof, verdict="saddle_nearby", radius=radius, **claim)


def test_the_loss_of_a_saddle_is_not_that_of_the_centre() -> None:
    """u v at the centre (1/1000, 1/1000): the saddle's loss is 0."""
    flat, centre = [["0", "1"], ["1", "0"]], ["1/1000", "1/1000"]
    near = ball(Fraction(1, 10**6), Fraction(1, 10**7))
    assert "loss" in refused(quadratic(flat, centre, "1/4", index=1, loss=near))
    close = ball(Fraction(0), Fraction(1, 2**20))
    assert check(quadratic(flat, ["0", "0"], "1/4096", index=1, loss=close)).valid


def test_the_index_needs_enough_precision() -> None:
    """A pivot of 2^-60 is below what 128 bits take; with 2^-32 instead another sign comes out."""
    a, b, c = (str(Fraction(1, 2**k)) for k in (60, 34, 20))
    matrix = [[a, b, "0"], [b, c, "0"], ["0", "0", "-1"]]
    zero, value = ["0", "0", "0"], ball(Fraction(0), Fraction(1, 2**30))
    assert check(quadratic(matrix, zero, "1/1048576", index=2, loss=value)).valid
    refused(quadratic(matrix, zero, "1/1048576", index=1, loss=value))


def test_curvature_at_a_jump_is_refused() -> None:
    """elu(w) - w^2 bends by -1 or -2 at 0, but the rule asks for arguments away from 0."""
    w = Writer()
    p = w.param("w")
    w.minus(w.map("elu", p), w.square(p))
    proof = {"rule": "negative_curvature", "direction": ["1"]}
    data = certificate(w.problem([0]), proof, verdict="not_local_minimum", loss=ball(Fraction(0)))
    assert "jump" in refused(data)
    away = certificate(
        w.problem([-1]), proof, verdict="not_local_minimum", loss=ball(mp.exp(-1) - 2)
    )
    assert check(away).valid


def test_the_loss_of_a_minimum_is_below_that_of_the_centre() -> None:
    """w^2 at the centre 2^-44: a narrow ball around its loss misses the minimum's."""
    w = Writer()
    w.square(w.param("w"))
    centre = Fraction(1, 2**44)
    proof = {"rule": "strongly_convex", "centre": [str(centre)], "radius": str(RADIUS)}
    for rad, valid in ((Fraction(1, 2**95), False), (Fraction(1, 2**86), True)):
        data = certificate(
            w.problem([centre]), proof, verdict="local_minimum_nearby", strict="yes",
            eigenvalue_bound="1", loss=ball(centre**2, rad), radius=str(RADIUS),
        )  # fmt: skip
        assert check(data).valid == valid


def test_rounding_errors_count() -> None:
    """At 20 bits a bound of 1/8 leaves no room for the error of the factors."""
    one = [Balls([1 << 20], [0], 20)]
    with pytest.raises(checker.Undecided):
        checker.require_above(one, Fraction(1, 8))
