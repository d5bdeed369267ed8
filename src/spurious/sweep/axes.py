"""The axes of a grid, and what a combination of their values means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from spurious.data import ARRAY_DATASETS, ArrayData, array_data
from spurious.errors import InputError
from spurious.large import LargeRecipe
from spurious.problem import (
    DATASETS,
    BuiltIn,
    Dataset,
    Loss,
    Network,
    Penalty,
    dataset,
    read_problem,
)
from spurious.problem.table import Vector
from spurious.program import LOSSES
from spurious.train import Initialisation, Optimiser, Recipe, point_weights

Label: TypeAlias = str | int | float | None

AXES: Final = (
    "dataset",
    "hidden",
    "activation",
    "slope",
    "loss",
    "reduction",
    "weights",
    "l2",
    "biases",
    "initialisation",
    "optimiser",
    "step_size",
    "weight_decay",
    "updates",
    "batch",
    "precision",
    "tolerance",
)
"""The keys of a grid, and the columns that tell cells apart."""

OPTIONAL: Final = (
    *("slope", "loss", "reduction", "weights", "l2", "biases", "weight_decay", "batch"),
    *("precision", "tolerance"),
)
"""Axes that may be left out."""

LATER: Final = ("reduction", "weights")
"""Axes that came after the first stores of this engine: where one was left out, neither the rows
nor the name of a shard mention it, so that they are what they were."""


def recipe_of(
    values: Mapping[str, Any], where: str, folder: Path
) -> tuple[tuple[Label, ...], Recipe | LargeRecipe]:
    """The labels and the recipe of a combination.

    Args:
        values: For each of `AXES` one value, None where it was left out.
        where: The grid's name in error messages.
        folder: Where datasets named by a path are sought.

    Raises:
        InputError: A value is of the wrong kind, or they do not fit together.
    """
    data, loss, data_name = _data(values["dataset"], f"{where}.dataset", folder)
    if values["loss"] is not None:
        loss = _loss(values["loss"], f"{where}.loss")
    hidden = _hidden(values["hidden"], f"{where}.hidden")
    for axis in ("step_size", "weight_decay", "tolerance"):
        if values[axis] is not None:
            _number(values[axis], f"{where}.{axis}")
    combination = ", ".join(f"{a} = {v}" for a, v in values.items() if v is not None)
    try:
        network = Network(
            _widths(data, loss, hidden),
            _text(values["activation"], f"{where}.activation"),
            _fraction(values["slope"], f"{where}.slope"),
        )
        start = _named(values["initialisation"], f"{where}.initialisation")
        rule = _named(values["optimiser"], f"{where}.optimiser")
        for axis in ("step_size", "weight_decay", "biases"):
            if axis in rule:
                raise InputError(f"optimiser.{axis}: give it as the grid's axis {axis}")
        initialisation = _made(Initialisation, "initialisation", start)
        optimiser = replace(
            _made(Optimiser, "optimiser", {**rule, "step_size": float(values["step_size"])}),
            **_own_decay(rule["name"], values),
        )
        objective: dict[str, Any] = {
            "penalty": _penalty(rule["name"], values, where),
            "reduction": values["reduction"] or "sum",
            "weights": _weights(values["weights"], data),
        }
        precision = values["precision"] or "float32"
        updates, batch, tolerance = values["updates"], values["batch"], values["tolerance"]
        recipe: Recipe | LargeRecipe
        if isinstance(data, ArrayData):
            if precision != "float32":
                raise InputError(
                    f"precision: found {precision!r}, expected float32, in which large networks "
                    "are trained"
                )
            recipe = LargeRecipe(
                network,
                loss,
                data,
                initialisation,
                optimiser,
                updates,
                batch=batch,
                tolerance=tolerance,
                **objective,
            )
        else:
            recipe = Recipe(
                network,
                loss,
                data,
                initialisation,
                optimiser,
                updates,
                batch=batch,
                precision=precision,
                tolerance=tolerance,
                **objective,
            )
    except InputError as error:
        raise InputError(f"{where}: the combination {combination} is impossible: {error}") from None
    labels = (
        data_name,
        ",".join(str(units) for units in hidden),
        network.activation,
        None if network.slope is None else str(network.slope),
        str(loss),
        values["reduction"],
        None if values["weights"] is None else _weights_label(values["weights"]),
        None if values["l2"] is None else float(_fraction(values["l2"], f"{where}.l2") or 0),
        values["biases"],
        _label(start),
        _label(rule),
        recipe.optimiser.step_size,
        recipe.optimiser.weight_decay,
        recipe.updates,
        recipe.batch,
        precision,
        recipe.tolerance,
    )
    return labels, recipe


def named_labels(labels: tuple[Label, ...]) -> dict[str, Label]:
    """A cell's labels by their axes, without those of `LATER` that were left out."""
    named = zip(AXES, labels, strict=True)
    return {axis: label for axis, label in named if not (axis in LATER and label is None)}


