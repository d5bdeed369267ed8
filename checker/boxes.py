"""Rules for minima in a box where the loss is convex (5.3, 5.5, 5.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from checker.arrays import Balls, Numbers
from checker.dense import LOSSES, dense_program
from checker.derivatives import Box, Curved, adjoint, blocks_of
from checker.functions import BENT
from checker.matrices import inverse, rank
from checker.minima import (
    Case,
    Exact,
    Found,
    evaluate,
    require_zero,
    unit_terms,
)
from checker.network import Problem
from checker.numbers import (
    Interval,
    Invalid,
    Number,
    Undecided,
    dot,
    hull,
    inner,
    interval,
    require,
)
from checker.programs import OF_DENSE, Program, Writer
from checker.reading import (
    Json,
    Layers,
    as_list,
    as_object,
    distance,
    flatten,
    positive,
    rational,
    read_increasing,
    read_layers,
    read_row,
)
from checker.symmetric import read_square, require_definite

Layered = tuple[tuple[int, int], ...]


def require_minimum(box: Box, bound: Fraction, loss: Number) -> Interval:
    """2 |gradient|_2 < bound radius at the centre, whose loss is given (sections 5.3 and 9.3).

    Where the Hessian's eigenvalues are above the bound, there is then a minimum in the box, whose
    loss is enclosed: lower by at most |gradient|^2 / (2 bound).
    """
    gradient = box.gradient()
    ends = ((abs(m) + s) ** 2 for m, s in zip(gradient.m, gradient.r, strict=True))
    squared, top = Fraction(sum(ends), 1 << 2 * box.bits), interval(loss, box.bits)
    if 4 * squared >= (bound * box.radius) ** 2:
        raise Undecided("the gradient at the centre is not shown to be small enough")
    return hull(top, top - squared / (2 * bound))


def require_critical(case: Case, free: list[int]) -> None:
    """The gradient in the free parameters is exactly zero, from the exact g of the outputs on."""
    ex, last = evaluate(case, case.problem.layers), case.program.layers[-1][1]
    steps, values = case.program.steps[: last + 1], case.values[: last + 1]
    start: list[Numbers | None] = [None] * len(steps)
    start[-1] = values[-1].made([v for row in ex.g for v in row])
    parts = blocks_of(steps, adjoint(steps, values, start), values[0])
    slopes = parts[0].joined(parts).pick(free).entries
    require(not any(isinstance(g, Interval) for g in slopes), "a derivative is not rational")
    require_zero(slopes, "the gradient")


def convex_ball(case: Case, proof: Json) -> Found:
    """Section 5.3, Theorem 5: the loss is strongly convex on a box, its gradient small or zero."""
    return ball_proved(case, proof)[0]


def ball_proved(case: Case, proof: Json) -> tuple[Found, Curved]:
    """Rule 5.3; also gives the program over the box."""
    pb, program, bits = case.problem, case.program, case.bits
    as_object(proof, "rule", "centre", "radius", "fixed", "transform")
    bound, radius = case.eigenvalue, positive(proof["radius"])
    centre = read_layers(proof["centre"], pb.widths, rational)
    flat = flatten(centre)
    fixed = read_increasing(proof["fixed"], len(flat), least=0)
    free = sorted(set(range(len(flat))) - set(fixed))
    require(len(free) > 0, "there is no free parameter")
    box = Box(program, flat, radius, free, bits)
    dead = check_fixed(case, flat, fixed, box.over)
    smooth = pb.slopes is None or not pb.hidden
    found = Found("yes" if smooth else "no", "no" if dead else "yes", len(fixed), bound)
    away = distance(flat, program.point)
    if case.verdict == "local_minimum":
        require(away == 0, "the centre is not the problem's point")
        require_critical(case, free)
        found.place = centre
    else:
        found.radius = away + radius
        found.loss = require_minimum(box, bound, case.loss_at(flat))
    # no Hessian is larger than the file's matrix
    square = read_square(proof["transform"], len(free), bits)
    require_definite(box.hessian(), bound, square)
    return found, box.over


def check_fixed(case: Case, centre: list[Fraction], fixed: list[int], box: Curved) -> bool:
    """Kinks and which parameters may be fixed (section 5.3); returns whether a unit is dead.

    A dead unit is negative at all data over the box: all its parameters are fixed. Of a live unit
    at most one incoming parameter is, not zero, and not to or from a dead one: that takes the
    freedom of rescaling and no more.
    """
    pb, off = case.problem, list[bool]()  # for each hidden unit whether it is dead
    if pb.slopes is None or not pb.hidden:
        require(not fixed, "a smooth network has no fixed parameters")
        return False
    for (_, step), width in zip(case.program.layers, pb.widths[1:-1], strict=False):
        z = box.values[step]
        if pb.kinked and not z.nonzero():
            raise Undecided("a pre-activation is not bounded away from the kink")
        off += [pb.activation == "relu" and max(z.m[j::width]) < 0 for j in range(width)]
    of_dead = {p for (into, out), dead in zip(pb.wires, off, strict=True) if dead
               for p in (*into, *out)}  # fmt: skip
    require(of_dead <= set(fixed), "a parameter of a dead unit is not fixed")
    rest = set(fixed) - of_dead
    for into, _ in pb.wires:
        taken = rest.intersection(into)
        require(len(taken) <= 1, "two parameters of one unit are fixed")
        require(all(centre[p] for p in taken), "a fixed parameter is zero")
        rest -= taken
    require(not rest, "an output parameter is fixed")
    return any(off)


@dataclass
class Face:
    """A live unit of rule 5.5: the groups it holds on its kink, the directions it may move."""

    held: list[int]
    basis: list[list[Fraction]]


def read_face(item: object, ex: Exact, j: int) -> Face | None:
    """Reads and checks the entry of unit j (section 5.5, first item); None is a dead unit."""
    pb, pre = ex.pb, [z[j] for z in ex.pre[0]]
    if item is None:
        dead = pb.slopes is not None and pb.slopes[1] == 0 and all(z < 0 for z in pre)
        require(dead, "a unit given as dead is not")
        return None
    fields, groups = as_object(item, "held", "basis"), pb.groups
    held = read_increasing(fields["held"], len(groups), least=0)
    require(set(held) <= set(groups), "held lists no groups")
    require(ex.layers[1][0][0][j] != 0, "a live unit has output weight zero")
    require(all(pre[r] == 0 for r in held), "a held input is not on the kink")
    inputs = [ex.inputs[r] for r in held]
    require(rank(inputs) == len(held), "the held inputs are linearly dependent")
    size = len(ex.inputs[0])
    basis = [read_row(row, size) for row in as_list(fields["basis"], size - len(held))]
    require(not any(inner(b, x) for b in basis for x in inputs), "the basis is not orthogonal")
    return Face(held, basis)


def kinked_ball(case: Case, proof: Json) -> Found:
    """Section 5.5, Theorem 9: a minimum on kinks with the logistic loss."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "centre", "radius", "units", "transform")
    require(
        len(pb.widths) == 3 and pb.widths[2] == 1 and pb.kinked, "the rule needs kinks, [d,h,1]"
    )
    require(pb.loss == "logistic", "the rule needs the logistic loss")
    bound, r = case.eigenvalue, positive(proof["radius"])
    ex = evaluate(case, read_layers(proof["centre"], pb.widths, rational))
    v = ex.layers[1][0][0]
    require(v == pb.layers[1][0][0], "the centre has other output weights")
    items = as_list(proof["units"], pb.widths[1])
    faces = [read_face(item, ex, j) for j, item in enumerate(items)]
    rows = [output_row(ex, i, faces, r) for i in range(len(pb.xs))]
    sums = [sum((abs(b[m]) for b in face.basis), Fraction(0))
            for face in faces if face is not None for m in range(len(ex.inputs[0]))]  # fmt: skip
    reach = max([Fraction(1), *sums])
    outputs, size = [f for (f,) in ex.pre[1]], len(rows[0])
    # the loss as a program of the coordinates y: of f + F y
    w = Writer(OF_DENSE)
    y = w.matmul(w.const((len(rows), size), [a for row in rows for a in row]),
                 w.param("y", (size, 1)))  # fmt: skip
    f = w.add(y, w.const((len(rows), 1), outputs))
    w.sum(LOSSES[pb.loss](w, pb, f), [0])
    moved = Program(w.steps, [Fraction(0)] * size)
    box = Box(moved, moved.point, r, range(size), bits)
    loss = require_minimum(box, bound, ex.loss)
    require_definite(box.hessian(), bound, read_square(proof["transform"], size, bits))
    slopes = box.over.bars[f]
    if slopes is None:
        raise Invalid("the loss does not depend on the outputs")
    wide = replace(ex, g=[[g] for g in slopes.intervals()])
    for j, face in enumerate(faces):
        if face is not None and face.held:
            require_held(wide, j, face, 1 if v[j] > 0 else -1, bits)
    dead = faces.count(None)
    flat = len(faces) - dead + (pb.widths[0] + 2) * dead
    radius = distance(flatten(ex.layers), case.program.point) + r * reach
    return Found("no", "no" if dead else "yes", flat, bound, loss, radius)


