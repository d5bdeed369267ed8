"""How near a network is to an affine map on its data."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.problem.forward import float_data
from spurious.sweep import Cell, Plan, Store, cell_rows, connect
from spurious.sweep.axes import Label
from spurious.train import Outcome, Recipe
from spurious.train.batched import preactivations

NEAR: Final = 0.1
"""A network is nearly linear if its outputs differ from an affine map by less than this share."""

MOST: Final = 1000
"""How many stuck networks of a dataset and width are looked at."""

STUCK: Final = (Outcome.FINITE_LOCAL_MINIMUM, Outcome.VALLEY_TO_INFINITY, Outcome.DEAD)
_COLUMNS: Final = ("outcome", "parameters")


def near_linear(plan: Plan, store: Store) -> tuple[float, int]:
    """The share of stuck relu networks that are nearly linear on their data, and how many they are.

    Args:
        plan: A sweep of small networks with one output.
        store: The finished store of the plan.
    """
    connection = connect(store)
    groups: dict[tuple[Label, ...], list[Cell]] = {}
    for cell in plan.cells:
        if cell.recipe.network.activation == "relu":
            groups.setdefault(cell.labels[:2], []).append(cell)  # dataset and hidden units
    near, total = 0, 0
    for cells in groups.values():
        rows = [row for cell in cells for row in cell_rows(connection, cell, _COLUMNS)]
        stuck = [row["parameters"] for row in rows if row["outcome"] in STUCK][:MOST]
        recipe = cells[0].recipe
        if stuck and isinstance(recipe, Recipe):
            x, _ = float_data(recipe.data)
            outputs = preactivations(recipe, np.array(stuck, dtype=np.float64))[-1][..., 0]
            near += int((relative_residual(x, outputs) < NEAR).sum())
            total += len(stuck)
    return (near / total if total else float("nan")), total


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
