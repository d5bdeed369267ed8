"""Outputs, gradient and Hessian of the loss in ball arithmetic, for any depth and activation.

Layers are matrices `[W b]` acting on states with a row of ones below; data points are columns.
The gradient is back-propagation; a column of the Hessian is its derivative along one parameter
(forward over reverse: B. A. Pearlmutter, "Fast exact multiplication by the Hessian", 1994).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from flint import arb, arb_mat, fmpq

from spurious.certify.activations import SMOOTH, Jet, piecewise_linear
from spurious.certify.evaluate import ball_loss, piecewise_slopes
from spurious.exact.rationals import rational
from spurious.problem import Loss, Problem


@dataclass(frozen=True, slots=True)
class Pass:
    """A forward and a backward pass over all data.

    Attributes:
        layers: `[W b]` of each layer.
        states: Input of each layer with a row of ones, shapes (width + 1, n).
        first: act' at each hidden layer, shapes (width, n).
        second: act'' at each hidden layer.
        outputs: f, shape (K, n).
        backward: Derivative of the loss with respect to each layer's pre-activations.
        carried: W^T times the next layer's `backward`, at each hidden layer.
    """

    layers: tuple[arb_mat, ...]
    states: tuple[arb_mat, ...]
    first: tuple[arb_mat, ...]
    second: tuple[arb_mat, ...]
    outputs: arb_mat
    backward: tuple[arb_mat, ...]
    carried: tuple[arb_mat, ...]


@dataclass(frozen=True, slots=True)
class Differentiator:
    """The loss of one problem as a function of its parameters.

    Attributes:
        problem: Network, loss and data.
        inputs: x~ as columns, shape (d + 1, n), exact.
        jet: Activation with two derivatives on balls.
    """

    problem: Problem
    inputs: arb_mat
    jet: Callable[[arb], Jet]

    def run(self, parameters: Sequence[arb]) -> Pass:
        """A forward and a backward pass at parameters in flat order, shape (P,).

        Raises:
            KinkError: a pre-activation of a piecewise linear network may be 0.
        """
        layers = self.split(parameters)
        states = [self.inputs]
        first: list[arb_mat] = []
        second: list[arb_mat] = []
        for layer in layers[:-1]:
            value, d1, d2 = self._activate(layer * states[-1])
            states.append(_with_ones(value))
            first.append(d1)
            second.append(d2)
        outputs = layers[-1] * states[-1]
        backward = [self._loss_derivative(outputs)]
        carried: list[arb_mat] = []
        for level in range(len(layers) - 2, -1, -1):
            upstream = _without_bias(layers[level + 1]).transpose() * backward[0]
            carried.insert(0, upstream)
            backward.insert(0, _times(upstream, first[level]))
        return Pass(
            tuple(layers),
            tuple(states),
            tuple(first),
            tuple(second),
            outputs,
            tuple(backward),
            tuple(carried),
        )

    def split(self, parameters: Sequence[arb]) -> list[arb_mat]:
        """Flat parameters as matrices `[W b]`."""
        layers: list[arb_mat] = []
        start = 0
        for wide, high in pairwise(self.problem.network.widths):
            biases = start + wide * high
            layers.append(
                arb_mat(
                    [
                        [
                            *parameters[start + row * wide : start + (row + 1) * wide],
                            parameters[biases + row],
                        ]
                        for row in range(high)
                    ]
                )
            )
            start = biases + high
        return layers

    def loss(self, passed: Pass) -> arb:
        """The loss, from a pass."""
        outputs = passed.outputs.transpose().tolist()
        return ball_loss(self.problem.loss, self.problem.data, outputs)

    def gradient(self, passed: Pass) -> list[arb]:
        """The gradient in flat order, shape (P,)."""
        return _flatten(
            [b * s.transpose() for b, s in zip(passed.backward, passed.states, strict=True)]
        )

    def hessian(self, passed: Pass, free: Sequence[int]) -> arb_mat:
        """The Hessian in the free parameters, shape (len(free), len(free))."""
        positions = parameter_positions(self.problem.network.widths)
        curvature = self._loss_curvature(passed.outputs)
        columns = [self._hessian_column(passed, positions[p], curvature) for p in free]
        return arb_mat([[column[p] for column in columns] for p in free])

    def _hessian_column(
        self, passed: Pass, position: tuple[int, int, int], curvature: list[arb_mat]
    ) -> list[arb]:
        """Derivative of the gradient along one parameter (layer, row, column of `[W b]`)."""
        level, row, column = position
        last = len(passed.layers) - 1
        source = passed.states[level]
        moved = arb_mat(passed.layers[level].nrows(), source.ncols())
        for i in range(source.ncols()):
            moved[row, i] = source[column, i]
        preactivations: dict[int, arb_mat] = {level: moved}
        states: dict[int, arb_mat] = {}
        for upper in range(level + 1, last + 1):
            states[upper] = _times(passed.first[upper - 1], preactivations[upper - 1])
            preactivations[upper] = _without_bias(passed.layers[upper]) * states[upper]
        outputs = preactivations[last]
        change = arb_mat(
            [
                [
                    sum(
                        (curvature[i][k, m] * outputs[m, i] for m in range(outputs.nrows())), arb(0)
                    )
                    for i in range(outputs.ncols())
                ]
                for k in range(outputs.nrows())
            ]
        )
        changes = [change]
        for lower in range(last - 1, -1, -1):
            upstream = _without_bias(passed.layers[lower + 1]).transpose() * changes[0]
            if lower + 1 == level and column < upstream.nrows():
                for i in range(upstream.ncols()):
                    upstream[column, i] = upstream[column, i] + passed.backward[level][row, i]
            change = _times(upstream, passed.first[lower])
            if lower in preactivations:
                bend = _times(passed.carried[lower], passed.second[lower])
                change = change + _times(bend, preactivations[lower])
            changes.insert(0, change)
        result: list[arb_mat] = []
        for index in range(last + 1):
            entry = changes[index] * passed.states[index].transpose()
            if index in states:
                moved_state = _with_zeros(states[index])
                entry = entry + passed.backward[index] * moved_state.transpose()
            result.append(entry)
        return _flatten(result)

    def _activate(self, preactivation: arb_mat) -> tuple[arb_mat, arb_mat, arb_mat]:
        rows = [[self.jet(z) for z in row] for row in preactivation.tolist()]
        value, first, second = (
            arb_mat([[jet[order] for jet in row] for row in rows]) for order in range(3)
        )
        return value, first, second

    def _loss_derivative(self, outputs: arb_mat) -> arb_mat:
        """g, shape (K, n)."""
        columns: list[list[arb]] = []
        for y, f in zip(self.problem.data.y, outputs.transpose().tolist(), strict=True):
            if self.problem.loss is Loss.SQUARED:
                columns.append([2 * (a - rational(b)) for a, b in zip(f, y, strict=True)])
            elif self.problem.loss is Loss.LOGISTIC:
                signs = [arb(rational(b)) for b in y]
                columns.append([-s / (1 + (s * a).exp()) for a, s in zip(f, signs, strict=True)])
            else:
                shares = softmax(f)
                shares[int(y[0])] -= 1
                columns.append(shares)
        return arb_mat(columns).transpose()

    def _loss_curvature(self, outputs: arb_mat) -> list[arb_mat]:
        """The second derivative of the loss in the outputs, one (K, K) matrix a point."""
        matrices: list[arb_mat] = []
        for f in outputs.transpose().tolist():
            size = range(len(f))
            if self.problem.loss is Loss.CROSS_ENTROPY:
                p = softmax(f)
                entries = [[p[k] * (int(k == m) - p[m]) for m in size] for k in size]
            else:
                entries = [
                    [self._own_curvature(f[k]) if k == m else arb(0) for m in size] for k in size
                ]
            matrices.append(arb_mat(entries))
        return matrices

    def _own_curvature(self, output: arb) -> arb:
        if self.problem.loss is Loss.SQUARED:
            return arb(2)
        share = 1 / (1 + output.exp())
        return share * (1 - share)


def differentiator(problem: Problem) -> Differentiator:
    """Prepares the derivatives of a problem's loss."""
    network = problem.network
    columns = [[*(rational(entry) for entry in x), fmpq(1)] for x in problem.data.x]
    jet = SMOOTH.get(network.activation)
    if jet is None or network.depth == 0:
        jet = piecewise_linear(piecewise_slopes(network))
    return Differentiator(problem, arb_mat(columns).transpose(), jet)


