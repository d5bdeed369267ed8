"""Exact values of the minima that runs of shallow, homogeneous networks with squared loss end in.

On a face (which points each unit is active on, and which lie on its kink) the output is linear in
the effective parameters a_j = |v_j| (w_j, b_j) and c, and the points on kinks give linear equations
a_j.(x, 1) = 0. The smallest loss under these equations is a least squares problem with rational
data: with N a basis of their solutions, Q independent columns of M N and W the weights of the
points, it is y.W y - b.Q^T W y where (Q^T W Q) b = Q^T W y. A minimum in the face has that loss,
whatever the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt
from flint import fmpq, fmpq_mat

from spurious.exact.rationals import ONE, ZERO, dot, fraction, nullspace, rational
from spurious.problem import Loss
from spurious.train.batched import preactivations
from spurious.train.recipe import Recipe

ON_KINK: Final = 1e-5
"""A point is on a unit's kink if its preactivation is below this share of |(w, b)| |(x, 1)|."""

Side = tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Face:
    """Where in its linear regions a shallow network is; units in sorted order.

    Attributes:
        units: For each unit that is not off on all data: the sign of its output weight, then for
            each data point 1 (active), 0 (on the kink) or -1.
    """

    units: tuple[Side, ...]


def has_faces(recipe: Recipe) -> bool:
    """Whether `exact_loss` applies: one hidden layer, homogeneous, one output, squared loss alone.

    With a penalty the loss is no function of the effective parameters.
    """
    network = recipe.network
    return (
        network.homogeneous
        and network.depth == 1
        and network.outputs == 1
        and recipe.loss == Loss.SQUARED
        and not recipe.penalised
    )


def faces(recipe: Recipe, parameters: npt.NDArray[np.float64]) -> list[Face]:
    """The faces that networks with parameters (N, P) are in, to float accuracy."""
    d, h = recipe.network.inputs, recipe.network.hidden[0]
    z = preactivations(recipe, parameters)[0]
    weight = parameters[:, : d * h].reshape(-1, h, d)
    bias = parameters[:, d * h : (d + 1) * h]
    size = np.sqrt((weight**2).sum(axis=2) + bias**2)
    x = np.array([[float(value) for value in row] for row in recipe.data.x])
    reach = np.sqrt(1 + (x**2).sum(axis=1))
    on = np.abs(z) <= ON_KINK * size[:, None, :] * reach[None, :, None]
    sides = np.where(on, 0, np.sign(z)).astype(int).transpose(0, 2, 1)
    signs = np.sign(parameters[:, (d + 1) * h : -1]).astype(int)
    relu = recipe.network.activation == "relu"
    found: list[Face] = []
    for units, outgoing in zip(sides, signs, strict=True):
        rows = [
            (int(sign), *map(int, unit))
            for unit, sign in zip(units, outgoing, strict=True)
            if not (relu and (unit < 0).all())
        ]
        found.append(Face(tuple(sorted(rows))))
    return found


def exact_loss(recipe: Recipe, face: Face) -> Fraction:
    """The smallest loss on the face's linear hull: a rational number."""
    high, low = (rational(slope) for slope in recipe.network.slopes)
    inputs = [[*(rational(v) for v in row), ONE] for row in recipe.data.x]
    factors = [rational(factor) for factor in recipe.dense.factors]
    seen = [i for i, factor in enumerate(factors) if factor]
    targets = [rational(recipe.data.y[i][0]) for i in seen]
    wide, width = len(inputs[0]), len(face.units) * len(inputs[0]) + 1
    model: list[list[fmpq]] = []
    kinks: list[list[fmpq]] = []
    for i, x in enumerate(inputs):
        row = [ZERO] * width
        row[-1] = ONE
        for j, (_, *sides) in enumerate(face.units):
            place = slice(j * wide, (j + 1) * wide)
            if sides[i] == 0:
                kinks.append([ZERO] * width)
                kinks[-1][place] = x
            else:
                row[place] = [(high if sides[i] > 0 else low) * value for value in x]
        model.append(row)
    model = [model[i] for i in seen]
    columns = [[dot(row, move) for row in model] for move in nullspace(kinks, width)]
    reduced, found = fmpq_mat(columns).transpose().rref()
    pivots = [next(k for k in range(len(columns)) if reduced[i, k] != 0) for i in range(found)]
    weighted = [factors[i] * target for i, target in zip(seen, targets, strict=True)]
    basis = fmpq_mat([columns[k] for k in pivots])
    scaled = [[factors[i] * v for i, v in zip(seen, columns[k], strict=True)] for k in pivots]
    right = fmpq_mat([[dot(columns[k], weighted)] for k in pivots])
    multipliers = (fmpq_mat(scaled) * basis.transpose()).solve(right)
    fitted = sum((multipliers[i, 0] * right[i, 0] for i in range(found)), ZERO)
    return fraction(dot(weighted, targets) - fitted)
