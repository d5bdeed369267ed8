"""Dense problems as programs (9.7): section 3 in the operations of 9.1."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from checker.network import Problem, read_problem
from checker.programs import OF_DENSE, Map, Program, Writer, read_program
from checker.reading import as_table


def read_any(x: object, old: bool = False) -> Program:
    """Reads a problem of either format as a program; of format 1 alone if that is old."""
    fields = as_table(x, "the problem")
    plain = old or fields.get("format") == "spurious-problem/1"
    if plain or "network" in fields:
        return dense_program(read_problem(fields, extended=not plain))
    return read_program(fields)


GATES = {"gelu": "normal", "silu": "sigmoid"}  # S with act(z) = z S(z)


def dense_program(pb: Problem, gated: bool = False) -> Program:
    """The loss as a program of the parameters in the order of section 1.

    With `gated`, of gates m before them, one for each hidden unit and 1 at the point: it has
    z S(m z) for act(z).
    """
    w = Writer(OF_DENSE)
    layers = network(w, pb, gated=gated)
    f = decisive(w, pb, layers[-1][1])
    parts = losses(w, pb, f)
    summed(w, pb, parts)
    gates = [Fraction(1)] * (sum(pb.widths[1:-1]) * gated)
    joint = (f, parts) if pb.loss == "cross_entropy" else None
    return Program(w.steps, [*gates, *pb.point], pb, layers, joint)


def weighted_sum(w: Writer, pb: Problem, parts: int) -> int:
    """The losses of the points, weighted and added up."""
    if any(v != 1 for v in pb.weights):
        parts = w.mul(parts, w.const((len(pb.xs),), pb.weights))
    return w.sum(parts, [0])


def summed(w: Writer, pb: Problem, parts: int) -> int:
    """The losses of the points, weighted and added up, and the penalty of the blocks."""
    blocks = [k for k, step in enumerate(w.steps) if step.block][-len(pb.penalties) :]
    total = weighted_sum(w, pb, parts)
    for block, cost in zip(blocks, pb.penalties, strict=True):
        if cost:
            squares = w.sum(w.mul(block, block), range(len(w.steps[block].shape)))
            total = w.add(total, w.mul(squares, w.const((), [cost])))
    return total


def network(
    w: Writer, pb: Problem, slopes: Sequence[Sequence[Sequence[Fraction]]] = (), gated: bool = False
) -> tuple[tuple[int, int], ...]:
    """Writes the network on the data.

    Layer by layer the block `layers[l].weight`, (out, in) row by row, then `layers[l].bias`. With
    slopes, for each hidden layer, point and unit, z is multiplied by them instead of activated;
    `gated`: see `dense_program`.
    Gives the steps of a (n, in) and z (n, out) of each layer; the last z are the outputs.
    """
    n, layers, passed = len(pb.xs), list[tuple[int, int]](), 0
    gates = w.param("gates", (sum(pb.widths[1:-1]),)) if gated else 0
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
        elif gated:
            moved = w.mul(z, w.take(gates, (outputs,), range(passed, passed + outputs)))
            gate = Map((moved,), (n, outputs), function=(GATES[pb.activation], None))
            a, passed = w.mul(z, w.append(gate)), passed + outputs
        elif pb.activation != "identity":
            a = w.append(Map((z,), (n, outputs), function=(pb.activation, pb.slopes)))
    return tuple(layers)


def missed(w: Writer, pb: Problem, f: int) -> int:
    """1 - y f, shape (n, K)."""
    targets = w.const((len(pb.ys), pb.widths[-1]), [-y for row in pb.ys for y in row])
    return w.add(w.mul(f, targets), w.const((), [Fraction(1)]))


def decisive(w: Writer, pb: Problem, f: int) -> int:
    """What the loss depends on: f, or with cross entropy f_ik - f_iy_i, k != y_i, (n, K - 1)."""
    if pb.loss != "cross_entropy":
        return f
    n, outputs = len(pb.ys), pb.widths[-1]
    labels = [int(y) for (y,) in pb.ys]
    others = [i * outputs + k for i, y in enumerate(labels) for k in range(outputs) if k != y]
    own = [i * outputs + y for i, y in enumerate(labels) for _ in range(outputs - 1)]
    shape = (n, outputs - 1)
    right = w.mul(w.take(f, shape, own), w.const((), [Fraction(-1)]))
    return w.add(w.take(f, shape, others), right)


def losses(w: Writer, pb: Problem, f: int) -> int:
    """The loss of each data point (sections 3 and 9.7), from what it depends on.

    The cross entropy is log(1 + sum over k != y_i of exp(f_ik - f_iy_i)), one k after the other:
    log(e^a + e^b) = a + softplus(b - a) is safe for numbers of any size.
    """
    n, outputs = len(pb.ys), pb.widths[-1]
    if pb.loss == "hinge":
        return w.sum(w.map(missed(w, pb, f), "relu"), [1])
    if pb.loss == "cross_entropy":
        minus = w.const((), [Fraction(-1)])
        columns = [w.take(f, (n, 1), [i * (outputs - 1) + k for i in range(n)])
                   for k in range(outputs - 1)]  # fmt: skip
        a = w.map(columns[0], "softplus")
        for b in columns[1:]:
            a = w.add(a, w.map(w.add(b, w.mul(a, minus)), "softplus"))
        return w.sum(a, [1])
    targets = w.const((n, outputs), [-y for row in pb.ys for y in row])
    if pb.loss == "logistic":
        return w.sum(w.map(w.mul(f, targets), "softplus"), [1])
    error = w.add(f, targets)
    return w.sum(w.mul(error, error), [1])
