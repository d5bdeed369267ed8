"""The kernel against JAX and optax, step for step."""

from fractions import Fraction

import numpy as np
import pytest

from spurious.problem import ACTIVATIONS, Dataset, Loss, Network, dataset_from_arrays
from spurious.train import INITIALISATIONS, OPTIMISERS, Initialisation, Optimiser, Recipe, train
from spurious.train.reference import reference

UPDATES = 25


def data(points: int, inputs: int, outputs: int, loss: Loss, seed: int = 0) -> Dataset:
    rng = np.random.Generator(np.random.Philox(key=seed))
    x = rng.normal(size=(points, inputs)).astype(np.float32)
    if loss is Loss.CROSS_ENTROPY:
        y = rng.integers(0, outputs, size=(points, 1)).astype(float)
    else:
        y = np.where(rng.normal(size=(points, outputs)) > 0, 1.0, -1.0)
    return dataset_from_arrays(x.tolist(), y.tolist())


def recipe(
    widths: tuple[int, ...] = (2, 4, 1),
    activation: str = "relu",
    loss: Loss = Loss.LOGISTIC,
    points: int = 6,
    initialisation: str = "glorot_normal",
    optimiser: str = "adam",
    step_size: float = 0.01,
    batch: int | None = None,
    precision: str = "float64",
) -> Recipe:
    slope = Fraction(1, 8) if activation == "leaky_relu" else None
    return Recipe(
        Network(widths, activation, slope),
        loss,
        data(points, widths[0], widths[-1], loss),
        Initialisation(initialisation),
        Optimiser(optimiser, step_size),
        UPDATES,
        batch=batch,
        precision=precision,
        stop=False,
    )


def check(recipe: Recipe, count: int = 70, tolerance: float = 1e-9) -> None:
    path, losses = reference(recipe, 5, 3, count)
    runs = train(recipe, 5, 3, count, snapshots=range(UPDATES + 1))
    scale = 1 + np.abs(path).max()
    assert np.abs(runs.parameters - path[-1]).max() < tolerance * scale
    assert np.allclose(runs.snapshots[:, :, 0], losses.T, rtol=10 * tolerance, atol=tolerance)
    norms = np.linalg.norm(path.astype(np.float64), axis=2).T
    assert np.allclose(runs.snapshots[:, :, 2], norms, rtol=10 * tolerance)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation: str) -> None:
    check(recipe(activation=activation))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_optimisers(optimiser: str) -> None:
    check(recipe(activation="tanh", optimiser=optimiser))


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
def test_initialisations(initialisation: str) -> None:
    check(recipe(activation="tanh", initialisation=initialisation))


@pytest.mark.parametrize("loss", list(Loss))
@pytest.mark.parametrize("widths", [(1, 1), (3, 2), (3, 4, 5, 3), (2, 3, 3, 3, 3, 2)])
def test_losses_and_shapes(loss: Loss, widths: tuple[int, ...]) -> None:
    if loss is Loss.CROSS_ENTROPY and widths[-1] == 1:
        widths = (*widths[:-1], 2)
    check(recipe(widths, "softplus", loss, points=5))


@pytest.mark.parametrize("points", [1, 2, 3, 5, 8, 13])
def test_numbers_of_points(points: int) -> None:
    check(recipe(points=points))


@pytest.mark.parametrize(("batch", "points"), [(1, 6), (2, 6), (6, 6), (2, 9), (5, 9)])
def test_mini_batches(batch: int, points: int) -> None:
    check(recipe(activation="tanh", points=points, batch=batch))


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "gelu", "softplus"])
@pytest.mark.parametrize("optimiser", ["gd", "adam"])
def test_single_precision(activation: str, optimiser: str) -> None:
    check(recipe(activation=activation, optimiser=optimiser, precision="float32"), tolerance=3e-5)


def test_the_widest_networks() -> None:
    check(recipe((64, 64, 64, 2), "tanh", Loss.CROSS_ENTROPY, points=9, step_size=1e-3), count=3)