def output_row(ex: Exact, i: int, faces: list[Face | None], r: Fraction) -> list[Fraction]:
    """F_i of section 5.5; no live unit that does not hold point i may reach its kink there."""
    row, v = list[Fraction](), ex.layers[1][0][0]
    for j, face in enumerate(faces):
        if face is not None:
            along = [inner(b, ex.inputs[i]) for b in face.basis]
            holds = ex.pb.groups[i] in face.held
            far = abs(ex.pre[0][i][j]) > r * sum(map(abs, along))
            require(holds or far, "a pre-activation may reach its kink")
            factor = Fraction(0) if holds else v[j] * ex.slope(i, j)
            row += [factor * a for a in along]
    return [*row, Fraction(1)]


def require_held(ex: Exact, j: int, face: Face, side: int, bits: int) -> None:
    """Section 5.5, fourth item: |tau_r| < sign(v_j) C_jr, tau = (X X^T)^-1 X lin_j."""
    lin, bends = unit_terms(ex, j, face.held)
    inputs = [ex.inputs[r] for r in face.held]
    gram = [[inner(a, b) for b in inputs] for a in inputs]
    projected = [dot(x, lin[0]) for x in inputs]
    for r, weights in zip(face.held, inverse(gram), strict=True):
        tau = interval(dot(weights, projected), bits)
        if abs(tau).hi >= interval(bends[r][0] * side, bits).lo:
            raise Undecided("a held input may leave its kink")


