"""Rules for minima in a box where the loss is convex (5.3, 5.5, 5.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from checker.functions import BENT
from checker.minima import Case, Exact, Found, evaluate, rank, require_zero, unit_terms
from checker.network import (
    Problem,
    Trace,
    enclosed,
    forward,
    loss_gradient,
    loss_hessian,
    total_loss,
)
from checker.numbers import Interval, Invalid, Number, Undecided, dot, hull, interval, require, sign
from checker.reading import (
    Json,
    Layers,
    as_int,
    as_list,
    as_object,
    distance,
    flatten,
    positive,
    rational,
    read_layers,
    read_row,
)


def require_definite(
    h: list[list[Number]], bound: Fraction, s: list[list[Fraction]], bits: int
) -> None:
    """S (H - bound I) S^T is strictly diagonally dominant with positive diagonal (section 5.3).

    Then it is positive definite by Gershgorin, S is injective, and every symmetric H in the
    interval matrix has all eigenvalues above the bound.
    """
    size = range(len(h))
    shifted = [[h[a][b] - bound if a == b else h[a][b] for b in size] for a in size]
    rows = [[Interval.of(v, bits) if v else 0 for v in row] for row in s]
    left = [[dot(row, (shifted[a][b] for a in size)) for b in size] for row in rows]
    for a in size:
        entries = [interval(dot(left[a], rows[b]), bits) for b in size]
        others = sum(abs(entries[b]).hi for b in size if b != a)
        if entries[a].lo <= others:
            raise Undecided("the Hessian is not shown to be positive definite")


def require_small(gradient: list[Interval], bound: Fraction, radius: Fraction) -> Fraction:
    """2 |gradient|_2 < bound radius (section 5.3); returns how far below L the minimum may be."""
    squared = sum((g.square().upper for g in gradient), Fraction(0))
    if 4 * squared >= (bound * radius) ** 2:
        raise Undecided("the gradient at the centre is not shown to be small enough")
    return squared / (2 * bound)


def lowered(loss: Number, drop: Fraction, bits: int) -> Interval:
    """The interval [loss - drop, loss]."""
    top = interval(loss, bits)
    return hull(top, top - drop)


def transform(proof: Json, size: int) -> list[list[Fraction]]:
    """Reads the square matrix S."""
    return [read_row(row, size) for row in as_list(proof["transform"], size)]


def parameters(widths: list[int]) -> list[tuple[int, int, int]]:
    """(layer, unit, input) of each parameter in order; input -1 is the bias."""
    listed: list[tuple[int, int, int]] = []
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        listed += [(layer, j, k) for j in range(outputs) for k in range(inputs)]
        listed += [(layer, j, -1) for j in range(outputs)]
    return listed


def backward(layers: Layers, trace: Trace, g: list[Number]) -> list[list[Number]]:
    """The delta of each layer: the derivative of the loss of one data point by its z."""
    deltas = [g]
    for layer in range(len(layers) - 2, -1, -1):
        columns = zip(*layers[layer + 1][0], strict=True)
        back = [dot(column, deltas[0]) for column in columns]
        deltas.insert(0, [b * s for b, s in zip(back, trace.first[layer], strict=True)])
    return deltas


def gradient(
    pb: Problem, layers: Layers, free: list[tuple[int, int, int]], bits: int | None
) -> list[Number]:
    """The gradient of the loss in the free parameters, exact if `bits` is None."""
    total: list[Number] = [Fraction(0)] * len(free)
    for i, x in enumerate(pb.xs):
        trace = forward(pb, layers, x, bits)
        deltas = backward(layers, trace, loss_gradient(pb, i, trace.out))
        row = [deltas[m][j] * (trace.post[m][k] if k >= 0 else 1) for m, j, k in free]
        total = [a + b for a, b in zip(total, row, strict=True)]
    return total


def add_hessian(
    pb: Problem, layers: Layers, i: int, trace: Trace, free: list[tuple[int, int, int]],
    total: list[list[Number]],
) -> None:  # fmt: skip
    """Adds the Hessian of the loss of data point i in the free parameters, forward over reverse.

    For each free parameter p: dz and da are the derivatives by p of z and a; then those of delta,
    d delta = (W^T d delta' + dW^T delta') act' + (W^T delta') act'' dz, delta' of the next layer;
    the entry for the parameter that multiplies a in z_j is d delta_j a + delta_j da.
    """
    last = len(layers) - 1
    deltas = backward(layers, trace, loss_gradient(pb, i, trace.out))
    backs = [
        [dot(c, deltas[m + 1]) for c in zip(*layers[m + 1][0], strict=True)] for m in range(last)
    ]
    outer = loss_hessian(pb, trace.out)
    for row, (layer, unit, source) in zip(total, free, strict=True):
        da: list[list[Number]] = [[0] * len(a) for a in trace.post]
        dz: list[list[Number]] = [[0] * len(z) for z in trace.pre]
        dz[layer][unit] = trace.post[layer][source] if source >= 0 else 1
        for m in range(layer, last):
            da[m + 1] = [s * d if d else 0 for s, d in zip(trace.first[m], dz[m], strict=True)]
            dz[m + 1] = [dot(w, da[m + 1]) for w in layers[m + 1][0]]
        dd: list[list[Number]] = [[] for _ in layers]
        dd[last] = [dot(r, dz[last]) for r in outer]
        for m in range(last - 1, -1, -1):
            back = [dot(c, dd[m + 1]) for c in zip(*layers[m + 1][0], strict=True)]
            if m + 1 == layer and source >= 0:
                back[source] = back[source] + deltas[layer][unit]
            dd[m] = [
                (b * s if b else 0) + (u * c * d if d else 0)
                for b, s, u, c, d in zip(
                    back, trace.first[m], backs[m], trace.second[m], dz[m], strict=True
                )
            ]
        for column, (m, j, k) in enumerate(free):
            one, other = dd[m][j], da[m][k] if k >= 0 else 0
            if one:
                row[column] = row[column] + (one * trace.post[m][k] if k >= 0 else one)
            if other:
                row[column] = row[column] + deltas[m][j] * other


def convex_ball(case: Case, proof: Json) -> Found:
    """Section 5.3, Theorem 5: the loss is strongly convex on a box, its gradient small or zero."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "centre", "radius", "fixed", "transform")
    bound, radius = positive(case.eigenvalue), positive(proof["radius"])
    centre = read_layers(proof["centre"], pb.widths, rational)
    fixed = [as_int(p) for p in as_list(proof["fixed"])]
    names = parameters(pb.widths)
    require(fixed == sorted(set(fixed)), "fixed is not increasing")
    require(all(0 <= p < len(names) for p in fixed), "fixed holds no parameter index")
    box = enclosed(centre, bits, radius, fixed)
    traces = [forward(pb, box, x, bits) for x in pb.xs]
    smooth = pb.slopes is None or not pb.hidden
    dead = check_fixed(pb, centre, fixed, names, traces)
    kept = set(fixed)
    free = [name for p, name in enumerate(names) if p not in kept]
    require(len(free) > 0, "there is no free parameter")
    hessian: list[list[Number]] = [[Interval(0, 0, bits) for _ in free] for _ in free]
    for i, trace in enumerate(traces):
        add_hessian(pb, box, i, trace, free, hessian)
    require_definite(hessian, bound, transform(proof, len(free)), bits)
    found = Found("no", "no" if dead else "yes", len(fixed), bound)
    if smooth:
        found.strict = "yes"
    if case.verdict == "local_minimum":
        require(distance(centre, pb.layers) == 0, "the centre is not the problem's point")
        require_zero(gradient(pb, centre, free, None), "the gradient")
        found.place = centre
        return found
    slopes = gradient(pb, enclosed(centre, bits, Fraction(0)), free, bits)
    drop = require_small(slopes, bound, radius)
    found.radius = distance(centre, pb.layers) + radius
    found.loss = lowered(total_loss(pb, centre, bits), drop, bits)
    return found


