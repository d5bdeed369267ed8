"""A point in parameter space: the weights and biases of every layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from spurious.errors import InputError
from spurious.problem.network import Network
from spurious.problem.number import shown
from spurious.problem.table import check_matrix, check_vector, items, matrix, vector


@dataclass(frozen=True, slots=True)
class Layer:
    """One affine map x -> weight x + bias.

    Attributes:
        weight: Shape (out, in), as in PyTorch.
        bias: Shape (out,).

    Raises:
        InputError: If the weight is ragged or empty, or the bias has another length.
    """

    weight: tuple[tuple[Fraction, ...], ...]
    bias: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        check_matrix(self.weight, "weight")
        check_vector(self.bias, "bias")
        if len(self.bias) != len(self.weight):
            raise InputError(
                f"bias: found {len(self.bias)} numbers, expected {len(self.weight)}, "
                "one for each row of weight"
            )


@dataclass(frozen=True, slots=True)
class Point:
    """A point in parameter space.

    Attributes:
        layers: The layers, first to last.

    Raises:
        InputError: If there is no layer, or a layer's inputs are not the outputs of the one before.

    Examples:
        >>> import spurious
        >>> problem = spurious.problem([0, 1], [0, 1], hidden=1, point=[([[1]], [0]), ([[2]], [3])])
        >>> problem.point.layers[1].bias
        (Fraction(3, 1),)
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.layers, tuple) or not self.layers:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(
                f"layers: found {shown(self.layers)}, expected a tuple of at least 1 Layer"
            )
        for index, (below, above) in enumerate(pairwise(self.layers)):
            if len(above.weight[0]) != len(below.weight):
                raise InputError(
                    f"layers[{index + 1}].weight: found {len(above.weight[0])} columns, "
                    f"expected {len(below.weight)}, one for each output of layers[{index}]"
                )


def flatten(point: Point) -> tuple[Fraction, ...]:
    """List a point's parameters, layer by layer: the weight row by row, then the bias.

    Returns:
        Shape (P,), where P is the network's `parameter_count`.
    """
    values: list[Fraction] = []
    for layer in point.layers:
        for row in layer.weight:
            values.extend(row)
        values.extend(layer.bias)
    return tuple(values)


def unflatten(values: Sequence[Fraction], network: Network) -> Point:
    """Undoes `flatten`: a vector of parameters as layers.

    Args:
        values: Shape (P,).
        network: The architecture.

    Raises:
        InputError: If there are not exactly P values.
    """
    if len(values) != network.parameter_count:
        raise InputError(
            f"values: found {len(values)} numbers, expected {network.parameter_count}, "
            "the parameter count of the network"
        )
    layers: list[Layer] = []
    rest = iter(values)
    for below, above in pairwise(network.widths):
        weight = tuple(tuple(next(rest) for _ in range(below)) for _ in range(above))
        layers.append(Layer(weight, tuple(next(rest) for _ in range(above))))
    return Point(tuple(layers))


def incoming_indices(network: Network) -> list[list[list[int]]]:
    """For each layer and unit where `flatten` has its weights, then its bias."""
    layers: list[list[list[int]]] = []
    start = 0
    for wide, high in pairwise(network.widths):
        biases = start + wide * high
        layers.append(
            [
                [*range(start + row * wide, start + (row + 1) * wide), biases + row]
                for row in range(high)
            ]
        )
        start = biases + high
    return layers


def point_from_arrays(weights: object, biases: object) -> Point:
    """Build a point from lists or arrays; floats keep their exact dyadic value.

    Args:
        weights: One matrix of shape (out, in) per layer.
        biases: One vector of shape (out,) per layer.

    Raises:
        InputError: If an entry is no finite number or the shapes do not fit.
    """
    above, below = items(weights, "weights", "one matrix per layer"), items(biases, "biases")
    if len(above) != len(below):
        raise InputError(
            f"biases: found {len(below)} vectors, expected {len(above)}, one for each matrix"
        )
    return Point(
        tuple(
            Layer(matrix(weight, f"weights[{i}]"), vector(bias, f"biases[{i}]"))
            for i, (weight, bias) in enumerate(zip(above, below, strict=True))
        )
    )
