"""Strict JSON: numbers kept as text, repeated keys remembered, bad text refused in one line."""

import json
from typing import cast

from spurious.errors import InputError
from spurious.problem.number import shown

MAX_BYTES = 16 * 2**20
"""The largest text that is read, in bytes (or characters)."""


class NumberText(str):
    """A JSON number, as it was written."""

    __slots__ = ()


class _Object(dict[str, object]):
    """A JSON object that remembers the first key written twice."""

    repeated: str | None = None


def parse_json(text: str | bytes, source: str) -> object:
    """Parse JSON without ever rounding a number.

    Args:
        text: The JSON text; bytes must be UTF-8, with or without a byte order mark.
        source: The name of the text in error messages.

    Returns:
        Lists, objects, strings, bools and None as `json.loads` gives them; every number is a
        `NumberText`.

    Raises:
        InputError: If the text is too long, empty, not UTF-8, not JSON, or nested too deeply.
    """
    if len(text) > MAX_BYTES:
        raise InputError(
            f"{source}: found more than {MAX_BYTES // 2**20} MiB, expected at most that; "
            "give a smaller problem"
        )
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{source}: found a byte that is not UTF-8 at position {error.start}, "
                "expected JSON text; save the file as UTF-8"
            ) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{source}: found an empty text, expected a JSON object")
    try:
        return json.loads(
            text,
            parse_float=NumberText,
            parse_int=NumberText,
            parse_constant=NumberText,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"{source}: line {error.lineno}, column {error.colno}: found text that is not JSON "
            f"({error.msg}), expected a JSON object; correct the syntax"
        ) from None
    except RecursionError:
        raise InputError(
            f"{source}: found brackets nested too deeply, expected at most 6 levels"
        ) from None


def fields(
    data: object, path: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, object]:
    """Return an object's fields after checking its keys.

    Args:
        data: What stands where an object is expected.
        path: The field's name in error messages.
        required: Keys that must be there.
        optional: Keys that may be there.

    Raises:
        InputError: If `data` is no object, or a key is missing, unknown or written twice.
    """
    if not isinstance(data, dict):
        raise InputError(
            f"{path}: found {shown(data)}, expected an object with the keys {', '.join(required)}"
        )
    found = cast("dict[str, object]", data)
    repeated = found.repeated if isinstance(found, _Object) else None
    if repeated is not None:
        raise InputError(f"{path}: found the key {shown(repeated)} twice, expected it once")
    for key in found:
        if key not in required and key not in optional:
            raise InputError(
                f"{path}: found the unknown key {shown(key)}, "
                f"expected only {', '.join(required + optional)}; remove it or correct its name"
            )
    for key in required:
        if key not in found:
            raise InputError(f"{path}: found no key {key!r}, expected one; add it")
    return found


def _object(pairs: list[tuple[str, object]]) -> _Object:
    built = _Object()
    for key, value in pairs:
        if key in built and built.repeated is None:
            built.repeated = key
        built[key] = value
    return built
