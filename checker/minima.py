"""Minima by exact numbers (5.1, 5.2, 5.8)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from checker.cases import Case, Exact, Found, combined, evaluate, leaves, require_zero
from checker.matrices import rank
from checker.network import Problem
from checker.numbers import Number, dot, require, sign, total
from checker.reading import (
    Json,
    as_list,
    as_object,
    distance,
    positive,
    rational,
    read_keys,
    read_layers,
    soft,
)


def exact_place(case: Case, proof: Json) -> tuple[Exact, Found]:
    """The point at which 5.1 and 5.2 are applied (section 5)."""
    pb, point, found = case.problem, case.problem.point, Found()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    require(("slopes" in proof) == (pb.loss == "hinge"), "slopes are for the hinge loss")
    if case.nearby:
        point = read_layers(proof["point"], pb.widths)
        found.radius = distance(point, pb.point)
    ex = evaluate(case, point, proof.get("slopes"))
    found.place, found.loss = point, ex.loss
    return ex, found


def one_sided_derivatives(case: Case, proof: Json) -> Found:
    """Section 5.1, Theorem 1: sum g = 0, and phi >= 0 for every unit and every test vector."""
    pb = case.problem
    pb.require_shallow()
    outputs = pb.widths[2]
    require(("epsilon" in proof) == (outputs > 1), "epsilon is for several outputs")
    ex, found = exact_place(case, proof)
    require_zero(combined(((1, g) for g in ex.g), outputs), "the sum of g")
    for j, trees in enumerate(as_list(proof["units"], pb.widths[1])):
        lin, bends = unit_terms(ex, j)
        v = [row[j] for row in ex.units[1]]
        if not any(v):
            as_list(trees, 0)
            require_zero((a for row in lin for a in row), "lin of a unit without output weights")
            require_zero((c for r in bends.values() for c in r), "C of a unit without outputs")
            continue
        tests = [[Fraction(1 if v[0] > 0 else -1)]]
        if outputs > 1:
            epsilon = positive(proof["epsilon"])
            steps = [(k, side * epsilon) for k in range(outputs) for side in (1, -1)]
            tests = [[a + step * (m == k) for m, a in enumerate(v)] for k, step in steps]
        for test, tree in zip(tests, as_list(trees, len(tests)), strict=True):
            slope = combined(zip(test, lin, strict=True), len(lin[0]))
            bend = {r: dot(test, c) for r, c in bends.items()}
            require_tree(tree, pb.inputs, slope, bend, case.bits)
    shallow_flatness(ex, found)
    return found


def unit_terms(
    ex: Exact, j: int, held: Collection[int] | None = None
) -> tuple[list[list[Number]], dict[int, list[Number]]]:
    """lin_jk (by k) and C_rk (by r, then k) of section 5.1; `held` says what is on the kink."""
    pb, (p, q), outputs = ex.pb, ex.pb.sides, range(len(ex.g[0]))
    slopes, kinks = list[Fraction](), dict[int, list[int]]()
    for i, r in enumerate(pb.groups):
        on_kink = pb.kinked and (ex.pre[0][i][j] == 0 if held is None else r in held)
        slopes.append((p + q) / 2 if on_kink else ex.slope(i, j))
        if on_kink:
            kinks.setdefault(r, []).append(i)
    lin = [
        combined(((g[k] * s, x) for g, s, x in zip(ex.g, slopes, pb.inputs, strict=True)),
                 len(pb.inputs[0]))
        for k in outputs
    ]  # fmt: skip
    bends = {r: [total(ex.g[i][k] for i in members) * ((p - q) / 2) for k in outputs]
             for r, members in kinks.items()}  # fmt: skip
    return lin, bends


def require_tree(
    tree: object, inputs: list[list[Fraction]], slope: list[Number], bend: dict[int, Number],
    bits: int,
) -> None:  # fmt: skip
    """A tree of section 5.1: l.u + sum of c_r |u.x~_r| >= 0 for all u, by an identity a leaf.

    Only groups with c < 0 may be split or dominated, only c >= 0 have tau.
    """
    negative = {r for r, c in bend.items() if sign(c, bits) < 0}
    for node, signs in leaves(tree, negative):
        as_object(node, optional=["dominated", "tau", "mu"])
        dominated = read_keys(node.get("dominated", {}), "dominated",
                              lambda x: read_keys(x, "what dominates", rational))  # fmt: skip
        taus, mus = (read_keys(node.get(k, {}), k, soft) for k in ("tau", "mu"))
        must = negative - signs.keys()
        require(must == set(dominated), "dominated must hold the groups with c < 0 not split")
        require(taus.keys() <= bend.keys() - negative, "tau names no group with c >= 0")
        require(mus.keys() <= signs.keys(), "a multiplier names a group that was not split")
        rays = {s: [side * a for a in inputs[s]] for s, side in signs.items()}
        terms: list[tuple[Number, Sequence[Number]]] = [(Fraction(1), slope)]
        terms += [(bend[s], ray) for s, ray in rays.items()]
        for r, m in dominated.items():
            require(m.keys() <= signs.keys(), "a multiplier names a group that was not split")
            sums = combined(((f, rays[s]) for s, f in m.items()), len(slope))
            require(sums == inputs[r], "a dominated input is not the combination given")
            terms += [(bend[r] * abs(f), rays[s]) for s, f in m.items()]
        for r, tau in taus.items():
            least = min(sign(bend[r] - tau, bits), sign(bend[r] + tau, bits))
            require(least >= 0, "|tau| exceeds c")
            terms.append((tau, inputs[r]))
        for s, mu in mus.items():
            require(sign(mu, bits) >= 0, "mu is negative")
            terms.append((-mu, rays[s]))
        require_zero(combined(terms, len(slope)), "the difference of the two sides at a leaf")


def shallow_flatness(ex: Exact, found: Found) -> None:
    """Flatness of section 5.1, Corollary 1."""
    pb, v, found.strict = ex.pb, ex.units[1][0], "no"
    if pb.widths[2] > 1 or pb.loss in ("cross_entropy", "hinge"):
        return
    units, width = range(pb.widths[1]), pb.widths[0] + 1
    if not all(v[j] for j in units):
        found.rescaled = "no"
        return
    rows, smooth, bent = list[list[Fraction]](), list[list[Fraction]](), list[list[Fraction]]()
    for i, (z, x) in enumerate(zip(ex.pre[0], pb.inputs, strict=True)):
        if not pb.weights[i]:
            continue
        factors = [ex.slope(i, j) if v[j] > 0 else -ex.slope(i, j) for j in units]
        rows.append([f * a for f in factors for a in x] + [Fraction(1)])
        kinks = [j for j in units if pb.kinked and z[j] == 0]
        smooth += [] if kinks else rows[-1:]
        bent += [[a * (m == j) for m in units for a in x] + [Fraction(0)] for j in kinks]
    size = len(units) * width + 1
    upper, lower = size - rank(smooth), size - rank(rows + bent)
    found.rescaled = "yes" if upper == 0 else "no" if lower > 0 else "unknown"
    found.flat = upper + len(units) if upper == lower else None


Kind = tuple[object, ...]  # of a data point, see `point_class`


def point_class(ex: Exact, i: int) -> Kind:
    """The class of a data point in section 5.2: ("dead", n), ("signs", ...) or ("loose", group).

    Only hidden layers count: the outputs are no units, and they never die.
    """
    hidden = [layer[i] for layer in ex.pre[:-1]]
    dead = [n for n, z in enumerate(hidden) if all(v < 0 for v in z)]
    if ex.pb.activation == "relu" and dead:
        return ("dead", dead[-1])
    if not ex.pb.kinked:
        return ("signs",)
    if any(v == 0 for z in hidden for v in z):
        return ("loose", ex.pb.groups[i])
    return ("signs", *(v > 0 for z in hidden for v in z))


def require_classwise(ex: Exact, kinds: list[Kind]) -> None:
    """Theorems 3 and 4: nothing that is constant on each class, or affine on one of signs, helps.

    The sum of g over the class is zero for every output; on one of signs that of g x~.
    """
    classes = dict[Kind, list[int]]()
    for i, kind in enumerate(kinds):
        classes.setdefault(kind, []).append(i)
    for kind, members in classes.items():
        xs = [ex.pb.inputs[i] if kind[0] == "signs" else [Fraction(1)] for i in members]
        for k in range(ex.pb.widths[-1]):
            sums = combined(zip((ex.g[i][k] for i in members), xs, strict=True), len(xs[0]))
            require_zero(sums, f"the sum of a {kind[0]} class")


def pointwise_optimum(case: Case, _: Json) -> Found:
    """Section 5.8, Theorem 3: nothing at all does better, so the point is a minimum."""
    pb = case.problem
    require_classwise(evaluate(case, pb.point), [("loose", r) for r in pb.groups])
    return Found(place=pb.point)


def classwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.2, Theorem 4: nothing affine or constant on each class does better."""
    ex, found = exact_place(case, proof)
    require_classwise(ex, [point_class(ex, i) for i in range(len(ex.g))])
    found.strict = hidden_homogeneous(ex.pb)
    return found


def hidden_homogeneous(pb: Problem) -> str:
    """`strict` for rules 5.2 and 5.4."""
    return "no" if pb.slopes is not None and pb.depth > 0 else "unknown"
