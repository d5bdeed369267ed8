"""No sampled point is below a proved minimum; every refutation leads to a lower point."""

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.oracle.problems import random_problem
from tests.properties.brute_force import loss

from spurious import Decision, Verdict, certify
from spurious.problem import (
    Dataset,
    Loss,
    Network,
    Point,
    Problem,
    flatten,
    point_from_data,
    unflatten,
)


def nearby_points(point: Point, network: Network, rng: random.Random, count: int) -> list[Point]:
    """Points around a point, at many scales, along axes, sparse and dense directions."""
    values = flatten(point)
    found: list[Point] = []
    for _ in range(count):
        size = Fraction(1, 10 ** rng.choice([3, 4, 6, 9]))
        share = rng.choice([0.1, 0.3, 1.0])
        moved = [v + size * rng.randint(-4, 4) * (1 if rng.random() < share else 0) for v in values]
        found.append(unflatten(moved, network))
    return found


def log_problem(seed: int) -> Problem:
    """Shallow or deep, several outputs, log losses: small integers, many zeros and kinks."""
    rng = random.Random(seed)
    kind = rng.choice([Loss.LOGISTIC, Loss.CROSS_ENTROPY, Loss.SQUARED])
    outputs = rng.choice([2, 3]) if kind is Loss.CROSS_ENTROPY else rng.choice([1, 1, 2])
    depth = rng.choice([1, 1, 2, 3])
    widths = (rng.choice([1, 2]), *(rng.choice([1, 2, 3]) for _ in range(depth)), outputs)
    network = Network(widths, rng.choice(["relu", "relu", "abs", "identity"]))
    n = rng.choice([2, 4, 6])

    def small() -> Fraction:
        return Fraction(rng.choice([-2, -1, 0, 0, 1, 2]))

    x = [tuple(small() for _ in range(widths[0])) for _ in range(n)]
    x[n // 2 :] = x[: n - n // 2]  # every input twice, so that log losses can balance
    if kind is Loss.CROSS_ENTROPY:
        y = [(Fraction(i * 2 // n % outputs),) for i in range(n)]
    elif kind is Loss.LOGISTIC:
        y = [(Fraction(1 if i < n // 2 else -1),) * outputs for i in range(n)]
    else:
        y = [tuple(small() for _ in range(outputs)) for _ in range(n)]
    values = [small() for _ in range(network.parameter_count)]
    if rng.random() < 0.5:  # equal outputs everywhere
        last = outputs * (widths[-2] + 1)
        values[-last:] = [Fraction(0)] * last
    if rng.random() < 0.3:  # a dead first layer
        start = widths[0] * widths[1]
        values[start : start + widths[1]] = [Fraction(-9)] * widths[1]
    return Problem(network, kind, Dataset(tuple(x), tuple(y)), unflatten(values, network))


def exact_minimum(problem: Problem, verdict: Verdict) -> Point | None:
    assert verdict.certificate is not None
    proof = verdict.certificate["proof"]
    if verdict.decision is Decision.LOCAL_MINIMUM:
        return problem.point
    return point_from_data(proof["point"]) if "point" in proof else None


def assert_nothing_lower(problem: Problem, minimum: Point, rng: random.Random, count: int) -> None:
    value = loss(problem, minimum)
    slack = 0 if problem.loss is Loss.SQUARED else type(value)("1e-50")
    for point in nearby_points(minimum, problem.network, rng, count):
        assert loss(problem, point) >= value - slack


def assert_lower_point(problem: Problem, verdict: Verdict) -> None:
    """Follows a refutation to a point with a smaller loss, however close."""
    assert verdict.certificate is not None and problem.point is not None
    proof, network = verdict.certificate["proof"], problem.network
    start, value = flatten(problem.point), loss(problem, problem.point)
    if proof["rule"] == "zero_output_weight":
        assert descends_by_zero_weight(problem, proof, value)
        return
    if proof["rule"] == "valley_to_infinity":
        last = [Fraction(v) for row in proof["direction"]["weight"] for v in row]
        last += [Fraction(v) for v in proof["direction"]["bias"]]
        direction = [Fraction(0)] * (len(start) - len(last)) + last
        scale = max(abs(v) for v in direction)
        points = [
            unflatten([a + t * b / scale for a, b in zip(start, direction, strict=True)], network)
            for t in (Fraction(1, 1000), Fraction(1), Fraction(30))
        ]
        losses = [value, *(loss(problem, point) for point in points)]
        assert losses == sorted(losses, reverse=True)
        assert losses[0] > losses[1]
        return
    direction = list(flatten(point_from_data(proof["direction"])))
    signs = (1,) if proof["rule"] == "descent_direction" else (1, -1)
    for exponent in range(1, 40):
        for sign in signs:
            step = Fraction(sign, 4**exponent)
            moved = [a + step * b for a, b in zip(start, direction, strict=True)]
            if loss(problem, unflatten(moved, network)) < value:
                return
    raise AssertionError("the direction does not descend")


def descends_by_zero_weight(problem: Problem, proof: dict, value: object) -> bool:
    """Turn the unit a little, then move its output weight either way."""
    assert problem.point is not None
    network, j = problem.network, proof["unit"]
    d, h = network.widths[0], network.widths[1]
    u = [Fraction(v) for v in proof["direction"]]
    output = d * h + h + proof["output"] * h + j
    for exponent in range(1, 12):
        turn = Fraction(1, 10**exponent)
        turned = list(flatten(problem.point))
        for k in range(d):
            turned[j * d + k] += turn * u[k]
        turned[d * h + j] += turn * u[-1]
        assert loss(problem, unflatten(turned, network)) == value
        for smaller in range(0, 30, 2):
            for sign in (1, -1):
                moved = list(turned)
                moved[output] += sign * turn / 4**smaller
                if loss(problem, unflatten(moved, network)) < value:
                    return True
    return False


@pytest.mark.parametrize("chunk", range(8))
def test_shallow_networks_with_squared_loss(chunk: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(10_000 + chunk * 25, 10_000 + (chunk + 1) * 25):
        problem = random_problem(seed)
        verdict = certify(problem)
        seen[verdict.decision] += 1
        minimum = exact_minimum(problem, verdict)
        if verdict.decision is Decision.NOT_LOCAL_MINIMUM:
            assert_lower_point(problem, verdict)
        else:
            assert minimum is not None
            assert_nothing_lower(problem, minimum, random.Random(seed), 60)
    assert seen[Decision.LOCAL_MINIMUM] > 3 and seen[Decision.NOT_LOCAL_MINIMUM] > 3


@pytest.mark.parametrize("chunk", range(8))
def test_deep_networks_several_outputs_and_log_losses(chunk: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(chunk * 30, (chunk + 1) * 30):
        problem = log_problem(seed)
        verdict = certify(problem)
        seen[verdict.decision] += 1
        if verdict.decision is Decision.NOT_LOCAL_MINIMUM:
            assert_lower_point(problem, verdict)
        elif verdict.decision is Decision.LOCAL_MINIMUM and problem.point is not None:
            assert_nothing_lower(problem, problem.point, random.Random(seed), 40)
    assert seen[Decision.LOCAL_MINIMUM] > 2 and seen[Decision.NOT_LOCAL_MINIMUM] > 2


@pytest.mark.parametrize("offset", ["1e-12", "1e-30"])
@pytest.mark.parametrize("seed", range(12))
def test_a_hair_off_a_minimum_is_no_minimum(seed: int, offset: str) -> None:
    """A stationary point moved off in one output weight, or onto the wrong side of a kink."""
    problem = next(
        p
        for p in map(random_problem, range(20_000 + 50 * seed, 10**6))
        if certify(p).decision is Decision.LOCAL_MINIMUM and certify(p).loss.mid > 0
    )
    assert problem.point is not None
    for p in range(problem.network.parameter_count):
        values = list(flatten(problem.point))
        values[p] += Fraction(offset)
        moved = replace(problem, point=unflatten(values, problem.network))
        verdict = certify(moved)
        assert verdict.decision is not Decision.UNDECIDED
        if verdict.decision is Decision.LOCAL_MINIMUM:  # a flat direction: the loss is the same
            assert verdict.loss == certify(problem).loss
        elif verdict.decision is Decision.NOT_LOCAL_MINIMUM:
            assert_lower_point(moved, verdict)
        else:
            minimum = exact_minimum(moved, verdict)
            assert minimum is not None and verdict.radius is not None
            gaps = zip(flatten(minimum), values, strict=True)
            assert 0 < max(abs(a - b) for a, b in gaps) <= verdict.radius
            assert_nothing_lower(moved, minimum, random.Random(seed), 10)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "gelu", "silu", "softsign"])
def test_duplicated_units_are_never_called_strict_minima(activation: str) -> None:
    """Fukumizu and Amari 2000: a split unit gives a plateau or a saddle, no strict minimum."""
    rng, refuted = random.Random(activation), 0
    for _ in range(5):
        w, b, v = (Fraction(rng.randint(-3, 3), 2) for _ in range(3))
        network = Network((1, 2, 1), activation)
        share = Fraction(rng.randint(1, 3), 4)
        point = unflatten([w, w, b, b, v * share, v * (1 - share), Fraction(1)], network)
        x = tuple((Fraction(i),) for i in range(-2, 3))
        y = tuple((Fraction(rng.randint(-2, 2)),) for _ in x)
        verdict = certify(Problem(network, Loss.SQUARED, Dataset(x, y), point))
        assert verdict.decision in (Decision.NOT_LOCAL_MINIMUM, Decision.UNDECIDED)
        refuted += verdict.decision is Decision.NOT_LOCAL_MINIMUM
    assert refuted >= 4, "few of these random points are critical"