def check_fixed(
    pb: Problem, centre: Layers, fixed: list[int], names: list[tuple[int, int, int]],
    traces: list[Trace],
) -> bool:  # fmt: skip
    """Which parameters may be fixed (section 5.3); returns whether a unit is dead.

    A dead unit is negative at all data over the box: all its parameters are fixed. Of a live unit
    at most one incoming parameter is, not zero, and not to or from a dead one: that takes the
    freedom of rescaling and no more. Kinks were excluded when the traces were made.
    """
    if pb.slopes is None or not pb.hidden:
        require(not fixed, "a smooth network has no fixed parameters")
        return False
    dead = {
        (m, j)
        for m, width in enumerate(pb.widths[1:-1])
        for j in range(width)
        if pb.activation == "relu" and all(t.pre[m][j].hi < 0 for t in traces)
    }
    of_dead = {p for p, (m, j, k) in enumerate(names) if (m, j) in dead or (m - 1, k) in dead}
    require(of_dead <= set(fixed), "a parameter of a dead unit is not fixed")
    values, seen = flatten(centre), set[tuple[int, int]]()
    for p in fixed:
        if p not in of_dead:
            m, j, _ = names[p]
            require(m < len(centre) - 1, "an output parameter is fixed")
            require((m, j) not in seen, "two parameters of one unit are fixed")
            require(values[p] != 0, "a fixed parameter is zero")
            seen.add((m, j))
    return bool(dead)


