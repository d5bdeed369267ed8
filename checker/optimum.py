"""The global optimum of a shallow network (sections 7 and 9.12, Theorems 13 and 37)."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

from checker.cases import Case, Found
from checker.matrices import null_vector, row_space
from checker.minima import hidden_homogeneous
from checker.network import Problem
from checker.numbers import BITS, Invalid, Number, inner, require, sign
from checker.reading import Json, as_list, read_row

MAX_FACES = 10_000_000  # of rays, faces and cells, each
MAX_PAIRS = 1_000_000_000  # of faces and rays, and of sets of multipliers


def cell_multipliers(pb: Problem, rows: list[object], loss: Number) -> None:
    """Sections 7 and 9.12, Theorems 13 and 37: no network of these widths has a smaller loss."""
    if not isinstance(loss, Fraction):
        raise Invalid("the rule needs a rational loss")
    pb.require_shallow(single=True)
    p, q = pb.sides
    pb.require_weighted("squared", "hinge")
    multipliers = [read_row(row, len(pb.xs)) for row in rows]
    for g in multipliers:
        require(sum(g) == 0, "a multiplier does not sum to zero")
        terms = (point_bound(pb.loss, *entry) for entry in zip(g, pb.ys, pb.weights, strict=True))
        require(sum(terms, Fraction(0)) >= loss, "a multiplier does not give the bound")
    names = sorted(set(pb.groups))
    places = [tuple(pb.inputs[r]) for r in names]
    sums = [[sum((a for a, k in zip(g, pb.groups, strict=True) if k == r), Fraction(0))
             for r in names] for g in multipliers]  # fmt: skip
    rays = arrangement_rays(places)
    signs: list[list[int]] = []  # for each ray and multiplier the sign of g.act(rho)
    for ray in rays:
        values = [p * z if z > 0 else q * z for z in ray]
        signs.append([sign(inner(g, values), BITS[0]) for g in sums])
    patterns: set[int] = set()  # for each signed chamber the set of multipliers good for it
    for chamber in chambers(rays, len(places)):
        own = [k for k, ray in enumerate(rays)
               if all(z * s >= 0 for z, s in zip(ray, chamber, strict=True))]  # fmt: skip
        for side in (1, -1):
            bad = {m for k in own for m, v in enumerate(signs[k]) if v == -side}
            patterns.add(sum(1 << m for m in range(len(sums)) if m not in bad))
    require(len(patterns) ** 2 <= MAX_PAIRS, "there are too many sets of multipliers")
    worst = [a for a in patterns if not any(b != a and a & b == b for b in patterns)]
    later = [(1 << len(sums)) - 1]
    for a in reversed(worst):
        later.append(later[-1] & a)
    later.reverse()

    calls = itertools.count()

    def covered(start: int, left: int, common: int) -> bool:
        """Whether some multiplier is good for all, however `left` more chambers are chosen."""
        require(next(calls) < MAX_FACES, "there are too many cells")
        if not common or not left or common & later[start]:
            return common != 0
        return all(covered(k, left - 1, common & worst[k]) for k in range(start, len(worst)))

    require(covered(0, pb.widths[1], later[-1]), "some cell has no multiplier")


def point_bound(loss: str, g: Fraction, target: list[Fraction], weight: Fraction) -> Fraction:
    """The least of a point's loss less g f, over all outputs f."""
    (y,) = target
    if loss == "hinge":
        require(0 <= -g * y <= weight, "a multiplier is no slope of the hinge")
        return -g * y
    require(weight > 0 or g == 0, "a multiplier is not zero at a point without weight")
    return -g * y - g * g / (4 * weight) if g else Fraction(0)


def global_minimum(case: Case, proof: Json) -> Found:
    """Section 9.12: what is proved to have the least loss is a local minimum."""
    loss = case.loss_at(case.program.point)
    cell_multipliers(case.problem, as_list(proof["multipliers"]), loss)
    return Found(strict=hidden_homogeneous(case.problem), unbeaten=True)


def arrangement_rays(places: list[tuple[Fraction, ...]]) -> list[tuple[Fraction, ...]]:
    """The values a.x~_i along each ray a of the arrangement of hyperplanes {a : a.x~_i = 0}.

    A ray is a line on which r - 1 independent x~_i vanish and not all do, r their rank; both of its
    directions count. Coordinates of x~ that depend linearly on others change nothing.
    """
    columns = sorted(row_space(places))
    points = [[x[c] for c in columns] for x in places]
    few = math.comb(len(points), len(columns) - 1) <= MAX_FACES
    require(few, "there are too many rays")
    found: dict[frozenset[int], tuple[Fraction, ...]] = {}
    for subset in itertools.combinations(range(len(points)), len(columns) - 1):
        basis = row_space([points[i] for i in subset])
        if len(basis) < len(subset):
            continue
        a = null_vector(basis, len(columns))
        values = tuple(inner(a, x) for x in points)
        found.setdefault(frozenset(i for i, z in enumerate(values) if z == 0), values)
    return [v for values in found.values() for v in (values, tuple(-z for z in values))]


def chambers(rays: list[tuple[Fraction, ...]], count: int) -> list[tuple[int, ...]]:
    """The sign vectors of full-dimensional cones: compositions of rays' signs without a zero."""
    steps = [tuple(sign(z, BITS[0]) for z in ray) for ray in rays]
    seen, fresh = {(0,) * count}, [(0,) * count]
    while fresh:
        face = fresh.pop()
        for step in steps:
            larger = tuple(a or b for a, b in zip(face, step, strict=True))
            if larger not in seen:
                few = len(seen) < MAX_FACES and len(seen) * len(steps) < MAX_PAIRS
                require(few, "there are too many faces")
                seen.add(larger)
                fresh.append(larger)
    return sorted(face for face in seen if all(face))
