"""Small ensembles of large networks for tests."""

import numpy as np

from spurious.data import ArrayData, array_data
from spurious.large import LargeRecipe
from spurious.large.ensemble import Ensemble, Member, State
from spurious.problem import Loss, Network
from spurious.train import Initialisation, Optimiser

ADAM = Optimiser("adam", 0.01)


def classes(tau: float = 1.0, seed: int = 1) -> ArrayData:
    """Twenty-three points of three inputs in three classes."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((23, 3)).astype(np.float32)
    y = np.random.default_rng(seed).permutation(np.arange(23) % 3)
    return ArrayData("cloud", x, tau, y, 3)


def recipe(
    data: ArrayData | None = None,
    hidden: tuple[int, ...] = (5, 4),
    start: str | Initialisation = "pytorch",
    updates: int = 60,
    batch: int | None = 5,
) -> LargeRecipe:
    """A recipe for `classes`, with a short last batch."""
    data = data or classes()
    made = Initialisation(start) if isinstance(start, str) else start
    network = Network((data.inputs.shape[1], *hidden, data.outputs), "relu")
    loss = Loss.CROSS_ENTROPY if data.classes else Loss.SQUARED
    tolerance = None if data.classes else 1e-3
    return LargeRecipe(network, loss, data, made, ADAM, updates, batch, tolerance)


def zigzag_recipe(updates: int = 50, tau: float = 1.0) -> LargeRecipe:
    """A recipe for a short zig-zag, full batch."""
    data = array_data({"name": "zigzag", "points": 9, "pieces": 2, "tau": tau})
    return recipe(data, (6,), updates=updates, batch=None)


def members(count: int = 4) -> dict[str, Member]:
    """Networks that differ in everything that one program allows."""
    made = [
        recipe(classes()),
        recipe(classes(tau=0.5)),
        recipe(classes(seed=2), start="he_normal"),
        recipe(classes(), start=Initialisation("normal", mean=-3.0, std=0.1, bias="drawn")),
    ]
    return {f"n{i}": Member(made[i % 4], 5, i // 2) for i in range(count)}


def train(ensemble: Ensemble) -> State:
    """Trains from the start to the end."""
    state = ensemble.start()
    while state.step < ensemble.marks[-1]:
        state = ensemble.advance(state)
    return state
