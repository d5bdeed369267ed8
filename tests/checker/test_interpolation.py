"""Rule interpolation: false certificates, and what it reads off a program, against mpmath."""

from __future__ import annotations

import copy
import random
from fractions import Fraction
from typing import Any

import pytest
from tests.checker import programs
from tests.checker.programs import (
    RADIUS,
    Writer,
    ball,
    certificate,
    fit_writer,
    mp,
    perfect_fit,
    signed,
)
from tests.checker.test_programs import changed, random_program, refused

import spurious_checker as checker
from spurious_checker import Part, check

FIT = perfect_fit()


def refit(w: Writer, outputs: int, **claim: Any) -> Any:
    """The certificate of the perfect fit, for another loss of the same network."""
    data = copy.deepcopy(FIT)
    data["problem"] = {**w.problem([0] * 10), "point": FIT["problem"]["point"]}
    data["proof"]["outputs"] = [outputs]
    data["claim"].update(claim)
    return signed(data)


def test_the_claim_in_words() -> None:
    assert check(FIT).claim.endswith("not strict, global, loss 1/18")


def test_false_proofs() -> None:
    rows = FIT["proof"]["preconditioner"]
    negative = [[str(-Fraction(v)) for v in row] for row in rows]
    centre = FIT["proof"]["centre"]
    near = [str(Fraction(v) + Fraction(1, 10**6)) for v in centre]
    outputs = FIT["proof"]["outputs"][0]
    for key, others in {
        "preconditioner": [[["0"] * 3] * 3, negative, rows[:2], [row[:2] for row in rows]],
        "parameters": [[6, 7], [6, 7, 7], [8, 7, 6], [6, 7, 10], [-1, 6, 7], [6, 7, 9], []],
        "radius": ["0", "-1", "1", str(Fraction(1, 2**120))],
        "centre": [near, centre[:-1], [*centre, "0"]],
        "outputs": [[], [outputs, outputs], [outputs - 1], [outputs + 2], [0], [99], [-1], "0"],
    }.items():
        for other in others:
            refused(changed(FIT, "proof", key, to=other))


def test_other_rules_do_not_make_it_global() -> None:
    for rule in ("pointwise_optimum", "witness", "not_local_minimum"):
        refused(changed(FIT, "global_proof", "rule", to=rule))
    data = copy.deepcopy(programs.CASES["exact_minimum"]())
    data["claim"]["global"], data["global_proof"] = "yes", {"rule": "best_outputs"}
    refused(signed(data))


def test_equal_inputs_are_one_equation() -> None:
    """Taken as two, with the targets 1/3 and 2/3, they could not both be met; t is their mean."""
    refused(refit(*fit_writer(("1", "1/3", "-1", "1/3"))))
    same = refit(*fit_writer(("1", "1/2", "-1", "1/2")), loss=ball(Fraction(0), Fraction(0)))
    assert check(same).valid


def test_weights_count() -> None:
    assert check(refit(*fit_writer(factors=("7", "1", "1/3", "1")))).valid
    two = fit_writer(("1", "1/4", "-1", "3/4"), ("1", "2", "1", "2"))
    assert check(refit(*two, loss=ball(Fraction(1, 4), Fraction(0)))).valid
    assert check(refit(*fit_writer(("1", "0", "-1", "1/2"), ("1", "0", "1", "3")),
                       loss=ball(Fraction(0), Fraction(0)))).valid  # fmt: skip
    refused(refit(*fit_writer(factors=("1", "1", "1", "2"))))
    for factors in (("1", "-1", "1", "1"), ("-1", "1", "1", "1"), ("1", "-2", "1", "1")):
        refused(refit(*fit_writer(factors=factors)))


def test_losses_with_more_than_outputs() -> None:
    """With a penalty the fit is no minimum; a bound is lost where the loss is not understood."""
    w, outputs = fit_writer()
    end = len(w.ops) - 1
    w.add(end, w.penalty("1/1000000000000000000000000000000", 1))
    assert w.ops[1]["op"] == "param"
    assert "beside the outputs" in refused(refit(w, outputs))
    for function in ("abs", "exp", "tanh", "relu"):
        w, outputs = fit_writer()
        w.map(function, len(w.ops) - 1)
        assert "no sum" in refused(refit(w, outputs))
    w, outputs = fit_writer()
    w.add(len(w.ops) - 1, w.sum(outputs))
    refused(refit(w, outputs))  # the targets are others
    w, outputs = fit_writer()
    w.mul(len(w.ops) - 1, w.const("-1"))
    assert "least" in refused(refit(w, outputs))


