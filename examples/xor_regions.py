"""XOR, two sigmoid units: nearly all runs that fail end where signs of the weights forbid success.

`python examples/xor_regions.py [RUNS]` writes xor_regions.png (docs/howto/xor-sigmoid-stuck.md).
"""

import sys
from pathlib import Path

import numpy as np

from spurious.figures import Series, SeriesPanel, png_bytes, series_panels

CORNERS = [*zip(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), (0, 1, 1, 0), strict=True)]


def values(w, b, v, c, x):
    h = 1 / (1 + np.exp(-(w @ x[:, None] + b)))
    return h, 1 / (1 + np.exp(-((v * h).sum(1, keepdims=True) + c)))


def main(runs: int = 2_000) -> None:
    rng = np.random.default_rng(0)
    w, b, v, c = (rng.uniform(-1, 1, (runs, *s)) for s in ((2, 2), (2, 1), (2, 1), (1, 1)))
    for x, y in CORNERS * 10_000:  # 10,000 epochs of one corner a step, of size 1/4
        h, o = values(w, b, v, c, x)
        down = (y - o) * o * (1 - o) / 2
        inner = down * v * h * (1 - h)
        v, c, w, b = v + down * h, c + down, w + inner * x, b + inner
    depth = np.maximum((v * w).min(1), -(v * w).max(1)).max(1)  # in a region; below 0 outside
    loss = sum((values(w, b, v, c, x)[1][:, 0, 0] - y) ** 2 for x, y in CORNERS)
    failed = loss > 0.1
    print(f"{failed.sum()} of {runs} fail, {(failed & (depth >= 0)).sum()} of them in a region")
    ends = Series(f"{runs} runs after 10,000 epochs", depth, loss, joined=False)
    panel = SeriesPanel("XOR, 2-2-1 sigmoid", "depth in a forbidden region", "loss", (ends,))
    Path("xor_regions.png").write_bytes(png_bytes(series_panels([panel])))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
