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
    return read_program(fields)


def dense_program(pb: Problem) -> Program:
    """The loss as a program of the parameters in the order of section 1.

    Layer by layer the block `layers[l].weight`, (out, in) row by row, then `layers[l].bias`.
    """
    w, n = Writer(), len(pb.xs)
    a = w.const((n, pb.widths[0]), [v for row in pb.xs for v in row])
    layers = list[tuple[int, int]]()
    for level, (inputs, outputs) in enumerate(pairwise(pb.widths)):
        weight = w.param(f"layers[{level}].weight", (outputs, inputs))
        bias = w.param(f"layers[{level}].bias", (outputs,))
        turned = [k * inputs + i for i in range(inputs) for k in range(outputs)]
        z = w.op("take", weight, shape=[inputs, outputs], index=turned)
        z = w.op("add", w.op("matmul", a, z), bias)
        layers.append((a, z))
        a = z
        if level < len(pb.widths) - 2 and pb.activation != "identity":
            a = w.append(Map((z,), (n, outputs), True, function=(pb.activation, pb.slopes)))
    LOSSES[pb.loss](w, pb, a)
    return Program(w.steps, flatten(pb.layers), a, tuple(layers))


def squared(w: Writer, pb: Problem, f: int) -> int:
    """Sum of (f - y)^2."""
    error = w.op("add", f, w.const((len(pb.ys), pb.widths[-1]), [-v for row in pb.ys for v in row]))
    return w.op("sum", w.op("mul", error, error), axes=[0, 1])


def logistic(w: Writer, pb: Problem, f: int) -> int:
    """Sum of log(1 + exp(-y f))."""
    signs = w.const((len(pb.ys), pb.widths[-1]), [-v for row in pb.ys for v in row])
    return w.op("sum", w.op("map", w.op("mul", f, signs), function="softplus"), axes=[0, 1])


def cross_entropy(w: Writer, pb: Problem, f: int) -> int:
    """Sum over i of log(1 + sum over k != y_i of exp(f_ik - f_iy_i)); one such k: softplus."""
    n, outputs = len(pb.ys), pb.widths[-1]
    labels = [int(y) for (y,) in pb.ys]
    others = [i * outputs + k for i, y in enumerate(labels) for k in range(outputs) if k != y]
    own = [i * outputs + y for i, y in enumerate(labels) for _ in range(outputs - 1)]
    shape = [n, outputs - 1]
    right = w.op("mul", w.op("take", f, shape=shape, index=own), w.const((), [Fraction(-1)]))
    ahead = w.op("add", w.op("take", f, shape=shape, index=others), right)
    if outputs == 2:
        return w.op("sum", w.op("map", ahead, function="softplus"), axes=[0, 1])
    total = w.op("sum", w.op("map", ahead, function="exp"), axes=[1])
    total = w.op("add", total, w.const((), [Fraction(1)]))
    return w.op("sum", w.op("map", total, function="log"), axes=[0])


LOSSES = {f.__name__: f for f in (squared, logistic, cross_entropy)}
