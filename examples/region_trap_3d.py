"""A bad minimum made to order in three dimensions, with nine times the loss of a better one.

`python examples/region_trap_3d.py` writes region_trap_3d.png: the data in their two regions. Each
network makes the zigzag of one region and misses that of the other (filled marks).
"""

from pathlib import Path

import numpy as np

from spurious import certify
from spurious.construct import region_trap
from spurious.figures import png_bytes
from spurious.figures.style import BLUE, PAGE, VERMILION, new_figure, styled
from spurious.problem.forward import float_data, float_point, forward


@styled
def picture(trap):
    figure = new_figure(PAGE, 3.3)
    x, y = float_data(trap.problem.data)
    for k, (name, colour) in enumerate((("bad", VERMILION), ("good", BLUE))):
        problem = (trap.problem, trap.good)[k]
        residual = np.abs(forward(problem.network, float_point(problem.point), x) - y)[:, 0]
        loss = (trap.bad_loss, trap.good_loss)[k]
        axes = figure.add_subplot(1, 2, k + 1, projection="3d", title=f"{name}: loss {loss}")
        axes.scatter(*x.T, s=22, facecolors="none", edgecolors="#888888", depthshade=False)
        missed = residual > 1e-9
        axes.scatter(*x[missed].T, s=60 * residual[missed], color=colour, depthshade=False)
        axes.set(xlabel="$x_1$", ylabel="$x_2$", zlabel="$x_3$", yticks=[-1, 1], zticks=[-1, 1])
        axes.set_box_aspect((3, 1.5, 1.5), zoom=0.95)
    return figure


if __name__ == "__main__":
    made = region_trap(inputs=3, regions=2, units=3, ratio=9)
    Path("region_trap_3d.png").write_bytes(png_bytes(picture(made)))
    print(certify(made.problem).decision, certify(made.problem).is_global)
