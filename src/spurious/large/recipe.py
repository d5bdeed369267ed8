"""The training recipe of a large network: as `spurious.train.Recipe`, with data as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.data import ArrayData
from spurious.errors import InputError
from spurious.problem import Loss, Network, Penalty
from spurious.problem.dense_loss import SIGNS
from spurious.problem.table import Vector
from spurious.train import Initialisation, Optimiser
from spurious.train.decay import check_penalty
from spurious.train.recipe import Trained, check_updates, checked_batch, named_loss
from spurious.train.weights import checked_weights

LARGE_VERSION: Final = "large-1"
"""Changes whenever the same recipe, seed and index may give another row."""


@dataclass(frozen=True, slots=True, eq=False)
class LargeRecipe(Trained):
    """How a large network is trained; with a seed and an index it determines a run.

    It means what `spurious.train.Recipe` means: the same starts, the same order of the points in
    each epoch, the same sums and update rules. It trains in float32, and always makes all updates.

    Attributes:
        network: The architecture.
        loss: Summed over the data; for classes cross entropy, for values squared. Also logistic or
            hinge, for values -1 and 1, or classes: each output then tells one class from the rest.
        data: Points and targets.
        initialisation: The distribution of the start.
        optimiser: The update rule.
        updates: How many.
        batch: Points of a mini-batch, or None for the full batch.
        tolerance: A run counts as solved when its loss is at most this. None, unless it is squared:
            when every point is classified right.
        penalty: A part of the loss.
        reduction: `sum` or `mean` of the data's loss.
        weights: A factor for the loss of each point, shape (n,), not negative; None for ones.

    Raises:
        InputError: Something is out of range or does not fit together.
    """

    network: Network
    loss: str
    data: ArrayData
    initialisation: Initialisation
    optimiser: Optimiser
    updates: int
    batch: int | None = None
    tolerance: float | None = None
    penalty: Penalty = field(default_factory=Penalty)
    reduction: str = "sum"
    weights: Vector | None = None

    def __post_init__(self) -> None:
        d, outputs = self.data.inputs.shape[1], self.data.outputs
        if (self.network.inputs, self.network.outputs) != (d, outputs):
            raise InputError(
                f"network.widths: found {self.network.inputs} inputs and {self.network.outputs} "
                f"outputs, expected {d} and {outputs}, those of the data"
            )
        object.__setattr__(self, "loss", named_loss(self.loss))
        wanted = [str(Loss.CROSS_ENTROPY if self.data.classes else Loss.SQUARED)]
        if self.data.classes or bool(np.isin(self.data.targets, (-1, 1)).all()):
            wanted += SIGNS
        if self.loss not in wanted:
            raise InputError(
                f"loss: found {self.loss}, expected {' or '.join(wanted)} for the targets of "
                f"{self.data.name}"
            )
        weights = checked_weights(self.reduction, self.weights, self.data.size)
        object.__setattr__(self, "weights", weights)
        check_penalty(self.penalty, self.network)
        check_updates(self.updates)
        object.__setattr__(self, "batch", checked_batch(self.batch, self.data.size))
        if self.tolerance is None:
            if self.loss == Loss.SQUARED:
                raise InputError(
                    "tolerance: found nothing, expected the loss at which a run counts as solved"
                )
        elif not 0 <= self.tolerance < np.inf:
            raise InputError(
                f"tolerance: found {self.tolerance!r}, expected a number that is not negative"
            )

    @property
    def squares(self) -> tuple[tuple[float, float], ...]:
        """What the squares of each layer's weight and bias cost."""
        return tuple((float(w), float(b)) for w, b in self.penalty.of_layers(self.network))

    @property
    def targets(self) -> npt.NDArray[Any]:
        """What the loss compares outputs with: classes (n,) for cross entropy, else (n, K)."""
        data = self.data
        if self.loss in SIGNS and data.classes:
            return np.where(np.arange(data.classes) == data.targets[:, None], 1, -1)
        return data.targets

    def to_data(self) -> dict[str, Any]:
        """All that a run depends on but its seed and index, as JSON data; data by their hash."""
        return {**self.shared_data(), "version": LARGE_VERSION, "data": self.data.digest}

    @property
    def shape(self) -> tuple[object, ...]:
        """What networks must share to be trained by one compiled program.

        Initial distributions, targets, scales, seeds and indices may differ.
        """
        return (
            self.network,
            self.loss,
            self.data.inputs_hash,
            self.data.outputs,
            self.optimiser,
            self.updates,
            self.batch,
            self.penalty.of_layers(self.network),
            self.reduction,
            self.weights,
        )
