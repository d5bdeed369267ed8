"""Losses of dense networks beyond format 1: a penalty, a mean, weights of the points, the hinge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from spurious.errors import InputError
from spurious.problem.dataset import Dataset
from spurious.problem.fit import check_fit
from spurious.problem.network import Network
from spurious.problem.number import shown
from spurious.problem.table import Vector
from spurious.program.dense import dense_program
from spurious.program.losses import LOSSES, REDUCTIONS
from spurious.program.program import Program


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
