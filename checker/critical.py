"""Critical points of programs: rules 9.3 and 9.4."""

from __future__ import annotations

from collections.abc import Sequence

from checker.cases import Case, Found, require_zero
from checker.derivatives import Box
from checker.numbers import require
from checker.reading import Json, read_increasing
from checker.symmetric import MAX_HESSIAN, isolated, require_above, require_minimum


def strongly_convex(case: Case, proof: Json) -> Found:
    """Section 9.3, Theorem 5."""
    box = case.read_box(proof, range(len(case.program.point)))
    return convex(case, box, box.free)


def idle_parameters(case: Case, proof: Json) -> Found:
    """Section 9.3: over the box the gradient is exactly zero in the idle parameters."""
    box = case.read_box(proof, range(len(case.program.point)))
    idle, slope = read_increasing(proof["idle"], len(box.free)), box.over.gradient()
    require(not any(slope.m[i] or slope.r[i] for i in idle), "a parameter may have an effect")
    found, free = Found(), sorted(set(box.free) - set(idle))
    if free:
        found = convex(case, box, free)
    else:
        require(not case.nearby, "the loss is constant around the point")
        require(box.centre == case.program.point, "the centre is not the problem's point")
        found.place = box.centre
    found.strict, found.flat = "no", len(idle)
    return found


def convex(case: Case, box: Box, free: Sequence[int]) -> Found:
    """Theorem 5 in the free parameters, ascending; no others matter over the box."""
    found = Found("yes", eigenvalue=case.eigenvalue)
    if case.nearby:
        found.loss, found.radius = require_minimum(box, case.eigenvalue), box.reach()
    else:
        found.place = box.centre
        require(box.centre == case.program.point, "the centre is not the problem's point")
        require_zero(case.gradient(), "the gradient")
    require(len(free) <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    require_above(box.over.hessian(free), case.eigenvalue)
    return found


def krawczyk(case: Case, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    box = case.read_box(proof, range(len(case.program.point)))
    negative, loss = isolated(box, proof["preconditioner"])
    require(negative >= 1, "the critical point is no saddle")
    return Found(index=negative, loss=loss, radius=box.reach())
