"""The face of a box (5.9): its held pairs, and Lambda as a program."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from checker.arrays import Balls
from checker.dense import LOSSES, ahead, network
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


def two_slopes(pb: Problem) -> tuple[Fraction, Fraction]:
    """(p, q) of section 3, different ones."""
    if pb.slopes is None or not pb.kinked or not pb.hidden:
        raise Invalid("the rule needs hidden units with kinks")
    return pb.slopes


def read_pattern(pb: Problem, program: Program, box: Balls) -> Pattern:
    """The pairs that may be on their kink over the box are held, with all that are alike."""
    (above, below), values = two_slopes(pb), evaluated(program.steps, box)
    names = [(0, r) for r in pb.groups]
    slopes, pairs = list[list[list[Fraction]]](), list[Pair]()
    for level, (width, (_, z)) in enumerate(zip(pb.widths[1:-1], program.layers, strict=False)):
        entries = values[z].intervals()
        rows = [entries[i * width : (i + 1) * width] for i in range(len(names))]
        layer = [[above if v.lo > 0 else below for v in row] for row in rows]
        for j in range(width):
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
        states: For each hidden layer the step that holds its activations, (n, width).
        held: For each held pair the step that holds its z.
        outputs: The step that holds what the loss depends on.
    """

    program: Program
    states: list[int]
    held: list[int]
    outputs: int


def lagrangian(pb: Problem, pattern: Pattern) -> Lagrangian:
    """The network on the face: each activation is its slope times z."""
    w = Writer(OF_DENSE)
    layers = network(w, pb, pattern.slopes)
    f = layers[-1][1]
    outputs = ahead(w, pb, f) if pb.loss == "cross_entropy" else f
    held = [w.take(layers[m][1], [1], [points[0] * pb.widths[m + 1] + j])
            for m, j, points in pattern.pairs]  # fmt: skip
    total = w.sum(LOSSES[pb.loss](w, pb, f), [0])
    if held:
        multipliers = w.param("multipliers", (len(held),))
        w.add(total, w.sum(w.mul(w.join(*held), multipliers), [0]))
    return Lagrangian(Program(w.steps, []), [a for a, _ in layers[1:]], held, outputs)
