"""The example of Yun, Sra and Jadbabaie, for every smooth activation and several widths."""

from dataclasses import replace
from fractions import Fraction

import pytest

from spurious.catalogue.constant_units import constant_units
from spurious.certify import certify
from spurious.errors import InputError
from spurious.problem import SMOOTH_ACTIVATIONS, flatten, unflatten
from spurious.verdict import Answer, Decision
from spurious_checker import check


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
@pytest.mark.parametrize("hidden", [1, 2, 3, 10])
def test_it_is_a_bad_minimum(activation: str, hidden: int) -> None:
    verdict = certify(constant_units(activation, hidden))
    exact = activation == "softsign"
    assert verdict.decision is (Decision.LOCAL_MINIMUM if exact else Decision.LOCAL_MINIMUM_NEARBY)
    assert verdict.method == "constant_units"
    assert verdict.is_global is Answer.NO and verdict.strict is Answer.NO
    assert verdict.flat_dimension == 3 * hidden
    assert verdict.loss is not None and verdict.loss.exact and 3 * verdict.loss.mid == 2
    assert exact or (verdict.radius is not None and verdict.radius < 10**-12)
    assert verdict.witness_loss is not None
    if hidden > 1:
        assert verdict.witness_loss.upper < 10**-20
    assert verdict.certificate is not None
    result = check(dict(verdict.certificate))
    assert result.valid, result.reason


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
def test_turned_over_it_is_a_saddle(activation: str) -> None:
    """All units downwards: two of them can lower the loss together."""
    given = constant_units(activation, 2)
    assert given.point is not None
    values = list(flatten(given.point))
    third = Fraction(1, 3)
    values[-3:] = [-values[-3], -values[-2], 2 * third - values[-1]]  # the output stays the mean
    verdict = certify(replace(given, point=unflatten(values, given.network)))
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM


def test_bad_input() -> None:
    with pytest.raises(InputError, match=r"activation: found relu, expected one of sigmoid"):
        constant_units("relu", 2)
    with pytest.raises(InputError, match="hidden: found 0, expected at least 1"):
        constant_units("tanh", 0)
