"""The unknowns of a hunt, and how data, targets, parameters and weights are made from them.

Everything sought is one vector: the data (N d numbers), the targets (N), the parameters (P) and the
weights of the points (N). It is offset + basis @ u for the unknowns u. What is held: the first
min(d, h) units of the first layer at w = e_k, b = 0, which loses nothing, as an affine change of
the inputs undoes it; the targets with the logistic loss, which are labels. A symmetric hunt ties
more: the two units exchange roles under the exchange of the two inputs, so points come in mirrored
pairs or lie on the diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spurious.hunt.request import Request
from spurious.problem import Loss

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The linear map from unknowns to everything.

    Attributes:
        offset: Shape (S,), S = N d + N + P + N.
        basis: Shape (S, U).
        groups: Which points share a label, shape (N,).
    """

    offset: Floats
    basis: Floats
    groups: NDArray[np.int64]


def layout(request: Request, on_diagonal: int = 0) -> Layout:
    """The layout of a request.

    Args:
        request: What is hunted.
        on_diagonal: With the method symmetric, how many points lie on the diagonal.
    """
    n, network = request.points, request.network
    d, total = network.inputs, network.parameter_count
    size = n * d + n + total + n
    offset = np.zeros(size)
    free = np.ones(size, dtype=bool)
    parameters = n * d + n
    for unit in range(request.pinned):
        row = parameters + unit * d
        free[row : row + d] = False
        offset[row + unit] = 1
        free[parameters + d * network.hidden[0] + unit] = False
    if request.loss is Loss.LOGISTIC:
        free[n * d : n * d + n] = False
    if request.method != "homotopy":
        free[-n:] = False
    tied = np.arange(size)
    groups = np.arange(n)
    if request.method == "symmetric":
        pairs = (n - on_diagonal) // 2
        for pair in range(pairs):
            left, right = 2 * pair, 2 * pair + 1
            tied[right * d], tied[right * d + 1] = left * d + 1, left * d
            tied[n * d + right] = n * d + left
            groups[right] = left
        for point in range(2 * pairs, n):
            tied[point * d + 1] = point * d
        tied[size - n - 2] = size - n - 3
    leaders = [k for k in range(size) if free[k] and tied[k] == k]
    basis = np.zeros((size, len(leaders)))
    for column, leader in enumerate(leaders):
        basis[(tied == leader) & free, column] = 1
    return Layout(offset, basis, groups)


def parts_of(request: Request, whole: Any, labels: Any) -> tuple[Any, Any, Any, Any]:
    """Data (N, d), targets (N,), parameters (P,) and weights (N,) from everything, in NumPy or JAX.

    Args:
        request: What is hunted.
        whole: Shape (S,).
        labels: The targets with the logistic loss, shape (N,).
    """
    n, d = request.points, request.network.inputs
    x, y, theta, weights = (
        whole[start:end]
        for start, end in pairwise(accumulate((0, n * d, n, request.network.parameter_count, n)))
    )
    return x.reshape(n, d), labels if request.loss is Loss.LOGISTIC else y, theta, weights
