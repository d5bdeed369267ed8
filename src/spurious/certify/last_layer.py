"""The exact gradient of a homogeneous network in its last layer: the first thing to look at."""

from __future__ import annotations

from spurious.certify.subject import Subject
from spurious.certify.sums import weighted_sum
from spurious.exact.softmax_numbers import Exact, sign


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