def test_a_kink_in_the_box() -> None:
    """f = relu(w) with the target 1/8: the box must not reach 0, even if w is not what moves."""
    w = Writer()
    hidden = w.map("relu", w.param("w"))
    f = w.add(hidden, w.param("c"))
    w.square(w.add(f, w.const("-1/8")))
    for at, valid in ((Fraction(0), False), (Fraction(1, 8), True)):
        proof = {
            "rule": "interpolation", "outputs": [f], "centre": [str(at), str(Fraction(1, 8) - at)],
            "radius": str(RADIUS), "parameters": [1], "preconditioner": [["1"]],
        }  # fmt: skip
        data = certificate(
            w.problem([at, Fraction(1, 8) - at]), proof, {"rule": "best_outputs"},
            verdict="local_minimum_nearby", strict="no", flat_dimension=1, radius=str(RADIUS),
            loss=ball(Fraction(0), Fraction(0)), **{"global": "yes"},
        )  # fmt: skip
        assert check(data).valid is valid


def bounded(target: str, centre: str, radius: str) -> Any:
    """tanh(w) = t, with the inverse of the derivative at the centre."""
    w = Writer()
    f = w.map("tanh", w.param("w"))
    w.square(w.add(f, w.const(str(-Fraction(target)))))
    at = Fraction(centre)
    slope = 1 / (1 - mp.tanh(mp.mpf(at.numerator) / at.denominator) ** 2)
    proof = {
        "rule": "interpolation", "outputs": [f], "centre": [centre], "radius": radius,
        "parameters": [0], "preconditioner": [[str(programs.rounded([slope], 60)[0])]],
    }  # fmt: skip
    return certificate(
        w.problem([at]), proof, {"rule": "best_outputs"}, verdict="local_minimum_nearby",
        strict="yes", flat_dimension=0, radius=radius, loss=ball(Fraction(0), Fraction(0)),
        **{"global": "yes"},
    )  # fmt: skip


def test_a_target_a_hair_out_of_reach() -> None:
    """1 is a limit of tanh and no value: 1 - tanh(40) is about 4e-35."""
    nearly = str(1 - Fraction(1, 2 * 10**35))
    for radius in ("1/1000000", "1/10", "3/10", "1/2", "3/5", "1", "2", "100"):
        for target in ("1", str(1 + Fraction(1, 10**40))):
            refused(bounded(target, "40", radius))
            refused(bounded(target, "20", radius))
    reached = mp.atanh(1 - mp.mpf(10) ** -35 / 2)
    centre = str(programs.rounded([reached], 60)[0])
    assert check(bounded(nearly, centre, str(RADIUS))).valid


def log_loss(factors: list[str], signs: list[str], centre: Any) -> Any:
    """Sum of c softplus(s f), f one parameter."""
    w = Writer()
    f = w.take(w.param("f"), [0] * len(signs))
    terms = w.mul(w.const(factors), w.map("softplus", w.mul(f, w.const(signs))))
    w.sum(terms)
    proof = {
        "rule": "interpolation", "outputs": [0], "centre": [str(programs.rounded([centre])[0])],
        "radius": str(RADIUS), "parameters": [0], "preconditioner": [["1"]],
    }  # fmt: skip
    point = programs.rounded([centre], 60)
    weights = [mp.mpf(Fraction(v).numerator) / Fraction(v).denominator for v in factors]
    value = sum(c * mp.log1p(mp.exp(int(s) * centre)) for c, s in zip(weights, signs, strict=True))
    return certificate(
        w.problem(point), proof, {"rule": "best_outputs"}, verdict="local_minimum_nearby",
        strict="yes", flat_dimension=0, radius=str(RADIUS * 3 / 2), loss=ball(value),
        **{"global": "yes"},
    )  # fmt: skip


def test_logistic_terms() -> None:
    data = log_loss(["2", "1", "3"], ["-1", "1", "-1"], mp.log(5))
    assert check(data).valid
    refused(log_loss(["2", "1", "3"], ["-1", "1", "-1"], mp.log(mp.mpf("4.9999999"))))
    refused(log_loss(["2", "3"], ["-1", "-1"], mp.mpf(40)))
    refused(log_loss(["2", "-1"], ["-1", "1"], mp.mpf(1)))
    refused(log_loss(["0", "1"], ["-1", "1"], mp.mpf(1)))
    refused(log_loss(["1", "1"], ["-2", "1"], mp.log(2) / 3))


@pytest.mark.parametrize("seed", range(40))
def test_entries_with_one_number_agree(seed: int) -> None:
    """At random points; and entries of two rows with equal inputs have one number."""
    rng = random.Random(seed)
    problem, _ = random_program(rng)
    program = checker.read_program(problem)
    names = checker.numbered(program.steps)
    for _ in range(3):
        point = [Fraction(rng.randint(-99, 99), 50) for _ in program.point]
        values = checker.evaluated(program.steps, checker.Numbers([*point], 128))
        known: dict[int, Any] = {}
        for row, numbers in zip(names, values, strict=True):
            assert len(row) == len(numbers.entries)
            for name, entry in zip(row, numbers.entries, strict=True):
                z = checker.interval(entry, 128)
                low, high = known.setdefault(name, (z.lower, z.upper))
                assert low <= z.upper and z.lower <= high


