"""Rule monotone_valley: rays of the last layer on which a program's loss falls for ever."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.checker.programs import Writer

import spurious
from spurious.certify.arithmetics import FloatProgram
from spurious.certify.rules import monotone_valley
from spurious.certify.subject import Subject
from spurious.problem import Dataset, DenseLoss, Network, Penalty, ProgramProblem
from spurious.problem.program_files import program_problem_from_data
from spurious.proof import MonotoneValley, Proof, Undecided

XOR = tuple((Fraction(a), Fraction(b)) for a in (0, 1) for b in (0, 1))
WEIGHTS = (Fraction(1, 2), Fraction(2), Fraction(1), Fraction(3))


def weighted(loss: str, labels: tuple[int, ...], penalty: Penalty | None = None) -> ProgramProblem:
    """A tanh network with seven parameters too many for four points, each with a weight."""
    network = Network((2, 6, max(labels) + 1 if loss == "cross_entropy" else 1), "tanh")
    data = Dataset(XOR, tuple((Fraction(v),) for v in labels))
    dense = DenseLoss(network, loss, data, penalty or Penalty(), "mean", WEIGHTS)
    program = dense.program()
    rng = np.random.default_rng(3)
    values = rng.normal(size=program.parameter_count).round(3)
    return ProgramProblem(program, tuple(Fraction(str(v)) for v in values), dense=dense)


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        ("logistic", (1, -1, -1, 1)),
        ("cross_entropy", (0, 1, 1, 0)),
        ("cross_entropy", (0, 1, 2, 0)),
    ],
)
def test_means_and_weights(loss: str, labels: tuple[int, ...]) -> None:
    problem = weighted(loss, labels)
    assert spurious.certify(problem).method == "valley_to_infinity"  # which comes first
    found = monotone_valley.RULE.prove(Subject(problem))
    assert isinstance(found, Proof) and isinstance(found.evidence, MonotoneValley)
    limit = found.claim.valley_limit
    assert limit is not None and limit.upper < Fraction(1, 10**20)
    ray = np.array([float(v) for v in found.evidence.direction])
    at = FloatProgram(problem.program).loss
    assert problem.point is not None
    start = np.array([float(v) for v in problem.point])
    losses = [at(start + t * ray) for t in (0, 1, 4, 16, 64)]
    assert all(later < earlier for earlier, later in pairwise(losses))
    outputs = problem.program.parameters["layers[1].bias"]
    assert not ray[: -7 * (outputs.stop - outputs.start)].any()


def test_a_layer_norm_between() -> None:
    """Programs of any architecture: only the last layer has to be affine."""
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(1)
    x, sign = rng.normal(size=(8, 3)).round(2), rng.choice([-1.0, 1.0], size=8)

    def loss(p: dict[str, Any]) -> Any:
        hidden = jax.numpy.tanh(x @ p["w"])
        centred = hidden - hidden.mean(axis=1, keepdims=True)
        normal = centred / jax.numpy.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-2)
        return jax.nn.softplus(-sign * (normal @ p["v"] + p["b"])).sum()

    start = {
        "b": np.zeros(()),
        "v": rng.normal(size=8).round(2),
        "w": rng.normal(size=(3, 8)).round(2),
    }
    verdict = spurious.certify(spurious.from_jax(loss, start))
    assert verdict.method == "monotone_valley" and "along a ray of" in verdict.reason


def proved(problem: ProgramProblem) -> Proof | Undecided:
    return monotone_valley.RULE.prove(Subject(problem))


def test_no_ray_where_points_contradict_each_other() -> None:
    data = Dataset((*XOR[:3], XOR[0]), tuple((Fraction(v),) for v in (1, -1, -1, -1)))
    problem = weighted("logistic", (1, -1, -1, 1))
    assert problem.dense is not None
    dense = DenseLoss(problem.dense.network, "logistic", data, Penalty(), "mean", WEIGHTS)
    found = proved(ProgramProblem(dense.program(), problem.point, dense=dense))
    assert isinstance(found, Undecided) and "no ray" in found.reason


@pytest.mark.parametrize("blocks", [["layers[1].weight"], ["layers[1].bias"]])
def test_a_penalty_keeps_what_it_is_on(blocks: list[str]) -> None:
    """A block with a penalty cannot go to infinity; the other of the last layer alone is tried."""
    penalty = Penalty({name: Fraction(1, 1000) for name in blocks})
    found = proved(weighted("logistic", (1, -1, -1, 1), penalty))
    if blocks == ["layers[1].bias"]:
        assert isinstance(found, Proof) and "layers[1].bias" not in found.reason
    else:
        assert isinstance(found, Undecided)


def test_squares_have_no_such_ray() -> None:
    assert isinstance(proved(weighted("squared", (1, -1, -1, 1))), Undecided)


def test_a_loss_without_a_limit_is_left_to_other_rules() -> None:
    """log(1 + exp(-u)) - 2 u falls without end: no valley, but a slope."""
    w = Writer()
    u = w.param("u")
    w.add(w.map("softplus", w.mul(u, w.const("-1"))), w.mul(u, w.const("-2")))
    problem = program_problem_from_data(w.problem([1]))
    found = proved(problem)
    assert isinstance(found, Undecided) and "no limit" in found.reason
    assert spurious.certify(problem).method == "descent_direction"


def test_bits_as_labels_in_pytorch() -> None:
    """A label's own logarithm is all that is left where labels are 0 or 1; with others, no ray."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    x = torch.randn(6, 2)
    bits, loss = torch.tensor([[0.0], [1], [1], [0], [1], [0]]), torch.nn.BCEWithLogitsLoss()
    assert isinstance(proved(spurious.from_torch(model, x, bits, loss)), Proof)
    assert isinstance(proved(spurious.from_torch(model, x, bits * 0.9, loss)), Undecided)


def test_many_points_need_no_more_memory_than_their_arguments() -> None:
    """What lies below the last layer, here 3000 times 10 numbers, is not moved point by point."""
    w = Writer()
    signs = np.array([[k % 2 * 2 - 1] for k in range(3000)])
    x = w.const(np.hstack([signs, np.arange(3000)[:, None]]))
    hidden = w.map("tanh", w.matmul(x, w.param("w", 2, 10)))
    margins = w.mul(w.matmul(hidden, w.param("v", 10, 1)), w.const(-signs))
    w.sum(w.map("softplus", margins))
    point = [Fraction(1)] * 10 + [Fraction(0)] * 20
    subject = Subject(program_problem_from_data(w.problem(point)))
    tracemalloc.start()
    try:
        last = monotone_valley._last_layer(subject.program)
        assert last is not None and monotone_valley._direction(subject, *last) is not None
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
