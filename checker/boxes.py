"""Minima in a box where the loss is convex, and saddles (5.3, 5.5, 5.6, 9.3, 9.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from checker.arrays import Balls
from checker.cases import Case, Exact, Found, evaluate, require_zero
from checker.dense import dense_program, losses, weighted_sum
from checker.derivatives import Box, Curved, tangent
from checker.functions import BENT
from checker.matrices import (
    MAX_HESSIAN,
    inverse,
    isolated,
    rank,
    read_square,
    require_above,
    require_definite,
    require_minimum,
)
from checker.minima import unit_terms
from checker.network import flatten
from checker.numbers import (
    Interval,
    Number,
    dot,
    inner,
    interval,
    require,
    require_shown,
)
from checker.programs import OF_DENSE, Program, Writer
from checker.reading import Json, as_list, as_object, distance, positive, read_increasing, read_row


def convex(case: Case, box: Box, slopes: Callable[[], Sequence[Number]]) -> Found:
    """Theorem 5: where the Hessian is above the bound, a gradient is small, or exactly zero."""
    found = Found("yes", eigenvalue=case.eigenvalue)
    if case.nearby:
        found.loss, found.radius = require_minimum(box, case.eigenvalue), box.reach()
    else:
        require(box.centre == case.program.point, "the centre is not the problem's point")
        require_zero(slopes(), "the gradient")
        found.place = box.centre
    return found


def strongly_convex(case: Case, proof: Json) -> Found:
    """Section 9.3, Theorem 5; with `idle` also rule `idle_parameters`."""
    program, point, idle = case.program, case.program.point, list[int]()
    box = case.read_box(proof, range(len(point)))
    if "idle" in proof:
        idle, slope = read_increasing(proof["idle"], len(point)), box.over.gradient()
        require(not any(slope.m[i] or slope.r[i] for i in idle), "a parameter may have an effect")
    free = sorted(set(box.free) - set(idle))
    if free:
        found = convex(case, box, lambda: Curved(program, case.exact(point)).gradient().entries)
        require(len(free) <= MAX_HESSIAN, "there are too many parameters for a Hessian")
        require_above(box.over.hessian(free), case.eigenvalue)
    else:
        require(not case.nearby, "the loss is constant around the point")
        require(box.centre == point, "the centre is not the problem's point")
        found = Found(place=box.centre)
    if idle:
        found.strict, found.flat = "no", len(idle)
    return found


def krawczyk(case: Case, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    box = case.read_box(proof, range(len(case.program.point)))
    negative, loss = isolated(box, proof["preconditioner"])
    require(negative >= 1, "the critical point is no saddle")
    return Found(index=negative, loss=loss, radius=box.reach())


def convex_ball(case: Case, proof: Json) -> Found:
    """Section 5.3, Theorem 5: the loss is strongly convex on a box, its gradient small or zero."""
    return convex_box(case, proof, read_increasing(proof["fixed"], len(case.program.point), 0))[0]


def convex_box(case: Case, proof: Json, fixed: list[int]) -> tuple[Found, Box]:
    """Rule 5.3 with these parameters fixed; also gives the box."""
    pb = case.problem
    free = sorted(set(range(len(pb.point))) - set(fixed))
    require(len(free) > 0, "there is no free parameter")
    bound, box = case.eigenvalue, case.read_box(proof, free)
    dead = check_fixed(case, box, fixed)
    found = convex(case, box, lambda: exact_slopes(case, free))
    found.rescaled, found.flat = "no" if dead else "yes", len(fixed)
    if pb.slopes is not None and pb.depth:
        found.strict = "no"
    # no Hessian is larger than the file's matrix
    square = read_square(proof["transform"], len(free), case.bits)
    require_definite(box.over.hessian(box.free), bound, square)
    return found, box


def exact_slopes(case: Case, free: list[int]) -> list[Number]:
    """The gradient in the free parameters, from the exact g of the outputs on."""
    ex, last, slopes = (
        evaluate(case, case.problem.point),
        case.program.outputs or 0,
        list[Number](),
    )
    for i in free:
        axis = case.exact([Fraction(i == j) for j in range(len(case.problem.point))])
        moved = tangent(case.program.steps[: last + 1], case.values, axis)[last]
        moves = moved.entries if moved else []
        slopes.append(dot((g for row in ex.g for g in row), moves) if moves else Fraction(0))
    require(not any(isinstance(v, Interval) for v in slopes), "a derivative is not rational")
    return slopes


def check_fixed(case: Case, box: Box, fixed: list[int]) -> bool:
    """Kinks and which parameters may be fixed (section 5.3); returns whether a unit is dead."""
    pb, off = case.problem, list[bool]()  # for each hidden unit whether it is dead
    if pb.slopes is None or not pb.depth:
        require(not fixed, "a smooth network has no fixed parameters")
        return False
    for (_, step), width in zip(case.program.layers, pb.widths[1:-1], strict=False):
        z = box.over.values[step]
        known = z.nonzero() or not pb.kinked
        require_shown(known, "a pre-activation is not bounded away from the kink")
        off += [pb.activation == "relu" and max(z.m[j::width]) < 0 for j in range(width)]
    of_dead = {p for (into, out), dead in zip(pb.wires, off, strict=True) if dead
               for p in (*into, *out)}  # fmt: skip
    require(of_dead <= set(fixed), "a parameter of a dead unit is not fixed")
    rest = set(fixed) - of_dead
    for into, _ in pb.wires:
        taken = rest.intersection(into)
        require(len(taken) <= 1, "two parameters of one unit are fixed")
        require(all(box.centre[p] for p in taken), "a fixed parameter is zero")
        rest -= taken
    require(not rest, "an output parameter is fixed")
    return any(off)


# of a live unit: its held groups, the basis, and its columns of F, point by point
Live = tuple[list[int], list[list[Fraction]], list[list[Fraction]]]


def read_live(item: object, ex: Exact, j: int, r: Fraction) -> Live | None:
    """Reads and checks the entry of unit j (section 5.5, the first three items); None: dead."""
    pb, pre, v = ex.pb, [z[j] for z in ex.pre[0]], ex.units[1][0][j]
    if item is None:
        dead = pb.sides[1] == 0 and all(z < 0 for z in pre)
        require(dead, "a unit given as dead is not")
        return None
    fields, size = as_object(item, "held", "basis"), pb.widths[0] + 1
    held = read_increasing(fields["held"], len(pb.xs), least=0)
    require(set(held) <= set(pb.groups), "held lists no groups")
    require(v != 0, "a live unit has output weight zero")
    require(all(pre[i] == 0 for i in held), "a held input is not on the kink")
    inputs = [pb.inputs[i] for i in held]
    require(rank(inputs) == len(held), "the held inputs are linearly dependent")
    basis = [read_row(row, size) for row in as_list(fields["basis"], size - len(held))]
    require(not any(inner(b, x) for b in basis for x in inputs), "the basis is not orthogonal")
    along = [[inner(b, x) for b in basis] for x in pb.inputs]
    free = [group not in held for group in pb.groups]
    near = (abs(z) <= r * sum(map(abs, row)) for z, row in zip(pre, along, strict=True))
    reaches = any(n and f for n, f in zip(near, free, strict=True))
    require(not reaches, "a pre-activation may reach its kink")
    factors = [v * ex.slope(i, j) * f for i, f in enumerate(free)]
    return held, basis, [[f * a for a in row] for f, row in zip(factors, along, strict=True)]


def kinked_ball(case: Case, proof: Json) -> Found:
    """Section 5.5, Theorem 9: a minimum on kinks with the logistic loss."""
    pb, bits = case.problem, case.bits
    pb.require_shallow(single=True)
    require(pb.kinked, "the rule needs kinks")
    bound, r, centre = case.eigenvalue, positive(proof["radius"]), case.read_point(proof["centre"])
    ex = evaluate(case, centre)
    v = ex.units[1][0]
    require(v[:-1] == pb.units(pb.point)[1][0][:-1], "the centre has other output weights")
    items = as_list(proof["units"], pb.widths[1])
    faces = [read_live(item, ex, j, r) for j, item in enumerate(items)]
    live = [(j, face) for j, face in enumerate(faces) if face is not None]
    rows = [[*(a for _, (_, _, parts) in live for a in parts[i]), Fraction(1)]
            for i in range(len(pb.xs))]  # fmt: skip
    size = len(rows[0])
    # the loss as a program of the coordinates y: of f + F y
    w = Writer(OF_DENSE)
    y = w.matmul(w.const((len(rows), size), [a for row in rows for a in row]),
                 w.param("y", (size, 1)))  # fmt: skip
    f = w.add(y, w.const((len(rows), 1), [z for (z,) in ex.pre[1]]))
    weighted_sum(w, pb, losses(w, pb, f))
    origin = [Fraction(0)] * size
    box = Box(Program(w.steps, origin), origin, r, range(size), bits)
    loss = require_minimum(box, bound)
    require_definite(box.over.hessian(box.free), bound, read_square(proof["transform"], size, bits))
    wide = replace(ex, g=[[g] for g in box.over.bar(f).intervals()])
    for j, (held, _, _) in live:
        require_held(wide, j, held, 1 if v[j] > 0 else -1, bits)
    sums = (sum(map(abs, c)) for _, (_, basis, _) in live for c in zip(*basis, strict=True))
    radius = distance(centre, pb.point) + r * max([Fraction(1), *sums])
    dead = len(faces) - len(live)
    flat = len(live) + (pb.widths[0] + 2) * dead
    return Found("no", "no" if dead else "yes", flat, bound, loss, radius)


def require_held(ex: Exact, j: int, held: list[int], side: int, bits: int) -> None:
    """Section 5.5, fourth item: |tau_r| < sign(v_j) C_jr, tau = (X X^T)^-1 X lin_j."""
    (lin,), bends = unit_terms(ex, j, held)
    inputs = [ex.pb.inputs[r] for r in held]
    gram = [[inner(a, b) for b in inputs] for a in inputs]
    projected = [dot(x, lin) for x in inputs]
    for r, weights in zip(held, inverse(gram), strict=True):
        tau = interval(dot(weights, projected), bits)
        stays = abs(tau).hi < interval(bends[r][0] * side, bits).lo
        require_shown(stays, "a held input may leave its kink")


def twin_units(case: Case, proof: Json) -> Found:
    """Section 5.6, Theorem 19: equal units merged give a strict minimum; parted they cost more."""
    pb, size = case.problem, case.problem.widths[0] + 1
    pb.require_shallow(single=True)
    require(pb.slopes is None, "the rule needs a smooth activation")
    units, (outward,) = pb.units(pb.point)
    kinds = list(dict.fromkeys(map(tuple, units)))
    place = [kinds.index(tuple(unit)) for unit in units]  # of each unit the merged unit
    shared = [[v for v, m in zip(outward, place, strict=False) if m == k]
              for k in range(len(kinds))]  # fmt: skip
    sums = [sum(part, Fraction(0)) for part in shared]
    twins = [k for k in range(len(kinds)) if len(shared[k]) > 1]
    require(len(twins) > 0, "no two units are equal")
    merged = flatten([[list(kind) for kind in kinds], [[*sums, outward[-1]]]])
    small = replace(pb, widths=[pb.widths[0], len(kinds), 1], point=merged)
    small_case = replace(case, program=dense_program(small))
    found, box = convex_box(small_case, proof, [])
    near, ((*heights, end),) = small.units(box.centre)
    for k, bend in zip(twins, as_list(proof["bends"], len(twins)), strict=True):
        side, up = parting_side(shared[k]), 1 if sums[k] > 0 else -1
        require(up * heights[k] > box.radius, "twins may lose their weight")
        form = parting_form(small_case, box, k, side)
        require_definite(form, Fraction(0), read_square(bend, size, case.bits))
    # the output weights of the minimum are fixed shares of the merged ones
    shares = [v / sums[k] if k in twins else Fraction(1)
              for v, k in zip(outward, place, strict=False)]  # fmt: skip
    weights = [share * heights[k] for share, k in zip(shares, place, strict=True)]
    nearest = flatten([[near[k] for k in place], [[*weights, end]]])
    found.strict = found.rescaled = "no"
    found.flat, found.place = len(units) - len(kinds), None
    if case.nearby:
        found.radius = distance(nearest, pb.point) + box.radius * max(1, *map(abs, shares))
    return found


def parting_form(case: Case, box: Box, k: int, side: int) -> list[Balls]:
    """Side times B(X) of section 5.6, for unit k of the merged network."""
    pb, ((_, first), (_, last)) = case.problem, case.program.layers
    n, size, slopes = len(pb.xs), pb.widths[0] + 1, box.over.bar(last)
    z = box.over.values[first].pick(range(k, n * pb.widths[1], pb.widths[1]))
    require_shown(pb.activation not in BENT or z.nonzero(), "a twin may be at 0")
    curves = slopes.times(z.mapped((pb.activation, None), 2))
    plain = z.like(v for x in pb.inputs for v in x)
    turned = z.like(v * side for x in pb.inputs for v in x)
    scaled = curves.pick([i for i in range(n) for _ in range(size)]).times(turned)
    return plain.outer((0, size, n, False), scaled, (0, size, n, False)).rows(size)


def parting_side(v: list[Fraction]) -> int:
    """The sign of sum v_j t_j^2 for all t != 0 with sum v_j t_j = 0, by Sylvester's inertia.

    The space is the complement of (1, ..., 1) in this form, so the inertia is that of the v_j less
    the sign of their sum.
    """
    signs = [(a > 0) - (a < 0) for a in v]
    total = sum(v, Fraction(0))
    require(total != 0 and all(v), "twins have an output weight, or a sum of them, that is zero")
    up, down = signs.count(1) - (total > 0), signs.count(-1) - (total < 0)
    require(up == 0 or down == 0, "the output weights of twins have signs that allow no minimum")
    return 1 if down == 0 else -1
