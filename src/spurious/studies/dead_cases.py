"""Networks with a dead layer, and the data they are tried on (claims C11 and C12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from spurious.problem import Dataset, Network, dataset_from_arrays

ON_A_LINE: Final = dataset_from_arrays(
    [["-2"], ["-2"], ["-1"], ["0"], ["1"], ["1"], ["2"]],
    [["1/2"], ["3/2"], ["-1"], ["0"], ["3"], ["2"], ["-1/2"]],
)
IN_THE_PLANE: Final = dataset_from_arrays(
    [["0", "0"], ["1", "0"], ["0", "1"], ["1", "1"], ["1", "1"], ["-1", "2"]],
    [["1", "0"], ["0", "1"], ["0", "2"], ["1", "-1"], ["2", "0"], ["-1", "1/3"]],
)


@dataclass(frozen=True, slots=True)
class Case:
    """A network with a dead layer on a dataset.

    Attributes:
        widths: Inputs, hidden units layer by layer, outputs.
        layer: The dead hidden layer, counted from 1.
        data: The data.
        seed: Seed of the other weights.
    """

    widths: tuple[int, ...]
    layer: int
    data: Dataset
    seed: int

    @property
    def name(self) -> str:
        """For example `1-4-3-1, layer 2 dead`."""
        return f"{self.network.shape_name}, layer {self.layer} dead"

    @property
    def network(self) -> Network:
        """The network."""
        return Network(self.widths, "relu")
