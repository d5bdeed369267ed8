"""What a network and a loss demand of the data."""

from __future__ import annotations

from spurious.errors import InputError
from spurious.problem.dataset import Dataset
from spurious.problem.network import Network
from spurious.problem.number import shown

SIGNS = ("logistic", "hinge")
"""Losses whose targets are -1 and 1."""


def check_fit(network: Network, loss: str, data: Dataset) -> None:
    """Checks that inputs and targets are such that the network has this loss on them.

    Args:
        network: The architecture.
        loss: `squared`, `logistic`, `cross_entropy` or `hinge`.
        data: Inputs (n, d) and targets (n, K) or labels (n, 1).

    Raises:
        InputError: They are not.
    """
    if data.inputs != network.inputs:
        raise InputError(
            f"data.x: found points of {data.inputs} inputs, expected "
            f"{network.inputs}; change data.x or network.widths[0]"
        )
    classes, found, labels = network.outputs, len(data.y[0]), loss == "cross_entropy"
    if labels and classes < 2:
        raise InputError(
            f"network.widths[{len(network.widths) - 1}]: found {classes} output, "
            "expected at least 2 for the loss cross_entropy; use logistic for two classes "
            "and one output"
        )
    expected = 1 if labels else classes
    if found != expected:
        what = "1 label" if labels else "1 target per output"
        raise InputError(
            f"data.y: found rows of {found} numbers, expected {expected} ({what} for the "
            f"loss {loss}); change data.y or the last of network.widths"
        )
    for i, row in enumerate(data.y):
        for k, target in enumerate(row):
            if loss in SIGNS and target not in (-1, 1):
                raise InputError(
                    f"data.y[{i}][{k}]: found {shown(target)}, expected -1 or 1 for the loss {loss}"
                )
            if labels and not (target.denominator == 1 and 0 <= target < classes):
                raise InputError(
                    f"data.y[{i}][{k}]: found {shown(target)}, expected an integer label "
                    f"from 0 to {classes - 1} for the loss cross_entropy"
                )
