"""What is done to a dataset before training: labels permuted, inputs whitened."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_CONSTANT: Final = 1e-6
"""Directions with less than this share of the largest variance count as constant."""


def permuted(labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """The labels in a random order, so that the classes keep their sizes and tell nothing.

    Args:
        labels: Shape (n,).
        seed: Seed of the order.
    """
    return np.random.default_rng(seed).permutation(labels)


def whitened(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The inputs with mean 0 and covariance 1 in every direction in which they vary.

    The map is x -> (x - mean) C^(-1/2) with C the covariance; directions without variance (pixels
    that are always white) become 0. This is the whitening that changes the inputs least ("ZCA").

    Args:
        inputs: Shape (n, d).

    Source: A. Kessy, A. Lewin, K. Strimmer, "Optimal whitening and decorrelation", The American
    Statistician 72 (2018).
    """
    centred = inputs.astype(np.float64) - inputs.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(inputs))
    kept = values > _CONSTANT * values[-1]
    scale = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return (centred @ (vectors * scale) @ vectors.T).astype(np.float32)
