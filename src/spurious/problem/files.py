"""Problem files: reading and writing the format spurious-problem/1, exactly."""

import json
from pathlib import Path

from spurious.errors import InputError
from spurious.files import write_atomically
from spurious.problem.dataset import Dataset, dataset_from_arrays
from spurious.problem.json_text import MAX_BYTES, NumberText, fields, parse_json
from spurious.problem.loss import Loss
from spurious.problem.network import Network
from spurious.problem.number import exact, shown, to_text
from spurious.problem.point import Layer, Point
from spurious.problem.problem import Problem
from spurious.problem.table import Matrix, items, matrix, vector

FORMAT = "spurious-problem/1"
"""The value of the key ``format``."""


def read_problem(path: str | Path) -> Problem:
    """Read a problem file.

    Raises:
        InputError: If the file cannot be read or is no valid problem.

    Examples:
        >>> import spurious
        >>> spurious.write_problem(spurious.problem([0, 1], [0, 1], hidden=2), "line.json")
        >>> spurious.read_problem("line.json")
        <Problem: 1-2-1 relu, 2 points, squared loss>
    """
    return parse_problem(*file_bytes(path))


def file_bytes(path: str | Path) -> tuple[bytes, str]:
    """What is in a problem file, and its name for messages.

    Raises:
        InputError: If the file cannot be read.
    """
    name = str(path) if str(path).isprintable() else repr(str(path))
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{name}: found no such file, expected a problem file") from None
    except IsADirectoryError:
        raise InputError(f"{name}: found a directory, expected a problem file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name}: cannot be read ({reason}), expected a problem file") from None
    return text, name


def parse_problem(text: str | bytes, source: str = "problem") -> Problem:
    """Read a problem from JSON text.

    Args:
        text: The JSON text.
        source: The name of the text in error messages.

    Raises:
        InputError: If the text is no valid problem.

    Examples:
        >>> import spurious
        >>> spurious.parse_problem("{}")
        Traceback (most recent call last):
            ...
        spurious.errors.InputError: problem: top level: found no key 'format', expected one; add it
    """
    return problem_from_data(parse_json(text, source), source)


def problem_from_data(data: object, source: str = "problem") -> Problem:
    """Read a problem from dicts and lists, as `problem_to_data` gives them.

    Args:
        data: The object of the format. Numbers may also be floats, Fractions or NumPy scalars
            (exact values), and lists may be arrays.
        source: The name of the data in error messages.

    Raises:
        InputError: If the data is no valid problem.
    """
    try:
        return _problem(data)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def point_from_data(data: object, path: str = "point") -> Point:
    """Read a point from dicts and lists, as `point_to_data` gives them.

    Args:
        data: ``{"layers": [{"weight": ..., "bias": ...}, ...]}``.
        path: The field's name in error messages.

    Raises:
        InputError: If the data is no valid point.
    """
    listed = items(fields(data, path, ("layers",))["layers"], f"{path}.layers", "a list of layers")
    layers: list[Layer] = []
    for index, entry in enumerate(listed):
        where = f"{path}.layers[{index}]"
        found = fields(entry, where, ("weight", "bias"))
        weight = matrix(found["weight"], f"{where}.weight")
        bias = vector(found["bias"], f"{where}.bias")
        try:
            layers.append(Layer(weight, bias))
        except InputError as error:
            raise InputError(f"{where}.{error}") from None
    try:
        return Point(tuple(layers))
    except InputError as error:
        raise InputError(f"{path}.{error}") from None


def point_to_data(point: Point) -> dict[str, object]:
    """Write a point as dicts and lists, numbers as text "p/q" or "p"."""
    return {
        "layers": [
            {"weight": _rows(layer.weight), "bias": [to_text(entry) for entry in layer.bias]}
            for layer in point.layers
        ]
    }


def problem_to_data(problem: Problem) -> dict[str, object]:
    """Write a problem as dicts and lists, numbers as text "p/q" or "p".

    Raises:
        InputError: If a number has too many digits to write.
    """
    data: dict[str, object] = {
        "format": FORMAT,
        **network_to_data(problem.network, problem.loss.value, problem.data),
    }
    if problem.point is not None:
        data["point"] = point_to_data(problem.point)
    if problem.witness is not None:
        data["witness"] = point_to_data(problem.witness)
    return data


def network_to_data(network: Network, loss: str, data: Dataset) -> dict[str, object]:
    """Write the keys `network`, `loss` and `data`."""
    given: dict[str, object] = {"widths": list(network.widths), "activation": network.activation}
    if network.slope is not None:
        given["slope"] = to_text(network.slope)
    return {"network": given, "loss": loss, "data": {"x": _rows(data.x), "y": _rows(data.y)}}


def network_from_data(found: dict[str, object]) -> tuple[Network, Dataset]:
    """Read the keys `network` and `data`.

    Raises:
        InputError: If one is not valid.
    """
    return _network(found["network"]), _dataset(found["data"])


def write_problem(problem: Problem, path: str | Path) -> None:
    """Write a problem file; `read_problem` gives the same problem back.

    Raises:
        InputError: If the file cannot be written.

    Examples:
        >>> import spurious
        >>> problem = spurious.problem([0, 1], [0, 1], hidden=2)
        >>> spurious.write_problem(problem, "line.json")
        >>> spurious.read_problem("line.json") == problem
        True
    """
    text = json.dumps(problem_to_data(problem), indent=1) + "\n"
    write_atomically(Path(path), text)


def _problem(data: object) -> Problem:
    found = fields(data, "top level", ("format", "network", "loss", "data"), ("point", "witness"))
    if found["format"] != FORMAT:
        raise InputError(f'format: found {shown(found["format"])}, expected "{FORMAT}"')
    network, dataset = network_from_data(found)
    names = [loss.value for loss in Loss]
    if found["loss"] not in names:
        raise InputError(f"loss: found {shown(found['loss'])}, expected one of {', '.join(names)}")
    return Problem(
        network=network,
        loss=Loss(str(found["loss"])),
        data=dataset,
        point=point_from_data(found["point"], "point") if "point" in found else None,
        witness=point_from_data(found["witness"], "witness") if "witness" in found else None,
    )


def _network(data: object) -> Network:
    found = fields(data, "network", ("widths", "activation"), ("slope",))
    listed = items(found["widths"], "network.widths", "a list of integers")
    slope = exact(found["slope"], "network.slope") if "slope" in found else None
    activation = found["activation"]
    if not isinstance(activation, str):
        raise InputError(f"network.activation: found {shown(activation)}, expected a name")
    return Network(tuple(_width(w, i) for i, w in enumerate(listed)), activation, slope)


def _width(value: object, index: int) -> int:
    path = f"network.widths[{index}]"
    if isinstance(value, str) and not isinstance(value, NumberText):
        raise InputError(f"{path}: found the text {shown(value)}, expected an integer; unquote it")
    number = exact(value, path)
    if number.denominator != 1:
        raise InputError(f"{path}: found {shown(number)}, expected an integer")
    return number.numerator


def _dataset(data: object) -> Dataset:
    found = fields(data, "data", ("x", "y"))
    return dataset_from_arrays(found["x"], found["y"])


def _rows(rows: Matrix) -> list[list[str]]:
    return [[to_text(entry) for entry in row] for row in rows]