def _widths(data: Dataset | ArrayData, loss: str, hidden: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(data, ArrayData):
        return (data.inputs.shape[1], *hidden, data.outputs)
    outputs = len(data.y[0])
    if loss == Loss.CROSS_ENTROPY:
        outputs = int(max(row[0] for row in data.y)) + 1
    return (data.inputs, *hidden, outputs)


def _data(value: object, where: str, folder: Path) -> tuple[Dataset | ArrayData, str, str]:
    if isinstance(value, BuiltIn):
        return value.data, value.loss, value.name
    if isinstance(value, dict) or value in ARRAY_DATASETS:
        try:
            arrays = array_data(_named(value, where))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return arrays, Loss.CROSS_ENTROPY if arrays.classes else Loss.SQUARED, arrays.name
    name = _text(value, where)
    if name in DATASETS:
        found = dataset(name)
        return found.data, found.loss, name
    if "." not in name and "/" not in name:
        raise InputError(
            f"{where}: found {name!r}, expected one of {', '.join((*DATASETS, *ARRAY_DATASETS))}, "
            "or the path of a problem file"
        )
    try:
        problem = read_problem(folder / name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return problem.data, problem.loss, name


def _loss(value: object, where: str) -> str:
    if value not in LOSSES:
        raise InputError(f"{where}: found {value!r}, expected one of {', '.join(LOSSES)}")
    return str(value)


def _weights(value: Any, data: Dataset | ArrayData) -> Vector | None:
    """A weight for each point, from what the axis says."""
    if value is None:
        return None
    if isinstance(data, ArrayData):
        targets = data.targets.reshape(data.size, -1).astype(float).tolist()
    else:
        targets = data.y
    if len(targets[0]) > 1 and not isinstance(value, list):
        raise InputError(
            "weights: found weights of classes, but targets are several numbers a point; give a "
            "weight for each point"
        )
    return point_weights(value, [row[0] for row in targets])


def _weights_label(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={weight}" for name, weight in cast(dict[str, Any], value).items())
    return ",".join(map(str, cast(list[Any], value))) if isinstance(value, list) else str(value)


def _hidden(value: Any, where: str) -> tuple[int, ...]:
    units = cast(list[Any], value) if isinstance(value, list) else [value]
    if not all(type(unit) is int and unit > 0 for unit in units):
        raise InputError(
            f"{where}: found {value!r}, expected a number of units, or a list of them for several "
            "layers, such as [4, 4]"
        )
    return tuple(units)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{where}: found {value!r}, expected text")
    return value


def _number(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: found {value!r}, expected a number")


def _own_decay(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the axes say of AdamW's own decay."""
    decay, biases = values["weight_decay"], values["biases"]
    found = {} if decay is None else {"weight_decay": float(decay)}
    return {**found, "biases": biases} if name == "adamw" else found


def _penalty(name: str, values: Mapping[str, Any], where: str) -> Penalty:
    """What the axes say of the penalty."""
    biases = values["biases"]
    if biases is not None and not isinstance(biases, bool):
        raise InputError(f"biases: found {biases!r}, expected true or false")
    if biases is not None and values["l2"] is None and name != "adamw":
        raise InputError(
            f"biases: found {biases!r}, but nothing decays; give l2 too, or leave it out"
        )
    factor = _fraction(values["l2"], f"{where}.l2")
    return Penalty(factor or Fraction(0), biases is not False)


def _fraction(value: object, where: str) -> Fraction | None:
    if value is None:
        return None
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise InputError(f'{where}: found {value!r}, expected a number such as "1/100"') from None


def _named(value: Any, where: str) -> dict[str, Any]:
    """A name, or a table with a name and numbers, as a table."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict):
        table = cast(dict[str, Any], value)
        if isinstance(table.get("name"), str):
            return table
    raise InputError(
        f'{where}: found {value!r}, expected a name, or a table such as {{name = "normal", '
        "std = 0.5}"
    )


def _made(kind: Any, what: str, fields: Mapping[str, Any]) -> Any:
    known = kind.__slots__
    for key, value in fields.items():
        if key not in known:
            raise InputError(f"{what}.{key}: found an unknown key, expected {', '.join(known)}")
        if key != "name" and not (key == "bias" and isinstance(value, str)):
            _number(value, f"{what}.{key}")
    return kind(**fields)


def _label(table: Mapping[str, Any]) -> str:
    rest = ", ".join(f"{key}={value}" for key, value in table.items() if key != "name")
    return f"{table['name']}({rest})" if rest else str(table["name"])
