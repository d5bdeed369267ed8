"""What a measurement keeps beside its numbers: tensors for the checks, not for the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from spurious.diagnose.measure.structure import StructureSeen


@dataclass(frozen=True)
class Values:
    """Values of one pass.

    Attributes:
        outputs: Of the model on all points, (n, ...), or None.
        loss_of_all: Of what the model gives, and targets, a scalar tensor.
        loss: The same of `outputs` alone, beside all else that the model gave.
        structure: What was seen between the layers.
        usual: The outputs, or where they are not finite those of a copy that starts afresh; None
            if these are not finite, either.
    """

    outputs: Tensor | None
    loss_of_all: Callable[[Any, Any], Tensor]
    loss: Callable[[Any, Any], Tensor]
    structure: StructureSeen
    usual: Tensor | None
