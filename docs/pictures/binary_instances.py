"""The picture of docs/constructions/binary-instances.md, written beside this file."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import FixedLocator

from spurious.catalogue.binary_instances import INPUTS, LABELS
from spurious.figures import png_bytes
from spurious.figures.style import BLACK, CYCLE, PAGE, new_figure, styled

HERE = Path(__file__).parent
X, Y = np.array(INPUTS), np.array(LABELS)
GREYS = colormaps["Greys"].with_extremes(over="#9A9A9A")
MINIMUM = np.array([-0.50637, 0.75855])
"""The weight, the same in both inputs, and the threshold."""


def loss(weight, threshold):
    z = np.multiply.outer(weight, X.sum(1)) + np.asarray(threshold)[..., None]
    return ((1 / (1 + np.exp(-z)) - Y) ** 2).sum(-1)


@styled
def draw():
    figure = new_figure(PAGE, 2.9)
    left, right = figure.subplots(1, 2)
    weight, threshold = np.meshgrid(np.linspace(-9, 3, 361), np.linspace(-3, 6, 361))
    levels = np.linspace(1.0, 2.2, 25)
    filled = left.contourf(
        weight,
        threshold,
        loss(weight, threshold),
        levels=levels,
        cmap=GREYS,
        vmax=3.6,
        extend="max",
    )
    left.contour(
        weight, threshold, loss(weight, threshold), levels=levels, colors=BLACK, linewidths=0.25
    )
    figure.colorbar(filled, ax=left, label="loss", ticks=FixedLocator([1, 1.4, 1.8, 2.2]))
    left.plot(*MINIMUM, "o", color=CYCLE[0], ms=5)
    left.annotate("minimum", MINIMUM, (1.3, 4.2), fontsize=9, color=CYCLE[0], ha="center",
                  arrowprops={"arrowstyle": "->", "color": CYCLE[0]})  # fmt: skip
    left.annotate("to loss 1", (-8.7, 4.35), (-7.2, 2.9), fontsize=9, color=CYCLE[1],
                  arrowprops={"arrowstyle": "->", "color": CYCLE[1]})  # fmt: skip
    left.set(xlabel="both weights", ylabel="threshold", title="(a) equal weights")
    share = np.linspace(-0.35, 2.2, 400)
    way = MINIMUM + share[:, None] * (np.array([-6.0, 3.0]) - MINIMUM)
    right.plot(share, loss(way[:, 0], way[:, 1]), color=CYCLE[1])
    right.plot(0, loss(*MINIMUM), "o", color=CYCLE[0])
    right.axhline(1, color="#999999", lw=0.7, ls=":")
    right.set(xlabel="way to $w = (-6, -6)$, $b = 3$", ylabel="loss", title="(b) between the two")
    return figure


if __name__ == "__main__":
    (HERE / "binary-instances.png").write_bytes(png_bytes(draw()))
