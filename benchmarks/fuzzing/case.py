"""A problem as the referee sees it: read from JSON data by a reader of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Any

HOMOGENEOUS = ("relu", "leaky_relu", "abs", "identity")
SMOOTH = ("sigmoid", "tanh", "softplus", "softsign", "gelu", "silu", "elu")

Vector = tuple[Fraction, ...]
Matrix = tuple[Vector, ...]


@dataclass(frozen=True)
class Case:
    """Network, loss, data and point, in exact numbers.

    `point` lists the parameters layer by layer: weights row by row, then the biases.
    """

    widths: tuple[int, ...]
    activation: str
    slope: Fraction | None
    loss: str
    x: Matrix
    y: Matrix
    point: Vector
    family: str = ""

    @property
    def exact(self) -> bool:
        """Whether the outputs are rational: a homogeneous activation, or no hidden layer."""
        return self.activation in HOMOGENEOUS or len(self.widths) == 2

    @property
    def slopes(self) -> tuple[Fraction, Fraction]:
        """The slopes (p, q) of a homogeneous activation above and below 0."""
        leaky = self.slope or Fraction(0)
        below = {"relu": Fraction(0), "abs": Fraction(-1), "leaky_relu": leaky}
        return Fraction(1), below.get(self.activation, Fraction(1))

    @property
    def bent(self) -> bool:
        """Whether units have kinks."""
        p, q = self.slopes
        return len(self.widths) > 2 and self.activation in HOMOGENEOUS and p != q

    def at(self, point: Sequence[Fraction]) -> Case:
        """The same problem at another point."""
        return replace(self, point=tuple(point))


def layers(values: Sequence[Any], widths: Sequence[int]) -> list[tuple[list[list[Any]], list[Any]]]:
    """Parameters in a row as pairs of a weight matrix and a bias."""
    rest, found = iter(values), []
    for below, above in pairwise(widths):
        weight = [[next(rest) for _ in range(below)] for _ in range(above)]
        found.append((weight, [next(rest) for _ in range(above)]))
    return found


def size(widths: Sequence[int]) -> int:
    """Number of parameters."""
    return sum((below + 1) * above for below, above in pairwise(widths))


def parameters(point: dict[str, Any] | list[str]) -> Vector:
    """A point of a problem or certificate file, in a row; format 2 has it in a row already."""
    if isinstance(point, list):
        return tuple(map(number, point))
    return tuple(
        number(value)
        for layer in point["layers"]
        for row in (*layer["weight"], layer["bias"])
        for value in row
    )


def point_data(values: Sequence[Fraction], widths: Sequence[int]) -> dict[str, Any]:
    """Parameters in a row as the object `point` of a file."""
    return {
        "layers": [
            {"weight": [[str(v) for v in row] for row in weight], "bias": [str(v) for v in bias]}
            for weight, bias in layers(values, widths)
        ]
    }


def number(value: str | float) -> Fraction:
    """A number of a file, exactly."""
    return Fraction(value)


def to_data(case: Case) -> dict[str, Any]:
    """The problem as the JSON object of a file."""
    network: dict[str, Any] = {"widths": list(case.widths), "activation": case.activation}
    if case.slope is not None:
        network["slope"] = str(case.slope)
    return {
        "format": "spurious-problem/1",
        "network": network,
        "loss": case.loss,
        "data": {
            "x": [[str(v) for v in row] for row in case.x],
            "y": [[str(v) for v in row] for row in case.y],
        },
        "point": point_data(case.point, case.widths),
    }


def from_data(data: dict[str, Any], family: str = "file") -> Case:
    """Read the JSON object of a problem file that has a point."""
    network = data["network"]
    slope = network.get("slope")
    return Case(
        tuple(network["widths"]),
        network["activation"],
        None if slope is None else number(slope),
        data["loss"],
        tuple(tuple(number(v) for v in row) for row in data["data"]["x"]),
        tuple(tuple(number(v) for v in row) for row in data["data"]["y"]),
        parameters(data["point"]),
        family,
    )


def groups(case: Case) -> list[list[int]]:
    """Points with equal inputs."""
    found: dict[Vector, list[int]] = {}
    for i, row in enumerate(case.x):
        found.setdefault(row, []).append(i)
    return list(found.values())


def units(case: Case) -> int:
    """Number of hidden units."""
    return sum(case.widths[1:-1])


def cost(case: Case) -> int:
    """Multiplications for all outputs."""
    return len(case.x) * sum(prod(pair) for pair in pairwise(case.widths))
