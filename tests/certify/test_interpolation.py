"""Rule interpolation: perfect fits are found, proved and what they are said to be; others not."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from tests.checker.programs import signed
from tests.checker.truth import Landscape, real, shaped

import spurious
import spurious_checker
from spurious import Answer, Decision, Problem, ProgramProblem, Verdict
from spurious.certify.best_outputs import best_outputs
from spurious.problem import flatten, problem_from_data, problem_to_data, unflatten
from spurious.program import FUNCTIONS, Builder
from spurious.proof import Interpolation, evidence_from_data

DIGITS = 60
TANH = FUNCTIONS["tanh"]


def fitted(
    widths: list[int], activation: str, points: int, seed: int, *, repeat: bool = False
) -> Problem:
    """A problem with a perfect fit next to its point: targets are outputs, to 12 digits or so.

    With `repeat` the first input occurs twice, with targets 1 above and below the output.
    """
    rng = random.Random(f"{widths} {activation} {points} {seed}")

    def gauss(digits: int) -> str:
        return str(Fraction(round(rng.gauss(0, 1) * 10**digits), 10**digits))

    layers = [
        {"weight": [[gauss(6) for _ in range(a)] for _ in range(b)],
         "bias": [gauss(6) for _ in range(b)]}
        for a, b in pairwise(widths)
    ]  # fmt: skip
    x = [[gauss(2) for _ in range(widths[0])] for _ in range(points)]
    network: dict[str, Any] = {"widths": widths, "activation": activation}
    if activation == "leaky_relu":
        network["slope"] = "1/10"
    data: dict[str, Any] = {
        "format": "spurious-problem/1", "network": network, "loss": "squared",
        "data": {"x": x, "y": [["0"] * widths[-1]] * points}, "point": {"layers": layers},
    }  # fmt: skip
    with mp.workdps(DIGITS):
        values = [real(v) for layer in layers for row in (*layer["weight"], layer["bias"])
                  for v in row]  # fmt: skip
        y = [[str(Fraction(mp.nstr(f, 13))) for f in row] for row in outputs_of(data, values)]
    if repeat:
        x, first = [*x, x[0]], [Fraction(v) for v in y[0]]
        y = [[str(v + 1) for v in first], *y[1:], [str(v - 1) for v in first]]
    return problem_from_data({**data, "data": {"x": x, "y": y}})


def outputs_of(data: dict[str, Any], values: list[Any]) -> list[list[Any]]:
    landscape = Landscape(data)
    layers = shaped(values, landscape.widths)
    return [landscape.outputs(layers, x) for x in landscape.xs]


def moved(problem: Problem, size: float, seed: int) -> Problem:
    """The problem at a point a little away."""
    rng = random.Random(seed)
    assert problem.point is not None
    point = [v + Fraction(rng.gauss(0, size)) for v in flatten(problem.point)]
    return replace(problem, point=unflatten(tuple(point), problem.network))


def claimed(verdict: Verdict) -> tuple[str, Any]:
    assert verdict.certificate is not None
    return verdict.certificate["proof"]["rule"], verdict.certificate["claim"]


SMOOTH = [
    ([2, 4, 1], "tanh", 6), ([1, 3, 1], "sigmoid", 4), ([2, 3, 3, 1], "tanh", 6),
    ([2, 4, 2], "gelu", 4), ([1, 4, 1], "softplus", 4), ([2, 5, 1], "silu", 6),
    ([2, 3, 2], "softsign", 3), ([1, 5, 1], "elu", 5),
]  # fmt: skip


@pytest.mark.parametrize(("widths", "activation", "points"), SMOOTH)
def test_random_perfect_fits_are_proved(widths: list[int], activation: str, points: int) -> None:
    """Twenty of each kind; of the certificates each is accepted, or `certify` would warn."""
    proved = 0
    for seed in range(20):
        repeat = seed % 2 == 1
        problem = moved(fitted(widths, activation, points, seed, repeat=repeat), 1e-9, seed)
        verdict = spurious.certify(problem)
        if claimed(verdict)[0] != "interpolation":
            continue
        proved += 1
        assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
        assert verdict.is_global is Answer.YES
        assert verdict.loss is not None and verdict.loss.exact
        assert verdict.loss.mid == (2 * widths[-1] if repeat else 0)
        assert verdict.flat_dimension == problem.network.parameter_count - points * widths[-1]
        assert verdict.strict is (Answer.NO if verdict.flat_dimension else Answer.YES)
        assert verdict.radius is not None and verdict.radius < Fraction(1, 100)
    assert proved >= 19


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("widths", [[2, 6, 6, 1], [2, 8, 2]])
def test_piecewise_linear_networks(widths: list[int], activation: str) -> None:
    """Deep, or with several outputs; where too few units see the data, nothing is claimed."""
    proved = 0
    for seed in range(12):
        problem = moved(fitted(widths, activation, 4, seed), 1e-9, seed)
        verdict = spurious.certify(problem)
        if claimed(verdict)[0] == "interpolation":
            proved += 1
            assert verdict.is_global is Answer.YES and verdict.loss is not None
            assert verdict.loss.mid == 0 and verdict.loss.exact
    assert proved >= 6


def test_the_fit_is_where_it_is_said_to_be() -> None:
    """Newton's method in mpmath, in the parameters that move, ends within the radius."""
    for seed in range(6):
        problem = moved(fitted([2, 4, 1], "tanh", 6, seed), 1e-7, seed)
        verdict = spurious.certify(problem)
        assert verdict.method == "interpolation" and verdict.certificate is not None
        assert problem.point is not None and verdict.radius is not None
        proof, data = verdict.certificate["proof"], problem_to_data(problem)
        with mp.workdps(DIGITS):
            values, free = [real(v) for v in proof["centre"]], proof["parameters"]
            targets = [real(y) for (y,) in data["data"]["y"]]  # type: ignore[index]
            step, size = mp.mpf(10) ** -30, len(free)

            def gaps(at: list[Any], data: Any = data, targets: Any = targets) -> Any:
                found = outputs_of(data, at)
                return mp.matrix([f - t for (f,), t in zip(found, targets, strict=True)])

            for _ in range(3):
                slope = mp.matrix(size, size)
                here = gaps(values)
                for k, p in enumerate(free):
                    there = gaps([v + step * (i == p) for i, v in enumerate(values)])
                    slope[:, k] = (there - here) / step
                for p, d in zip(free, mp.lu_solve(slope, here), strict=True):
                    values[p] -= d
            assert mp.norm(gaps(values)) < mp.mpf(10) ** -50
            start = [real(v) for v in flatten(problem.point)]
            away = max(abs(a - b) for a, b in zip(values, start, strict=True))
            assert away <= real(verdict.radius) <= 4 * away
            box = max(abs(a - real(b)) for a, b in zip(values, proof["centre"], strict=True))
            assert box <= real(proof["radius"])


