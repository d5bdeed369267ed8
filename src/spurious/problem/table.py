"""Vectors and matrices of exact numbers, as tuples: building them and checking their shape."""

from fractions import Fraction
from typing import TypeAlias, cast

from spurious.errors import InputError
from spurious.problem.number import exact, shown, unwrapped

Vector: TypeAlias = tuple[Fraction, ...]
Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]


def items(value: object, path: str, expected: str = "a list of numbers") -> list[object]:
    """Return the items of a list, a tuple, an array or a tensor.

    Raises:
        InputError: If `value` is none of these.
    """
    value = unwrapped(value)
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{path}: found {shown(value)}, expected {expected}")
    return list(cast("list[object]", value))


def vector(value: object, path: str) -> Vector:
    """Convert a list, tuple or array of numbers to exact numbers.

    Raises:
        InputError: If `value` is no list or an entry is no finite number.
    """
    return tuple(exact(entry, f"{path}[{i}]") for i, entry in enumerate(items(value, path)))


def matrix(value: object, path: str) -> Matrix:
    """Convert a list of rows, or an array of shape (rows, columns), to exact numbers.

    Raises:
        InputError: If `value` is no list of equally long, non-empty rows of finite numbers.
    """
    listed = items(value, path, "a list of rows, each a list of numbers")
    rows = tuple(vector(row, f"{path}[{i}]") for i, row in enumerate(listed))
    check_matrix(rows, path)
    return rows


def check_vector(value: object, path: str) -> None:
    """Check that a value is a non-empty tuple of Fractions.

    Raises:
        InputError: If it is not.
    """
    if not isinstance(value, tuple):
        raise InputError(f"{path}: found {shown(value)}, expected a tuple of Fractions")
    entries = cast("tuple[object, ...]", value)
    if not entries:
        raise InputError(f"{path}: found no numbers, expected at least 1")
    for index, entry in enumerate(entries):
        if not isinstance(entry, Fraction):
            raise InputError(
                f"{path}[{index}]: found a {type(entry).__name__}, expected a Fraction; "
                "convert it with spurious.problem.exact"
            )


def check_matrix(value: object, path: str) -> None:
    """Check that a value is a non-empty tuple of equally long, non-empty tuples of Fractions.

    Raises:
        InputError: If it is not.
    """
    if not isinstance(value, tuple):
        raise InputError(f"{path}: found {shown(value)}, expected a tuple of rows")
    rows = cast("tuple[tuple[object, ...], ...]", value)
    if not rows:
        raise InputError(f"{path}: found no rows, expected at least 1")
    for index, row in enumerate(rows):
        check_vector(row, f"{path}[{index}]")
        if len(row) != len(rows[0]):
            raise InputError(
                f"{path}[{index}]: found a row of {len(row)} numbers, expected {len(rows[0])} "
                "as in the first row; make the rows equally long"
            )
