"""Symmetries of a penalised loss on a face: moves that change neither outputs nor penalty.

Section 16 of `docs/mathematics.md`. A *turn* rotates two units with one activation pattern into
each other. A *shift* moves biases that cost nothing; the biases of the next layer make up for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import fmpq

from spurious.certify.pattern import Pattern
from spurious.exact.rationals import fraction, nullspace, rational
from spurious.problem import DenseLoss, incoming_indices
from spurious.proof import Shift, Turn

Symmetry = Turn | Shift
Floats = npt.NDArray[np.float64]

INDEPENDENT = 1e-6
"""What is left of a field of length 1, if it counts as independent of others: a proposal."""


def candidates(loss: DenseLoss, pattern: Pattern) -> list[Symmetry]:
    """All turns and shifts of a face, perhaps dependent."""
    found: list[Symmetry] = []
    for layer, width in enumerate(loss.network.hidden):
        live = [j for j in range(width) if (layer, j) not in pattern.zero]
        signs = pattern.signs[layer]
        found += [
            Turn(layer, (j, k))
            for j, k in combinations(live, 2)
            if (signs[:, j] == signs[:, k]).all()
        ]
        found += _shifts(loss, pattern, layer, live)
    if loss.loss == "cross_entropy" and not loss.penalty.of(loss.network.depth)[1]:
        every = range(loss.network.outputs)
        found.append(Shift(loss.network.depth, dict.fromkeys(every, Fraction(1))))
    return found


def _shifts(loss: DenseLoss, pattern: Pattern, layer: int, live: Sequence[int]) -> Iterator[Shift]:
    """What changes z of the next layer by the same number at all data points."""
    if loss.penalty.of(layer)[1] or loss.penalty.of(layer + 1)[1]:
        return
    slopes = pattern.slopes(loss.network)[layer]
    bound = {(pair.layer, pair.unit) for pair in pattern.pairs}
    loose = [j for j in live if (layer, j) not in bound]
    if loss.network.widths[layer + 2] > 1:
        yield from (Shift(layer, {j: Fraction(1)}) for j in loose if len({*slopes[:, j]}) == 1)
        return
    if not loose:
        return
    rows = [[rational(s) for s in row[loose]] + [fmpq(1)] for row in slopes]
    for vector in nullspace(rows, len(loose) + 1):
        moved = zip(loose, vector, strict=False)
        yield Shift(layer, {j: fraction(v) for j, v in moved if v != 0})


def field_of(
    symmetry: Symmetry,
    loss: DenseLoss,
    pattern: Pattern,
    values: Sequence[Any],
    number: Callable[[Fraction], Any],
) -> list[Any]:
    """The symmetry's field at a point.

    Args:
        symmetry: The symmetry.
        loss: Network and penalty.
        pattern: The face.
        values: All parameters, shape (P,): balls or floats.
        number: Makes an exact number one of these.
    """
    zero = number(Fraction(0))
    found, layers = [zero] * len(values), incoming_indices(loss.network)
    layer = symmetry.layer
    if isinstance(symmetry, Turn):
        j, k = symmetry.turn
        above = layers[layer + 1]
        ins = zip(layers[layer][j], layers[layer][k], strict=True)
        for p, q in (*ins, *((row[j], row[k]) for row in above)):
            found[p], found[q] = values[q], zero - values[p]
        return found
    if layer == loss.network.depth:
        for k, amount in symmetry.shift.items():
            found[layers[layer][k][-1]] = number(amount)
        return found
    slopes = pattern.slopes(loss.network)[layer]
    single = loss.network.widths[layer + 2] == 1
    for j, amount in symmetry.shift.items():
        for row in layers[layer + 1]:
            outgoing = values[row[j]]
            moved = number(amount)
            if single:
                moved = moved / outgoing
            found[layers[layer][j][-1]] = moved
            change = number(slopes[0, j]) * outgoing * moved
            found[row[-1]] = found[row[-1]] - change
    return found


def chosen(
    loss: DenseLoss, pattern: Pattern, values: Floats, live: Sequence[int]
) -> tuple[tuple[Symmetry, ...], tuple[int, ...]]:
    """Independent symmetries, and as many live parameters to fix: what they move most."""
    symmetries, places = list[Symmetry](), list[int]()
    rest: list[Floats] = []
    for symmetry in candidates(loss, pattern):
        with np.errstate(all="ignore"):  # a shift divides by outgoing weights
            entries = field_of(symmetry, loss, pattern, list(values), np.float64)
        field = np.array(entries)[list(live)]
        size = float(np.linalg.norm(field))
        if not 0 < size < np.inf:
            continue
        field = field / size
        for unit, k in zip(rest, places, strict=True):
            field = field - field[k] / unit[k] * unit
        k = int(np.abs(field).argmax())
        if abs(field[k]) > INDEPENDENT:
            rest.append(field)
            symmetries.append(symmetry)
            places.append(k)
    return tuple(symmetries), tuple(sorted(live[k] for k in places))
