"""The pictures of docs/ideas: `python docs/pictures/ideas.py` writes them beside this file."""

from pathlib import Path

import numpy as np

from spurious.figures import Series, SeriesPanel, png_bytes, series_panels
from spurious.figures.style import BLACK, COLUMN, CYCLE, PAGE, new_figure, styled
from spurious.problem import Network, dataset
from spurious.train import (
    Initialisation,
    Optimiser,
    Outcome,
    Recipe,
    train,
    train_and_name,
)

HERE = Path(__file__).parent
D1 = dataset("d1").data
X = np.array([float(row[0]) for row in D1.x])
Y = np.array([float(row[0]) for row in D1.y])


def unit(bias, x=X):
    return np.maximum(0.0, x + bias)


@styled
def kinks():
    """The loss of relu(x + b) on D1 against b, and the function at the minimum on a kink."""
    figure = new_figure(PAGE, 2.6)
    left, right = figure.subplots(1, 2)
    biases = np.linspace(-4.4, -1.6, 561)
    left.plot(biases, [((unit(b) - Y) ** 2).sum() for b in biases], color=CYCLE[1])
    left.plot([-3], [18], "o", color=CYCLE[0])
    left.annotate(
        "minimum:\nkink on $x = 3$", (-2.95, 18.4), (-2.95, 20.6), ha="center", fontsize=8
    )
    left.annotate("kink on $x = 4$", (-4, 20.2), (-3.95, 22.3), ha="left", fontsize=8)
    left.axvline(-3, color="#BBBBBB", lw=0.7, ls=":")
    left.axvline(-4, color="#BBBBBB", lw=0.7, ls=":")
    left.set(xlabel="bias $b$ of the unit", ylabel="loss", title="(a) the loss along the bias")
    grid = np.linspace(-1.5, 5.5, 200)
    right.plot(grid, unit(-3, grid), color=CYCLE[1], label="$f(x)$ at $b = -3$")
    right.plot(grid, unit(-3.4, grid), color=CYCLE[2], ls="--", label="$b = -3.4$")
    right.plot(X, Y, "D", color=BLACK, ms=3.5, label="data")
    right.set(xlabel="input $x$", ylabel="output and target", title="(b) the function")
    right.legend(loc="upper center")
    return figure


@styled
def cells():
    """The loss over a unit's weight and bias, with the best output weight and bias, and cells."""
    figure = new_figure(COLUMN * 1.35, 3.2)
    axes = figure.subplots()
    grid = np.linspace(-1, 1, 401)
    w, b = np.meshgrid(grid, 5 * grid)
    a = np.maximum(0.0, w[..., None] * X + b[..., None])
    centred = a - a.mean(axis=-1, keepdims=True)
    size = (centred**2).sum(axis=-1)
    gain = (centred @ Y) ** 2 / np.where(size > 1e-12, size, np.inf)
    loss = ((Y - Y.mean()) ** 2).sum() - gain
    shown = axes.contourf(grid, 5 * grid, loss, levels=12, cmap="cividis")
    for x in X:
        axes.plot(grid, -x * grid, color="white", lw=0.8)
    axes.set(xlim=(-1, 1), ylim=(-5, 5), xlabel="weight $w$", ylabel="bias $b$")
    figure.colorbar(shown, ax=axes, label="smallest loss with this unit")
    return figure


def recipe(name, activation, units, optimiser, updates):
    data = dataset(name)
    network = Network((2, units, 1), activation)
    start = Initialisation("pytorch")
    return Recipe(network, data.loss, data.data, start, optimiser, updates, stop=False)


def times(updates):
    return sorted({0, *np.geomspace(1, updates, 80).astype(int).tolist()})


def curves(asked, kinds):
    """Losses and norms of the first run of each kind; a kind is a name and a test of the table."""
    table = train_and_name(asked, 1, 0, 200)
    series = [], []
    for name, holds in kinds:
        index = int(np.flatnonzero(holds(table))[0])
        runs = train(asked, 1, index, 1, snapshots=times(asked.updates))
        at = np.maximum(runs.times, 0.5)
        series[0].append(Series(name, at, runs.snapshots[0, :, 0]))
        series[1].append(Series(name, at, runs.snapshots[0, :, 2]))
    return series


def valleys():
    """Loss and norm of a run in a valley to infinity, and of one at a finite minimum."""
    asked = recipe("jellyfish", "relu", 2, Optimiser("adam", 0.01), 100_000)
    kinds = [(o.replace("_", " "), lambda t, o=o: t["outcome"] == o) for o in TRAPS]
    loss, norm = curves(asked, kinds)
    return series_panels(
        [
            SeriesPanel("(a) the loss settles", "updates", "loss", tuple(loss), log_x=True),
            SeriesPanel(
                "(b) the parameters do not",
                "updates",
                "norm of the parameters",
                tuple(norm),
                log_x=True,
                log_y=True,
            ),
        ]
    )


TRAPS = (Outcome.VALLEY_TO_INFINITY, Outcome.FINITE_LOCAL_MINIMUM)


def plateaus():
    """A run that stands still and then learns, beside one that is trapped."""
    asked = recipe("xor", "sigmoid", 2, Optimiser("gd", 0.1), 100_000)
    kinds = (
        ("plateau, then solved", lambda t: t["solved_at"] > 10_000),
        (
            "trap (a valley to infinity)",
            lambda t: (t["outcome"] != "solved") & (t["heading"] != "solved"),
        ),
    )
    loss, _ = curves(asked, kinds)
    return series_panels(
        [SeriesPanel("a plateau and a trap", "updates", "loss", tuple(loss), log_x=True)]
    )


if __name__ == "__main__":
    for made in (kinks, cells, valleys, plateaus):
        (HERE / f"idea-{made.__name__}.png").write_bytes(png_bytes(made(), dpi=200))