@dataclass
class Face:
    """A live unit of rule 5.5: the groups it holds on its kink, the directions it may move."""

    held: list[int]
    basis: list[list[Fraction]]


def read_face(item: object, ex: Exact, j: int) -> Face | None:
    """Reads and checks the entry of unit j (section 5.5, first item); None is a dead unit."""
    pb, pre = ex.pb, [t.pre[0][j] for t in ex.traces]
    if item is None:
        dead = pb.slopes is not None and pb.slopes[1] == 0 and all(z < 0 for z in pre)
        require(dead, "a unit given as dead is not")
        return None
    fields, groups = as_object(item, "held", "basis"), pb.groups()
    held = [as_int(r) for r in as_list(fields["held"])]
    require(held == sorted(set(held)) and set(held) <= set(groups), "held lists no groups")
    require(ex.layers[1][0][0][j] != 0, "a live unit has output weight zero")
    require(all(pre[r] == 0 for r in held), "a held input is not on the kink")
    inputs = [ex.inputs[r] for r in held]
    require(rank(inputs) == len(held), "the held inputs are linearly dependent")
    size = len(ex.inputs[0])
    basis = [read_row(row, size) for row in as_list(fields["basis"], size - len(held))]
    require(not any(dot(b, x) for b in basis for x in inputs), "the basis is not orthogonal")
    return Face(held, basis)


