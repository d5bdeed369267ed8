"""Draws affine-targets.png: the best loss of one leaky unit against its kink, on samples.

`python docs/pictures/affine_targets.py`, from the repository's root.
"""

from pathlib import Path

import numpy as np

from spurious.figures import Series, SeriesPanel, png_bytes, series_panels

SLOPE = 0.1


def best(x, kink):
    """The least mean squared error of c + s phi(kink - x) against x, by that of the constant."""
    z = kink - x
    bent = np.where(z > 0, z, SLOPE * z)
    bent = bent - bent.mean()
    target = x - x.mean()
    return 1 - (bent @ target) ** 2 / (bent @ bent) / (target @ target)


def series(label, points, kinks):
    x = np.linspace(0, 1, points)
    return Series(label, kinks, np.array([best(x, kink) for kink in kinks]))


def main():
    whole, part = np.linspace(0.02, 0.98, 2401), np.linspace(0.14, 0.34, 2001)
    labels = ("place of the kink", "loss / loss of the constant")
    panels = [
        SeriesPanel(title, *labels, tuple(series(f"{n} points", n, kinks) for n in sizes))
        for title, kinks, sizes in (
            ("one leaky unit, y = x", whole, (8, 16, 5_001)),
            ("around the saddle", part, (16, 48, 5_001)),
        )
    ]
    picture = Path(__file__).with_name("affine-targets.png")
    picture.write_bytes(png_bytes(series_panels(panels)))


if __name__ == "__main__":
    main()
