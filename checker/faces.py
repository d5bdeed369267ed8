"""The face of a box (5.9, 9.10): its held pairs, and Lambda as a program."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from checker.arrays import Balls
from checker.dense import LOSSES, ahead, network, summed, targets
from checker.derivatives import evaluated
from checker.network import Problem
from checker.numbers import Invalid
from checker.programs import OF_DENSE, Program, Writer

Pair = tuple[int, int, list[int]]  # hidden layer, unit, and the points, alike at this layer


@dataclass(frozen=True)
class Pattern:
    """What happens over the box: a slope for every unit at every point, 0 for held pairs."""

    slopes: list[list[list[Fraction]]]
    pairs: list[Pair]


def hidden_slopes(pb: Problem) -> tuple[Fraction, Fraction]:
    """(p, q) of section 3, maybe equal."""
    if pb.slopes is None or not pb.hidden:
        raise Invalid("the rule needs hidden units that are linear on either side of 0")
    return pb.slopes


def two_slopes(pb: Problem) -> tuple[Fraction, Fraction]:
    """Different ones."""
    if not pb.kinked:
        raise Invalid("the rule needs hidden units with kinks")
    return hidden_slopes(pb)


def bends(pb: Problem) -> list[tuple[Fraction, Fraction]]:
    """The slopes of every hidden layer, and those of the hinge loss."""
    hinge = [(Fraction(1), Fraction(0))] if pb.loss == "hinge" else []
    return [hidden_slopes(pb)] * (len(pb.widths) - 2) + hinge


def read_pattern(
    pb: Problem, program: Program, box: Balls, zero: Collection[tuple[int, int]] = ()
) -> Pattern:
    """The pairs that may be on their kink over the box are held, with all that are alike.

    The hinge loss counts as a layer of 1 - y f. Units at zero have no pairs; their slope is 0 if
    their bias is.
    """
    values, last = evaluated(program.steps, box), len(pb.widths) - 2
    names = list[tuple[object, ...]]((0, r) for r in pb.groups)
    slopes, pairs = list[list[list[Fraction]]](), list[Pair]()
    for level, (above, below) in enumerate(bends(pb)):
        width, entries = pb.widths[level + 1], values[program.layers[level][1]].intervals()
        rows = [entries[i * width : (i + 1) * width] for i in range(len(names))]
        if level == last:
            rows = [[1 - v * y for v, y in zip(*both, strict=True)]
                    for both in zip(rows, pb.ys, strict=True)]  # fmt: skip
            names = [(*name, *y) for name, y in zip(names, pb.ys, strict=True)]
        layer = [[above if v.lo > 0 else below for v in row] for row in rows]
        for j in range(width):
            if (level, j) in zero:
                for row, slope in zip(rows, layer, strict=True):
                    slope[j] = slope[j] if row[j].lo > 0 or row[j].hi < 0 else Fraction(0)
                continue
            held = {n for n, row in zip(names, rows, strict=True) if row[j].lo <= 0 <= row[j].hi}
            for name in dict.fromkeys(n for n in names if n in held):
                points = [i for i, other in enumerate(names) if other == name]
                pairs.append((level, j, points))
                for i in points:
                    layer[i][j] = Fraction(0)
        slopes.append(layer)
        if below == 0:
            off = [all(v.hi < 0 for v in row) for row in rows]
            names = [(level + 1, 0) if o else n for o, n in zip(off, names, strict=True)]
    return Pattern(slopes, pairs)


@dataclass(frozen=True)
class Lagrangian:
    """Lambda as a program in all parameters and mu, and where its parts are.

    Attributes:
        program: The program.
        layers: For each layer the step that holds its z, (n, width).
        states: For each hidden layer, and the hinge loss, the step of its activations, (n, width).
        held: For each held pair the step that holds its z.
        outputs: The step that holds what the loss depends on.
    """

    program: Program
    layers: list[int]
    states: list[int]
    held: list[int]
    outputs: int


def lagrangian(pb: Problem, pattern: Pattern) -> Lagrangian:
    """The network on the face: each activation is its slope times z."""
    w = Writer(OF_DENSE)
    layers = network(w, pb, pattern.slopes)
    f = layers[-1][1]
    bent, states = [z for _, z in layers], [a for a, _ in layers[1:]]
    if pb.loss == "hinge":
        bent[-1] = w.add(w.mul(f, targets(w, pb)), w.const((), [Fraction(1)]))
        flat = [s for row in pattern.slopes[-1] for s in row]
        states.append(w.mul(bent[-1], w.const((len(pb.xs), pb.widths[-1]), flat)))
        losses = w.sum(states[-1], [1])
    else:
        losses = LOSSES[pb.loss](w, pb, f)
    outputs = ahead(w, pb, f) if pb.loss == "cross_entropy" else f
    held = [w.take(bent[m], [1], [points[0] * pb.widths[m + 1] + j])
            for m, j, points in pattern.pairs]  # fmt: skip
    total = summed(w, pb, losses)
    if held:
        multipliers = w.param("multipliers", (len(held),))
        w.add(total, w.sum(w.mul(w.join(*held), multipliers), [0]))
    return Lagrangian(Program(w.steps, []), [z for _, z in layers], states, held, outputs)
