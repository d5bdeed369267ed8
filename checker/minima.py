"""What the rules share, and rules for minima by exact numbers (section 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from checker.arrays import MAX_MAGNITUDE, Numbers
from checker.derivatives import evaluated
from checker.matrices import rank
from checker.network import Problem, loss_slopes
from checker.numbers import Invalid, Number, dot, require, sign
from checker.programs import Program
from checker.reading import (
    Json,
    Layers,
    as_int,
    as_list,
    as_object,
    as_table,
    as_text,
    distance,
    flatten,
    positive,
    rational,
    read_layers,
    read_row,
    soft,
)


@dataclass(frozen=True)
class Case:
    """What a rule is given.

    Attributes:
        program: The loss and the point.
        claim: All its keys are there.
        bits: The precision.
        layered: Whether points are written in layers (section 1), and rational losses as such: in
            format 1.
    """

    program: Program
    claim: Json
    bits: int
    layered: bool

    @property
    def verdict(self) -> str:
        """What is claimed of the point."""
        return as_text(self.claim["verdict"])

    @property
    def eigenvalue(self) -> Fraction:
        """The eigenvalue bound claimed."""
        return positive(self.claim["eigenvalue_bound"])

    @property
    def problem(self) -> Problem:
        """The dense problem."""
        if self.program.dense is None:
            raise Invalid("the rule is for dense networks")
        return self.program.dense

    @cached_property
    def values(self) -> list[Numbers]:
        """The values of all steps at the problem's point, exact as long as they are rational."""
        return values_at(self.program, self.program.point, self.bits)

    def loss_at(self, point: list[Fraction]) -> Number:
        """The loss at a point, exact if everything below is rational."""
        here = point == self.program.point
        values = self.values if here else values_at(self.program, point, self.bits)
        return values[-1].entries[0]

    def read_point(self, x: object) -> list[Fraction]:
        """Reads a point or a direction as a flat vector."""
        if self.layered:
            return flatten(read_layers(x, self.problem.widths, rational))
        return read_row(x, len(self.program.point))


@dataclass
class Found:
    """What a rule establishes.

    Attributes:
        loss: The loss of the point or minimum, exact or enclosed; None: of the problem's point.
        radius: With `local_minimum_nearby`, the smallest radius that may be claimed.
        place: The exact point that the verdict is about, if there is one.
        limit: The limit of the loss along a valley.
        index: The number of negative eigenvalues of the Hessian at a saddle.
        unbeaten: Whether no outputs whatever have a smaller loss.
    """

    strict: str = "unknown"
    rescaled: str = "unknown"
    flat: int | None = None
    eigenvalue: Fraction | None = None
    loss: Number | None = None
    radius: Fraction | None = None
    place: Layers | None = None
    limit: Number | None = None
    index: int | None = None
    unbeaten: bool = False


Rules = dict[str, tuple[Callable[[Case, Json], Found], tuple[str, ...]]]  # and their verdicts


@dataclass(frozen=True)
class Exact:
    """A network evaluated exactly at all data.

    Attributes:
        pb: The problem.
        layers: The point.
        pre: z of each layer and data point; the last are the outputs.
        g: For each data point the derivative of the loss by the outputs (section 4).
        loss: The loss, exact or enclosed.
        inputs: x~ = (x, 1).
    """

    pb: Problem
    layers: Layers
    pre: list[list[list[Fraction]]]
    g: list[list[Number]]
    loss: Number
    inputs: list[list[Fraction]]

    def slope(self, i: int, j: int) -> Fraction:
        """Slope of unit j of the first layer at data point i; p on the kink (section 5.1)."""
        p, q = self.pb.slopes or (Fraction(1), Fraction(1))
        return p if self.pre[0][i][j] >= 0 else q


def evaluate(case: Case, layers: Layers) -> Exact:
    """Evaluates exactly; raises `Invalid` where a pre-activation is not rational."""
    pb, pre, here = case.problem, list[list[list[Fraction]]](), layers is case.problem.layers
    values = case.values if here else values_at(case.program, flatten(layers), case.bits)
    for (_, z), width in zip(case.program.layers, pb.widths[1:], strict=True):
        row = [v for v in values[z].entries if isinstance(v, Fraction)]
        require(len(row) == len(pb.xs) * width, "a value of the activation is not rational")
        pre.append([row[i : i + width] for i in range(0, len(row), width)])
    g = [loss_slopes(pb, i, f) for i, f in enumerate(pre[-1])]
    inputs = [[*x, Fraction(1)] for x in pb.xs]
    return Exact(pb, layers, pre, g, values[-1].entries[0], inputs)