def parameter_positions(widths: Sequence[int]) -> list[tuple[int, int, int]]:
    """(layer, row, column of `[W b]`) of every parameter in flat order."""
    positions: list[tuple[int, int, int]] = []
    for level, (wide, high) in enumerate(pairwise(widths)):
        positions += [(level, row, column) for row in range(high) for column in range(wide)]
        positions += [(level, row, wide) for row in range(high)]
    return positions


def softmax(outputs: Sequence[arb]) -> list[arb]:
    """exp(f_k) / sum of exp(f_l), each as 1 / (sum of exp(f_l - f_k))."""
    return [1 / sum(((other - own).exp() for other in outputs), arb(0)) for own in outputs]


def _with_ones(matrix: arb_mat) -> arb_mat:
    return arb_mat([*matrix.tolist(), [arb(1)] * matrix.ncols()])


def _with_zeros(matrix: arb_mat) -> arb_mat:
    return arb_mat([*matrix.tolist(), [arb(0)] * matrix.ncols()])


def _without_bias(layer: arb_mat) -> arb_mat:
    return arb_mat([row[:-1] for row in layer.tolist()])


def _times(left: arb_mat, right: arb_mat) -> arb_mat:
    """The entrywise product."""
    return arb_mat(
        [
            [a * b for a, b in zip(x, y, strict=True)]
            for x, y in zip(left.tolist(), right.tolist(), strict=True)
        ]
    )


def _flatten(layers: Sequence[arb_mat]) -> list[arb]:
    """Matrices `[W b]` in flat order: weights row by row, then biases."""
    flat: list[arb] = []
    for layer in layers:
        rows = layer.tolist()
        for row in rows:
            flat.extend(row[:-1])
        flat.extend(row[-1] for row in rows)
    return flat
