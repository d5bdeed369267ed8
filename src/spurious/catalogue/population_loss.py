"""The population loss of ReLU students and teachers on Gaussian inputs, as a program.

Student sum_i relu(w_i.x), teacher sum_j relu(v_j.x) with orthonormal v_j, x standard normal, output
weights 1. With c the cosine of the angle of u and w, and s = sqrt(1 - c^2),

    E relu(u.x) relu(w.x) = |u| |w| (s + (pi/2 + arctan(c/s)) c) / (2 pi)

(pi minus the angle is pi/2 + arctan(c/s)), and |u|^2/2 for u = w. The loss is F(W) = 1/2 sum_ij
g(w_i, w_j) - sum_ij g(w_i, v_j) + 1/2 sum_ij g(v_i, v_j); the program is 2 pi F, whose minima and
saddles are the same. Its value at the teacher, W = V, is 0.

I. Safran and O. Shamir 2018 proved a bad minimum for k = d = 6 to 20 units; Y. Arjevani and M.
Field follow families of them in k, by their symmetry.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from spurious.program import FUNCTIONS, Builder, Handle, Program

SQRT, ARCTAN, INVERSE = (FUNCTIONS[name] for name in ("sqrt", "arctan", "reciprocal"))
HALF: Final = Fraction(1, 2)


def population_loss(students: int, teachers: int) -> Program:
    """The program of 2 pi F, in the students' weights, shape (students, teachers).

    Args:
        students: At least 1.
        teachers: As many as inputs.
    """
    builder = Builder()
    w = builder.param("students", (students, teachers))
    half = builder.map(ARCTAN, builder.const(1)) * 2  # pi/2
    squares = (w * w).sum(1)
    lengths = builder.map(SQRT, squares)
    total = squares.sum() * half
    if students > 1:
        first, second = np.triu_indices(students, 1)
        turned = w.take(np.arange(students * teachers).reshape(students, teachers).T)
        products = (w @ turned).take(first * students + second)
        total = total + _kernel(products, lengths.take(first) * lengths.take(second), half).sum()
    crossed = np.repeat(np.arange(students), teachers)
    total = total - _kernel(w.ravel(), lengths.take(crossed), half).sum()
    return builder.program(total + _teachers(builder, teachers, half))


def _kernel(products: Handle, lengths: Handle, half: Handle) -> Handle:
    """2 pi g, from the inner products u.w and |u| |w|: l s + (pi/2 + arctan(c/s)) u.w."""
    sines = (lengths * lengths - products * products).map(SQRT)
    angles = (products * sines.map(INVERSE)).map(ARCTAN)
    return sines + (angles + half) * products


def _teachers(builder: Builder, teachers: int, half: Handle) -> Handle:
    """2 pi times the teachers' part: pi/2 each, and 1 for each pair of different ones, as c = 0."""
    pairs = Fraction(teachers * (teachers - 1), 2)
    return half * teachers + builder.const(pairs)
