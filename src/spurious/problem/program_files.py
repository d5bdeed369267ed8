"""Problem files whose loss is a program: spurious-problem/2 (docs/certificates.md, section 9)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from spurious.errors import InputError
from spurious.files import write_atomically
from spurious.problem.dense_files import dense_from_data, dense_to_data
from spurious.problem.files import file_bytes, parse_problem, problem_to_data
from spurious.problem.json_text import fields, parse_json
from spurious.problem.number import exact, shown, to_text
from spurious.problem.problem import Problem
from spurious.problem.program_problem import FlatPoint, ProgramProblem
from spurious.problem.table import items
from spurious.program.exact_array import fractions
from spurious.program.function_kinds import Function, PiecewiseLinear
from spurious.program.functions import FUNCTIONS, leaky_relu
from spurious.program.operations import (
    Add,
    Const,
    Join,
    Map,
    MatMul,
    Mul,
    Operation,
    Param,
    Sum,
    Take,
)
from spurious.program.program import Program

PROGRAM_FORMAT = "spurious-problem/2"
"""The value of the key ``format``."""

LEAKY = "leaky_relu"

Fields: TypeAlias = dict[str, object]


def read_any_problem(path: str | Path) -> Problem | ProgramProblem:
    """Reads a problem file of either format.

    Raises:
        InputError: It cannot be read or is no valid problem.
    """
    return parse_any_problem(*file_bytes(path))


def any_problem_to_data(problem: Problem | ProgramProblem) -> dict[str, object]:
    """A problem of either format as JSON data, read back by `read_any_problem`."""
    if isinstance(problem, ProgramProblem):
        return program_problem_to_data(problem)
    return problem_to_data(problem)


def parse_any_problem(text: str | bytes, source: str = "problem") -> Problem | ProgramProblem:
    """Reads a problem of either format from JSON text.

    Args:
        text: The JSON text.
        source: The name of the text in error messages.

    Raises:
        InputError: It is no valid problem.
    """
    data = parse_json(text, source)
    if _fields(data).get("format") == PROGRAM_FORMAT:
        try:
            return program_problem_from_data(data)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
    return parse_problem(text, source)


def program_problem_from_data(data: object) -> ProgramProblem:
    """Reads a problem from dicts and lists, as `program_problem_to_data` gives them.

    Raises:
        InputError: The data is no valid problem.
    """
    given = _fields(data)
    if given.get("format", PROGRAM_FORMAT) != PROGRAM_FORMAT:
        raise InputError(f'format: found {shown(given["format"])}, expected "{PROGRAM_FORMAT}"')
    if "network" in given:
        return dense_from_data(data)
    found = fields(data, "top level", ("format", "program"), ("point", "witness"))
    listed = items(found["program"], "program", "a list of operations")
    program = Program(tuple(_operation(entry, f"program[{k}]") for k, entry in enumerate(listed)))
    points = {
        name: _point(found[name], program, name) for name in ("point", "witness") if name in found
    }
    return ProgramProblem(program, points.get("point"), points.get("witness"))


def program_problem_to_data(problem: ProgramProblem) -> dict[str, object]:
    """Writes a problem as dicts and lists, numbers as text "p/q" or "p".

    Raises:
        InputError: A number has too many digits to write.
    """
    if problem.dense is not None:
        return {"format": PROGRAM_FORMAT, **dense_to_data(problem.dense, problem)}
    data: dict[str, object] = {
        "format": PROGRAM_FORMAT,
        "program": [_operation_data(operation) for operation in problem.program.operations],
    }
    for name, point in (("point", problem.point), ("witness", problem.witness)):
        if point is not None:
            places = problem.program.parameters.items()
            data[name] = {block: [to_text(v) for v in point[place]] for block, place in places}
    return data


def write_program_problem(problem: ProgramProblem, path: str | Path) -> None:
    """Writes a problem file; `read_any_problem` gives the same problem back.

    Raises:
        InputError: The file cannot be written.
    """
    indent = None if problem.dense is None else 1
    text = json.dumps(program_problem_to_data(problem), indent=indent) + "\n"
    write_atomically(Path(path), text)


def _fields(data: object) -> Fields:
    """What may be an object of the format; empty for anything else."""
    return cast("Fields", data) if isinstance(data, dict) else {}


def _operation(data: object, path: str) -> Operation:
    given = _fields(data)
    if not isinstance(given.get("op"), str):
        raise InputError(f'{path}: found {shown(data)}, expected an object with the key "op"')
    kind = str(given["op"])
    if kind == "param":
        found = fields(data, path, ("op", "name", "shape"))
        if not isinstance(found["name"], str):
            raise InputError(f"{path}.name: found {shown(found['name'])}, expected a name")
        return Param(str(found["name"]), _integers(found["shape"], f"{path}.shape"))
    if kind == "const":
        found = fields(data, path, ("op", "shape", "values"))
        shape = _integers(found["shape"], f"{path}.shape")
        values = _numbers(found["values"], f"{path}.values", prod(shape))
        entries = np.empty(len(values), dtype=object)
        entries[:] = values
        return Const(entries.reshape(shape))
    more = {"map": ("function",), "sum": ("axes",), "take": ("shape", "index")}.get(kind, ())
    optional = ("slope",) if kind == "map" and given.get("function") == LEAKY else ()
    found = fields(data, path, ("op", "of", *more), optional)
    of = _integers(found["of"], f"{path}.of")
    if kind == "join":
        return Join(of)
    expected = 2 if kind in ("add", "mul", "matmul") else 1
    if len(of) != expected:
        raise InputError(f"{path}.of: found {len(of)} operands, expected {expected}")
    if kind == "map":
        return Map(_function(found, path), of[0])
    if kind == "sum":
        return Sum(of[0], _integers(found["axes"], f"{path}.axes"))
    if kind == "take":
        shape = _integers(found["shape"], f"{path}.shape")
        index = _integers(found["index"], f"{path}.index")
        if len(index) != prod(shape):
            raise InputError(f"{path}.index: found {len(index)} integers, expected {prod(shape)}")
        return Take(of[0], np.array(index, dtype=np.intp).reshape(shape))
    pairs = {"add": Add, "mul": Mul, "matmul": MatMul}
    if kind not in pairs:
        known = "param, const, add, mul, matmul, map, sum, take, join"
        raise InputError(f"{path}.op: found {shown(kind)}, expected one of {known}")
    return pairs[kind](*of)


def _function(found: Mapping[str, object], path: str) -> Function:
    name = found["function"]
    if name == LEAKY:
        if "slope" not in found:
            raise InputError(f"{path}: found no key 'slope', expected one for {LEAKY}; add it")
        return leaky_relu(exact(found["slope"], f"{path}.slope"))
    if name not in FUNCTIONS:
        known = ", ".join((*FUNCTIONS, LEAKY))
        raise InputError(f"{path}.function: found {shown(name)}, expected one of {known}")
    return FUNCTIONS[str(name)]


def _operation_data(operation: Operation) -> dict[str, object]:
    match operation:
        case Param(name, shape):
            return {"op": "param", "name": name, "shape": [int(size) for size in shape]}
        case Const(values):
            texts = [to_text(v) for v in fractions(values)]
            return {"op": "const", "shape": list(values.shape), "values": texts}
        case Add(left, right):
            return {"op": "add", "of": [left, right]}
        case Mul(left, right):
            return {"op": "mul", "of": [left, right]}
        case MatMul(left, right):
            return {"op": "matmul", "of": [left, right]}
        case Map(function, argument):
            data: dict[str, object] = {"op": "map", "function": function.name, "of": [argument]}
            if isinstance(function, PiecewiseLinear) and function.name == LEAKY:
                data["slope"] = to_text(function.below)
            return data
        case Sum(argument, axes):
            return {"op": "sum", "of": [argument], "axes": [int(axis) for axis in axes]}
        case Take(argument, index):
            flat = [int(i) for i in index.ravel()]
            return {"op": "take", "of": [argument], "shape": list(index.shape), "index": flat}
        case Join(arguments):
            return {"op": "join", "of": list(arguments)}


def _point(data: object, program: Program, name: str) -> FlatPoint:
    found = fields(data, name, tuple(program.parameters))
    blocks = (
        _numbers(found[block], f"{name}[{block!r}]", place.stop - place.start)
        for block, place in program.parameters.items()
    )
    return tuple(value for block in blocks for value in block)


def _numbers(data: object, path: str, count: int) -> list[Fraction]:
    listed = items(data, path, "a list of numbers")
    if len(listed) != count:
        raise InputError(f"{path}: found {len(listed)} numbers, expected {count}")
    return [exact(entry, f"{path}[{k}]") for k, entry in enumerate(listed)]


def _integers(data: object, path: str) -> tuple[int, ...]:
    found: list[int] = []
    for k, entry in enumerate(items(data, path, "a list of integers")):
        number = exact(entry, f"{path}[{k}]")
        if number.denominator != 1:
            raise InputError(f"{path}[{k}]: found {shown(number)}, expected an integer")
        found.append(number.numerator)
    return tuple(found)
