"""What is hunted: a small dataset on which a smooth network has a strict bad minimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from spurious.errors import InputError
from spurious.problem import SMOOTH_ACTIVATIONS, Loss, Network

METHODS: Final = ("absolute", "relative", "homotopy", "symmetric")

LOSSES: Final = (Loss.LOGISTIC, Loss.SQUARED)

MOST_POINTS: Final = 50
MOST_PARAMETERS: Final = 60


@dataclass(frozen=True, slots=True)
class Request:
    """What a hunt looks for, and how long.

    Attributes:
        points: Number of data points N.
        network: The architecture, with one output and a smooth activation.
        loss: Logistic or squared; with the squared loss the targets are sought too.
        method: One of `METHODS`.
        seed: Seed of the starts.

    Raises:
        InputError: It cannot be hunted.
    """

    points: int
    network: Network
    loss: Loss
    method: str = "relative"
    seed: int = 0

    def __post_init__(self) -> None:
        network = self.network
        if network.activation not in SMOOTH_ACTIVATIONS:
            raise InputError(
                f"activation: found {network.activation}, expected a smooth one: "
                f"{', '.join(SMOOTH_ACTIVATIONS)}"
            )
        if self.loss not in LOSSES:
            raise InputError(f"loss: found {self.loss}, expected {' or '.join(LOSSES)}")
        if network.depth == 0 or network.outputs != 1:
            raise InputError(
                "network: found no hidden layer or several outputs, expected one output"
            )
        if not 3 <= self.points <= MOST_POINTS:
            raise InputError(f"points: found {self.points}, expected 3 to {MOST_POINTS}")
        if network.parameter_count > MOST_PARAMETERS:
            raise InputError(
                f"network: found {network.parameter_count} parameters, expected at most "
                f"{MOST_PARAMETERS}"
            )
        if self.method not in METHODS:
            raise InputError(f"method: found {self.method!r}, expected one of {', '.join(METHODS)}")
        if self.method == "symmetric" and network.widths != (2, 2, 1):
            raise InputError("method: symmetric needs the widths 2-2-1; try relative")

    @property
    def pinned(self) -> int:
        """So many units of the first layer are held at w = e_k, b = 0; the data move instead."""
        return min(self.network.inputs, self.network.hidden[0])

    @property
    def name(self) -> str:
        """A file name."""
        network = self.network
        return f"{network.shape_name}-{network.activation}-{self.loss}-{self.points}-points"