def test_nothing_around_is_lower() -> None:
    """3,000 random points around each of three minima, in 60 digits, at many distances."""
    rng = np.random.default_rng(5)
    for seed in range(3):
        problem = moved(fitted([1, 2, 1], "tanh", 2, seed, repeat=True), 1e-9, seed)
        verdict = spurious.certify(problem)
        assert verdict.method == "interpolation" and verdict.certificate is not None
        assert verdict.loss is not None
        data = problem_to_data(problem)
        landscape, least = Landscape(data), verdict.loss.mid
        with mp.workdps(DIGITS):
            centre = [real(v) for v in verdict.certificate["proof"]["centre"]]
            bound, lowest = real(least) - mp.mpf(10) ** -50, mp.inf
            for _ in range(3_000):
                size = 10 ** rng.uniform(-14, 0)
                point = [
                    c + mp.mpf(d) for c, d in zip(centre, size * rng.normal(size=7), strict=True)
                ]
                lowest = min(lowest, landscape.loss(point))
            assert bound <= lowest < real(least) + mp.mpf("1e-9")


def without_fit(problem: Problem | ProgramProblem) -> Verdict:
    verdict = spurious.certify(problem)
    assert verdict.method != "interpolation", verdict.reason
    return verdict


def one_input(
    x: list[str], y: list[str], point: list[float | str], hidden: int, **more: Any
) -> Any:
    given = {"hidden": hidden, "activation": "tanh", **more}
    return spurious.problem([[Fraction(v)] for v in x], [[Fraction(v)] for v in y],
                            point=[Fraction(v) for v in point], **given)  # fmt: skip


