"""Dense chains of layers as programs: the networks of problem files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.decay import with_squares
from spurious.program.exact_array import exact_array
from spurious.program.function_kinds import Function
from spurious.program.functions import FUNCTIONS, leaky_relu
from spurious.program.losses import LOSSES
from spurious.program.operations import Add, MatMul
from spurious.program.program import Program


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """Which operations of a dense program hold a layer's values.

    Attributes:
        state: The layer's input, shape (n, in): data, or what the activation makes of the layer
            below.
        preactivation: state W^T + b, shape (n, out); of the last layer the outputs.
    """

    state: int
    preactivation: int


def dense_layers(program: Program) -> tuple[DenseLayer, ...]:
    """The layers of a program from `dense_program`, first to last."""
    biases = {
        block: name
        for block, name in zip(program.blocks, program.parameters, strict=True)
        if name.endswith(".bias")
    }
    found: list[DenseLayer] = []
    for position, operation in enumerate(program.operations):
        if isinstance(operation, Add) and operation.right in biases:
            product = program.operations[operation.left]
            if isinstance(product, MatMul):
                found.append(DenseLayer(product.left, position))
    return tuple(found)


def dense_program(
    widths: Sequence[int],
    activation: str,
    loss: str,
    x: object,
    y: object,
    *,
    slope: Fraction | None = None,
    l2: Fraction | Mapping[str, Fraction] = Fraction(0),
    biases: bool = True,
    mean: bool = False,
    weights: Sequence[Fraction] | None = None,
) -> Program:
    """The loss of a fully connected network on data.

    The blocks are `layers[0].weight`, shape (out, in), `layers[0].bias`, and so on: the flat
    parameters are in the order of `spurious.problem.flatten`.

    Args:
        widths: Inputs, hidden units layer by layer, outputs.
        activation: After each hidden layer: a function of the table, `leaky_relu` or `identity`.
        loss: One of `LOSSES`, summed over the data.
        x: Inputs, shape (n, d).
        y: Targets or signs, shape (n, K); for the cross entropy labels, shape (n, 1).
        slope: The slope below 0 of `leaky_relu`.
        l2: The loss gets this times the sum of the squares of the parameters; or one such number
            for some blocks, by their names.
        biases: Whether a single `l2` is for biases too.
        mean: Whether the sum over the data is divided by n. The penalty is not.
        weights: A factor for each data point, shape (n,).

    Raises:
        InputError: A name is not known, or shapes do not fit.
    """
    if loss not in LOSSES:
        raise InputError(f"loss: found {loss!r}, expected one of {', '.join(LOSSES)}")
    builder = Builder()
    inputs, targets = exact_array(x), exact_array(y)
    if inputs.ndim != 2 or targets.ndim != 2 or len(inputs) != len(targets):
        raise InputError(
            f"x, y: found shapes {inputs.shape} and {targets.shape}, expected (n, d) and (n, K)"
        )
    state, blocks = _network(builder.const(inputs), widths, activation_of(activation, slope))
    losses = LOSSES[loss](state, targets)
    if weights is not None:
        losses = losses * builder.const(np.array(weights, dtype=object).reshape(-1))
    total = losses.sum()
    if mean:
        total = total * Fraction(1, len(inputs))
    total = with_squares(total, blocks, _penalties(l2, biases, blocks))
    return builder.program(total, outputs=state)


def dense_network(
    widths: Sequence[int], activation: str, x: object, *, slope: Fraction | None = None
) -> Program:
    """A fully connected network by itself; in place of a loss stands the sum of its outputs.

    Args:
        widths: As for `dense_program`, with the same blocks.
        activation: Likewise.
        x: Inputs, shape (n, d); or their number n, and then they are one more block, `x`, before
            all others.
        slope: The slope below 0 of `leaky_relu`.
    """
    builder = Builder()
    inputs = builder.param("x", (x, widths[0])) if isinstance(x, int) else builder.const(x)
    outputs, _ = _network(inputs, widths, activation_of(activation, slope))
    return builder.program(outputs.sum(), outputs)


def _network(
    state: Handle, widths: Sequence[int], function: Function | None
) -> tuple[Handle, Mapping[str, Handle]]:
    """The outputs on inputs of shape (n, d), and the blocks of parameters."""
    builder, blocks = state.builder, dict[str, Handle]()
    for level, (below, above) in enumerate(pairwise(widths)):
        weight = builder.param(f"layers[{level}].weight", (above, below))
        bias = builder.param(f"layers[{level}].bias", (above,))
        blocks |= {f"layers[{level}].weight": weight, f"layers[{level}].bias": bias}
        state = state @ weight.transpose() + bias
        if level < len(widths) - 2 and function is not None:
            state = state.map(function)
    return state, blocks


def activation_of(name: str, slope: Fraction | None) -> Function | None:
    """The function of an activation's name, None for `identity`.

    Raises:
        InputError: The name is not known, or a slope is missing.
    """
    if name == "identity":
        return None
    if name == "leaky_relu" and slope is not None:
        return leaky_relu(slope)
    if name not in FUNCTIONS:
        known = ", ".join(("identity", "leaky_relu (with a slope)", *FUNCTIONS))
        raise InputError(f"activation: found {name!r}, expected one of {known}")
    return FUNCTIONS[name]


def _penalties(
    l2: Fraction | Mapping[str, Fraction], biases: bool, blocks: Mapping[str, Handle]
) -> Mapping[str, Fraction]:
    if not isinstance(l2, Mapping):
        return {name: l2 for name in blocks if biases or name.endswith("weight")}
    unknown = [name for name in l2 if name not in blocks]
    if unknown:
        raise InputError(f"l2: found the block {unknown[0]!r}, expected {', '.join(blocks)}")
    return l2
