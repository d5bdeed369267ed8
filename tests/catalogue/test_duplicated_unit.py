"""The plateau and the saddle of a duplicated unit, told apart by proofs."""

from fractions import Fraction

import pytest

from spurious import Answer, Decision, InputError, certify
from spurious.catalogue.duplicated_unit import SHARES, duplicated_unit
from spurious.problem import flatten
from spurious_checker import check


def test_the_plateau() -> None:
    problem = duplicated_unit("plateau")
    verdict = certify(problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert verdict.method == "twin_units"
    assert verdict.strict is Answer.NO and verdict.flat_dimension == 1
    assert verdict.is_global is Answer.NO
    assert verdict.radius is not None and verdict.radius < Fraction(1, 10**14)
    assert verdict.loss is not None and verdict.witness_loss is not None
    assert verdict.witness_loss.upper < verdict.loss.lower / 3
    assert check(dict(verdict.certificate or {})).valid


def test_the_saddle() -> None:
    problem = duplicated_unit("saddle")
    verdict = certify(problem)
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM
    assert verdict.method == "negative_curvature"
    assert "saddle" in verdict.reason
    assert check(dict(verdict.certificate or {})).valid


def test_they_differ_in_the_shares_alone() -> None:
    plateau, saddle = duplicated_unit("plateau"), duplicated_unit("saddle")
    assert plateau.data == saddle.data
    assert plateau.point is not None and saddle.point is not None
    one, two = flatten(plateau.point), flatten(saddle.point)
    assert one[:4] == two[:4] and one[6] == two[6]
    assert one[4] + one[5] == two[4] + two[5]
    assert SHARES["plateau"] < 1 < SHARES["saddle"]
    for number in (*[v for row in plateau.data.x for v in row], *[y for (y,) in plateau.data.y]):
        assert (10 * number).denominator == 1


def test_other_kinds() -> None:
    with pytest.raises(InputError, match="'plateau' or 'saddle'"):
        duplicated_unit("hill")  # pyright: ignore[reportArgumentType]
