"""What is studied: a network, a loss, a dataset, and points of its loss surface."""

from dataclasses import dataclass
from itertools import pairwise

from spurious.errors import InputError
from spurious.problem.dataset import Dataset
from spurious.problem.dense_loss import DenseLoss, check_fit
from spurious.problem.loss import Loss
from spurious.problem.network import Network
from spurious.problem.number import shown
from spurious.problem.point import Point


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

    Examples:
        >>> import spurious
        >>> network = spurious.Network([1, 2, 1], "relu")
        >>> spurious.Problem(network, "squared", spurious.dataset("d1").data)
        <Problem: 1-2-1 relu, 5 points, squared loss>
    """

    network: Network
    loss: Loss
    data: Dataset
    point: Point | None = None
    witness: Point | None = None

    @property
    def dense(self) -> DenseLoss:
        """The loss without the points, as losses beyond format 1 are written down."""
        return DenseLoss(self.network, self.loss.value, self.data)

    def __repr__(self) -> str:
        points = [name for name in ("point", "witness") if getattr(self, name) is not None]
        told = "".join(f", with a {name}" for name in points)
        activation = f" {self.network.activation}" if self.network.depth else ""
        return (
            f"<Problem: {self.network.shape_name}{activation}, {self.data.size} points, "
            f"{self.loss} loss{told}>"
        )

    def __post_init__(self) -> None:
        if self.loss in list(Loss):
            object.__setattr__(self, "loss", Loss(self.loss))
        if not isinstance(self.loss, Loss):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(
                f"loss: found {shown(self.loss)}, expected one of "
                f"{', '.join('Loss.' + loss.name for loss in Loss)}"
            )
        check_fit(self.network, self.loss.value, self.data)
        for name, point in (("point", self.point), ("witness", self.witness)):
            if point is not None:
                check_point(point, self.network, name)


def check_point(point: Point, network: Network, name: str) -> None:
    """Check that every weight is (out, in) and every bias (out,) as the widths say.

    Raises:
        InputError: If one is not; the message begins with `name`.
    """
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
