"""Outputs and gradient in exact arithmetic, where every activation value is rational."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from spurious.certify.activations import rational_jet
from spurious.certify.evaluate import layer_weights, loss_derivative, piecewise_slopes
from spurious.exact.rationals import ONE, ZERO, Vector, dot, vector
from spurious.exact.softmax_numbers import Exact
from spurious.problem import Point, Problem


@dataclass(frozen=True, slots=True)
class _Forward:
    """A network at an exact point: weights, inputs of each layer with a 1, act' there, outputs."""

    weights: list[tuple[Vector, ...]]
    states: list[list[Vector]]
    slants: list[list[Vector]]
    outputs: list[Vector]


def rational_outputs(problem: Problem, point: Point) -> list[Vector] | None:
    """The outputs, shape (n, K), or None as for `exact_gradient`."""
    passed = _forward(problem, point)
    return None if passed is None else passed.outputs


def exact_gradient(problem: Problem, point: Point) -> list[Exact] | None:
    """The gradient of the loss in flat order, by back-propagation.

    Args:
        problem: Any depth and activation.
        point: Where.

    Returns:
        Shape (P,), or None if an activation or its derivative is not known to be rational here
        (on a kink, or an irrational value).
    """
    passed = _forward(problem, point)
    if passed is None:
        return None
    weights, states, derivatives = passed.weights, passed.states, passed.slants
    backward: list[list[Exact]] = [
        list(row) for row in loss_derivative(problem.loss, problem.data, passed.outputs)
    ]
    layers: list[list[Exact]] = []
    for level in range(len(weights) - 1, -1, -1):
        layers.append(_layer_gradient(backward, states[level]))
        if level:
            backward = [
                [
                    _weighted(row, [own[j] for own in weights[level]]) * slant
                    for j, slant in enumerate(derivatives[level - 1][i])
                ]
                for i, row in enumerate(backward)
            ]
    return [entry for layer in reversed(layers) for entry in layer]


def _forward(problem: Problem, point: Point) -> _Forward | None:
    network = problem.network
    slopes = piecewise_slopes(network) if network.homogeneous or network.depth == 0 else (ONE, ONE)
    weights = [layer_weights(layer).rows for layer in point.layers]
    states: list[list[Vector]] = [[(*vector(x), ONE) for x in problem.data.x]]
    derivatives: list[list[Vector]] = []
    for rows in weights[:-1]:
        values: list[Vector] = []
        slants: list[Vector] = []
        for state in states[-1]:
            jets = [rational_jet(network.activation, slopes, dot(row, state)) for row in rows]
            known = [jet for jet in jets if jet is not None]
            if len(known) < len(jets):
                return None
            values.append((*(value for value, _ in known), ONE))
            slants.append(tuple(slant for _, slant in known))
        states.append(values)
        derivatives.append(slants)
    outputs = [tuple(dot(row, state) for row in weights[-1]) for state in states[-1]]
    return _Forward(weights, states, derivatives, outputs)


def _layer_gradient(backward: list[list[Exact]], states: list[Vector]) -> list[Exact]:
    """Gradient of one layer in flat order: weights row by row, then biases."""
    rows = [
        [
            _weighted([own[k] for own in backward], [state[column] for state in states])
            for column in range(len(states[0]))
        ]
        for k in range(len(backward[0]))
    ]
    return [entry for row in rows for entry in row[:-1]] + [row[-1] for row in rows]


def _weighted(values: list[Exact], factors: list[fmpq]) -> Exact:
    total: Exact = ZERO
    for value, factor in zip(values, factors, strict=True):
        if factor != 0:
            total = total + value * factor
    return total
