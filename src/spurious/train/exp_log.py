"""exp and log of packs, by series with exact coefficients, accurate to a few last places.

The library's functions work on one number at a time; these vectorise, and give the same bits on
every machine. Arguments are limited to what activations and losses need. A lane that is not a
number stays so.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

from numba import njit
from numba.extending import overload

from spurious.train.pack import below, choose, fma, polynomial, power_of_two, spread

# |r| <= ln(2)/2 = 0.347: r^8/8! < 6e-9 and r^14/14! < 5e-18
_exp_series = polynomial(
    {
        "float32": [1 / factorial(k) for k in range(7, -1, -1)],
        "float64": [1 / factorial(k) for k in range(13, -1, -1)],
    }
)

# s <= 1/3: s^16/17 < 2e-9 and s^34/35 < 2e-18, of a sum of at least 1
_atanh_series = polynomial(
    {
        "float32": [2 / (2 * k + 1) for k in range(7, -1, -1)],
        "float64": [2 / (2 * k + 1) for k in range(16, -1, -1)],
    }
)

# The first part of ln 2 has so few bits that an exponent times it is exact.
_LN2 = {
    "float32": (0.693115234375, 3.1946184945309415e-05),
    "float64": (0.6931471803691238, 1.9082149292705877e-10),
}
_SHIFT = {"float32": 1.5 * 2**23, "float64": 1.5 * 2**52}
_LOWEST = {"float32": -87.0, "float64": -708.0}


def exp_of_negative(x: Any) -> Any:
    """exp(x) for x <= 0; arguments below the range of normal numbers count as its end.

    With k = round(x / ln 2) and r = x - k ln 2, exp(x) = 2^k exp(r); the series in r is cut where
    the rest is below half a unit in the last place.
    """
    raise NotImplementedError("for Numba code only")


@overload(exp_of_negative, jit_options={"forceinline": True})
def _exp_of_negative(x: Any) -> Callable[[Any], Any]:
    name = x.dtype.name
    high, low = _LN2[name]
    shift, lowest = _SHIFT[name], _LOWEST[name]

    def implementation(x: Any) -> Any:
        x = choose(below(x, spread(x, lowest)), spread(x, lowest), x)
        shifted = fma(x, spread(x, 1.4426950408889634), spread(x, shift))
        k = shifted - spread(x, shift)
        r = fma(k, spread(x, -high), x)
        r = fma(k, spread(x, -low), r)
        return _exp_series(r) * power_of_two(shifted)

    return implementation


@njit(forceinline=True)
def log_of_one_plus(e: Any) -> Any:
    """log(1 + e) for e in [0, 1]: twice the area tangent of e / (2 + e), by its series."""
    s = e / (spread(e, 2.0) + e)
    return s * _atanh_series(s * s)