def values_at(program: Program, point: Sequence[Fraction], bits: int) -> list[Numbers]:
    """The values of all steps at a point, exact as long as they are rational."""
    limit = None if program.layers else MAX_MAGNITUDE
    return evaluated(program.steps, Numbers(point, bits, limit))


def add_up(rows: Iterable[Sequence[Number]], length: int) -> list[Number]:
    """The sum of vectors."""
    total: list[Number] = [Fraction(0)] * length
    for row in rows:
        total = [a + b for a, b in zip(total, row, strict=True)]
    return total


def require_zero(values: Iterable[Number], what: str) -> None:
    """Every value is recognised as exactly zero (section 1)."""
    require(not any(values), f"{what} is not zero")


def exact_place(case: Case, proof: Json, *keys: str) -> tuple[Exact, Found]:
    """The point at which 5.1 and 5.2 are applied (section 5)."""
    pb, layers, found = case.problem, case.problem.layers, Found()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    if case.verdict == "local_minimum_nearby":
        as_object(proof, "rule", "point", *keys)
        layers = read_layers(proof["point"], pb.widths, rational)
        found.radius = distance(flatten(layers), case.program.point)
    else:
        as_object(proof, "rule", *keys)
    ex = evaluate(case, layers)
    found.place, found.loss = layers, ex.loss
    return ex, found


def one_sided_derivatives(case: Case, proof: Json) -> Found:
    """Section 5.1, Theorem 1: sum g = 0, and phi >= 0 for every unit and every test vector."""
    pb = case.problem
    require(len(pb.widths) == 3, "the rule needs exactly one hidden layer")
    outputs = pb.widths[2]
    ex, found = exact_place(case, proof, "units", *(["epsilon"] if outputs > 1 else []))
    require_zero(add_up(ex.g, outputs), "the sum of g")
    units = as_list(proof["units"], pb.widths[1])
    for j, item in enumerate(units):
        lin, bends = unit_terms(ex, j)
        v = [row[j] for row in ex.layers[1][0]]
        if not any(v):
            as_list(item, 0)
            require_zero((a for row in lin for a in row), "lin of a unit without output weights")
            require_zero((c for r in bends.values() for c in r), "C of a unit without outputs")
            continue
        if outputs == 1:
            tests = [[Fraction(1 if v[0] > 0 else -1)]]
        else:
            epsilon = positive(proof["epsilon"])
            steps = [(k, s * epsilon) for k in range(outputs) for s in (1, -1)]
            tests = [[a + e * (m == k) for m, a in enumerate(v)] for k, e in steps]
        for test, tree in zip(tests, as_list(item, len(tests)), strict=True):
            slope = [dot(test, column) for column in zip(*lin, strict=True)]
            bend = {r: dot(test, c) for r, c in bends.items()}
            Tree(ex.inputs, bend, case.bits).check(tree, slope, {})
    shallow_flatness(ex, found)
    return found


def unit_terms(
    ex: Exact, j: int, held: Iterable[int] | None = None
) -> tuple[list[list[Number]], dict[int, list[Number]]]:
    """lin_jk (by k) and C_rk (by r, then k) of section 5.1; `held` says what is on the kink."""
    p, q = ex.pb.slopes or (Fraction(1), Fraction(1))
    groups, outputs = ex.pb.groups, range(len(ex.g[0]))
    lin: list[list[Number]] = [[Fraction(0)] * len(ex.inputs[0]) for _ in outputs]
    bends: dict[int, list[Number]] = {}
    for i, x in enumerate(ex.inputs):
        z = ex.pre[0][i][j]
        on_kink = ex.pb.kinked and (z == 0 if held is None else groups[i] in held)
        slope = (p + q) / 2 if on_kink else ex.slope(i, j)
        for k in outputs:
            factor = ex.g[i][k] * slope
            if factor:
                lin[k] = [a + factor * b for a, b in zip(lin[k], x, strict=True)]
        if on_kink:
            more = [a * ((p - q) / 2) for a in ex.g[i]]
            old = bends.get(groups[i])
            bends[groups[i]] = more if old is None else add_up([old, more], len(more))
    return lin, bends


