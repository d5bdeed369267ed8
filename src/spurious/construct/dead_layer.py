"""A dead layer is a local minimum, at any depth; it is spurious exactly on decent data.

The paper (v1, Theorem 1) shows that a ReLU network with squared loss, one of whose layers is
strictly off on all data, with the output at the mean target, is at a local minimum, and that it is
not global if the first layer has at least 3 units and the data are *decent*: some group of equal
inputs has a mean target other than the overall mean. Theorem 15 of docs/mathematics.md removes the
3 units: whatever the widths, the point is spurious if the data are decent, and a global minimum if
they are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from random import Random

from spurious.construct.relu import Vector, hidden_preactivations, outputs
from spurious.errors import InputError
from spurious.exact.plain import best_line, inner, separating_direction
from spurious.problem import Dataset, Layer, Loss, Network, Point, Problem


@dataclass(frozen=True, slots=True)
class DeadLayer:
    """A network with a dead layer, at a local minimum.

    Attributes:
        problem: The network, the data and the point; a better point as witness if there is one.
        layer: The dead hidden layer, counted from 1.
        margin: How far below 0 all its pre-activations are.
        decent: Whether the data are decent, that is, whether the minimum is spurious.
    """

    problem: Problem
    layer: int
    margin: Fraction
    decent: bool


def dead_layer(network: Network, data: Dataset, layer: int, seed: int = 0) -> DeadLayer:
    """Builds a local minimum with a chosen layer dead, and a better point if there is any.

    Args:
        network: A ReLU network with at least one hidden layer.
        data: Regression data, squared loss.
        layer: The layer to kill, counted from 1.
        seed: Seed of the weights.

    Raises:
        InputError: The network is no ReLU network, does not fit the data, or has no such layer.
    """
    problem = Problem(network, Loss.SQUARED, data)
    point = dead_point(network, layer, data, seed)
    decent = is_decent(data)
    witness = better_point(network, data) if decent else None
    problem = replace(problem, point=point, witness=witness)
    return DeadLayer(problem, layer, margin(point, layer, data), decent)


def dead_point(network: Network, layer: int, data: Dataset, seed: int) -> Point:
    """A point whose hidden layer `layer` is off on all data and whose output is the mean target.

    All weights and biases are seeded multiples of 1/4 in [-2, 2], but for the dead layer's
    biases, which keep every pre-activation at -1 or below, and the output bias.

    Args:
        network: A ReLU network.
        layer: The dead layer, counted from 1.
        data: The data.
        seed: Seed of the weights.

    Raises:
        InputError: It is no ReLU network, or has no such hidden layer.
    """
    if network.activation != "relu":
        raise InputError(
            f"network.activation: found {network.activation}, expected relu; units of other "
            "activations are never off"
        )
    if not 1 <= layer <= network.depth:
        found = "a network without hidden layers" if network.depth == 0 else layer
        raise InputError(
            f"layer: found {found}, expected a hidden layer, 1 to {max(network.depth, 1)}"
        )
    random = Random(seed)

    def draw(count: int) -> Vector:
        return tuple(Fraction(random.randint(-8, 8), 4) for _ in range(count))

    layers = [
        Layer(tuple(draw(below) for _ in range(above)), draw(above))
        for below, above in pairwise(network.widths)
    ]
    values = [z[layer - 1] for z in hidden_preactivations(Point(tuple(layers)), data.x)]
    dead = layers[layer - 1]
    biases = tuple(
        bias - max(column) - 1
        for bias, column in zip(dead.bias, zip(*values, strict=True), strict=True)
    )
    layers[layer - 1] = replace(dead, bias=biases)
    (constant,) = outputs(Point(tuple(layers)), data.x[:1])
    last = layers[-1]
    layers[-1] = replace(
        last,
        bias=tuple(
            bias + mean - value
            for bias, mean, value in zip(last.bias, target_means(data), constant, strict=True)
        ),
    )
    return Point(tuple(layers))


def margin(point: Point, layer: int, data: Dataset) -> Fraction:
    """How far below 0 every pre-activation of a layer stays on the data."""
    return -max(max(z[layer - 1]) for z in hidden_preactivations(point, data.x))


def target_means(data: Dataset) -> Vector:
    """The mean target of each output, shape (K,)."""
    return tuple(sum(column, Fraction(0)) / data.size for column in zip(*data.y, strict=True))


def is_decent(data: Dataset) -> bool:
    """Whether some group of equal inputs has a mean target other than the overall mean."""
    return any(any(total) for total in _group_pulls(data).values())


def better_point(network: Network, data: Dataset) -> Point:
    """A point better than every constant: a tent where the first layer has 3 units, else a hinge.

    Raises:
        InputError: There is no hidden layer, or the data are not decent.
    """
    if network.depth and network.widths[1] >= 3:
        return tent_point(network, data)
    return hinge_point(network, data)


def tent_point(network: Network, data: Dataset) -> Point:
    """A point that answers one group of equal inputs with its own mean, all others with theirs.

    Three units of the first layer make a tent, max(0, t + r) - 2 max(0, t) + max(0, t - r) with
    t a linear function of the input that is 0 on the group and at least r away from 0 on all other
    data. The layers above copy the tent, which is never negative. This is the paper's proof.

    Args:
        network: A ReLU network with at least 3 units in its first layer.
        data: Decent data.

    Raises:
        InputError: The first layer is too small, or the data are not decent.
    """
    if network.depth == 0 or network.widths[1] < 3:
        raise InputError(
            "network.widths: found fewer than 3 units in the first hidden layer, expected at least "
            "3 for a tent"
        )
    group = _telling_group(data)
    weight = separating_direction(data.x)
    centre = inner(weight, group)
    reach = min(abs(inner(weight, x) - centre) for x in data.x if x != group)
    inside, outside = _group_means(data, group)
    tent = (Fraction(1), Fraction(-2), Fraction(1))
    shifts = (reach - centre, -centre, -centre - reach)
    heights = tuple((high - low) / reach for high, low in zip(inside, outside, strict=True))
    return _lifted(network, [weight] * 3, shifts, tent, heights, outside)


def hinge_point(network: Network, data: Dataset) -> Point:
    """The best point c + v max(0, t(x) - s) for one well-chosen hinge; one unit a layer is enough.

    Let the linear function t take different values on different inputs, and let G be the sums of
    (target - mean) over groups of equal inputs. Of the groups with G != 0 take the one with the
    largest t, and for s the next lower value of t. On all groups above it G = 0, so the hinge
    correlates with the targets: sum_i h_i (y_i - mean) = (t - s) G != 0. There is a next lower
    value, since the G sum to 0. The best v and c are those of least squares.

    Args:
        network: A ReLU network with at least one hidden layer.
        data: Decent data.

    Raises:
        InputError: There is no hidden layer, or the data are not decent.
    """
    if network.depth == 0:
        raise InputError("network.widths: found no hidden layer, expected at least one")
    weight = separating_direction(data.x)
    pulls = sorted((inner(weight, x), total) for x, total in _group_pulls(data).items())
    telling = [index for index, (_, total) in enumerate(pulls) if any(total)]
    if not telling:
        raise _not_decent()
    start = pulls[telling[-1] - 1][0]
    heights = [max(inner(weight, x) - start, Fraction(0)) for x in data.x]
    lines = [best_line(heights, column) for column in zip(*data.y, strict=True)]
    slopes, offsets = zip(*lines, strict=True)
    return _lifted(network, [weight], (-start,), (Fraction(1),), slopes, offsets)


def _lifted(
    network: Network,
    rows: list[Vector],
    shifts: Vector,
    shape: Vector,
    heights: Vector,
    offsets: Vector,
) -> Point:
    """The point that computes offsets + heights * (shape . relu(rows x + shifts)), shape >= 0.

    The combination must never be negative; units of higher layers copy it.
    """
    layers = [_padded(network, 1, rows, shifts)]
    for index in range(2, network.depth + 1):
        row = shape if index == 2 else (Fraction(1),)
        layers.append(_padded(network, index, [row], (Fraction(0),)))
    out = shape if network.depth == 1 else (Fraction(1),)
    last = [tuple(height * entry for entry in out) for height in heights]
    layers.append(_padded(network, network.depth + 1, last, offsets))
    return Point(tuple(layers))


def _padded(network: Network, layer: int, rows: list[Vector], bias: Vector) -> Layer:
    """A layer of the network's size with the given upper left corner and zeros elsewhere."""
    below, above = network.widths[layer - 1], network.widths[layer]
    zero = Fraction(0)
    full = [(*row, *[zero] * (below - len(row))) for row in rows]
    full += [(zero,) * below] * (above - len(rows))
    return Layer(tuple(full), (*bias, *[zero] * (above - len(bias))))