def kinked_ball(case: Case, proof: Json) -> Found:
    """Section 5.5, Theorem 9: a minimum on kinks with the logistic loss."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "centre", "radius", "units", "transform")
    require(
        len(pb.widths) == 3 and pb.widths[2] == 1 and pb.kinked, "the rule needs kinks, [d,h,1]"
    )
    require(pb.loss == "logistic", "the rule needs the logistic loss")
    bound, r = positive(case.eigenvalue), positive(proof["radius"])
    ex = evaluate(pb, read_layers(proof["centre"], pb.widths, rational))
    v = ex.layers[1][0][0]
    require(v == pb.layers[1][0][0], "the centre has other output weights")
    items = as_list(proof["units"], pb.widths[1])
    faces = [read_face(item, ex, j) for j, item in enumerate(items)]
    groups, reach, rows = pb.groups(), Fraction(1), list[list[Fraction]]()
    for i, (trace, x) in enumerate(zip(ex.traces, ex.inputs, strict=True)):
        row: list[Fraction] = []
        for j, face in enumerate(faces):
            if face is not None:
                along = [dot(b, x) + Fraction(0) for b in face.basis]
                holds = groups[i] in face.held
                far = abs(trace.pre[0][j]) > r * sum(map(abs, along))
                require(holds or far, "a pre-activation may reach its kink")
                factor = 0 if holds else v[j] * trace.first[0][j]
                row += [factor * a for a in along]
        rows.append([*row, Fraction(1)])
    for face in faces:
        if face is not None:
            sums = [
                sum((abs(b[m]) for b in face.basis), Fraction(0)) for m in range(len(ex.inputs[0]))
            ]
            reach = max(reach, *sums)
    size = range(len(rows[0]))
    outs = [Interval.of(t.out[0], bits) for t in ex.traces]
    swing = [r * sum(map(abs, row)) for row in rows]
    box = [hull(f - s, f + s) for f, s in zip(outs, swing, strict=True)]
    curves = [loss_hessian(pb, [f])[0][0] for f in box]
    scaled = [[c * a if a else 0 for a in row] for c, row in zip(curves, rows, strict=True)]
    zero = Interval(0, 0, bits)
    hessian = [
        [zero + dot((s[a] for s in scaled), (f[b] for f in rows)) for b in size] for a in size
    ]
    require_definite(hessian, bound, transform(proof, len(size)), bits)
    at = [loss_gradient(pb, i, [f])[0] for i, f in enumerate(outs)]
    drop = require_small([zero + dot(at, (row[a] for row in rows)) for a in size], bound, r)
    ex.g = [loss_gradient(pb, i, [f]) for i, f in enumerate(box)]
    for j, face in enumerate(faces):
        if face is not None and face.held:
            require_held(ex, j, face, 1 if v[j] > 0 else -1, bits)
    dead = faces.count(None)
    loss = lowered(total_loss(pb, ex.layers, bits), drop, bits)
    flat = len(faces) - dead + (pb.widths[0] + 2) * dead
    radius = distance(ex.layers, pb.layers) + r * reach
    return Found("no", "no" if dead else "yes", flat, bound, loss, radius)


def require_held(ex: Exact, j: int, face: Face, side: int, bits: int) -> None:
    """Section 5.5, fourth item: |tau_r| < sign(v_j) C_jr, tau = (X X^T)^-1 X lin_j."""
    lin, bends = unit_terms(ex, j, face.held)
    inputs = [ex.inputs[r] for r in face.held]
    gram = [[dot(a, b) + Fraction(0) for b in inputs] for a in inputs]
    projected = [dot(x, lin[0]) for x in inputs]
    for r, weights in zip(face.held, inverse(gram), strict=True):
        tau = Interval(0, 0, bits) + dot(weights, projected)
        if abs(tau).hi >= (bends[r][0] * side).lo:
            raise Undecided("a held input may leave its kink")


def twin_units(case: Case, proof: Json) -> Found:
    """Section 5.6, Theorem 19: equal units merged give a strict minimum; parted they cost more."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "centre", "radius", "transform", "bends")
    require(len(pb.widths) == 3 and pb.widths[2] == 1, "the rule needs widths [d, h, 1]")
    require(pb.slopes is None, "the rule needs a smooth activation")
    (rows, biases), (outward, last) = pb.layers
    v, rows = outward[0], [(*row, b) for row, b in zip(rows, biases, strict=True)]
    kinds = list(dict.fromkeys(rows))
    place = [kinds.index(row) for row in rows]  # of each unit the merged unit
    sums = [dot(v, [int(k == m) for m in place]) + Fraction(0) for k in range(len(kinds))]
    twins = [k for k in range(len(kinds)) if place.count(k) > 1]
    require(len(twins) > 0, "no two units are equal")
    merged: Layers = [([list(a[:-1]) for a in kinds], [a[-1] for a in kinds]), ([sums], last)]
    small = replace(pb, widths=[pb.widths[0], len(kinds), 1], layers=merged)
    inner = {key: proof[key] for key in ("rule", "centre", "radius", "transform")}
    found = convex_ball(Case(small, case.verdict, case.eigenvalue, bits), {**inner, "fixed": []})
    centre, radius = read_layers(proof["centre"], small.widths, rational), positive(proof["radius"])
    box = enclosed(centre, bits, radius)
    traces = [forward(small, box, x, bits) for x in pb.xs]
    for k, bend in zip(twins, as_list(proof["bends"], len(twins)), strict=True):
        side = parting_side([a for a, m in zip(v, place, strict=True) if m == k])
        require(sign(box[1][0][0][k], bits) == sign(sums[k], bits), "twins may lose their weight")
        if pb.activation in BENT:
            require(all(sign(t.pre[0][k], bits) for t in traces), "a twin may be at 0")
        size = pb.widths[0] + 1
        form = [[Interval(0, 0, bits)] * size for _ in range(size)]
        for i, (x, t) in enumerate(zip(pb.xs, traces, strict=True)):
            curve = loss_gradient(small, i, t.out)[0] * t.second[0][k] * side
            for a, one in enumerate([*x, Fraction(1)]):
                form[a] = [e + curve * (one * c) for e, c in zip(form[a], [*x, 1], strict=True)]
        square = [read_row(row, size) for row in as_list(bend, size)]
        require_definite([list[Number](row) for row in form], Fraction(0), square, bits)
    # the output weights of the minimum are fixed shares of the merged ones
    shares = [a / sums[k] if k in twins else Fraction(1) for a, k in zip(v, place, strict=True)]
    (near, offsets), (heights, end) = centre
    weights = [share * heights[0][k] for share, k in zip(shares, place, strict=True)]
    nearest: Layers = [([near[k] for k in place], [offsets[k] for k in place]), ([weights], end)]
    found.strict = found.rescaled = "no"
    found.flat, found.place = len(rows) - len(kinds), None
    if case.verdict == "local_minimum_nearby":
        found.radius = distance(nearest, pb.layers) + radius * max(1, *map(abs, shares))
    return found


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


def inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """The inverse of a rational matrix, by Gauss and Jordan."""
    n = len(matrix)
    rows = [[*row, *(Fraction(a == b) for b in range(n))] for a, row in enumerate(matrix)]
    for c in range(n):
        pivot = next((r for r in range(c, n) if rows[r][c]), None)
        if pivot is None:
            raise Invalid("a matrix is singular")
        rows[c], rows[pivot] = rows[pivot], rows[c]
        rows[c] = [a / rows[c][c] for a in rows[c]]
        for other in range(n):
            if other != c and rows[other][c]:
                factor = rows[other][c]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[c], strict=True)]
    return [row[n:] for row in rows]
