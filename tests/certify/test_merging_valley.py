"""Valleys of merging and sharpening units: what training drifts along, told from what it is not.

`drifting_ends.json` holds ends of training: 20 points in the plane with noisy targets, PyTorch's
start, 20,000 updates of Adam.
"""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.checker.truth import DIGITS, mp, no_valley

import spurious
from spurious import Answer, Decision, Verdict
from spurious.certify.arithmetics import FloatProgram, Floats
from spurious.problem import Problem, flatten, problem_from_data
from spurious.program import dense_layers
from spurious.proof import Merging, MergingValley, MonotoneValley, evidence_from_data

FILE = Path(__file__).parent / "drifting_ends.json"
ENDS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def end(name: str) -> Problem:
    return problem_from_data(ENDS[name])


def certified(problem: Problem) -> Verdict:
    return spurious.certify(problem, search=False)


def require_valley(verdict: Verdict, method: str) -> None:
    assert verdict.method == method
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM and verdict.is_global is Answer.NO
    assert verdict.loss is not None and verdict.valley_limit is not None
    assert verdict.valley_limit.upper < verdict.loss.lower
    assert "a valley to infinity" in verdict.reason and verdict.certificate is not None
    assert evidence_from_data(verdict.certificate["proof"]) == verdict.evidence
    with mp.workdps(DIGITS):
        assert not list(no_valley(verdict.certificate))


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("tanh-2-3-1-squared", (0, 1)),
        ("tanh-2-3-3-squared", (0, 1)),
        ("relu-2-3-3-squared", (1, 2)),
    ],
)
def test_units_that_merge(name: str, pair: tuple[int, int]) -> None:
    verdict = certified(end(name))
    require_valley(verdict, "merging_valley")
    assert isinstance(verdict.evidence, MergingValley)
    (found,) = verdict.evidence.pairs
    assert isinstance(found, Merging) and sorted(found.units) == list(pair) and found.layer == 0
    assert (found.factor == -1) is (name == "tanh-2-3-3-squared")
    assert "hidden layer 1 become one unit and its derivative" in verdict.reason


def test_a_unit_that_becomes_a_relu() -> None:
    verdict = certified(end("gelu-2-3-1-squared"))
    require_valley(verdict, "monotone_valley")
    assert isinstance(verdict.evidence, MonotoneValley) and verdict.evidence.gates == (1, 0, 0)


@pytest.mark.parametrize("name", ["tanh-2-3-1-squared", "gelu-2-3-1-squared"])
def test_with_residuals_turned_round_it_leads_back(name: str) -> None:
    """The gradient is as small as before, and what fell now rises."""
    problem = end(name)
    outputs = [[f - t for f, t in zip(f_row, t_row, strict=True)] for f_row, t_row in zip(
        _outputs(problem), problem.data.y, strict=True)]  # fmt: skip
    turned = tuple(
        tuple(t + 2 * r for t, r in zip(t_row, r_row, strict=True))
        for t_row, r_row in zip(problem.data.y, outputs, strict=True)
    )
    verdict = certified(replace(problem, data=replace(problem.data, y=turned)))
    assert verdict.method not in ("merging_valley", "monotone_valley")


def _outputs(problem: Problem) -> list[list[Fraction]]:
    """The outputs at the point, in floats."""
    assert problem.point is not None
    program = problem.dense.program()
    values: Floats = np.array([float(v) for v in flatten(problem.point)])
    run = FloatProgram(program).evaluator.run(values, order=0)
    rows: list[list[float]] = run.values[dense_layers(program)[-1].preactivation].tolist()
    return [[Fraction(v) for v in row] for row in rows]


def test_training_that_goes_on_is_told_first() -> None:
    """At a point of the same valley where the units are far apart, the loss still falls by much."""
    given = spurious.problem(
        [[Fraction(v)] for v in (-2, -1, 0, 1, 2)],
        [[Fraction(v)] for v in (-3, 1, 0, 1, 3)],
        hidden=2, activation="tanh",
        point=[Fraction(v) for v in ("1/20", "-1/20", "0", "0", "10", "-10", "0")],
    )  # fmt: skip
    assert isinstance(given, Problem)
    verdict = certified(given)
    assert verdict.method != "merging_valley" and verdict.unfinished is not None


@pytest.mark.parametrize("activation", ["softplus", "silu", "elu", "mish"])
def test_other_units_are_left_alone(activation: str) -> None:
    problem = end("tanh-2-3-1-squared")
    network = replace(problem.network, activation=activation)
    assert certified(replace(problem, network=network)).method != "merging_valley"


def test_the_order_of_units_does_not_matter() -> None:
    """Permuting the units permutes the evidence and nothing else."""
    problem = end("tanh-2-3-1-squared")
    assert problem.point is not None
    first, last = problem.point.layers
    order = (2, 0, 1)
    moved = replace(
        problem.point,
        layers=(
            replace(
                first,
                weight=tuple(first.weight[k] for k in order),
                bias=tuple(first.bias[k] for k in order),
            ),
            replace(last, weight=tuple(tuple(row[k] for k in order) for row in last.weight)),
        ),
    )
    verdict, same = certified(replace(problem, point=moved)), certified(problem)
    assert isinstance(verdict.evidence, MergingValley)
    assert sorted(verdict.evidence.pairs[0].units) == [1, 2]
    assert verdict.valley_limit is not None and same.valley_limit is not None
    assert abs(float(verdict.valley_limit) - float(same.valley_limit)) < 1e-9
