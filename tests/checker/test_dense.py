"""Dense problems as the checker's programs, against the prover's and another implementation."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath as mp
import pytest
from flint import arb, ctx, fmpq
from tests.checker.programs import RADIUS, ball, certificate
from tests.checker.truth import DIGITS, Landscape, real

import spurious_checker as checker
from spurious.problem import flatten, problem_from_data, program_problem_from_data
from spurious.program import BallArithmetic, ExactArithmetic, evaluator
from spurious_checker import Interval, Numbers

ACTIVATIONS = (
    "relu", "leaky_relu", "abs", "identity", "sigmoid", "tanh", "softplus", "softsign", "gelu",
    "silu", "elu",
)  # fmt: skip
LOSSES = (("squared", 1), ("squared", 2), ("logistic", 1), ("logistic", 2),
          ("cross_entropy", 2), ("cross_entropy", 3))  # fmt: skip
HIDDEN = ((), (3,), (2, 3), (2, 1, 2))


def random_problem(activation: str, loss: str, outputs: int, seed: int) -> dict[str, Any]:
    """A problem with inputs, targets and parameters in hundredths."""
    rng = random.Random(f"{activation} {loss} {outputs} {seed}")

    def gauss(rows: int, columns: int) -> list[list[str]]:
        return [[str(Fraction(round(rng.gauss(0, 1) * 100), 100)) for _ in range(columns)]
                for _ in range(rows)]  # fmt: skip

    widths, n = [2, *HIDDEN[seed % len(HIDDEN)], outputs], 4
    network: dict[str, Any] = {"widths": widths, "activation": activation}
    if activation == "leaky_relu":
        network["slope"] = rng.choice(["1/10", "-1/3", "2"])
    labels: list[list[Any]] = [[rng.randrange(outputs)] for _ in range(n)]
    if loss == "logistic":
        labels = [[rng.choice([-1, 1]) for _ in range(outputs)] for _ in range(n)]
    layers = [{"weight": gauss(b, a), "bias": gauss(1, b)[0]} for a, b in pairwise(widths)]
    return {
        "format": "spurious-problem/1", "network": network, "loss": loss,
        "data": {"x": gauss(n, 2), "y": gauss(n, outputs) if loss == "squared" else labels},
        "point": {"layers": layers},
    }  # fmt: skip


def ends(x: Any) -> tuple[Fraction, Fraction]:
    return (x.lower, x.upper) if isinstance(x, Interval) else (x, x)


def meets(x: Any, value: Any) -> bool:
    """Whether an exact or enclosed number meets a ball or rational of flint's."""
    low, high = (fmpq(v.numerator, v.denominator) for v in ends(x))
    narrow = high - low < fmpq(1, 2**90)
    return narrow and bool(
        arb((low + high) / 2, (high - low) / 2 + fmpq(1, 2**150)).overlaps(arb(value))
    )


@pytest.mark.parametrize("seed", range(len(HIDDEN)))
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loss_and_gradient_are_the_prover_s(activation: str, seed: int) -> None:
    old, ctx.prec = ctx.prec, 300
    try:
        for loss, outputs in LOSSES:
            data = random_problem(activation, loss, outputs, seed)
            problem = problem_from_data(data)
            program = checker.read_any(data)
            assert problem.point is not None
            assert tuple(program.point) == flatten(problem.point)
            exact = loss == "squared" and activation in ACTIVATIONS[:4]
            arithmetic: Any = ExactArithmetic() if exact else BallArithmetic()
            run = evaluator(problem.dense.program(), arithmetic).run(
                arithmetic.array(program.point)
            )
            found = checker.Curved(program, Numbers([*program.point], 128))
            assert len(program.layers) == len(data["network"]["widths"]) - 1
            assert program.layers[-1][1] == program.outputs
            parts = [found.loss, found.values[program.outputs], found.gradient()]
            flat = [v for part in parts for v in part.entries]
            right = [run.loss[()], *run.outputs.ravel(), *run.gradient]
            if exact:
                assert flat == [Fraction(int(v.p), int(v.q)) for v in map(fmpq, right)]
            else:
                assert all(meets(a, b) for a, b in zip(flat, right, strict=True))
    finally:
        ctx.prec = old


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_loss_is_that_of_section_3(activation: str) -> None:
    with mp.workdps(DIGITS):
        for loss, outputs in LOSSES:
            data = random_problem(activation, loss, outputs, 2)
            program = checker.read_any(data)
            point = Numbers([*program.point], 128, None)
            value = checker.evaluated(program.steps, point)[-1].entries[0]
            truth = Landscape(data).loss([real(v) for v in program.point])
            low, high = (mp.mpf(v.numerator) / v.denominator for v in ends(value))
            assert low - mp.mpf(10) ** -60 <= truth <= high + mp.mpf(10) ** -60


