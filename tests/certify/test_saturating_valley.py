"""Rule saturating_valley: drifting tanh and sigmoid units are told from training that goes on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.checker.truth import DIGITS, Landscape, flat, layers_of, mp, reals

import spurious
from spurious import Answer, Decision, Verdict
from spurious.problem import problem_to_data
from spurious.proof import MonotoneValley, evidence_from_data


def certified(
    x: list[Any], y: list[Any], point: list[Any], hidden: int, **more: Any
) -> tuple[Any, Verdict]:
    rows = [[Fraction(v) for v in (row if isinstance(row, list) else [row])] for row in x]
    targets = [[Fraction(v) for v in (row if isinstance(row, list) else [row])] for row in y]
    given = spurious.problem(
        rows, targets, hidden=hidden, point=[Fraction(v) for v in point],
        **{"activation": "tanh", **more},
    )  # fmt: skip
    return given, spurious.certify(given)


OUTER = [-2, -1, 1, 2]
DRAWN_ON = ["-1/2", "-3/2", "3/2", "1/2"]
HELD_BACK = ["-3/2", "-1/2", "1/2", "3/2"]


@pytest.mark.parametrize("weight", [20, 40, 300])
def test_a_unit_that_becomes_a_step(weight: int) -> None:
    given, verdict = certified(OUTER, DRAWN_ON, [weight, 0, 1, 0], 1)
    assert verdict.method == "monotone_valley"
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM and verdict.is_global is Answer.NO
    assert verdict.valley_limit is not None and abs(float(verdict.valley_limit) - 1) < 1e-20
    assert "saturates at 4 of 4 points" in verdict.reason and verdict.unfinished is None
    assert verdict.certificate is not None and isinstance(verdict.evidence, MonotoneValley)
    assert evidence_from_data(verdict.certificate["proof"]) == verdict.evidence
    if weight == 20:
        landscape = Landscape(problem_to_data(given))
        at = layers_of(verdict.certificate["problem"]["point"])
        with mp.workdps(DIGITS):
            along = reals([verdict.certificate["proof"]["direction"]])[0]
            values = [landscape.loss([a + s * b for a, b in zip(flat(at), along, strict=True)])
                      for s in (0, mp.mpf("0.001"), mp.mpf("0.1"), 1)]  # fmt: skip
            assert values[0] > values[1] > values[2] > values[3] > 1


def test_what_holds_a_unit_back_is_no_valley() -> None:
    assert certified(OUTER, HELD_BACK, [40, 0, 1, 0], 1)[1].method != "monotone_valley"


def test_a_step_that_keeps_its_value_at_a_point() -> None:
    """At x = 0 the unit is at tanh(1/2), its target; there it stays."""
    middle = float(np.tanh(0.5))
    _, verdict = certified(
        [*OUTER, 0], [*DRAWN_ON, middle], [60, Fraction(1, 2), 1, 0], 1
    )  # fmt: skip
    assert verdict.method == "monotone_valley" and "at 4 of 5 points" in verdict.reason
    assert isinstance(verdict.evidence, MonotoneValley)
    assert verdict.evidence.direction[1] == 0 < verdict.evidence.direction[0]


def test_the_sigmoid_and_several_outputs() -> None:
    """Targets 1/4 and 3/4 above the limits 0 and 1 twice over, for two outputs with weights 1."""
    y = [[Fraction(v) / 2 + Fraction(1, 2)] * 2 for v in DRAWN_ON]
    _, verdict = certified(OUTER, y, [60, 0, 1, 1, 0, 0], 1, activation="sigmoid")
    assert verdict.method == "monotone_valley" and verdict.valley_limit is not None
    assert abs(float(verdict.valley_limit) - 0.5) < 1e-15


def test_the_logistic_loss() -> None:
    """Labels -, +, -, +, best answered by a step with the odds 1 and a shift: 4 log 2 and less."""
    _, verdict = certified(
        [-2, -1, 1, 2, 3], [1, -1, 1, 1, -1], [50, 0, Fraction(1, 3), Fraction(1, 3)], 1,
        loss="logistic",
    )  # fmt: skip
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM
    if verdict.method == "monotone_valley":
        assert verdict.valley_limit is not None and verdict.loss is not None
        assert verdict.valley_limit.lower <= verdict.loss.upper


def test_training_that_goes_on_is_told_first() -> None:
    """The ray passes here too, but the loss falls by far more, and soon, along the gradient."""
    _, verdict = certified(OUTER, DRAWN_ON, [20, 0, Fraction(1, 2), Fraction(1, 3)], 1)
    assert verdict.method != "monotone_valley" and verdict.unfinished is not None


def test_deep_networks_and_other_activations_are_left_alone() -> None:
    for activation in ("gelu", "softplus", "relu"):
        point = [40, 0, 1, 0]
        assert certified(OUTER, DRAWN_ON, point, 1, activation=activation)[1].method not in (
            "monotone_valley",
        )
    deep = certified(OUTER, DRAWN_ON, [40, 0, 40, 0, 1, 0], (1, 1))[1]  # type: ignore[arg-type]
    assert deep.method != "monotone_valley"
