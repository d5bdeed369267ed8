"""Networks and losses (sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from checker.functions import SMOOTH, Slopes, slopes_of
from checker.numbers import Invalid, Number, require, soft_atom, total
from checker.reading import (
    as_int,
    as_list,
    as_object,
    as_table,
    as_text,
    problem_number,
    read_layers,
    read_row,
)

Units = list[list[list[Fraction]]]  # for each layer and unit its incoming weights, then its bias


@dataclass(frozen=True)
class Problem:
    """A spurious-problem/1 object: network, loss, data and point; or one with the keys of 9.7."""

    widths: list[int]  # inputs, hidden units of each layer, outputs
    activation: str
    slopes: Slopes | None  # (p, q) of section 3 for a homogeneous activation
    loss: str
    xs: list[list[Fraction]]  # (n, d)
    ys: list[list[Fraction]]  # (n, K) targets; for cross_entropy (n, 1) labels
    point: list[Fraction]  # flat
    weights: list[Fraction]  # a factor for each data point
    penalties: list[Fraction]  # weights, biases, layer by layer: what the sum of squares costs

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.widths) - 2

    @property
    def kinked(self) -> bool:
        """Whether units can be on a kink (section 3)."""
        return self.slopes is not None and self.slopes[0] != self.slopes[1]

    @property
    def sides(self) -> Slopes:
        """(p, q) of section 3."""
        if self.slopes is None:
            raise Invalid("the rule needs a homogeneous activation")
        return self.slopes

    @cached_property
    def inputs(self) -> list[list[Fraction]]:
        """x~ = (x, 1) for each data point."""
        return [[*x, Fraction(1)] for x in self.xs]

    @cached_property
    def groups(self) -> list[int]:
        """For each point the name of its group: the first point with the same input."""
        first: dict[tuple[Fraction, ...], int] = {}
        return [first.setdefault(tuple(x), i) for i, x in enumerate(self.xs)]

    @cached_property
    def places(self) -> list[list[list[int]]]:
        """For each layer and unit the numbers of its incoming weights, then of its bias."""
        found, start = list[list[list[int]]](), 0
        for below, above in pairwise(self.widths):
            end = start + below * above
            found.append([[*range(start + j * below, start + (j + 1) * below), end + j]
                          for j in range(above)])  # fmt: skip
            start = end + above
        return found

    @property
    def wires(self) -> list[tuple[list[int], list[int]]]:
        """For each hidden unit, layer by layer, its incoming parameters and outgoing weights."""
        return [
            (into, [row[j] for row in above])
            for units, above in pairwise(self.places)
            for j, into in enumerate(units)
        ]

    def units(self, point: Sequence[Fraction]) -> Units:
        """A flat point by layers and units."""
        return [[[point[p] for p in unit] for unit in layer] for layer in self.places]

    def unit(self, layer: object, j: object) -> tuple[int, int]:
        """Reads the numbers of a hidden layer and of one of its units."""
        m, k = as_int(layer), as_int(j)
        known = 0 <= m < self.depth and 0 <= k < self.widths[m + 1]
        require(known, "there is no such hidden unit")
        return m, k

    def require_weighted(self, *losses: str) -> None:
        """The loss is one of these, with weights that are not negative; nothing is added to it."""
        require(self.loss in losses, f"the rule needs one of the losses {', '.join(losses)}")
        require(not any(self.penalties), "the rule needs a loss without penalty")
        require(min(self.weights) >= 0, "a weight is negative")

    def require_shallow(self, single: bool = False) -> None:
        """Widths are [d, h, K], or [d, h, 1]."""
        fits = len(self.widths) == 3 and (not single or self.widths[2] == 1)
        require(fits, f"the rule needs widths [d, h, {1 if single else 'K'}]")


def flatten(units: Units) -> list[Fraction]:
    """All parameters in the order of section 1."""
    flat = list[Fraction]()
    for layer in units:
        flat += [w for unit in layer for w in unit[:-1]]
        flat += [unit[-1] for unit in layer]
    return flat


def read_problem(x: object, extended: bool = False) -> Problem:
    """Reads and validates a dense problem: spurious-problem/1, or /2 with the keys of 9.7."""
    more = ["penalty", "reduction", "weights"] if extended else []
    fields = as_object(x, "format", "network", "loss", "data", "point", optional=["witness", *more])
    expected = "spurious-problem/2" if extended else "spurious-problem/1"
    require(fields["format"] == expected, "the problem has an unknown format")
    network = as_object(fields["network"], "widths", "activation", optional=["slope"])
    widths = [as_int(w) for w in as_list(network["widths"])]
    require(len(widths) >= 2 and min(widths) >= 1, "widths are at least two positive integers")
    activation, loss = as_text(network["activation"]), as_text(fields["loss"])
    slope = problem_number(network["slope"]) if "slope" in network else None
    slopes = slopes_of(activation, slope)
    require(slopes is not None or activation in SMOOTH, "unknown activation")
    if len(widths) == 2:
        slopes = (Fraction(1), Fraction(1))  # section 3: homogeneous, no kinks
    data = as_object(fields["data"], "x", "y")
    xs = [read_row(row, widths[0], problem_number) for row in as_list(data["x"])]
    require(len(xs) > 0, "there are no data")
    outputs, classes = widths[-1], loss == "cross_entropy"
    labels = as_list(data["y"], len(xs))
    ys = [read_row(row, 1 if classes else outputs, problem_number) for row in labels]
    if classes:
        require(outputs >= 2, "cross_entropy needs two outputs")
        require(all(y in range(outputs) for (y,) in ys), "a label is not one of the classes")
    else:
        require(loss in ("squared", "logistic") or (extended and loss == "hinge"), "unknown loss")
        require(loss == "squared" or all(abs(y) == 1 for r in ys for y in r), "labels are -1 or 1")
    point = read_layers(fields["point"], widths, problem_number)
    if "witness" in fields:
        read_layers(fields["witness"], widths, problem_number)
    reduction, number = fields.get("reduction", "sum"), len(xs)
    require(reduction in ("sum", "mean"), "reduction is not sum or mean")
    weights = read_row(fields.get("weights", [1] * number), number, problem_number)
    weights = [w / number for w in weights] if reduction == "mean" else weights
    penalties = read_penalties(fields.get("penalty", {}), len(widths) - 1)
    return Problem(widths, activation, slopes, loss, xs, ys, point, weights, penalties)


def read_penalties(x: object, layers: int) -> list[Fraction]:
    """The key `penalty` of 9.7: one number for all blocks or all weights, or one a block."""
    names = [f"layers[{m}].{part}" for m in range(layers) for part in ("weight", "bias")]
    fields = as_table(x, "the penalty")
    if "l2" in fields:
        as_object(fields, "l2", optional=["biases"])
        biases = fields.get("biases", True)
        require(isinstance(biases, bool), "biases is not true or false")
        cost = problem_number(fields["l2"])
        return [cost, cost if biases else Fraction(0)] * layers
    as_object(fields, optional=names)
    return [problem_number(fields.get(name, 0)) for name in names]


def loss_slopes(pb: Problem, i: int, f: list[Fraction]) -> list[Number]:
    """g_ik, the derivative of the loss by the outputs at point i, exactly (sections 4 and 9.12)."""
    y, weight = pb.ys[i], pb.weights[i]
    if pb.loss == "squared":
        return [2 * weight * (a - b) for a, b in zip(f, y, strict=True)]
    if pb.loss == "logistic":
        return [-b * weight * soft_atom([a * b]) for a, b in zip(f, y, strict=True)]
    top = max(f)  # the outputs that are largest share what the others leave of 1
    p = {k: soft_atom([b - a for m, b in enumerate(f) if m != k])
         for k, a in enumerate(f) if a != top}  # fmt: skip
    share = (1 - total(p.values())) * Fraction(1, f.count(top))
    return [(p.get(k, share) - (k == y[0])) * weight for k in range(len(f))]


def hinge_slopes(
    pb: Problem, g: list[Fraction], outputs: list[list[Fraction]]
) -> list[list[Number]]:
    """Slopes of the hinge loss of one output, seen to be subgradients (Theorem 39)."""
    pb.require_shallow(single=True)
    for slope, (y,), (f,), weight in zip(g, pb.ys, outputs, pb.weights, strict=True):
        least, most = weight if y * f < 1 else Fraction(0), weight if y * f <= 1 else Fraction(0)
        require(least <= -y * slope <= most, "a slope is none of the hinge loss")
    return [[slope] for slope in g]