def twin_units(case: Case, proof: Json) -> Found:
    """Section 5.6, Theorem 19: equal units merged give a strict minimum; parted they cost more."""
    pb = case.problem
    as_object(proof, "rule", "centre", "radius", "transform", "bends")
    require(len(pb.widths) == 3 and pb.widths[2] == 1, "the rule needs widths [d, h, 1]")
    require(pb.slopes is None, "the rule needs a smooth activation")
    (rows, biases), (outward, last) = pb.layers
    v, units = outward[0], [(*row, b) for row, b in zip(rows, biases, strict=True)]
    kinds = list(dict.fromkeys(units))
    place = [kinds.index(unit) for unit in units]  # of each unit the merged unit
    shared = [[a for a, m in zip(v, place, strict=True) if m == k] for k in range(len(kinds))]
    sums = [sum(part, Fraction(0)) for part in shared]
    twins = [k for k in range(len(kinds)) if len(shared[k]) > 1]
    require(len(twins) > 0, "no two units are equal")
    merged: Layers = [([list(a[:-1]) for a in kinds], [a[-1] for a in kinds]), ([sums], last)]
    small = replace(pb, widths=[pb.widths[0], len(kinds), 1], layers=merged)
    inside = {key: proof[key] for key in ("rule", "centre", "radius", "transform")}
    small_case = replace(case, program=dense_program(small))
    found, box = ball_proved(small_case, {**inside, "fixed": []})
    bends, size = as_list(proof["bends"], len(twins)), pb.widths[0] + 1
    (near, offsets), (heights, end) = read_layers(proof["centre"], small.widths, rational)
    radius = positive(proof["radius"])
    for k, bend in zip(twins, bends, strict=True):
        side, up = parting_side(shared[k]), 1 if sums[k] > 0 else -1
        require(up * heights[0][k] > radius, "twins may lose their weight")
        form = parting_form(small, box, small_case.program.layers, k, side)
        require_definite(form, Fraction(0), read_square(bend, size, case.bits))
    # the output weights of the minimum are fixed shares of the merged ones
    shares = [a / sums[k] if k in twins else Fraction(1) for a, k in zip(v, place, strict=True)]
    weights = [share * heights[0][k] for share, k in zip(shares, place, strict=True)]
    nearest: Layers = [([near[k] for k in place], [offsets[k] for k in place]), ([weights], end)]
    found.strict = found.rescaled = "no"
    found.flat, found.place = len(units) - len(kinds), None
    if case.verdict == "local_minimum_nearby":
        reach = radius * max(1, *map(abs, shares))
        found.radius = distance(flatten(nearest), case.program.point) + reach
    return found


def parting_form(pb: Problem, box: Curved, layers: Layered, k: int, side: int) -> list[Balls]:
    """Side times B(X) of section 5.6, for unit k of the merged network."""
    (_, first), (_, last) = layers
    n, size, slopes = len(pb.xs), pb.widths[0] + 1, box.bars[last]
    z = box.values[first].pick(range(k, n * pb.widths[1], pb.widths[1]))
    jumps = pb.activation in BENT
    if slopes is None or (jumps and not z.nonzero()):
        raise Undecided("a twin may be at 0")
    curves = slopes.times(z.bend((pb.activation, None)))
    entries = [v for x in pb.xs for v in (*x, Fraction(1))]
    plain, inputs = z.like(entries), z.like([v * side for v in entries])
    scaled = curves.pick([i for i in range(n) for _ in range(size)]).times(inputs)
    form = plain.outer(0, (size, n, False), scaled, 0, (size, n, False))
    return [form.pick(range(a * size, (a + 1) * size)) for a in range(size)]


def parting_side(v: list[Fraction]) -> int:
    """The sign of sum v_j t_j^2 for all t != 0 with sum v_j t_j = 0, by Sylvester's inertia.

    The space is the complement of (1, ..., 1) in this form, so the inertia is that of the v_j less
    the sign of their sum.
    """
    total, up = sum(v, Fraction(0)), sum(a > 0 for a in v)
    require(total != 0 and all(v), "twins have an output weight, or a sum of them, that is zero")
    down = len(v) - up
    up, down = (up - 1, down) if total > 0 else (up, down - 1)
    require(up == 0 or down == 0, "the output weights of twins have signs that allow no minimum")
    return 1 if down == 0 else -1
