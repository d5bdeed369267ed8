"""How near a network is to an affine map on its data."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.problem import Network, dataset
from spurious.sweep import Store, connect
from spurious.train import Initialisation, Optimiser, Recipe
from spurious.train.batched import preactivations

NEAR: Final = 0.1
"""A network is nearly linear if its outputs differ from an affine map by less than this share."""

MOST: Final = 1000
"""How many stuck networks of a cell are looked at."""


def near_linear(store: Store) -> tuple[float, int]:
    """The share of stuck relu networks that are nearly linear on their data, and how many they are.

    Args:
        store: A sweep over built-in datasets.
    """
    connection = connect(store)
    cells = connection.execute(
        "SELECT DISTINCT dataset, hidden FROM runs WHERE activation = 'relu' ORDER BY ALL"
    ).fetchall()
    near, total = 0, 0
    for name, hidden in cells:
        rows = connection.execute(
            "SELECT parameters FROM runs WHERE activation = 'relu' AND dataset = ? AND hidden = ? "
            "AND outcome IN ('finite_local_minimum', 'valley_to_infinity', 'dead') "
            f"ORDER BY optimiser, index LIMIT {MOST}",
            [name, hidden],
        ).fetchall()
        if rows:
            residuals = _residuals(name, int(hidden), np.array([row[0] for row in rows]))
            near += int((residuals < NEAR).sum())
            total += len(residuals)
    return (near / total if total else float("nan")), total


def _residuals(name: str, hidden: int, parameters: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    found = dataset(name)
    recipe = Recipe(
        Network((found.data.inputs, hidden, 1), "relu"),
        found.loss,
        found.data,
        Initialisation("pytorch"),
        Optimiser("gd", 1.0),
        0,
    )
    outputs = preactivations(recipe, parameters.astype(np.float64))[-1][..., 0]
    x = np.array([[float(value) for value in row] for row in found.data.x])
    return relative_residual(x, outputs)


def relative_residual(
    x: npt.NDArray[np.float64], outputs: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Distance of outputs to the affine maps of the inputs, over their distance to the constants.

    Args:
        x: Inputs, shape (n, d).
        outputs: Shape (N, n).

    Returns:
        Shape (N,); 0 for constant outputs.
    """
    design = np.column_stack([x, np.ones(len(x))])
    fitted = outputs @ (design @ np.linalg.pinv(design)).T
    spread = np.linalg.norm(outputs - outputs.mean(axis=1, keepdims=True), axis=1)
    distance = np.linalg.norm(outputs - fitted, axis=1)
    size = 1 + np.abs(outputs).max(axis=1)
    return np.divide(distance, spread, out=np.zeros(len(outputs)), where=spread > 1e-6 * size)
