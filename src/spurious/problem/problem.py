"""What is studied: a network, a loss, a dataset, and points of its loss surface."""

from dataclasses import dataclass
from itertools import pairwise

from spurious.errors import InputError
from spurious.problem.dataset import Dataset
from spurious.problem.loss import Loss
from spurious.problem.network import Network
from spurious.problem.number import shown
from spurious.problem.point import Point

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True, repr=False)
class Problem:
    """A network, a loss and a dataset that fit together, with optional points.

    Attributes:
        network: The architecture.
        loss: The loss, summed over the dataset; its name will do.
        data: Inputs (n, d) and targets (n, K) or labels (n, 1).
        point: The point in question, where there is one.
        witness: Another point, believed to have a smaller loss.

    Raises:
        InputError: If the data or a point does not fit the network, or a target the loss.
    """

    network: Network
    loss: Loss
    data: Dataset
    point: Point | None = None
    witness: Point | None = None

    def __repr__(self) -> str:
        widths = "-".join(map(str, self.network.widths))
        points = [name for name in ("point", "witness") if getattr(self, name) is not None]
        told = "".join(f", with a {name}" for name in points)
        activation = f" {self.network.activation}" if self.network.depth else ""
        return f"<Problem: {widths}{activation}, {self.data.size} points, {self.loss} loss{told}>"

    def __post_init__(self) -> None:
        if self.loss in list(Loss):
            object.__setattr__(self, "loss", Loss(self.loss))
        if not isinstance(self.loss, Loss):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(
                f"loss: found {shown(self.loss)}, expected one of "
                f"{', '.join('Loss.' + loss.name for loss in Loss)}"
            )
        if self.data.inputs != self.network.inputs:
            raise InputError(
                f"data.x: found points of {self.data.inputs} inputs, expected "
                f"{self.network.inputs}; change data.x or network.widths[0]"
            )
        self._check_targets()
        for name, point in (("point", self.point), ("witness", self.witness)):
            if point is not None:
                _check_point(point, self.network, name)

    def _check_targets(self) -> None:
        classes, found = self.network.outputs, len(self.data.y[0])
        if self.loss is Loss.CROSS_ENTROPY and classes < 2:
            raise InputError(
                f"network.widths[{len(self.network.widths) - 1}]: found {classes} output, "
                "expected at least 2 for the loss cross_entropy; use logistic for two classes "
                "and one output"
            )
        expected = 1 if self.loss is Loss.CROSS_ENTROPY else classes
        if found != expected:
            what = "1 label" if self.loss is Loss.CROSS_ENTROPY else "1 target per output"
            raise InputError(
                f"data.y: found rows of {found} numbers, expected {expected} ({what} for the "
                f"loss {self.loss}); change data.y or the last of network.widths"
            )
        for i, row in enumerate(self.data.y):
            for k, target in enumerate(row):
                if self.loss is Loss.LOGISTIC and target not in (-1, 1):
                    raise InputError(
                        f"data.y[{i}][{k}]: found {shown(target)}, expected -1 or 1 for the "
                        "loss logistic"
                    )
                label = target.denominator == 1 and 0 <= target < classes
                if self.loss is Loss.CROSS_ENTROPY and not label:
                    raise InputError(
                        f"data.y[{i}][{k}]: found {shown(target)}, expected an integer label "
                        f"from 0 to {classes - 1} for the loss cross_entropy"
                    )


def _check_point(point: Point, network: Network, name: str) -> None:
    """Check that every weight is (out, in) and every bias (out,) as the widths say."""
    layers = len(network.widths) - 1
    if len(point.layers) != layers:
        raise InputError(
            f"{name}.layers: found {len(point.layers)} layers, expected {layers}, "
            "one fewer than network.widths has entries"
        )
    for index, (below, above) in enumerate(pairwise(network.widths)):
        weight = point.layers[index].weight
        if (len(weight), len(weight[0])) != (above, below):
            raise InputError(
                f"{name}.layers[{index}].weight: found shape ({len(weight)}, {len(weight[0])}), "
                f"expected (out, in) = ({above}, {below}) from network.widths"
            )
