"""The face of a point: its activation pattern, the pairs on their kinks, and Lambda as a program.

Section 12 of `docs/mathematics.md`. A pair is a hidden unit together with the data points that are
alike at its layer. In the program every activation is replaced by its slope times z, that of a held
pair by a variable (0 on the face), so that nothing bends but the loss. The hinge loss counts as one
more layer of relus, of 1 - y f. Units at zero (section 16) have no pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spurious.certify.evaluate import input_groups
from spurious.problem import DenseLoss, Loss, Network
from spurious.program import LOSSES, Builder, Handle, Program

Signs = npt.NDArray[np.int8]
"""For a hidden layer the sign of every pre-activation, 0 for held pairs, shape (n, width)."""

Unit = tuple[int, int]
"""A hidden layer, from 0, and a unit in it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A held pair.

    Attributes:
        layer: The hidden layer, from 0; their number for the hinge loss.
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
        zero: Units whose weights are all zero: sign 0, but not held.
        loose: Pairs that count as off, though they may be on their kink: at right angles
            (Theorem 38).
    """

    signs: tuple[Signs, ...]
    pairs: tuple[Pair, ...]
    zero: frozenset[Unit] = frozenset()
    loose: tuple[Pair, ...] = ()

    @property
    def missed(self) -> npt.NDArray[np.bool_]:
        """With the hinge loss: the outputs that it depends on, shape (n, K); if none, all."""
        active = self.signs[-1] > 0
        return active if active.any() else np.ones_like(active)

    def slopes(self, network: Network) -> list[npt.NDArray[np.object_]]:
        """For each hidden layer the slope of every activation, 0 for held pairs."""
        bends = [network.slopes] * network.depth + [(Fraction(1), Fraction(0))]
        return [
            np.array([Fraction(0), *bend], dtype=object)[signs]  # -1 is the last
            for bend, signs in zip(bends, self.signs, strict=False)
        ]


def alike(problem: DenseLoss, signs: Sequence[Signs]) -> list[list[tuple[int, ...]]]:
    """For each hidden layer a name for every data point, equal for points that are alike there."""
    names: list[tuple[int, ...]] = [(0, group) for group in input_groups(problem.data)]
    found: list[list[tuple[int, ...]]] = []
    for level, layer in enumerate(signs, start=1):
        if level > problem.network.depth:  # the hinge loss: labels count
            labels = ((int(label > 0) for label in row) for row in problem.data.y)
            names = [(*name, *row) for name, row in zip(names, labels, strict=True)]
        found.append(names)
        if problem.network.slopes[1] == 0:
            off = [bool((row < 0).all()) for row in layer]
            names = [(level, 0) if o else name for name, o in zip(names, off, strict=True)]
    return found


def pattern_of(
    problem: DenseLoss, signs: Sequence[Signs], zero: frozenset[Unit] = frozenset()
) -> Pattern:
    """The pattern with these signs; a pair is held if any of its points is."""
    layers = [layer.copy() for layer in signs]
    pairs: list[Pair] = []
    for level, names in enumerate(alike(problem, layers)):
        for unit in range(layers[level].shape[1]):
            if (level, unit) in zero:
                continue
            held = {names[i] for i in np.flatnonzero(layers[level][:, unit] == 0)}
            for name in dict.fromkeys(n for n in names if n in held):
                points = tuple(i for i, other in enumerate(names) if other == name)
                layers[level][list(points), unit] = 0
                pairs.append(Pair(level, unit, points))
    return Pattern(tuple(layers), tuple(pairs), zero)


def lagrangian(problem: DenseLoss, pattern: Pattern, *, activations: bool = False) -> Program:
    """Lambda as a program in the parameters and a multiplier for each held pair.

    Its outputs are what the loss depends on: with the cross entropy differences to the label's,
    with the hinge loss what is missed, 1 - y f where it is positive (everywhere, if nowhere).

    Args:
        problem: Network, loss and data, perhaps with a penalty.
        pattern: Its held pairs are the constraints.
        activations: Whether there are more blocks of parameters: the activations b of held pairs
            and then of loose ones, and, for each layer above one with units at zero, what is added
            to its z, (n, width).
    """
    builder = Builder()
    network, count = problem.network, len(pattern.pairs)
    bending = (*pattern.pairs, *pattern.loose)
    whole = builder.param("parameters", (network.parameter_count,))
    multipliers = builder.param("multipliers", (count,)) if count else None
    varied = activations and bending
    variables = builder.param("activations", (len(bending),)) if varied else None
    x, y = (np.array(rows, dtype=object) for rows in (problem.data.x, problem.data.y))
    state, start = builder.const(x), 0
    slopes, held, blocks = pattern.slopes(network), list[Handle](), list[Handle]()

    def bent(z: Handle, level: int) -> Handle:
        """Activations on the face: a slope times z, or the held pairs' variables."""
        own = [k for k, pair in enumerate(bending) if pair.layer == level]
        held.extend(z.take(_places(bending[k], z.shape[1])[:1]) for k in own if k < count)
        state = z * slopes[level]
        if variables is None or not own:
            return state
        which = np.full(z.shape, len(bending))  # the zero that is joined on behind
        for k in own:
            which.ravel()[_places(bending[k], z.shape[1])] = k
        return state + builder.join([variables, builder.const(np.zeros(1))]).take(which)

    for level, (below, above) in enumerate(pairwise(network.widths)):
        weight = whole.take(np.arange(start, start + above * below).reshape(above, below))
        start += above * below
        bias = whole.take(np.arange(start, start + above))
        start += above
        blocks += [weight, bias]
        z = state @ weight.transpose() + bias
        if activations and any(layer == level - 1 for layer, _ in pattern.zero):
            z = z + builder.param(f"shifts[{level}]", (len(x), above))
        state = z if level == network.depth else bent(z, level)
    if problem.loss == "hinge":
        missed = 1 - state * y
        losses = bent(missed, network.depth).sum(1)
        decisive = missed.take(np.flatnonzero(pattern.missed))
    else:
        losses, decisive = LOSSES[problem.loss](state, y), _compared(problem, state)
    loss = _summed(problem, losses, blocks)
    if multipliers is not None:
        loss = loss + (builder.join(held) * multipliers).sum()
    return builder.program(loss, outputs=decisive)


def _summed(problem: DenseLoss, losses: Handle, blocks: Sequence[Handle]) -> Handle:
    """The losses of the data points, weighted and added up, and the penalty."""
    if any(factor != 1 for factor in problem.factors):
        losses = losses * losses.builder.const(np.array(problem.factors, dtype=object))
    total = losses.sum()
    costs = [cost for k in range(len(blocks) // 2) for cost in problem.penalty.of(k)]
    for block, cost in zip(blocks, costs, strict=True):
        if cost:
            total = total + (block * block).sum() * cost
    return total


def _compared(problem: DenseLoss, outputs: Handle) -> Handle:
    """What the loss depends on: the outputs, or how far they are ahead of the label's."""
    if problem.loss != Loss.CROSS_ENTROPY:
        return outputs
    count, classes = outputs.shape
    labels = np.array([int(label) for (label,) in problem.data.y])[:, None]
    others = np.array([[k for k in range(classes) if k != label] for (label,) in labels])
    rows = np.arange(count)[:, None] * classes
    return outputs.take(rows + others) - outputs.take(rows + labels)


def _places(pair: Pair, width: int) -> npt.NDArray[np.intp]:
    """Where a pair's entries stand in a flattened array of shape (n, width)."""
    return np.array([i * width + pair.unit for i in pair.points], dtype=np.intp)
