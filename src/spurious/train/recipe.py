"""A training recipe: everything that a run depends on except its seed and index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError
from spurious.problem import (
    Dataset,
    DenseLoss,
    Loss,
    Network,
    Penalty,
    Problem,
    ProgramProblem,
    unflatten,
)
from spurious.problem.table import Vector
from spurious.train.decay import check_penalty
from spurious.train.initialisation import Initialisation
from spurious.train.optimiser import Optimiser
from spurious.train.weights import checked_weights, point_factors

MAX_WIDTH: Final = 64
"""The widest layer that the ensemble engine trains."""

MAX_POINTS: Final = 4096
"""The most data points that the ensemble engine trains on."""

MAX_UPDATES: Final = 10**9
"""The most updates of one run."""

PRECISIONS: Final = ("float32", "float64")
"""The arithmetic of training."""


class Trained:
    """What recipes have in common, whatever their data are held in."""

    __slots__ = ()

    network: Network
    loss: str
    data: Any
    initialisation: Initialisation
    optimiser: Optimiser
    updates: int
    batch: int | None
    tolerance: float | None
    penalty: Penalty
    reduction: str
    weights: Vector | None

    @property
    def penalised(self) -> bool:
        """Whether the loss has a penalty."""
        return not self.penalty.free_of_cost(self.network)

    @property
    def weighted(self) -> bool:
        """Whether the loss is more than a sum over the points."""
        return self.reduction != "sum" or self.weights is not None

    @property
    def factors(self) -> npt.NDArray[np.float64]:
        """What the loss of each point is multiplied by, shape (n,)."""
        return point_factors(self.reduction, self.weights, self.data.size)

    def shared_data(self) -> dict[str, Any]:
        """What recipes have in common, exactly, as JSON data.

        Reduction and weights are left out where they are a sum and ones: recipes without them, and
        the shards of sweeps, have the names that they had before there were any.
        """
        network = self.network
        given = {} if self.reduction == "sum" else {"reduction": self.reduction}
        if self.weights is not None:
            given["weights"] = sha256(" ".join(map(str, self.weights)).encode()).hexdigest()
        return {
            "widths": network.widths,
            "activation": network.activation,
            "slope": None if network.slope is None else str(network.slope),
            "loss": str(self.loss),
            "penalty": [[str(f) for f in pair] for pair in self.penalty.of_layers(network)],
            "initialisation": asdict(self.initialisation),
            "optimiser": asdict(self.optimiser),
            "updates": self.updates,
            "batch": self.batch,
            "tolerance": self.tolerance,
            **given,
        }


@dataclass(frozen=True, slots=True)
class Recipe(Trained):
    """How a network is trained; with a seed and an index it determines a run to the last bit.

    Attributes:
        network: The architecture; every width at most `MAX_WIDTH`.
        loss: One of `spurious.program.LOSSES`; summed over the data.
        data: At most `MAX_POINTS` points.
        initialisation: The distribution of the start.
        optimiser: The update rule.
        updates: How many updates at most.
        batch: Points of a mini-batch, or None for the full batch. Every epoch visits the points in
            a fresh order; the gradient of a batch of b of the n points is multiplied by n/b.
        precision: One of `PRECISIONS`.
        tolerance: A run counts as solved when its loss is at most this. None, for classification:
            when every point is on its right side (zero training error).
        stop: Whether a run ends as soon as it is solved.
        penalty: A part of the loss, and so of its gradient: a number times the sum of the squares
            of the parameters. A mini-batch does not divide it.
        reduction: `sum`, or `mean`: the data's loss divided by the number of points; the penalty is
            not divided.
        weights: A factor for the loss of each point, shape (n,), not negative; None for ones. The
            mean is over the points, whatever their weights.

    Raises:
        InputError: Something is out of range or does not fit together.
    """

    network: Network
    loss: str
    data: Dataset
    initialisation: Initialisation
    optimiser: Optimiser
    updates: int
    batch: int | None = None
    precision: str = "float32"
    tolerance: float | None = None
    stop: bool = True
    penalty: Penalty = field(default_factory=Penalty)
    reduction: str = "sum"
    weights: Vector | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", named_loss(self.loss))
        _ = self.dense  # refuses what does not fit together
        weights = checked_weights(self.reduction, self.weights, self.data.size)
        object.__setattr__(self, "weights", weights)
        for index, width in enumerate(self.network.widths):
            if width > MAX_WIDTH:
                raise InputError(
                    f"network.widths[{index}]: found {width}, expected at most {MAX_WIDTH}, "
                    "the widest layer that the ensemble engine trains"
                )
        if self.data.size > MAX_POINTS:
            raise InputError(
                f"data: found {self.data.size} points, expected at most {MAX_POINTS}, "
                "the most that the ensemble engine trains on"
            )
        check_penalty(self.penalty, self.network)
        check_updates(self.updates)
        if self.precision not in PRECISIONS:
            raise InputError(
                f"precision: found {self.precision!r}, expected one of {', '.join(PRECISIONS)}"
            )
        object.__setattr__(self, "batch", checked_batch(self.batch, self.data.size))
        if self.tolerance is None:
            self._check_classes()
        elif not self.tolerance >= 0:
            raise InputError(
                f"tolerance: found {self.tolerance!r}, expected a number that is not negative"
            )

    @property
    def coercive(self) -> bool:
        """Whether all parameters are penalised: then the loss has a minimum, and no valley."""
        return all(factor for pair in self.penalty.of_layers(self.network) for factor in pair)

    @property
    def dense(self) -> DenseLoss:
        """The loss, its penalty included, exactly."""
        return DenseLoss(
            self.network, self.loss, self.data, self.penalty, self.reduction, self.weights
        )

    def problem(self, values: Sequence[Fraction]) -> Problem | ProgramProblem:
        """The loss, its penalty included, at parameters (P,): what may be certified of a run."""
        if isinstance(self.loss, Loss) and not (self.penalised or self.weighted):
            point = unflatten(values, self.network)
            return Problem(self.network, self.loss, self.data, point)
        dense = self.dense
        return ProgramProblem(dense.program(), tuple(values), dense=dense)

    def to_data(self) -> dict[str, Any]:
        """All that a run depends on but its seed and index, exactly, as JSON data."""
        return {
            **self.shared_data(),
            "x": [[str(value) for value in row] for row in self.data.x],
            "y": [[str(value) for value in row] for row in self.data.y],
            "precision": self.precision,
            "stop": self.stop,
        }

    def _check_classes(self) -> None:
        """Zero training error means nothing unless the targets are classes."""
        if self.loss == Loss.SQUARED and any(t not in (-1, 1) for row in self.data.y for t in row):
            raise InputError(
                "tolerance: found nothing, expected the loss at which a run counts as solved, "
                "since the targets are not all -1 or 1"
            )


def named_loss(loss: str) -> str:
    """The loss as one of `Loss`, where that has it."""
    return Loss(loss) if loss in list(Loss) else loss


def check_updates(updates: int) -> None:
    """Refuses a number of updates that cannot be made.

    Raises:
        InputError: It is no integer from 0 to MAX_UPDATES.
    """
    if type(updates) is not int or not 0 <= updates <= MAX_UPDATES:
        raise InputError(f"updates: found {updates!r}, expected an integer from 0 to {MAX_UPDATES}")


def checked_batch(batch: int | None, points: int) -> int | None:
    """The points of an update; None for all of them.

    Raises:
        InputError: It is no integer from 1 to the number of points.
    """
    if batch is not None and (type(batch) is not int or not 1 <= batch <= points):
        raise InputError(
            f"batch: found {batch!r}, expected an integer from 1 to {points}, the number of points"
        )
    return None if batch == points else batch
