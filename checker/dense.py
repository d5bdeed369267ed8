"""Dense problems as programs (9.7): section 3 in the operations of 9.1."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import cast

from checker.network import Problem, read_problem
from checker.numbers import require
from checker.programs import Map, Program, Writer, read_program
from checker.reading import Json, flatten


def read_any(x: object) -> Program:
    """Reads a problem of either format as a program."""
    require(isinstance(x, dict), "the problem is not an object")
    fields = cast("Json", x)
    if fields.get("format") == "spurious-problem/1":
        return dense_program(read_problem(fields))
    if "network" in fields:
        return dense_program(read_problem(fields, extended=True))
    return read_program(fields)


def dense_program(pb: Problem) -> Program:
    """The loss as a program of the parameters in the order of section 1.

    Layer by layer the block `layers[l].weight`, (out, in) row by row, then `layers[l].bias`.
    """
    w, n = Writer(), len(pb.xs)
    a = w.const((n, pb.widths[0]), [v for row in pb.xs for v in row])
    layers, blocks = list[tuple[int, int]](), list[int]()
    for level, (inputs, outputs) in enumerate(pairwise(pb.widths)):
        weight = w.param(f"layers[{level}].weight", (outputs, inputs))
        bias = w.param(f"layers[{level}].bias", (outputs,))
        turned = [k * inputs + i for i in range(inputs) for k in range(outputs)]
        z = w.op("take", weight, shape=[inputs, outputs], index=turned)
        z = w.op("add", w.op("matmul", a, z), bias)
        blocks += [weight, bias]
        layers.append((a, z))
        a = z
        if level < len(pb.widths) - 2 and pb.activation != "identity":
            a = w.append(Map((z,), (n, outputs), True, function=(pb.activation, pb.slopes)))
    losses = LOSSES[pb.loss](w, pb, a)
    if any(v != 1 for v in pb.weights):
        losses = w.op("mul", losses, w.const((n,), pb.weights))
    total = w.op("sum", losses, axes=[0])
    for block, cost in zip(blocks, pb.penalties, strict=False):
        if cost:
            axes = [*range(len(w.steps[block].shape))]
            squares = w.op("sum", w.op("mul", block, block), axes=axes)
            total = w.op("add", total, w.op("mul", squares, w.const((), [cost])))
    return Program(w.steps, flatten(pb.layers), a, tuple(layers))


def targets(w: Writer, pb: Problem) -> int:
    """The targets times -1, shape (n, K)."""
    return w.const((len(pb.ys), pb.widths[-1]), [-y for row in pb.ys for y in row])


def squared(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of (f - y)^2."""
    error = w.op("add", f, targets(w, pb))
    return w.op("sum", w.op("mul", error, error), axes=[1])


def logistic(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of log(1 + exp(-y f))."""
    margins = w.op("mul", f, targets(w, pb))
    return w.op("sum", w.op("map", margins, function="softplus"), axes=[1])


def hinge(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of max(1 - y f, 0)."""
    missed = w.op("add", w.op("mul", f, targets(w, pb)), w.const((), [Fraction(1)]))
    return w.op("sum", w.op("map", missed, function="relu"), axes=[1])


def cross_entropy(w: Writer, pb: Problem, f: int) -> int:
    """For each data point log(1 + sum over k != y_i of exp(f_ik - f_iy_i))."""
    n, outputs = len(pb.ys), pb.widths[-1]
    labels = [int(y) for (y,) in pb.ys]
    others = [i * outputs + k for i, y in enumerate(labels) for k in range(outputs) if k != y]
    own = [i * outputs + y for i, y in enumerate(labels) for _ in range(outputs - 1)]
    shape = [n, outputs - 1]
    right = w.op("mul", w.op("take", f, shape=shape, index=own), w.const((), [Fraction(-1)]))
    ahead = w.op("add", w.op("take", f, shape=shape, index=others), right)
    ahead = w.op("map", ahead, function="softplus") if outputs == 2 else log_sum(w, ahead)
    return w.op("sum", ahead, axes=[1])


def log_sum(w: Writer, d: int) -> int:
    """log(1 + sum over k of exp(d_ik)), shape (n, 1): one k after the other.

    log(e^a + e^b) = a + softplus(b - a) is safe for numbers of any size.
    """
    n, m = w.steps[d].shape
    column = [w.op("take", d, shape=[n, 1], index=[i * m + k for i in range(n)]) for k in range(m)]
    a, minus = w.op("map", column[0], function="softplus"), w.const((), [Fraction(-1)])
    for b in column[1:]:
        ahead = w.op("add", b, w.op("mul", a, minus))
        a = w.op("add", a, w.op("map", ahead, function="softplus"))
    return a


LOSSES = {f.__name__: f for f in (squared, logistic, hinge, cross_entropy)}
