"""Dense problems as programs (9.7): section 3 in the operations of 9.1."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from checker.network import Problem, read_problem
from checker.programs import OF_DENSE, Map, Program, Writer, read_program
from checker.reading import as_table, flatten


def read_any(x: object) -> Program:
    """Reads a problem of either format as a program."""
    fields = as_table(x, "the problem")
    if fields.get("format") == "spurious-problem/1":
        return dense_program(read_problem(fields))
    if "network" in fields:
        return dense_program(read_problem(fields, extended=True))
    return read_program(fields)


def dense_program(pb: Problem, plain: bool = False) -> Program:
    """The loss as a program of the parameters in the order of section 1.

    Args:
        pb: The problem.
        plain: Whether to write log(1 + sum_k exp(d_ik)) just so: each step rises with each d_ik,
            but none of them may be large.
    """
    w = Writer(OF_DENSE)
    layers = network(w, pb)
    f = layers[-1][1]
    formula = plain_cross_entropy if plain and pb.loss == "cross_entropy" else LOSSES[pb.loss]
    summed(w, pb, formula(w, pb, f))
    return Program(w.steps, flatten(pb.layers), pb, f, layers)


def summed(w: Writer, pb: Problem, losses: int) -> int:
    """The losses of the points, weighted and added up, and the penalty of the blocks."""
    blocks = [k for k, step in enumerate(w.steps) if step.block]
    if any(v != 1 for v in pb.weights):
        losses = w.mul(losses, w.const((len(pb.xs),), pb.weights))
    total = w.sum(losses, [0])
    for block, cost in zip(blocks, pb.penalties, strict=False):
        if cost:
            axes = [*range(len(w.steps[block].shape))]
            squares = w.sum(w.mul(block, block), axes)
            total = w.add(total, w.mul(squares, w.const((), [cost])))
    return total


def network(
    w: Writer, pb: Problem, slopes: Sequence[Sequence[Sequence[Fraction]]] = ()
) -> tuple[tuple[int, int], ...]:
    """Writes the network on the data.

    Layer by layer the block `layers[l].weight`, (out, in) row by row, then `layers[l].bias`.

    Args:
        w: Where.
        pb: The problem.
        slopes: For each hidden layer, point and unit what z is multiplied by, instead of the
            activation.

    Returns:
        The steps of a (n, in) and z (n, out) of each layer; the last z are the outputs.
    """
    n, layers = len(pb.xs), list[tuple[int, int]]()
    a = w.const((n, pb.widths[0]), [v for row in pb.xs for v in row])
    for level, (inputs, outputs) in enumerate(pairwise(pb.widths)):
        weight = w.param(f"layers[{level}].weight", (outputs, inputs))
        bias = w.param(f"layers[{level}].bias", (outputs,))
        turned = [k * inputs + i for i in range(inputs) for k in range(outputs)]
        z = w.add(w.matmul(a, w.take(weight, (inputs, outputs), turned)), bias)
        layers.append((a, z))
        a = z
        if level == len(pb.widths) - 2:
            break
        if slopes:
            a = w.mul(z, w.const((n, outputs), [s for row in slopes[level] for s in row]))
        elif pb.activation != "identity":
            a = w.append(Map((z,), (n, outputs), True, function=(pb.activation, pb.slopes)))
    return tuple(layers)


def targets(w: Writer, pb: Problem) -> int:
    """The targets times -1, shape (n, K)."""
    return w.const((len(pb.ys), pb.widths[-1]), [-y for row in pb.ys for y in row])


def squared(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of (f - y)^2."""
    error = w.add(f, targets(w, pb))
    return w.sum(w.mul(error, error), [1])


def logistic(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of log(1 + exp(-y f))."""
    margins = w.mul(f, targets(w, pb))
    return w.sum(w.map(margins, "softplus"), [1])


def hinge(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of max(1 - y f, 0)."""
    missed = w.add(w.mul(f, targets(w, pb)), w.const((), [Fraction(1)]))
    return w.sum(w.map(missed, "relu"), [1])


def ahead(w: Writer, pb: Problem, f: int) -> int:
    """f_ik - f_iy_i for k != y_i, shape (n, K - 1)."""
    n, outputs = len(pb.ys), pb.widths[-1]
    labels = [int(y) for (y,) in pb.ys]
    others = [i * outputs + k for i, y in enumerate(labels) for k in range(outputs) if k != y]
    own = [i * outputs + y for i, y in enumerate(labels) for _ in range(outputs - 1)]
    shape = [n, outputs - 1]
    right = w.mul(w.take(f, shape, own), w.const((), [Fraction(-1)]))
    return w.add(w.take(f, shape, others), right)


def cross_entropy(w: Writer, pb: Problem, f: int) -> int:
    """For each data point log(1 + sum over k != y_i of exp(f_ik - f_iy_i))."""
    gaps = ahead(w, pb, f)
    losses = w.map(gaps, "softplus") if pb.widths[-1] == 2 else log_sum(w, gaps)
    return w.sum(losses, [1])


def plain_cross_entropy(w: Writer, pb: Problem, f: int) -> int:
    """The same, as the formula says."""
    sums = w.sum(w.map(ahead(w, pb, f), "exp"), [1])
    return w.map(w.add(sums, w.const((), [Fraction(1)])), "log")


def log_sum(w: Writer, d: int) -> int:
    """log(1 + sum over k of exp(d_ik)), shape (n, 1): one k after the other.

    log(e^a + e^b) = a + softplus(b - a) is safe for numbers of any size.
    """
    n, m = w.steps[d].shape
    column = [w.take(d, [n, 1], [i * m + k for i in range(n)]) for k in range(m)]
    a, minus = w.map(column[0], "softplus"), w.const((), [Fraction(-1)])
    for b in column[1:]:
        gap = w.add(b, w.mul(a, minus))
        a = w.add(a, w.map(gap, "softplus"))
    return a


LOSSES = {f.__name__: f for f in (squared, logistic, hinge, cross_entropy)}