def test_equal_inputs_have_equal_numbers() -> None:
    w, outputs = fit_writer()
    program = checker.read_program(w.problem([0] * 10))
    first, second, third, again = checker.numbered(program.steps)[outputs]
    assert second == again and len({first, second, third}) == 3


def random_loss(rng: random.Random) -> tuple[Writer, int]:
    """A loss of four outputs, which are parameters: squares, log terms, factors, sums."""
    w = Writer()
    f = w.param("f", 4)
    parts = list[int]()
    for _ in range(rng.randint(1, 5)):
        index = [rng.randrange(4) for _ in range(rng.randint(1, 3))]
        signs = w.const([str(rng.choice([-1, 1])) for _ in index])
        z = w.mul(w.take(f, index), signs)
        if rng.random() < 0.3:
            z = w.add(z, w.take(f, [rng.randrange(4)] * len(index)))
        kind = rng.choice(["square", "square", "softplus", "linear", "product"])
        shift = w.const([str(Fraction(rng.randint(-9, 9), 4)) for _ in index])
        if kind == "square":
            z = w.square(w.add(w.mul(z, w.const("3/2")), shift))
        elif kind == "product":
            z = w.mul(w.add(z, shift), w.minus(z, shift))
        elif kind == "softplus":
            z = w.map("softplus", z)
        factors = w.const([str(Fraction(rng.randint(-3, 9), 2)) for _ in index])
        parts.append(w.sum(w.mul(z, factors)))
    if rng.random() < 0.5:
        w.sum(w.join(*parts))
    else:
        total = parts[0]
        for part in parts[1:]:
            total = w.add(total, part)
        w.add(total, w.const("1/3"))
    return w, f


def part_at(part: Part, values: dict[int, Any]) -> Any:
    """What a part is at given outputs."""

    def real(v: Fraction) -> Any:
        return mp.mpf(v.numerator) / v.denominator

    total = real(part.constant) + sum(real(c) * values[g] for g, c in part.linear.items())
    for form, (a, b, up, down) in part.bends.items():
        u = sum(real(c) * values[g] for g, c in form)
        logs = real(up) * mp.log1p(mp.exp(u)) + real(down) * mp.log1p(mp.exp(-u))
        total += real(a) * u * u + real(b) * u + logs
    return total


def test_losses_are_read_right_and_nothing_is_below_the_least_value() -> None:
    rng, read, bounded_below = random.Random(11), 0, 0
    for _ in range(300):
        w, f = random_loss(rng)
        problem = w.problem([0, 0, 0, 0])
        program = checker.read_program(problem)
        names = checker.numbered(program.steps)
        try:
            part = checker.of_outputs(program.steps, [f], names)
        except checker.Invalid:
            continue
        read += 1
        points = [[mp.mpf(rng.gauss(0, 3)) for _ in range(4)] for _ in range(5)]
        values = [programs.loss(problem, point) for point in points]
        for point, value in zip(points, values, strict=True):
            found = part_at(part, dict(enumerate(point)))
            assert abs(found - value) < mp.mpf(10) ** -60
        try:
            _, least = checker.least(part, 256)
        except checker.Invalid:
            continue
        bounded_below += 1
        low = checker.interval(least, 256).upper
        slack = mp.mpf(10) ** -60
        assert all(mp.mpf(low.numerator) / low.denominator <= v + slack for v in values)
    assert read > 150 and bounded_below > 40


def test_targets_are_where_each_part_is_least() -> None:
    rng, seen = random.Random(12), 0
    while seen < 60:
        w, f = random_loss(rng)
        program = checker.read_program(w.problem([0, 0, 0, 0]))
        try:
            part = checker.of_outputs(program.steps, [f], checker.numbered(program.steps))
            equations, _ = checker.least(part, 256)
        except checker.Invalid:
            continue
        seen += 1
        for form, target in equations:
            middle = checker.interval(target, 256).lower
            t = mp.mpf(middle.numerator) / middle.denominator
            bend = {form: part.bends[form]}
            one = {g: mp.mpf(0) for g, _ in form}

            def at(u: Any, bend: Any = bend, one: Any = one, form: Any = form) -> Any:
                return part_at(Part(bends=bend), {**one, form[0][0]: u})

            assert all(at(t) < at(t + d) for d in (-1, mp.mpf("1e-9"), -mp.mpf("1e-9"), 3))


def test_sizes_are_bounded() -> None:
    w = Writer()
    row, column = w.const([["1"] * 1400]), w.param("w", 1400, 1)
    totals = [w.sum(w.square(w.add(row, column))) for _ in range(3)]
    w.add(totals[0], totals[1])
    proof = {
        "rule": "interpolation", "outputs": [0], "centre": [], "radius": "1", "parameters": [],
        "preconditioner": [],
    }  # fmt: skip
    problem = w.problem([0] * 1400)
    data = certificate(problem, proof, verdict="local_minimum_nearby", flat_dimension=0)
    assert "too many" in refused(data)