def test_a_rank_too_small_is_no_fit() -> None:
    """All hidden weights are 0, so to first order outputs are affine in x; 10^-30 is missing."""
    hair = str(Fraction(1, 10**30))
    point = [0, 0, 0, 0, 0, 0, 1, 2, 3, 0]
    x = ["-1", "0", "1"]
    assert spurious.certify(one_input(x[:2], ["0", hair], point, 3)).method == "interpolation"
    without_fit(one_input(x, ["0", hair, "0"], point, 3))


def test_equal_inputs_that_differ_by_a_hair() -> None:
    """Two inputs 10^-30 apart with targets 0 and 1: the mean fits neither."""
    near = str(1 + Fraction(1, 10**30))
    w = [0.5, -0.25, 1.5, 0.25, 0.5, -1.0, 1.0, -2.0, 0.75, 0.0]
    assert spurious.certify(
        one_input(["1", "1"], ["0", "1"], fit_constant(w, "1", "1/2"), 3)
    ).loss == spurious.Enclosure(Fraction(1, 2))
    without_fit(one_input(["1", near], ["0", "1"], fit_constant(w, "1", "1/2"), 3))


def fit_constant(values: list[float], x: str, y: str) -> list[str]:
    """The parameters of a 1-3-1 tanh network with the output bias that gives y at x."""
    at = float(Fraction(x))
    w, b, v = values[:3], values[3:6], values[6:9]
    f = sum(c * np.tanh(a * at + s) for a, s, c in zip(w, b, v, strict=True))
    return [str(Fraction(value)) for value in (*values[:9], float(Fraction(y)) - f)]


def test_more_equations_than_parameters() -> None:
    without_fit(fitted([1, 1, 1], "tanh", 5, 0))


def test_a_fit_too_far_away_is_not_nearby() -> None:
    """One unit, P = q = 4: the only fit near has parameters that differ by 1/10."""
    problem = fitted([1, 1, 1], "tanh", 4, 3)
    assert spurious.certify(problem).method == "interpolation"
    without_fit(moved(problem, 0.3, 1))


def test_a_unit_on_its_kink() -> None:
    """The point has a unit at 0 exactly; the fit that is proved has it off there."""
    problem = fitted([2, 8, 2], "relu", 3, 1)
    assert problem.point is not None
    first, second = problem.point.layers
    x = problem.data.x[0]
    bias = -sum((w * v for w, v in zip(first.weight[0], x, strict=True)), Fraction(0))
    point = replace(problem.point, layers=(replace(first, bias=(bias, *first.bias[1:])), second))
    data = problem_to_data(replace(problem, point=point))
    with mp.workdps(DIGITS):
        y = outputs_of(data, [real(v) for v in flatten(point)])
    fit = {"x": data["data"]["x"], "y": [[str(Fraction(mp.nstr(f, 13))) for f in r] for r in y]}  # type: ignore[index]
    verdict = spurious.certify(problem_from_data({**data, "data": fit}))
    assert verdict.method == "interpolation" and verdict.certificate is not None
    centre = [Fraction(v) for v in verdict.certificate["proof"]["centre"]]
    radius = Fraction(verdict.certificate["proof"]["radius"])
    z = centre[0] * x[0] + centre[1] * x[1] + centre[16]
    assert abs(z) > radius * (abs(x[0]) + abs(x[1]) + 1)


@pytest.mark.parametrize("more", [{"l2": 1e-12}, {"l2": {"layers[1].bias": 1e-3}}])
def test_a_penalty_is_no_function_of_the_outputs(more: dict[str, Any]) -> None:
    problem = fitted([1, 4, 1], "tanh", 4, 0)
    assert problem.point is not None
    given = spurious.problem(
        problem.data.x, problem.data.y, hidden=4, activation="tanh", point=flatten(problem.point),
        **more,
    )  # fmt: skip
    without_fit(given)


