"""Values of evidence as JSON data and back, by the types that its fields declare."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from flint import fmpq

from spurious.exact import balls
from spurious.exact.rationals import fraction, rational
from spurious.exact.softmax_numbers import UNIT, SoftmaxNumber
from spurious.verdict import Enclosure


def fields_to_data(value: object) -> dict[str, Any]:
    """A dataclass as a JSON object; fields equal to their default are left out.

    Raises:
        OutOfRangeError: a number is too long to be written in decimal.
    """
    data: dict[str, Any] = {}
    for field in dataclasses.fields(cast("Any", value)):
        entry = getattr(value, field.name)
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is dataclasses.MISSING or entry != default:
            data[field.name] = _to_data(entry)
    return data


def fields_from_data(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The values for a dataclass's fields, read from what `fields_to_data` wrote."""
    hints = get_type_hints(kind)
    return {name: _from_data(hints[name], entry) for name, entry in data.items()}


def ball_data(value: Enclosure | None) -> dict[str, str] | None:
    """An enclosure as `{"mid": ..., "rad": ...}`."""
    return None if value is None else {"mid": str(value.mid), "rad": str(value.rad)}


def ball_from_data(data: Mapping[str, str] | None) -> Enclosure | None:
    """Reads what `ball_data` wrote."""
    return None if data is None else Enclosure(Fraction(data["mid"]), Fraction(data["rad"]))


def _to_data(value: object) -> Any:
    if isinstance(value, Fraction):
        return balls.written(value)
    if isinstance(value, fmpq):
        return balls.written(fraction(value))
    if isinstance(value, SoftmaxNumber):
        return {_atom(atom): _to_data(c) for atom, c in value.terms.items()}
    if isinstance(value, tuple):
        return [_to_data(entry) for entry in cast("tuple[object, ...]", value)]
    if isinstance(value, Mapping):
        return {str(k): _to_data(v) for k, v in cast("Mapping[object, object]", value).items()}
    return fields_to_data(value) if dataclasses.is_dataclass(value) else value


def _atom(entries: tuple[fmpq, ...]) -> str:
    """The key of an atom; a single entry 1 is written 1/1, since the key "1" is the number one."""
    if entries == UNIT:
        return "1"
    text = ",".join(balls.written(fraction(entry)) for entry in entries)
    return "1/1" if text == "1" else text


def _from_data(kind: Any, data: Any) -> Any:
    """Reads a value of a declared type; of several the first whose data look like this."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _from_data(next(one for one in arguments if _looks_like(one, data)), data)
    if origin is tuple:
        return tuple(_from_data(arguments[0], entry) for entry in data)
    if origin is Mapping:
        return {int(k): _from_data(arguments[1], entry) for k, entry in data.items()}
    if kind is Fraction:
        return Fraction(data)
    if kind is fmpq:
        return _fmpq(data)
    if kind is SoftmaxNumber:
        return SoftmaxNumber({_atom_from(k): _fmpq(entry) for k, entry in data.items()})
    if dataclasses.is_dataclass(kind):
        named = cast("type[Any]", kind)
        return named(**fields_from_data(named, data))
    return data


def _looks_like(kind: Any, data: Any) -> bool:
    origin = get_origin(kind)
    if kind is NoneType:
        return data is None
    if kind in (Fraction, fmpq):
        return isinstance(data, str)
    if kind is int:
        return isinstance(data, int)
    if origin is tuple:
        return isinstance(data, list)
    if kind is SoftmaxNumber or origin is Mapping:
        return isinstance(data, dict)
    if not isinstance(data, dict):
        return False
    fields = dataclasses.fields(kind)
    needed = {f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING}
    return needed <= cast("dict[str, Any]", data).keys() <= {f.name for f in fields}


def _fmpq(text: str) -> fmpq:
    return rational(Fraction(text))


def _atom_from(text: str) -> tuple[fmpq, ...]:
    return UNIT if text == "1" else tuple(_fmpq(entry) for entry in text.split(","))
