"""Losses of dense networks beyond format 1: a penalty, a mean, weights of the points, the hinge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from spurious.errors import InputError
from spurious.problem.dataset import Dataset
from spurious.problem.network import Network
from spurious.problem.number import shown
from spurious.problem.table import Vector
from spurious.program.dense import dense_program
from spurious.program.losses import LOSSES, REDUCTIONS
from spurious.program.program import Program

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


@dataclass(frozen=True, slots=True)
class Penalty:
    """What the squares of the parameters cost.

    Attributes:
        l2: The loss gets this times the sum of the squares of the parameters; or one such number
            for some blocks, by their names (`layers[0].weight`, ...).
        biases: Whether a single number is for biases too.
    """

    l2: Fraction | Mapping[str, Fraction] = Fraction(0)
    biases: bool = True

    def of(self, layer: int) -> tuple[Fraction, Fraction]:
        """The factor of a layer's weights and that of its biases."""
        if isinstance(self.l2, Mapping):
            weight, bias = f"layers[{layer}].weight", f"layers[{layer}].bias"
            return self.l2.get(weight, Fraction(0)), self.l2.get(bias, Fraction(0))
        return self.l2, self.l2 if self.biases else Fraction(0)

    def of_layers(self, network: Network) -> tuple[tuple[Fraction, Fraction], ...]:
        """These factors for every layer.

        Raises:
            InputError: It names a block that the network lacks.
        """
        count = len(network.widths) - 1
        blocks = {f"layers[{k}].{part}" for k in range(count) for part in ("weight", "bias")}
        for name in self.l2 if isinstance(self.l2, Mapping) else ():
            if name not in blocks:
                raise InputError(
                    f"penalty: found the block {name!r}, expected layers[0].weight, "
                    f"layers[0].bias, ..., layers[{count - 1}].bias"
                )
        return tuple(self.of(k) for k in range(count))

    def free_of_cost(self, network: Network) -> bool:
        """Whether no parameter of a network costs anything."""
        return not any(cost for costs in self.of_layers(network) for cost in costs)


@dataclass(frozen=True, slots=True)
class DenseLoss:
    """A dense network's loss on data, as people write it down.

    Attributes:
        network: The architecture.
        loss: One of `spurious.program.LOSSES`.
        data: Inputs (n, d) and targets (n, K) or labels (n, 1).
        penalty: Added to the loss of the data.
        reduction: `sum` or `mean`, over the points. The penalty is not divided.
        weights: A factor for each point, shape (n,); None for ones.

    Raises:
        InputError: A name is not known, or the parts do not fit together.
    """

    network: Network
    loss: str
    data: Dataset
    penalty: Penalty = field(default_factory=Penalty)
    reduction: str = "sum"
    weights: Vector | None = None

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise InputError(f"loss: found {shown(self.loss)}, expected one of {', '.join(LOSSES)}")
        if self.reduction not in REDUCTIONS:
            raise InputError(f"reduction: found {shown(self.reduction)}, expected sum or mean")
        check_fit(self.network, self.loss, self.data)
        if self.weights is not None and len(self.weights) != self.data.size:
            raise InputError(
                f"weights: found {len(self.weights)} numbers, expected {self.data.size}, "
                "one for each row of data.x"
            )

    @property
    def factors(self) -> Vector:
        """What the loss of each data point is multiplied by, shape (n,)."""
        size = self.data.size
        share = Fraction(1, size) if self.reduction == "mean" else Fraction(1)
        return tuple(share * weight for weight in self.weights or (Fraction(1),) * size)

    @property
    def is_plain(self) -> bool:
        """Whether problems of format 1 have it: a sum of losses, and nothing else."""
        named = self.loss in ("squared", "logistic", "cross_entropy")
        return named and not self.penalty.l2 and self.reduction == "sum" and self.weights is None

    def program(self) -> Program:
        """The loss as a program of the parameters in flat order; the same object for equal losses.

        `spurious.program.dense_layers` says where the program holds each layer's values.

        Raises:
            InputError: The penalty names a block that the network lacks.
        """
        named = isinstance(self.penalty.l2, Mapping)  # which has no hash
        return _program(self) if named else _known_program(self)


def _program(loss: DenseLoss) -> Program:
    return dense_program(
        loss.network.widths,
        loss.network.activation,
        loss.loss,
        loss.data.x,
        loss.data.y,
        slope=loss.network.slope,
        l2=loss.penalty.l2,
        biases=loss.penalty.biases,
        mean=loss.reduction == "mean",
        weights=loss.weights,
    )


_known_program = lru_cache(maxsize=64)(_program)