def test_means_and_weights() -> None:
    problem = fitted([1, 4, 1], "tanh", 3, 0, repeat=True)
    assert problem.point is not None
    for more, loss in (
        ({"reduction": "mean"}, Fraction(1, 2)),
        ({"weights": [3, 1, 2, 3]}, Fraction(6)),
        ({"weights": [3, 0, 2, 3], "reduction": "mean"}, Fraction(3, 2)),
    ):
        given = spurious.problem(
            problem.data.x, problem.data.y, hidden=4, activation="tanh",
            point=flatten(problem.point), **more,
        )  # fmt: skip
        verdict = spurious.certify(given)
        assert verdict.method == "interpolation" and verdict.is_global is Answer.YES
        assert verdict.loss == spurious.Enclosure(loss)
        assert verdict.flat_dimension == 13 - 3 + (0 in more.get("weights", []))
    unequal = spurious.problem(
        problem.data.x, problem.data.y, hidden=4, activation="tanh", point=flatten(problem.point),
        weights=[3, 1, 2, 1],
    )  # fmt: skip
    without_fit(unequal)  # the best output is another mean


def test_programs_without_a_dense_description() -> None:
    problem = fitted([2, 3, 3, 1], "tanh", 4, 0, repeat=True)
    assert problem.point is not None
    verdict = spurious.certify(ProgramProblem(problem.dense.program(), flatten(problem.point)))
    assert verdict.method == "interpolation" and verdict.loss == spurious.Enclosure(Fraction(2))
    assert verdict.flat_dimension == 25 - 4


def test_several_results_that_are_squared() -> None:
    """Squares of tanh(u) v - 1/3 and of u + v^2 - 2, with factors: two equations, two unknowns."""
    builder = Builder()
    u, v = builder.param("u", ()), builder.param("v", ())
    one, two = u.map(TANH) * v - Fraction(1, 3), u + v * v - 2
    program = builder.program(one * one * 3 + two * two * Fraction(1, 7))
    with mp.workdps(30):
        found = mp.findroot(lambda a, b: [mp.tanh(a) * b - mp.mpf(1) / 3, a + b * b - 2], (0.2, 1))
        point = tuple(Fraction(str(value)) for value in found)
    verdict = spurious.certify(ProgramProblem(program, point))
    assert verdict.method == "interpolation" and verdict.strict is Answer.YES
    assert verdict.certificate is not None
    assert len(verdict.certificate["proof"]["outputs"]) == 2


def test_a_model_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    problem = fitted([2, 4, 1], "tanh", 4, 1)
    assert problem.point is not None
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    model = model.double()
    values = iter([float(v) for v in flatten(problem.point)])
    for parameter in model.parameters():
        flat = [next(values) for _ in range(parameter.numel())]
        parameter.data = torch.tensor(flat, dtype=torch.float64).reshape(parameter.shape)
    x, y = (torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float64)
            for rows in (problem.data.x, problem.data.y))  # fmt: skip
    given = spurious.from_torch(model, x, y, torch.nn.functional.mse_loss)
    verdict = spurious.certify(given)
    assert verdict.method == "interpolation" and verdict.loss == spurious.Enclosure(Fraction(0))
    decayed = spurious.from_torch(model, x, y, torch.nn.functional.mse_loss, weight_decay=1e-6)
    without_fit(decayed)


LABELS = {"-1": (1, 3), "1/2": (2, 1), "2": (1, 1)}
"""For each input how often the two labels occur."""