@dataclass
class Tree:
    """A tree of section 5.1: l.u + sum of c_r |u.x~_r| >= 0 on the cone of its node."""

    inputs: list[list[Fraction]]
    bend: dict[int, Number]
    bits: int

    def group(self, key: str) -> int:
        """Reads the name of a group on the kink."""
        r = int(key) if re.fullmatch(r"0|[1-9][0-9]{0,9}", key) else -1
        require(r in self.bend, f"{key[:20]!a} is no group on the kink")
        return r

    def check(self, tree: object, slope: list[Number], signs: dict[int, int]) -> None:
        """Checks the node; `signs` holds sigma of the groups split above it."""
        node = as_table(tree, "a tree")
        if "split" in node:
            as_object(node, "split", "plus", "minus")
            r = self.group(str(as_int(node["split"])))
            require(r not in signs, "a group is split twice")
            require(sign(self.bend[r], self.bits) < 0, "a group with c >= 0 is split")
            self.check(node["plus"], slope, {**signs, r: 1})
            self.check(node["minus"], slope, {**signs, r: -1})
        else:
            self.leaf(node, slope, signs)

    def leaf(self, node: Json, slope: list[Number], signs: dict[int, int]) -> None:
        """The identity at a leaf. Only groups with c < 0 may be dominated, only c >= 0 have tau."""
        as_object(node, optional=["dominated", "tau", "mu"])

        def table(key: str) -> dict[int, object]:
            return {self.group(r): v for r, v in as_table(node.get(key, {}), key).items()}

        def ray(s: int) -> list[Number]:
            require(s in signs, "a multiplier names a group that was not split")
            return [signs[s] * a for a in self.inputs[s]]

        dominated, size = table("dominated"), len(slope)
        must = {r for r in self.bend if r not in signs and sign(self.bend[r], self.bits) < 0}
        require(must == set(dominated), "dominated must hold the groups with c < 0 not split")
        total = add_up([slope, *([self.bend[s] * a for a in ray(s)] for s in signs)], size)
        for r, value in dominated.items():
            entries = as_table(value, "what dominates")
            m = {self.group(s): rational(v) for s, v in entries.items()}
            combined = add_up(([f * a for a in ray(s)] for s, f in m.items()), size)
            require(combined == self.inputs[r], "a dominated input is not the combination given")
            bound = add_up(([abs(f) * a for a in ray(s)] for s, f in m.items()), size)
            total = [a + self.bend[r] * b for a, b in zip(total, bound, strict=True)]
        for r, value in table("tau").items():
            tau, c = soft(value), self.bend[r]
            require(sign(c, self.bits) >= 0, "tau names a group with c < 0")
            require(sign(c - tau, self.bits) >= 0 <= sign(c + tau, self.bits), "|tau| exceeds c")
            total = [a + tau * b for a, b in zip(total, self.inputs[r], strict=True)]
        for s, value in table("mu").items():
            mu = soft(value)
            require(sign(mu, self.bits) >= 0, "mu is negative")
            total = [a - mu * b for a, b in zip(total, ray(s), strict=True)]
        require_zero(total, "the difference of the two sides at a leaf")


def shallow_flatness(ex: Exact, found: Found) -> None:
    """Flatness of section 5.1, Corollary 1."""
    pb, found.strict = ex.pb, "no"
    v = ex.layers[1][0][0]
    if pb.widths[2] > 1 or pb.loss == "cross_entropy":
        return
    if not all(v):
        found.rescaled = "no"
        return
    width, units = pb.widths[0] + 1, range(pb.widths[1])
    rows: list[list[Fraction]] = []
    smooth: list[list[Fraction]] = []
    bent: list[list[Fraction]] = []
    for i, (z, x) in enumerate(zip(ex.pre[0], ex.inputs, strict=True)):
        factors = [ex.slope(i, j) if v[j] > 0 else -ex.slope(i, j) for j in units]
        rows.append([f * a for f in factors for a in x] + [Fraction(1)])
        kinks = [j for j in units if pb.kinked and z[j] == 0]
        if not kinks:
            smooth.append(rows[-1])
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
    if ex.pb.hidden and ex.pb.activation == "relu" and dead:
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
        xs = [ex.inputs[i] if kind[0] == "signs" else [Fraction(1)] for i in members]
        for k in range(ex.pb.widths[-1]):
            rows = ([ex.g[i][k] * v for v in x] for i, x in zip(members, xs, strict=True))
            require_zero(add_up(rows, len(xs[0])), f"the sum of a {kind[0]} class")


def require_pointwise(ex: Exact) -> None:
    """Theorem 3: over every group of equal inputs the g sum to zero, for every output."""
    require_classwise(ex, [("loose", r) for r in ex.pb.groups])


def pointwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.8, Theorem 3: nothing at all does better, so the point is a minimum."""
    as_object(proof, "rule")
    require_pointwise(evaluate(case, case.problem.layers))
    return Found(place=case.problem.layers)


def classwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.2, Theorem 4: nothing affine or constant on each class does better."""
    ex, found = exact_place(case, proof)
    require_classwise(ex, [point_class(ex, i) for i in range(len(ex.g))])
    found.strict = hidden_homogeneous(ex.pb)
    return found


def hidden_homogeneous(pb: Problem) -> str:
    """`strict` for rules 5.2 and 5.4."""
    return "no" if pb.slopes is not None and pb.hidden else "unknown"
