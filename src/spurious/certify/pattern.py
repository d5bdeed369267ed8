"""The face of a point: its activation pattern, the pairs on their kinks, and Lambda as a program.

Section 12 of `docs/mathematics.md`. A pair is a hidden unit together with the data points that are
alike at its layer. In the program every activation is replaced by its slope times z, that of a held
pair by a variable (0 on the face), so that nothing bends but the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spurious.certify.evaluate import input_groups
from spurious.problem import FlatPoint, Loss, Network, Problem
from spurious.program import LOSSES, Builder, Handle, Program

__all__ = ["Pair", "Pattern", "Signs", "alike", "lagrangian", "pattern_of"]

Signs = npt.NDArray[np.int8]
"""For a hidden layer the sign of every pre-activation, 0 for held pairs, shape (n, width)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A held pair.

    Attributes:
        layer: The hidden layer, from 0.
        unit: The unit in it.
        points: The data points, all alike at this layer, ascending.
    """

    layer: int
    unit: int
    points: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Which way every unit goes at every data point.

    Attributes:
        signs: For each hidden layer.
        pairs: The held ones, by layer, unit and first point.
    """

    signs: tuple[Signs, ...]
    pairs: tuple[Pair, ...]

    def slopes(self, network: Network) -> list[npt.NDArray[np.object_]]:
        """For each hidden layer the slope of every activation, 0 for held pairs."""
        above, below = network.slopes
        table = np.array([Fraction(0), above, below], dtype=object)
        return [table[signs] for signs in self.signs]  # -1 is the last


def alike(problem: Problem, signs: Sequence[Signs]) -> list[list[tuple[int, int]]]:
    """For each hidden layer a name for every data point, equal for points that are alike there."""
    names = [(0, group) for group in input_groups(problem.data)]
    found: list[list[tuple[int, int]]] = []
    for level, layer in enumerate(signs, start=1):
        found.append(names)
        if problem.network.slopes[1] == 0:
            off = [bool((row < 0).all()) for row in layer]
            names = [(level, 0) if o else name for name, o in zip(names, off, strict=True)]
    return found


def pattern_of(problem: Problem, signs: Sequence[Signs]) -> Pattern:
    """The pattern with these signs; a pair is held if any of its points is."""
    layers = [layer.copy() for layer in signs]
    pairs: list[Pair] = []
    for level, names in enumerate(alike(problem, layers)):
        for unit in range(layers[level].shape[1]):
            held = {names[i] for i in np.flatnonzero(layers[level][:, unit] == 0)}
            for name in dict.fromkeys(n for n in names if n in held):
                points = tuple(i for i, other in enumerate(names) if other == name)
                layers[level][list(points), unit] = 0
                pairs.append(Pair(level, unit, points))
    return Pattern(tuple(layers), tuple(pairs))


def lagrangian(
    problem: Problem,
    pattern: Pattern,
    values: FlatPoint,
    free: Sequence[int],
    *,
    activations: bool = False,
) -> Program:
    """Lambda as a program in the free parameters and a multiplier for each held pair.

    Its outputs are what the loss depends on: with the cross entropy differences to the label's.

    Args:
        problem: Network, loss and data.
        pattern: Its held pairs are the constraints.
        values: All parameters, shape (P,); used for those that are not free.
        free: Flat indices of the free ones, ascending.
        activations: Whether the held pairs' activations b are a block of parameters, too.
    """
    builder = Builder()
    network, count = problem.network, len(pattern.pairs)
    whole = _parameters(builder, values, free)
    multipliers = builder.param("multipliers", (count,)) if count else None
    variables = builder.param("activations", (count,)) if count and activations else None
    x, y = (np.array(rows, dtype=object) for rows in (problem.data.x, problem.data.y))
    state, start = builder.const(x), 0
    slopes, held = pattern.slopes(network), list[Handle]()
    for level, (below, above) in enumerate(pairwise(network.widths)):
        weight = whole.take(np.arange(start, start + above * below).reshape(above, below))
        start += above * below
        z = state @ weight.transpose() + whole.take(np.arange(start, start + above))
        start += above
        if level == network.depth:
            state = z
            break
        state = z * slopes[level]
        own = [k for k, pair in enumerate(pattern.pairs) if pair.layer == level]
        held += [z.take(_places(pattern.pairs[k], above)[:1]) for k in own]
        if variables is not None and own:
            which = np.full((len(x), above), count)  # the zero that is joined on behind
            for k in own:
                which.ravel()[_places(pattern.pairs[k], above)] = k
            state = state + builder.join([variables, builder.const(np.zeros(1))]).take(which)
    loss = LOSSES[problem.loss.value](state, y).sum()
    if multipliers is not None:
        loss = loss + (builder.join(held) * multipliers).sum()
    return builder.program(loss, outputs=_compared(problem, state))


def _compared(problem: Problem, outputs: Handle) -> Handle:
    """What the loss depends on: the outputs, or how far they are ahead of the label's."""
    if problem.loss is not Loss.CROSS_ENTROPY:
        return outputs
    count, classes = outputs.shape
    labels = np.array([int(label) for (label,) in problem.data.y])[:, None]
    others = np.array([[k for k in range(classes) if k != label] for (label,) in labels])
    rows = np.arange(count)[:, None] * classes
    return outputs.take(rows + others) - outputs.take(rows + labels)


def _parameters(builder: Builder, values: FlatPoint, free: Sequence[int]) -> Handle:
    """All parameters in flat order: the free ones, and constants."""
    fixed = sorted(set(range(len(values))) - set(free))
    parts = [builder.param("free", (len(free),))]
    if fixed:
        parts.append(builder.const(np.array([values[p] for p in fixed], dtype=object)))
    return builder.join(parts).take(np.argsort(np.array([*free, *fixed], dtype=np.intp)))


def _places(pair: Pair, width: int) -> npt.NDArray[np.intp]:
    """Where a pair's entries stand in a flattened array of shape (n, width)."""
    return np.array([i * width + pair.unit for i in pair.points], dtype=np.intp)