def _group_pulls(data: Dataset) -> dict[Vector, Vector]:
    """For each input the sum of (target - overall mean) over the points there, shape (K,)."""
    means = target_means(data)
    pulls: dict[Vector, Vector] = {}
    for x, y in zip(data.x, data.y, strict=True):
        old = pulls.get(x, (Fraction(0),) * len(y))
        pulls[x] = tuple(a + b - m for a, b, m in zip(old, y, means, strict=True))
    return pulls


def _telling_group(data: Dataset) -> Vector:
    """The input whose own mean saves the most loss when it is answered apart from the others.

    With m points in the group, k others, and means p and q, it saves m k |p - q|^2 / (m + k);
    with G the sum of (target - overall mean), that is |G|^2 (m + k) / (m k).
    """
    pulls = _group_pulls(data)

    def saved(group: Vector) -> Fraction:
        count = data.x.count(group)
        size = inner(pulls[group], pulls[group])
        return size / (count * (data.size - count)) if count < data.size else Fraction(0)

    best = max(data.x, key=saved)
    if saved(best) == 0:
        raise _not_decent()
    return best


def _not_decent() -> InputError:
    return InputError(
        "data: found no input whose mean target differs from the overall mean, so no point is "
        "better than the constant; expected decent data"
    )


def _group_means(data: Dataset, group: Vector) -> tuple[Vector, Vector]:
    """The mean targets of the points with this input and of all others."""
    rows = list(zip(data.x, data.y, strict=True))
    halves = [y for x, y in rows if x == group], [y for x, y in rows if x != group]
    first, second = (
        tuple(sum(column, Fraction(0)) / len(half) for column in zip(*half, strict=True))
        for half in halves
    )
    return first, second
