"""Interpolation (9.8, Theorem 22): outputs at which no part of the loss can be smaller."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from checker.arrays import Balls, cuts
from checker.cases import Case, Found
from checker.derivatives import evaluated, tangent
from checker.functions import log
from checker.matrices import read_square, require_contraction
from checker.numbers import Interval, Number, require
from checker.programs import Linear, Map, MatrixProduct, Product, Step, moving, summands
from checker.reading import Json, read_increasing

MAX_EQUATIONS = 500
MAX_NUMBERED = 5_000_000  # entries of all arrays of a program together

Form = tuple[tuple[int, Fraction], ...]  # outputs with factors, the first of which is 1


@dataclass
class Part:
    """A number as a function of the outputs: constant, linear terms, and bends by linear form u.

    A bend [a, b, c, d] is a u^2 + b u + c log(1 + e^u) + d log(1 + e^-u).
    """

    constant: Fraction = Fraction(0)
    linear: dict[int, Fraction] = field(default_factory=dict[int, Fraction])
    bends: dict[Form, list[Fraction]] = field(default_factory=dict[Form, list[Fraction]])

    def add(self, other: Part, factor: Fraction | int = 1) -> Part:
        """Adds a multiple of another part to this one."""
        self.constant += other.constant * factor
        for g, c in other.linear.items():
            self.linear[g] = self.linear.get(g, Fraction(0)) + c * factor
        for u, bend in other.bends.items():
            old = self.bends.get(u, [Fraction(0)] * 4)
            self.bends[u] = [a + b * factor for a, b in zip(old, bend, strict=True)]
        return self

    def form(self) -> tuple[Form, Fraction]:
        """The linear form u and the factor s if the linear terms are s u and there is no bend."""
        terms = sorted((g, c) for g, c in self.linear.items() if c)
        require(not self.bends and len(terms) > 0, "a part of the loss is not understood")
        return tuple((g, c / terms[0][1]) for g, c in terms), terms[0][1]


def numbered(steps: list[Step]) -> list[list[int]]:
    """A number for each entry of each step; entries with one number agree for all parameters.

    A number stands for an operation and the numbers of what it operates on. (Entries with
    different ones may agree too.)
    """
    require(sum(step.size for step in steps) <= MAX_NUMBERED, "there are too many entries")
    known, out = dict[tuple[object, ...], int](), list[list[int]]()

    def name(*key: object) -> int:
        return known.setdefault(key, len(known))

    for step in steps:
        args = [out[i] for i in step.of]
        if isinstance(step, Linear):
            sums = ([g for (g,) in group] for group in summands(step, args))
            row = [p[0] if len(p) == 1 else name("+", *sorted(p)) for p in sums]
        elif isinstance(step, Product):
            row = [name("*", *sorted(pair)) for (pair,) in summands(step, args)]
        elif isinstance(step, MatrixProduct):
            row = list[int]()
            for i, j, _ in step.blocks:
                ups = [name("row", *args[0][cut]) for cut in cuts((i, *step.left))]
                downs = [name("row", *args[1][cut]) for cut in cuts((j, *step.right))]
                row += [name("@", up, down) for up in ups for down in downs]
        elif isinstance(step, Map):
            row = [name("map", step.function, z) for z in args[0]]
        elif step.block:
            row = [name("parameter", i) for i in step.block]
        else:
            row = [name("constant", v) for v in step.values]
        out.append(row)
    return out


def of_outputs(steps: list[Step], outputs: list[int], names: list[list[int]]) -> Part:
    """The loss as a function of the outputs in a row; the first of equal ones stands for all."""
    order, parts = [g for k in outputs for g in names[k]], dict[int, list[Part]]()
    first = {g: i for i, g in reversed([*enumerate(order)])}
    needed = {len(steps) - 1}
    for k in range(len(steps) - 1, -1, -1):
        needed |= set(steps[k].of) if k in needed and k not in outputs else set()
    for k in sorted(needed):
        step = steps[k]
        if k in outputs:
            parts[k] = [Part(linear={first[g]: Fraction(1)}) for g in names[k]]
            continue
        args = [parts[i] for i in step.of]
        if step.of:
            smooth = isinstance(step, Map) and step.function[0] == "softplus"
            known = smooth or isinstance(step, Linear | Product)
            require(known, "the loss is no sum over the outputs")
            groups = [*summands(step, args)]
        else:
            require(not step.block, "parameters enter the loss beside the outputs")
            groups = [[(Part(v),)] for v in step.values]
        sizes = (1 + len(p.linear) + len(p.bends) for g in groups for ps in g for p in ps)
        require(sum(sizes) <= MAX_NUMBERED, "the loss has too many terms")
        parts[k] = [entry_of(step, group) for group in groups]
    return parts[len(steps) - 1][0]


def entry_of(step: Step, group: list[tuple[Part, ...]]) -> Part:
    """One entry of a step: softplus of a form, or a sum of parts and of products of two."""
    if isinstance(step, Map):
        ((z,),) = group
        u, s = z.form()
        require(z.constant == 0 and abs(s) == 1, "the loss is no sum over the outputs")
        return Part(bends={u: [Fraction(c) for c in (0, 0, s == 1, s == -1)]})
    total = Part()
    for parts in group:
        total.add(parts[0] if len(parts) == 1 else multiplied(*parts))
    return total


def multiplied(x: Part, y: Part) -> Part:
    """A multiple, or the product of two functions of one linear form."""
    for one, other in ((x, y), (y, x)):
        if not any(one.linear.values()) and not one.bends:
            return Part().add(other, one.constant)
    (u, s), (v, t) = x.form(), y.form()
    require(u == v, "the loss is no sum over the outputs")
    bend = [s * t, s * y.constant + t * x.constant, Fraction(0), Fraction(0)]
    return Part(x.constant * y.constant, bends={u: bend})


def least(loss: Part, bits: int) -> tuple[list[tuple[Form, Number]], Number]:
    """Each linear form with the value at which what bends by it is least, and the least loss."""
    found, total = list[tuple[Form, Number]](), loss.constant
    for g, c in loss.linear.items():
        u: Form = ((g, Fraction(1)),)
        require(c == 0 or u in loss.bends, "the loss has no least value")
        if c:
            loss.bends[u][1] += c
    for u, (a, b, c, d) in sorted(loss.bends.items()):
        if a > 0 and c == 0 and d == 0:
            found.append((u, -b / (2 * a)))
            total = total - b * b / (4 * a)
        elif a or b or c or d:
            require(a == 0 and c + b > 0 and d - b > 0, "a part of the loss has no least value")
            up, down, both = (log(Interval.of(v, bits))[0] for v in (d - b, c + b, c + d))
            found.append((u, up - down))
            total = total + (both * (c + d) - up * (d - b) - down * (c + b))
    require(1 <= len(found) <= MAX_EQUATIONS, "the number of equations is out of bounds")
    return found, total


def interpolation(case: Case, proof: Json) -> Found:
    """Section 9.8: Krawczyk's test for u = t in the parameters named."""
    program, bits, known = case.program, case.bits, case.program.outputs
    require(("outputs" in proof) == (known is None), "outputs are named just for programs")
    steps, size = program.steps, len(program.point)
    outputs = read_increasing(proof["outputs"], len(steps)) if known is None else [known]
    names = numbered(steps)
    equations, loss = least(of_outputs(steps, outputs, names), bits)
    box = case.read_box(proof, read_increasing(proof["parameters"], size))
    require(len(box.free) == len(equations), "there are not as many parameters as equations")
    a = read_square(proof["preconditioner"], len(box.free), bits)
    first = steps[: outputs[-1] + 1]

    def forms(rows: list[Balls | None]) -> list[Interval]:
        """The u of the outputs, or of their derivatives."""
        found, zero = list[Interval](), Interval(0, 0, bits)
        for k in outputs:
            row = rows[k]
            found += [zero] * len(names[k]) if row is None else row.intervals()
        return [sum((found[i] * c for i, c in u), zero) for u, _ in equations]

    values, columns = evaluated(first, box.place), list[Balls]()
    for step, moves in zip(first, moving(first), strict=True):
        if isinstance(step, Map) and moves:
            values[step.of[0]].mapped(step.function, 1)  # C^1 near the box: at no kink
    for i in box.free:
        axis = box.place.like(Fraction(i == j) for j in range(size))
        columns.append(Balls.enclosing(forms(tangent(first, values, axis))))
    at = evaluated(first, box.place.like(box.centre))
    gap = [v - t for v, (_, t) in zip(forms([*at]), equations, strict=True)]
    require_contraction(a, columns, Balls.enclosing(gap), box.radius)
    flat = size - len(box.free)
    return Found("no" if flat else "yes", flat=flat, loss=loss, radius=box.reach(), unbeaten=True)
