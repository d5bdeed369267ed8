"""Options that list the units of hidden layers."""

from __future__ import annotations

from spurious.errors import InputError

__all__ = ["units_of"]


def units_of(option: str, text: str) -> tuple[int, ...]:
    """`3,3,3` as numbers.

    Raises:
        InputError: It is no such list.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise InputError(f"{option}: found {text!r}, expected numbers above 0, such as 3,3,3")
    return tuple(map(int, parts))
