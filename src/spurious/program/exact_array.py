"""Arrays of exact numbers: floats where every number is one, fractions otherwise."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from operator import index
from typing import Any, SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError

ExactArray: TypeAlias = npt.NDArray[Any]
"""Read-only: float64, each float the number that it is, or objects of type Fraction."""


def exact_array(values: object) -> ExactArray:
    """Numbers as an array of exact numbers, stored as float64 where that loses nothing.

    Args:
        values: An array or nested sequences of fractions, integers, booleans or floats of any
            precision, any shape.

    Raises:
        InputError: An entry is no finite number.
    """
    given = np.asarray(values)
    if given.dtype.kind in "biu":
        given = given.astype(object)
    if given.dtype.kind == "O":
        exact = np.array([_fraction(entry) for entry in given.ravel()], dtype=object)
        found = _compact(exact.reshape(given.shape))
    elif given.dtype.kind in "fV":  # bfloat16 has kind V
        found = _finite(np.asarray(np.array(given, dtype=np.float64) + 0.0))  # no -0.0
    else:
        raise InputError(f"const: found numbers of type {given.dtype}, expected real numbers")
    found.flags.writeable = False
    return found


def fractions(values: ExactArray) -> list[Fraction]:
    """The numbers in flat order."""
    return [Fraction(entry) for entry in values.ravel().tolist()]


def is_binary(values: ExactArray) -> bool:
    """Whether every number is a float64."""
    return values.dtype != object


def _fraction(entry: object) -> Fraction:
    if isinstance(entry, Fraction):
        return entry
    if isinstance(entry, int) or (isinstance(entry, float) and isfinite(entry)):
        return Fraction(entry)  # the usual ones: asking for a protocol is slow
    if isinstance(entry, SupportsIndex):  # NumPy's integers and booleans
        return Fraction(index(entry))
    if isinstance(entry, SupportsFloat):
        return Fraction(float(_finite(np.asarray(float(entry)))))
    raise InputError(f"const: found {entry!r}, expected a fraction, an integer or a finite float")


def _compact(exact: npt.NDArray[Any]) -> ExactArray:
    """Float64 where each fraction is one."""
    try:
        near = exact.astype(np.float64)
    except OverflowError:
        return exact
    same = all(Fraction(a) == b for a, b in zip(near.ravel().tolist(), exact.flat, strict=True))
    return near if same else exact


def _finite(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if not np.isfinite(values).all():
        wrong = values.ravel()[~np.isfinite(values.ravel())][0]
        raise InputError(f"const: found {wrong}, expected finite numbers")
    return values
