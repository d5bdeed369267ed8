"""C4: decision surfaces of converged and of stuck networks on Jellyfish (v1, Fig. 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.figures import BoundaryPanel, decision_boundaries
from spurious.problem import Network, dataset
from spurious.problem.forward import forward
from spurious.studies.claims import C4
from spurious.studies.report.claim import ClaimResult, Context, Picture, Row, Status, Study, overall
from spurious.train import (
    MINIMA,
    Initialisation,
    Optimiser,
    Outcome,
    Recipe,
    Runs,
    check_traps,
    name_outcomes,
    train,
)
from spurious.train.batched import correct, preactivations
from spurious.train.runs import float_data

HIDDEN: Final = 2
RUNS: Final = 500
UPDATES: Final = 10_000
SEED: Final = 1
STUCK: Final = {
    "relu": Outcome.FINITE_LOCAL_MINIMUM,
    "sigmoid": Outcome.VALLEY_TO_INFINITY,
}
"""The commonest kind of failure of each."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A trained network.

    Attributes:
        title: For its picture.
        what: What it ended in, in words.
        parameters: Shape (P,).
        loss: At the end of training.
        right: How many of the four points are on their right side.
        index: The network's number in its ensemble.
    """

    title: str
    what: str
    parameters: npt.NDArray[np.float64]
    loss: float
    right: int
    index: int


def run(_: Context) -> ClaimResult:
    """Trains a few hundred networks of each kind; draws one that converged and a stuck one."""
    rows: list[Row] = []
    panels: list[BoundaryPanel] = []
    for activation, name in (("relu", "ReLU"), ("sigmoid", "sigmoid")):
        recipe = _recipe(activation)
        for example, stuck in zip(_examples(recipe, name), (False, True), strict=True):
            panels.append(_panel(recipe, example))
            held = (example.right < 4) == stuck
            rows.append(
                Row(
                    example.title,
                    "a picture",
                    f"{example.what}; loss {example.loss:.6f}, {example.right} of 4 points right "
                    f"(network {example.index} of seed {SEED})",
                    Status.REPRODUCED if held else Status.DIFFERS,
                    key=True,
                )
            )
    picture = Picture(
        "c04-surfaces",
        "Jellyfish, 2-2-1 networks, log loss, Adam: the best of the converged networks and the "
        "first stuck one of its commonest kind, for ReLU (left) and sigmoid (right).",
        decision_boundaries(panels),
    )
    return ClaimResult(
        C4,
        overall(rows),
        tuple(rows),
        (
            f"Out of {RUNS} networks each, trained by Adam with step size 0.01 for {UPDATES:,} "
            "updates from PyTorch's default start. The stuck ReLU network has found the best "
            "linear classifier and stays there; the stuck sigmoid network separates two of the "
            "points ever better and gives the other two the same output: a valley to infinity.",
        ),
        pictures=(picture,),
    )


def _recipe(activation: str) -> Recipe:
    found = dataset("jellyfish")
    return Recipe(
        Network((2, HIDDEN, 1), activation),
        found.loss,
        found.data,
        Initialisation("pytorch"),
        Optimiser("adam", 0.01),
        UPDATES,
        stop=False,
    )


def _examples(recipe: Recipe, name: str) -> tuple[Example, Example]:
    """The converged network with the smallest loss, and the first one stuck in the usual way."""
    runs = train(recipe, SEED, 0, RUNS, snapshots=[UPDATES // 2])
    outcomes = name_outcomes(recipe, runs, runs.snapshots[:, 0, 0])
    solved = np.flatnonzero(outcomes.outcome == Outcome.SOLVED)
    best = int(solved[np.argmin(runs.loss[solved])])
    kind = STUCK[recipe.network.activation]
    stuck = int(np.flatnonzero(outcomes.outcome == kind)[0])
    words = f"{kind.replace('_', ' ')}, where the loss tends to {outcomes.limit[stuck]:.4f}"
    if check_traps(recipe, outcomes).proved[stuck] in MINIMA:
        words += ", proved"
    return (
        _example(recipe, runs, best, f"{name}, converged", "converged"),
        _example(recipe, runs, stuck, f"{name}, stuck", words),
    )


def _example(recipe: Recipe, runs: Runs, index: int, title: str, what: str) -> Example:
    parameters = runs.parameters[index].astype(np.float64)
    right = correct(recipe, preactivations(recipe, parameters[None])[-1])[0]
    return Example(title, what, parameters, float(runs.loss[index]), int(right), index)


def _panel(recipe: Recipe, example: Example) -> BoundaryPanel:
    axis = np.linspace(-0.35, 1.35, 241)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    x, y = float_data(recipe.data, recipe.loss, 1)
    output = forward(recipe.network, example.parameters, grid)[:, 0].reshape(len(axis), len(axis))
    wrong = y[:, 0] * forward(recipe.network, example.parameters, x)[:, 0] <= 0
    return BoundaryPanel(example.title, axis, axis, output, x, y[:, 0], wrong)


STUDY: Final = Study(C4, run)
