"""Problem files of dense losses beyond format 1 (docs/certificates.md, section 9.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from spurious.errors import InputError
from spurious.problem.dense_loss import DenseLoss, Penalty
from spurious.problem.files import (
    network_from_data,
    network_to_data,
    point_from_data,
    point_to_data,
)
from spurious.problem.json_text import fields
from spurious.problem.number import exact, shown, to_text
from spurious.problem.point import flatten, unflatten
from spurious.problem.problem import check_point
from spurious.problem.program_problem import FlatPoint, ProgramProblem
from spurious.problem.table import vector

OPTIONAL = ("penalty", "reduction", "weights", "point", "witness")


def dense_from_data(data: object) -> ProgramProblem:
    """Reads a problem from dicts and lists, as `dense_to_data` gives them.

    Raises:
        InputError: The data is no valid problem.
    """
    found = fields(data, "top level", ("format", "network", "loss", "data"), OPTIONAL)
    network, dataset = network_from_data(found)
    dense = DenseLoss(
        network,
        _text(found["loss"], "loss"),
        dataset,
        _penalty(found["penalty"]) if "penalty" in found else Penalty(),
        _text(found.get("reduction", "sum"), "reduction"),
        vector(found["weights"], "weights") if "weights" in found else None,
    )
    points = {
        name: _flat(found[name], dense, name) for name in ("point", "witness") if name in found
    }
    return ProgramProblem(dense.program(), points.get("point"), points.get("witness"), dense)


def dense_to_data(dense: DenseLoss, problem: ProgramProblem) -> dict[str, object]:
    """Writes what a problem's program was made from, and its points, without the key `format`.

    Args:
        dense: The loss.
        problem: The problem; its points are written.

    Raises:
        InputError: A number has too many digits to write.
    """
    data = network_to_data(dense.network, dense.loss, dense.data)
    if dense.penalty.l2:
        data["penalty"] = _penalty_data(dense.penalty)
    if dense.reduction != "sum":
        data["reduction"] = dense.reduction
    if dense.weights is not None:
        data["weights"] = [to_text(weight) for weight in dense.weights]
    for name, point in (("point", problem.point), ("witness", problem.witness)):
        if point is not None:
            data[name] = point_to_data(unflatten(point, dense.network))
    return data


def _penalty(data: object) -> Penalty:
    if not isinstance(data, dict):
        raise InputError(
            f'penalty: found {shown(data)}, expected an object such as {{"l2": "1/100"}}'
        )
    given = cast("dict[str, object]", data)
    if "l2" in given:
        found = fields(given, "penalty", ("l2",), ("biases",))
        biases = found.get("biases", True)
        if not isinstance(biases, bool):
            raise InputError(f"penalty.biases: found {shown(biases)}, expected true or false")
        return Penalty(exact(found["l2"], "penalty.l2"), biases)
    blocks = fields(given, "penalty", (), tuple(given))
    return Penalty({name: exact(value, f"penalty[{name!r}]") for name, value in blocks.items()})


def _penalty_data(penalty: Penalty) -> dict[str, object]:
    if isinstance(penalty.l2, Mapping):
        return {name: to_text(value) for name, value in penalty.l2.items()}
    data: dict[str, object] = {"l2": to_text(penalty.l2)}
    return data if penalty.biases else {**data, "biases": False}


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{path}: found {shown(value)}, expected a name")
    return str(value)


def _flat(data: object, dense: DenseLoss, name: str) -> FlatPoint:
    point = point_from_data(data, name)
    check_point(point, dense.network, name)
    return flatten(point)
