"""Region traps: certified, without dead units or blind spots, with the ratio asked for."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spurious_checker
from spurious.certify import certify
from spurious.construct import RegionTrap, region_trap, trap_reach, trap_shares
from spurious.construct.relu import hidden_preactivations, squared_loss
from spurious.errors import InputError
from spurious.problem import Point
from spurious.verdict import Answer, Decision


@st.composite
def traps(draw: st.DrawFn, deepest: int = 3) -> tuple[RegionTrap, Fraction]:
    regions = draw(st.integers(2, 4))
    ratio = draw(st.fractions(min_value=1, max_value=10**6).filter(lambda r: r > 1))
    found = region_trap(
        draw(st.integers(1, 4)),
        regions,
        regions + draw(st.integers(1, 3)),
        ratio,
        draw(st.integers(1, deepest)),
        draw(st.integers(0, 10**6)),
    )
    return found, ratio


@settings(max_examples=10, deadline=None)
@given(traps())
def test_every_trap_is_certified(made: tuple[RegionTrap, Fraction]) -> None:
    trap, _ = made
    bad = certify(trap.problem)
    assert bad.decision is Decision.LOCAL_MINIMUM
    assert bad.is_global is Answer.NO
    good = certify(trap.good)
    assert good.decision is Decision.LOCAL_MINIMUM
    for verdict in (bad, good):
        assert verdict.certificate is not None
        assert spurious_checker.check(dict(verdict.certificate)).valid


@settings(deadline=None)
@given(traps())
def test_the_ratio_is_met_exactly_or_just_exceeded(made: tuple[RegionTrap, Fraction]) -> None:
    trap, ratio = made
    point, witness = trap.problem.point, trap.problem.witness
    assert point is not None and witness is not None
    assert squared_loss(point, trap.problem.data) == trap.bad_loss == trap.ratio * trap.good_loss
    assert squared_loss(witness, trap.problem.data) == trap.good_loss > 0
    assert ratio <= trap.ratio
    root = float(ratio) ** 0.5
    assert float(trap.ratio) ** 0.5 <= root + 0.0100001


def alive(point: Point, trap: RegionTrap) -> tuple[bool, bool]:
    """Whether every unit is on somewhere, and every data point turns some unit of layer 1 on."""
    values = hidden_preactivations(point, trap.problem.data.x)
    used = all(
        any(row[layer][unit] > 0 for row in values)
        for layer, units in enumerate(trap.problem.network.hidden)
        for unit in range(units)
    )
    return used, all(max(row[0]) > 0 for row in values)


@settings(deadline=None)
@given(traps())
def test_no_dead_unit_no_blind_spot_no_kink(made: tuple[RegionTrap, Fraction]) -> None:
    trap, _ = made
    point = trap.problem.point
    assert point is not None
    assert alive(point, trap) == (True, True)
    for layers in hidden_preactivations(point, trap.problem.data.x):
        assert all(z != 0 for layer in layers for z in layer)


@given(st.integers(1, 9), st.integers(1, 9))
def test_square_ratios_are_exact(p: int, q: int) -> None:
    ratio = 1 + Fraction(p, q)
    trap = region_trap(2, 2, 3, ratio**2)
    assert trap.ratio == ratio**2


def test_the_ratio_has_no_bound() -> None:
    trap = region_trap(1, 2, 3, Fraction(10) ** 40)
    assert trap.ratio == 10**40
    assert certify(trap.problem).decision is Decision.LOCAL_MINIMUM


def test_the_seed_decides() -> None:
    assert region_trap(3, 4, 6, 9, seed=1) == region_trap(3, 4, 6, 9, seed=1)
    assert region_trap(3, 4, 6, 9, seed=1) != region_trap(3, 4, 6, 9, seed=2)


def test_training_meets_the_bad_minimum() -> None:
    trap = region_trap(1, 2, 3, 9)
    (shares,) = trap_shares(trap, ["he_normal"], 500, 3_000)
    assert shares.good + shares.between + shares.bad + shares.worse == 500
    assert shares.bad > 0 and shares.good > 0
    near, far = trap_reach(trap, [0.001, 1.0], 200)
    assert near.back == 200 > far.back


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ((0, 2, 3, 4), "inputs: found 0, expected at least 1"),
        ((1, 1, 3, 4), "regions: found 1, expected at least 2"),
        ((1, 2, 0, 4), "units: found 0, expected 3 to"),
        ((1, 3, 3, 4), "units: found 3, expected 4 to"),
        ((1, 2, 3, Fraction(1, 2)), "ratio: found 1/2, expected more than 1"),
        ((1, 2, 3, 1), "ratio: found 1, expected more than 1"),
        ((1, 2, 3, 4, 0), "depth: found 0, expected at least 1"),
    ],
)
def test_impossible_requests(request_: tuple[int, ...], line: str) -> None:
    with pytest.raises(InputError, match=line):
        region_trap(*request_)