EXTENDED = {
    "hinge": {"loss": "hinge"},
    "a penalty": {"penalty": {"l2": "1/7"}},
    "of weights": {"penalty": {"l2": "1/7", "biases": False}, "reduction": "mean"},
    "of blocks": {"penalty": {"layers[0].bias": "1/7", "layers[1].weight": -2}},
    "weights": {"weights": ["1", "1/2", "0", "-3"], "reduction": "sum"},
    "weights and mean": {"weights": ["1", "1/2", "0", "-3"], "reduction": "mean"},
    "all": {
        "loss": "hinge", "weights": [1, 2, 3, 4], "reduction": "mean", "penalty": {"l2": "-1e-2"},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", EXTENDED)
def test_the_readable_keys_mean_the_same_to_the_prover(name: str) -> None:
    """Exactly: with relu and these losses everything is rational."""
    for loss in ("logistic",) if "loss" in EXTENDED[name] else ("squared", "logistic"):
        data = {**random_problem("relu", loss, 2, 1), "format": "spurious-problem/2"}
        data |= EXTENDED[name]
        program, problem = checker.read_any(data), program_problem_from_data(data)
        assert problem.point is not None and tuple(program.point) == problem.point
        exact = data["loss"] in ("squared", "hinge")
        arithmetic: Any = ExactArithmetic() if exact else BallArithmetic()
        run = evaluator(problem.program, arithmetic).run(arithmetic.array(program.point))
        curved = checker.Curved(program, Numbers([*program.point], 128))
        found = [curved.loss, curved.gradient()]
        flat = [v for part in found for v in part.entries]
        right = [run.loss[()], *run.gradient]
        if exact:
            assert flat == [Fraction(int(v.p), int(v.q)) for v in map(fmpq, right)]
        else:
            assert all(close(a, b) for a, b in zip(flat, right, strict=True))


def close(x: Any, value: Any) -> bool:
    """Whether an enclosed number meets a ball of 53 bits."""
    low, high = (fmpq(v.numerator, v.denominator) for v in ends(x))
    return bool(arb((low + high) / 2, (high - low) / 2 + fmpq(1, 2**40)).overlaps(arb(value)))


@pytest.mark.parametrize(
    "changes",
    [
        {"penalty": "1"}, {"penalty": {"l2": "1", "biases": 0}}, {"penalty": {"biases": True}},
        {"penalty": {"l2": "1", "layers[0].bias": "1"}}, {"penalty": {"layers[2].bias": "1"}},
        {"penalty": {"l2": None}}, {"reduction": "max"}, {"reduction": None}, {"weights": ["1"]},
        {"weights": "1"}, {"loss": "absolute"}, {"loss": "hinge"}, {"decay": "1"},
        {"program": []}, {"format": "spurious-problem/1"}, {"format": "spurious-problem/3"},
    ],
)  # fmt: skip
def test_other_readable_keys_are_refused(changes: dict[str, Any]) -> None:
    data = {**random_problem("relu", "squared", 1, 1), "format": "spurious-problem/2"}
    data |= {"penalty": {"l2": "1"}}
    checker.read_any(data)
    with pytest.raises(checker.Invalid):
        checker.read_any({**data, **changes})


def test_format_1_has_no_readable_keys() -> None:
    data = random_problem("relu", "logistic", 1, 1)
    for changes in ({"loss": "hinge"}, {"reduction": "sum"}, {"penalty": {"l2": "1"}}):
        with pytest.raises(checker.Invalid):
            checker.read_any({**data, **changes})


def test_a_minimum_with_weight_decay_is_proved_and_its_certificate_readable() -> None:
    """(b^2 + (w + b - 1)^2) / 2 + w^2 / 2 + 3 b^2 / 2 at its minimum."""
    problem = {
        "format": "spurious-problem/2", "network": {"widths": [1, 1], "activation": "identity"},
        "loss": "squared", "data": {"x": [["0"], ["1"]], "y": [["0"], ["1"]]},
        "reduction": "mean", "penalty": {"layers[0].weight": "1/2", "layers[0].bias": "3/2"},
    }  # fmt: skip
    w, b = Fraction(4, 9), Fraction(1, 9)
    assert w + b - 1 + w == 0 and b + (w + b - 1) + 3 * b == 0
    problem["point"] = {"layers": [{"weight": [[str(w)]], "bias": [str(b)]}]}
    proof = {"rule": "strongly_convex", "centre": [str(w), str(b)], "radius": str(RADIUS)}
    loss = (b**2 + (w + b - 1) ** 2 + w**2 + 3 * b**2) / 2
    claim = {"verdict": "local_minimum", "strict": "yes", "loss": ball(loss, Fraction(0))}
    good = certificate(problem, proof, eigenvalue_bound="1", **claim)
    assert checker.check(good).valid, checker.check(good).reason
    for change in ({"reduction": "sum"}, {"weights": ["1", "2"]}, {"penalty": {"l2": "1/2"}}):
        other = certificate({**problem, **change}, proof, eigenvalue_bound="1", **claim)
        assert not checker.check(other).valid


def test_the_layers_say_where_inputs_and_preactivations_are() -> None:
    data = random_problem("tanh", "squared", 1, 2)
    program = checker.read_any(data)
    values = checker.evaluated(program.steps, Numbers([*program.point], 128))
    shapes = [[program.steps[k].shape for k in layer] for layer in program.layers]
    assert shapes == [[(4, 2), (4, 2)], [(4, 2), (4, 3)], [(4, 3), (4, 1)]]
    x = [Fraction(v) for row in data["data"]["x"] for v in row]
    assert values[program.layers[0][0]].entries == x
    first = data["point"]["layers"][0]
    z = sum(Fraction(w) * v for w, v in zip(first["weight"][1], x[:2], strict=True))
    assert values[program.layers[0][1]].entries[1] == z + Fraction(first["bias"][1])


def test_a_program_may_be_cut_at_the_outputs() -> None:
    """Steps that no writer made have derivatives too: here 2 (f - y)."""
    data = random_problem("tanh", "squared", 2, 1)
    program = checker.read_any(data)
    last, none = program.outputs, checker.Step((), (), (Fraction(0),))
    start = checker.Step((), (4, 2), block=range(8))
    cut = checker.Program([*[none] * last, start, *program.steps[last + 1 :]], [])
    f = [Fraction(k, 7) for k in range(8)]
    slopes = checker.Curved(cut, Numbers(f, 128)).gradient()
    y = [Fraction(v) for row in data["data"]["y"] for v in row]
    assert slopes.entries == [2 * (a - b) for a, b in zip(f, y, strict=True)]


def test_a_dense_problem_may_have_larger_arrays() -> None:
    """Format 1 never had the limits of programs."""
    checker.Writer(checker.OF_DENSE).require_size(3_000, 784)
    with pytest.raises(checker.Invalid, match="too many entries"):
        checker.Writer().require_size(3_000, 784)


@pytest.mark.parametrize("gap", [0, 1, 200, 3000, 10**6])
def test_the_cross_entropy_of_three_classes_far_apart(gap: int) -> None:
    """log(1 + e^gap + e^-gap) at the label 0, where exp alone would overflow or lose it."""
    data = random_problem("identity", "cross_entropy", 3, 0)
    layer = {"weight": [["0", "0"]] * 3, "bias": ["0", str(gap), str(-gap)]}
    data = {
        **data, "data": {"x": [["1", "2"]], "y": [[0]]}, "point": {"layers": [layer]},
    }  # fmt: skip
    program = checker.read_any(data)
    found = checker.Curved(program, Numbers([*program.point], 128, None))
    slopes = found.gradient().entries[6:]
    with mp.workdps(DIGITS):
        powers = [mp.exp(v) for v in (0, gap, -gap)]
        truth = [
            mp.log(sum(powers)),
            powers[0] / sum(powers) - 1,
            *(p / sum(powers) for p in powers[1:]),
        ]
        for z, right in zip([*found.loss.entries, *slopes], truth, strict=True):
            low, high = (mp.mpf(v.numerator) / v.denominator for v in ends(z))
            assert low - mp.mpf(10) ** -60 <= right <= high + mp.mpf(10) ** -60
            assert high - low < mp.mpf(10) ** -30


def slope_certificate() -> dict[str, Any]:
    """(w x + b - y)^2 on one point with w = b = 0, y = 1, x = 2: it falls along w."""
    problem = {
        "format": "spurious-problem/1", "network": {"widths": [1, 1], "activation": "identity"},
        "loss": "squared", "data": {"x": [["2"]], "y": [["1"]]},
        "point": {"layers": [{"weight": [["0"]], "bias": ["0"]}]},
    }  # fmt: skip
    proof = {"rule": "descent_direction", "direction": ["1", "0"]}
    return certificate(
        problem, proof, {"rule": "witness", "point": ["1/2", "0"]}, verdict="not_local_minimum",
        loss=ball(Fraction(1), Fraction(0)), witness_loss=ball(Fraction(0), Fraction(0)),
        **{"global": "no"},
    )  # fmt: skip


def test_a_certificate_of_format_2_may_be_about_a_dense_problem() -> None:
    result = checker.check(slope_certificate())
    assert result.valid, result.reason


def test_a_certificate_of_format_2_about_a_minimum_of_a_dense_problem() -> None:
    """(w x + b - y)^2 over x = 0, 1: the Hessian is 2 (1 1; 1 2), the least eigenvalue 0.76."""
    data = slope_certificate()
    problem = {
        **data["problem"], "data": {"x": [["0"], ["1"]], "y": [["3"], ["5"]]},
        "point": {"layers": [{"weight": [["2"]], "bias": ["3"]}]},
    }  # fmt: skip
    proof = {"rule": "strongly_convex", "centre": ["2", "3"], "radius": str(RADIUS)}
    claim = {"verdict": "local_minimum", "strict": "yes", "loss": ball(Fraction(0), Fraction(0))}
    good = certificate(problem, proof, eigenvalue_bound="3/4", **claim)
    assert checker.check(good).valid, checker.check(good).reason
    assert not checker.check(certificate(problem, proof, eigenvalue_bound="4/5", **claim)).valid
    problem["point"] = {"layers": [{"weight": [["3"]], "bias": ["2"]}]}
    assert not checker.check(certificate(problem, proof, eigenvalue_bound="3/4", **claim)).valid


@pytest.mark.parametrize("key", ["network", "loss", "data", "point"])
def test_a_dense_problem_lacks_nothing(key: str) -> None:
    data = slope_certificate()
    del data["problem"][key]
    assert not checker.check(certificate(data["problem"], data["proof"], **data["claim"])).valid
