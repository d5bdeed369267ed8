"""A program with some parameters fixed has the values and slopes of the whole one."""

from fractions import Fraction

import numpy as np
import pytest

from spurious.program import NumpyArithmetic, dense_program, evaluator, restricted


@pytest.mark.parametrize("free", [[0], [3, 4, 7], [6, 7, 8], [0, 2, 9, 12], list(range(13))])
def test_it_is_the_whole_program_on_a_slice(free: list[int]) -> None:
    """Blocks of 2 x 3, 3, 3 and 1: whole, in part, and with nothing free."""
    rng = np.random.default_rng(len(free))
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    whole = dense_program((2, 3, 1), "tanh", "squared", x, y)
    point = rng.normal(size=13)
    part = restricted(whole, [Fraction(float(v)) for v in point], free)
    assert part.parameter_count == len(free)
    moved = point.copy()
    moved[free] += rng.normal(size=len(free))
    here = evaluator(whole, NumpyArithmetic()).run(moved)
    there = evaluator(part, NumpyArithmetic()).run(moved[free])
    assert there.loss == pytest.approx(here.loss)
    assert np.asarray(there.gradient) == pytest.approx(np.asarray(here.gradient)[free])
    assert there.outputs == pytest.approx(here.outputs)
