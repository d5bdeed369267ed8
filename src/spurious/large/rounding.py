"""The forward pass in double precision, with a bound on its rounding errors.

For a matrix product computed in any order with unit roundoff u, |fl(h W) - h W| <= g |h| |W| with
g = k u / (1 - k u), k the number of terms (Higham, "Accuracy and Stability of Numerical
Algorithms", 2002, Theorem 3.1 ff.). With computed inputs h', |h - h'| <= e, the pre-activation's
error is then at most e |W| + g (|h'| |W| + |b|). The relu does not enlarge it. The bound itself is
a sum of nonnegative terms, so its own relative rounding error is far below the hundredth that is
added; underflow is covered by `TINY`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROUNDOFF: Final = 2.0**-53
SAFETY: Final = 1.01
TINY: Final = 1e-250


def growth(terms: int) -> float:
    """The factor g for sums of so many products."""
    return terms * ROUNDOFF / (1 - terms * ROUNDOFF)


def forward(layers: Sequence[tuple[Floats, Floats]], x: Floats) -> list[tuple[Floats, Floats]]:
    """Pre-activations of a relu network and bounds on their errors, layer by layer.

    Args:
        layers: Weight (in, out) and bias (out,) of each layer; exact.
        x: Inputs, shape (n, d); exact.

    Returns:
        For each layer, the outputs last, z and e of shape (n, units) with the exact
        pre-activation within e of z.
    """
    found: list[tuple[Floats, Floats]] = []
    h, error = x, np.zeros_like(x)
    for index, (weight, bias) in enumerate(layers):
        size = np.abs(weight)
        z = h @ weight + bias
        spread = np.abs(h) @ size + np.abs(bias)
        inherited = error @ size if index else 0.0
        e = SAFETY * (inherited + growth(len(weight) + 2) * spread) + TINY
        found.append((z, e))
        h, error = np.maximum(z, 0.0), e
    return found
