"""What the loss of each data point is multiplied by: weights, and the mean instead of the sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError
from spurious.problem import exact
from spurious.problem.number import shown
from spurious.problem.table import Vector, vector
from spurious.program.losses import REDUCTIONS

BALANCED = "balanced"
"""The weights that give all classes the same part in the loss, and n in all."""


def checked_weights(reduction: str, weights: Vector | None, points: int) -> Vector | None:
    """The weights of so many points; None for ones.

    Raises:
        InputError: The reduction is not known, or there is no weight of 0 or more for each point.
    """
    if reduction not in REDUCTIONS:
        raise InputError(f"reduction: found {shown(reduction)}, expected sum or mean")
    if weights is None:
        return None
    if len(weights) != points:
        raise InputError(
            f"weights: found {len(weights)} numbers, expected {points}, one for each data point"
        )
    if min(weights) < 0:
        raise InputError(f"weights: found {min(weights)}, expected numbers that are not negative")
    if not any(weights):
        raise InputError("weights: found zeros alone, expected a positive number")
    return None if set(weights) == {1} else weights


def point_factors(reduction: str, weights: Vector | None, points: int) -> npt.NDArray[np.float64]:
    """What the loss of each point is multiplied by, shape (n,)."""
    share = Fraction(1, points if reduction == "mean" else 1)
    if weights is None:
        return np.full(points, float(share))
    return np.array([float(share * weight) for weight in weights])


def point_weights(given: Any, targets: Sequence[Any]) -> Vector:
    """A weight for each data point, from weights of classes.

    Args:
        given: `"balanced"`: n over the number of classes and of the class's points, as in
            scikit-learn; a mapping from each class, or the text of its number, to its weight; or a
            weight for each point.
        targets: The class of each point: a label, or -1 or 1.

    Raises:
        InputError: It is none of these, or a class has no weight, or a weight no class.

    Examples:
        >>> from spurious.train import point_weights
        >>> point_weights("balanced", [1, -1, -1, -1])
        (Fraction(2, 1), Fraction(2, 3), Fraction(2, 3), Fraction(2, 3))
        >>> point_weights({1: 3, -1: "1/2"}, [1, -1])
        (Fraction(3, 1), Fraction(1, 2))
    """
    classes = [exact(target, "targets") for target in targets]
    if isinstance(given, str):
        if given != BALANCED:
            raise InputError(
                f"weights: found {given!r}, expected balanced, a weight for each class, such as "
                '{-1 = 1, 1 = "5/2"}, or one for each point'
            )
        counts = Counter(classes)
        return tuple(Fraction(len(classes), len(counts) * counts[c]) for c in classes)
    if not isinstance(given, Mapping):
        return vector(given, "weights")
    table = cast("Mapping[object, object]", given)
    found = {exact(key, "weights"): exact(w, f"weights.{key}") for key, w in table.items()}
    if found.keys() != set(classes):
        named = [", ".join(map(str, sorted(kinds))) for kinds in (found, set(classes))]
        raise InputError(
            f"weights: found weights of the classes {named[0]}, expected one for each of {named[1]}"
        )
    return tuple(found[c] for c in classes)
