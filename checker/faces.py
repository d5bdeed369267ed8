"""Minima on a face of a box: what holds pairs on their kinks, and Lambda (5.9, 9.10)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from checker.arrays import Balls
from checker.cases import Case
from checker.dense import decisive, losses, missed, network, summed
from checker.derivatives import Box, evaluated
from checker.functions import Slopes
from checker.matrices import isolated
from checker.network import Problem
from checker.numbers import Interval, require, require_shown
from checker.programs import OF_DENSE, Program, Writer
from checker.reading import Json, distance, positive, read_increasing, read_row

Pair = tuple[int, int, list[int]]  # hidden layer, unit, and the points, alike at this layer


@dataclass(frozen=True)
class Pattern:
    """What happens over the box: a slope for every unit at every point, 0 for held pairs."""

    slopes: list[list[list[Fraction]]]  # for each hidden layer, point and unit
    pairs: list[Pair]

    def held(self, layer: int, j: int) -> set[int]:
        """The points that a unit holds."""
        return {i for m, k, points in self.pairs if (m, k) == (layer, j) for i in points}


def bends(pb: Problem) -> list[Slopes]:
    """The slopes of every hidden layer, and those of the hinge loss."""
    require(pb.slopes is not None and pb.depth > 0, "the rule needs hidden units, homogeneous")
    hinge = [(Fraction(1), Fraction(0))] if pb.loss == "hinge" else []
    return [pb.sides] * (len(pb.widths) - 2) + hinge


def read_pattern(
    pb: Problem, program: Program, box: Balls, zero: Collection[tuple[int, int]] = (),
    loose: Collection[tuple[int, int]] = (),
) -> Pattern:  # fmt: skip
    """The pattern of 5.9 and 9.10 over the box; a unit at zero with bias 0 has slope 0.

    Loose pairs (unit, point) of the first layer (`off`) have slope 0 and any z.
    """
    values, last = evaluated(program.steps, box), len(pb.widths) - 2
    names = list[tuple[object, ...]]((0, r) for r in pb.groups)
    slopes, pairs = list[list[list[Fraction]]](), list[Pair]()
    for level, (above, below) in enumerate(bends(pb)):
        width = pb.widths[level + 1]
        rows = [row.intervals() for row in values[program.layers[level][1]].rows(width)]
        if level == last:
            rows = [[1 - v * y for v, y in zip(*both, strict=True)]
                    for both in zip(rows, pb.ys, strict=True)]  # fmt: skip
            names = [(*name, *y) for name, y in zip(names, pb.ys, strict=True)]
        layer = [[above if v.lo > 0 else below for v in row] for row in rows]
        alike = dict[tuple[object, ...], list[int]]()
        for i, name in enumerate(names):
            alike.setdefault(name, []).append(i)
        for j in range(width):
            free = {i for unit, i in loose if unit == j and level == 0}
            at_kink = [i for i, row in enumerate(rows)
                       if i not in free and row[j].lo <= 0 <= row[j].hi]  # fmt: skip
            if (level, j) not in zero:
                held = {names[i] for i in at_kink}
                groups = [points for name, points in alike.items() if name in held]
                pairs += [(level, j, points) for points in groups]
                at_kink = [i for points in groups for i in points]
            for i in (*at_kink, *free):
                layer[i][j] = Fraction(0)
        slopes.append(layer)
        if below == 0:
            off = [all(v.hi < 0 for v in row) for row in rows]
            names = [(level + 1, 0) if o else n for o, n in zip(off, names, strict=True)]
    return Pattern(slopes, pairs)


def lagrangian(pb: Problem, pattern: Pattern) -> tuple[Program, list[int], int]:
    """Lambda as a program in all parameters and mu: each activation is its slope times z.

    Also the steps that hold the activations, and that of G (5.9): see `Face`.
    """
    w = Writer(OF_DENSE)
    layers = network(w, pb, pattern.slopes)
    f = decisive(w, pb, layers[-1][1])
    bent, states = [z for _, z in layers], [a for a, _ in layers[1:]]
    if pb.loss == "hinge":
        bent[-1] = missed(w, pb, f)
        flat = [s for row in pattern.slopes[-1] for s in row]
        states.append(w.mul(bent[-1], w.const((len(pb.xs), pb.widths[-1]), flat)))
        counted = [k for k, s in enumerate(flat) if s] or range(len(flat))
        f = w.take(bent[-1], [len(counted)], counted)
    held = [w.take(bent[m], [1], [points[0] * pb.widths[m + 1] + j])
            for m, j, points in pattern.pairs]  # fmt: skip
    slice_map = w.join(*held, f)
    loss = summed(w, pb, w.sum(states[-1], [1]) if pb.loss == "hinge" else losses(w, pb, f))
    if held:
        multipliers = w.param("multipliers", (len(held),))
        w.add(loss, w.sum(w.mul(w.join(*held), multipliers), [0]))
    return Program(w.steps, [], layers=layers), states, slice_map


@dataclass(frozen=True)
class Face:
    """A minimum on a face and slice, from which no held pair may leave its kink."""

    free: list[int]  # numbers of the parameters that vary
    pattern: Pattern
    place: Balls  # all parameters over the box
    box: Box  # of Lambda, in the free parameters and the multipliers
    states: list[int]  # the activations of each hidden layer, and of the hinge loss, (n, width)
    slice_map: int  # G: z of each held pair, then what the loss depends on
    loss: Interval  # at the minimum
    radius: Fraction  # the smallest that may be claimed

    def effect(self, width: int, pair: Pair) -> Interval:
        """D: the derivative of Lambda by a pair's activation, summed over its points.

        The pair is of a layer of this width.
        """
        level, j, points = pair
        bar = self.box.over.bar(self.states[level])
        effects = bar.pick([i * width + j for i in points]).intervals()
        return sum(effects, Interval(0, 0, effects[0].bits))


def minimum_on_face(
    case: Case, proof: Json, centre: list[Fraction], zero: Collection[tuple[int, int]] = (),
    loose: Collection[tuple[int, int]] = (),
) -> Face:  # fmt: skip
    """The critical point in the box, its index, and (2): q D < mu < p D for every held pair."""
    pb, size = case.problem, len(centre)
    r, free = positive(proof["radius"]), read_increasing(proof["free"], size)
    place = Box(case.program, centre, r, free, case.bits).place
    pattern = read_pattern(pb, case.program, place, zero, loose)
    mu = read_row(proof["multipliers"], len(pattern.pairs))
    program, states, slice_map = lagrangian(pb, pattern)
    varied = [*free, *range(size, size + len(mu))]
    box = Box(program, [*centre, *mu], r, varied, case.bits)
    index, loss = isolated(box, proof["preconditioner"])
    require(index == len(mu), "the critical point is a saddle on the face")
    radius = distance(centre, pb.point) + r
    face = Face(free, pattern, place, box, states, slice_map, loss, radius)
    for pair, m in zip(pattern.pairs, box.place.intervals()[size:], strict=True):
        (above, below), d = bends(pb)[pair[0]], face.effect(pb.widths[pair[0] + 1], pair)
        stays = (m - d * below).lo > 0 and (d * above - m).lo > 0
        require_shown(stays, "a held pair may leave its kink")
    return face
