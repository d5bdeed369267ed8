"""First-order sums over groups of data points: the rules that need no search.

* `pointwise_optimum` (Theorem 3): over every group of equal inputs the g_ik sum to zero. Then no
  function at all does better.
* `affine_optimum` (Theorem 3): the sum of g_ik x~_i is zero. Then no affine function does better.
* `classwise_optimum` (Theorem 4): as `affine_optimum` for every activation pattern, and constants
for
  points at which a whole layer is dead. Then nothing that the network can reach nearby does better,
  at any depth: C. Yun, S. Sra, A. Jadbabaie (2018) and Theorem 1 of the paper are special cases.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from spurious.certify.evaluate import Evaluation, members
from spurious.certify.subject import Subject
from spurious.exact.rationals import ONE, ZERO, Vector
from spurious.exact.softmax_numbers import Exact, sign

LOOSE = "loose"


def weighted_sum(
    evaluation: Evaluation, points: Iterable[int], rows: Sequence[Vector]
) -> list[list[Exact]]:
    """For each output k the vector sum_i g_ik rows_i over the given points, shape (K, width)."""
    outputs = range(len(evaluation.outputs[0]))
    totals: list[list[Exact]] = [[ZERO] * len(rows[0]) for _ in outputs]
    for i in points:
        for k in outputs:
            g = evaluation.loss_derivative[i][k]
            totals[k] = [
                old + g * entry if entry != 0 else old
                for old, entry in zip(totals[k], rows[i], strict=True)
            ]
    return totals


def vanishes(totals: Sequence[Sequence[Exact]]) -> bool:
    """Whether all entries are exactly zero.

    Raises:
        UndecidedSignError: an entry could not be told from zero.
    """
    return all(sign(entry) == 0 for row in totals for entry in row)


def pointwise_optimum(groups: Sequence[int], derivative: Sequence[Sequence[Exact]]) -> bool:
    """Whether the outputs are the best that any function of the inputs can have.

    Args:
        groups: For each data point the name of its group of equal inputs, shape (n,).
        derivative: g, the derivative of the loss with respect to the outputs, shape (n, K).

    Raises:
        UndecidedSignError: a sum could not be told from zero.
    """
    return all(
        sign(sum((derivative[i][k] for i in points), ZERO)) == 0
        for points in members(groups).values()
        for k in range(len(derivative[0]))
    )


def affine_optimum(evaluation: Evaluation) -> bool:
    """Whether the outputs are the best that any affine function of the inputs can have."""
    everything = range(len(evaluation.inputs))
    return vanishes(weighted_sum(evaluation, everything, evaluation.inputs))


def classwise_optimum(evaluation: Evaluation) -> bool:
    """Whether the outputs are the best for affine functions on every class of points."""
    ones = [(ONE,)] * len(evaluation.inputs)
    equals = members(evaluation.groups)
    for key, points in members(classes(evaluation)).items():
        if key == LOOSE:
            for group in {evaluation.groups[i] for i in points}:
                if not vanishes(weighted_sum(evaluation, equals[group], ones)):
                    return False
            continue
        dead = isinstance(key, int)
        rows = ones if dead else evaluation.inputs
        if not vanishes(weighted_sum(evaluation, points, rows)):
            return False
    return True


def classes(evaluation: Evaluation) -> list[Hashable]:
    """For each point: the last layer that is dead at it (an int), its pattern (a tuple), or LOOSE.

    A layer is dead at a point when all its pre-activations are negative and the activation is relu.
    It stays dead nearby, whatever happens below it. A pattern stays the same nearby if no
    pre-activation is on a kink.
    """
    found: list[Hashable] = []
    relu = evaluation.problem.network.activation == "relu"
    for i in range(len(evaluation.inputs)):
        layers = [layer[i] for layer in evaluation.preactivations]
        dead = [n for n, zs in enumerate(layers) if all(z < 0 for z in zs)]
        if relu and dead:
            found.append(dead[-1])
        elif not evaluation.has_kinks:
            found.append(())
        elif all(z != 0 for zs in layers for z in zs):
            found.append(tuple(z > 0 for zs in layers for z in zs))
        else:
            found.append(LOOSE)
    return found


def last_layer_gradient(subject: Subject) -> list[Exact]:
    """The derivatives by the last layer's weights, row by row, then by its biases."""
    evaluation = subject.evaluation
    totals = weighted_sum(evaluation, range(len(evaluation.inputs)), evaluation.features)
    return [entry for row in totals for entry in row[:-1]] + [row[-1] for row in totals]


def stationary(subject: Subject) -> bool:
    """Whether that gradient is exactly zero; a point where it is not is no minimum.

    Raises:
        UndecidedSignError: a softmax number could not be told from zero.
    """
    return not any(sign(entry) for entry in subject.once(last_layer_gradient))
