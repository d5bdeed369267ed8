"""The face of a box (5.9): its held pairs, and Lambda as a program."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from checker.arrays import Balls
from checker.dense import LOSSES, ahead, dense_program
from checker.derivatives import evaluated
from checker.network import Problem
from checker.numbers import Invalid
from checker.programs import Program, Writer

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


def read_pattern(pb: Problem, box: Balls) -> Pattern:
    """The pairs that may be on their kink over the box are held, with all that are alike."""
    (above, below), network = two_slopes(pb), dense_program(pb)
    values, names = evaluated(network.steps, box), [(0, r) for r in pb.groups]
    slopes, pairs = list[list[list[Fraction]]](), list[Pair]()
    for level, (width, (_, z)) in enumerate(zip(pb.widths[1:-1], network.layers, strict=False)):
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
    """Lambda as a program in the free parameters and mu, and where its parts are.

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


def lagrangian(
    pb: Problem, pattern: Pattern, centre: list[Fraction], free: list[int], mu: list[Fraction]
) -> Lagrangian:
    """The network on the face, b = 0: each activation is its slope times z."""
    w, n, kept = Writer(), len(pb.xs), set(free)
    fixed = [p for p in range(len(centre)) if p not in kept]
    parts = [w.param("free", (len(free),)), w.const((len(fixed),), [centre[p] for p in fixed])]
    multipliers = w.param("multipliers", (len(mu),)) if mu else 0
    whole, place = w.join(*parts), {p: k for k, p in enumerate([*free, *fixed])}
    a, start = w.const((n, pb.widths[0]), [v for row in pb.xs for v in row]), 0
    states, held = list[int](), list[int]()
    for level, (below, above) in enumerate(pairwise(pb.widths)):
        turned = [place[start + j * below + k] for k in range(below) for j in range(above)]
        bias = [place[start + above * below + j] for j in range(above)]
        start += above * (below + 1)
        weight = w.take(whole, [below, above], turned)
        a = w.add(w.matmul(a, weight), w.take(whole, [above], bias))
        if level < len(pattern.slopes):
            held += [w.take(a, [1], [points[0] * above + j])
                     for m, j, points in pattern.pairs if m == level]  # fmt: skip
            flat = [s for row in pattern.slopes[level] for s in row]
            states.append(w.mul(a, w.const((n, above), flat)))
            a = states[-1]
    outputs = ahead(w, pb, a) if pb.loss == "cross_entropy" else a
    total = w.sum(LOSSES[pb.loss](w, pb, a), [0])
    if mu:
        bound = w.sum(w.mul(w.join(*held), multipliers), [0])
        total = w.add(total, bound)
    values = [*(centre[p] for p in free), *mu]
    return Lagrangian(Program(w.steps, values), states, held, outputs)
