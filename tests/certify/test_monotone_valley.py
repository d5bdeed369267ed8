"""Rule monotone_valley: rays of the last layer on which a program's loss falls for ever."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import spurious
from spurious import Decision
from spurious.certify.arithmetics import FloatProgram
from spurious.certify.rules import monotone_valley
from spurious.certify.subject import Subject
from spurious.problem import Dataset, DenseLoss, Network, Penalty, ProgramProblem
from spurious.proof import MonotoneValley, Proof, Undecided

XOR = tuple((Fraction(a), Fraction(b)) for a in (0, 1) for b in (0, 1))
WEIGHTS = (Fraction(1, 2), Fraction(2), Fraction(1), Fraction(3))


def weighted(loss: str, labels: tuple[int, ...], penalty: Penalty | None = None) -> ProgramProblem:
    """A tanh network with seven parameters too many for four points, each with a weight."""
    network = Network((2, 6, 2 if loss == "cross_entropy" else 1), "tanh")
    data = Dataset(XOR, tuple((Fraction(v),) for v in labels))
    dense = DenseLoss(network, loss, data, penalty or Penalty(), "mean", WEIGHTS)
    program = dense.program()
    rng = np.random.default_rng(3)
    values = rng.normal(size=program.parameter_count).round(3)
    return ProgramProblem(program, tuple(Fraction(str(v)) for v in values), dense=dense)


@pytest.mark.parametrize(
    ("loss", "labels"), [("logistic", (1, -1, -1, 1)), ("cross_entropy", (0, 1, 1, 0))]
)
def test_means_and_weights(loss: str, labels: tuple[int, ...]) -> None:
    problem = weighted(loss, labels)
    verdict = spurious.certify(problem)
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM
    assert isinstance(verdict.evidence, MonotoneValley)
    assert verdict.valley_limit is not None and verdict.valley_limit.upper < Fraction(1, 10**20)
    ray = np.array([float(v) for v in verdict.evidence.direction])  # type: ignore[union-attr]
    at = FloatProgram(problem.program).loss
    start = np.array([float(v) for v in problem.point])
    losses = [at(start + t * ray) for t in (0, 1, 4, 16, 64)]
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert not ray[: -7 if loss == "logistic" else -14].any()


def test_a_layer_norm_between() -> None:
    """Programs of any architecture: only the last layer has to be affine."""
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(1)
    x, sign = rng.normal(size=(8, 3)).round(2), rng.choice([-1.0, 1.0], size=8)

    def loss(p: dict[str, object]) -> object:
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