@pytest.mark.parametrize("loss", ["logistic", "cross_entropy"])
def test_both_labels_at_every_input(loss: str) -> None:
    """The outputs are the logarithms of the labels' ratios, enclosed; the loss is the entropy."""
    outputs = 1 if loss == "logistic" else 2
    x, y = list[str](), list[int]()
    for at, (ones, others) in LABELS.items():
        x += [at] * (ones + others)
        y += [1] * ones + [-1 if outputs == 1 else 0] * others
    rng = np.random.default_rng(3)
    w, b = rng.normal(size=4), rng.normal(size=4)
    inputs = np.array([float(Fraction(at)) for at in LABELS])
    features = np.tanh(np.outer(inputs, w) + b)
    ratios = np.array([np.log(ones / others) for ones, others in LABELS.values()])
    v = np.linalg.lstsq(features, ratios, rcond=None)[0]
    last = [*v, 0.0] if outputs == 1 else [*(0.5 - 0 * v), *(v + 0.5), 0.25, 0.25]
    given = one_input(x, list(map(str, y)), [*w, *b, *last], 4, loss=loss)
    verdict = spurious.certify(given)
    assert verdict.method == "interpolation" and verdict.is_global is Answer.YES
    entropy = sum(-k * np.log(k / sum(pair)) for pair in LABELS.values() for k in pair)
    assert verdict.loss is not None and abs(float(verdict.loss) - entropy) < 1e-12
    assert verdict.flat_dimension == given.network.parameter_count - 3
    assert best_outputs(replace(given, data=without_last(given.data)).dense) is None


def without_last(data: Any) -> Any:
    """Without one of the two labels of the last input."""
    return replace(data, x=data.x[:-1], y=data.y[:-1])


def test_exact_fits_are_minima_here() -> None:
    """Where the point itself fits exactly, the answer is about the point."""
    given = one_input(["0", "1"], ["1/2", "1/2"], [0, 0, 0, 0, 1, 2, "1/2"], 2)
    assert spurious.certify(given).decision is Decision.LOCAL_MINIMUM


def test_evidence_is_read_back() -> None:
    verdict = spurious.certify(fitted([1, 3, 1], "tanh", 3, 0))
    assert verdict.certificate is not None and isinstance(verdict.evidence, Interpolation)
    proof = verdict.certificate["proof"]
    assert evidence_from_data(proof) == verdict.evidence and verdict.evidence.to_data() == proof
    program = replace(verdict.evidence, outputs=(3, 5))
    assert evidence_from_data(program.to_data()) == program


def test_the_certificate_says_what_the_verdict_says() -> None:
    verdict = spurious.certify(fitted([1, 3, 1], "tanh", 3, 0))
    _, claim = claimed(verdict)
    assert (claim["global"], claim["strict"], claim["flat_dimension"]) == ("yes", "no", 7)
    words = spurious_checker.check(dict(verdict.certificate or {})).claim
    assert words.startswith("local minimum nearby") and words.endswith("not strict, global, loss 0")


def leaves(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all numbers and words of a certificate."""
    if not isinstance(data, dict | list):
        return [path]
    pairs = data.items() if isinstance(data, dict) else enumerate(data)
    return [p for key, value in pairs for p in leaves(value, (*path, key))]


def mutated(certificate: Any, path: tuple[Any, ...]) -> Any:
    """One number 1 larger, or one word changed; signed again."""
    data = copy.deepcopy(certificate)
    *above, last = path
    target = data
    for key in above:
        target = target[key]
    value = target[last]
    try:
        larger = Fraction(value) + 1
        target[last] = int(larger) if isinstance(value, int) else str(larger)
    except (TypeError, ValueError):
        target[last] = "no" if value == "yes" else "sigmoid" if value == "tanh" else "yes"
    return signed(data)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_mutations_signed_again_are_refused(loss: str) -> None:
    """All but those that change nothing in the claim and leave a matrix near the inverse."""
    problem: Any = fitted([1, 2, 1], "tanh", 3, 2, repeat=True)
    if loss == "logistic":
        point = [0.5, -1.0, 0.25, 1.0, 0.75, 0.0, 0.0]
        f = 0.75 * float(np.tanh(0.75))
        point[6] = float(np.log(2)) - f
        problem = one_input(["1", "1", "1"], ["1", "1", "-1"], point, 2, loss="logistic")
    verdict = spurious.certify(problem)
    assert verdict.method == "interpolation"
    certificate: Any = verdict.certificate
    paths = [p for p in leaves(certificate) if p != ("digest",)]
    assert len(paths) > 30
    for path in paths:
        result = spurious_checker.check(mutated(certificate, path))
        assert not result.valid or path[:2] == ("proof", "preconditioner"), (path, result.claim)
