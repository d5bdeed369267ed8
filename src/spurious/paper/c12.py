"""C12: a dead layer is a spurious local minimum, at any depth (v1, Theorem 1)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Final

from spurious.figures import dead_layer
from spurious.paper.bundled import point_of
from spurious.paper.claim import ClaimResult, DataTable, Picture, Row, explained, overall, proved
from spurious.paper.claims import find_claim
from spurious.paper.curves import fitted_panel, panel_table
from spurious.paper.dead_cases import IN_THE_PLANE, ON_A_LINE, Case, margin, target_means
from spurious.paper.evidence import Proof, prove
from spurious.paper.plateau import dead_layer_profiles, profile_table
from spurious.construct.relu import Vector, hidden_preactivations, outputs
from spurious.paper.wording import exact_text, interval_text, verdict_text
from spurious.problem import Dataset, Layer, Loss, Network, Point, Problem

__all__ = ["CASES", "better_point", "dead_point", "run"]

CASES: Final = (
    Case((1, 3, 1), 1, ON_A_LINE, 1),
    Case((1, 4, 3, 1), 1, ON_A_LINE, 2),
    Case((1, 4, 3, 1), 2, ON_A_LINE, 6),
    Case((1, 3, 4, 3, 1), 2, ON_A_LINE, 4),
    Case((1, 3, 4, 3, 1), 3, ON_A_LINE, 5),
    Case((2, 4, 2), 1, IN_THE_PLANE, 3),
    Case((2, 3, 2, 2), 2, IN_THE_PLANE, 7),
    Case((2, 5, 3, 2, 3, 2), 3, IN_THE_PLANE, 8),
)
DRAWN: Final = 2
"""Index of the case that is drawn."""


def dead_point(network: Network, layer: int, data: Dataset, seed: int) -> Point:
    """A point whose hidden layer `layer` is off on all data and whose output is the mean target.

    All weights and biases are seeded multiples of 1/4 in [-2, 2], but for the dead layer's
    biases, which keep every pre-activation at -1 or below, and the output bias.

    Args:
        network: A ReLU network.
        layer: The dead layer, counted from 1.
        data: The data.
        seed: Of the weights.

    Raises:
        ValueError: There is no such hidden layer.
    """
    if not 1 <= layer <= network.depth:
        raise ValueError(f"layer: found {layer}, expected 1 to {network.depth}")
    random = Random(seed)

    def draw(count: int) -> Vector:
        return tuple(Fraction(random.randint(-8, 8), 4) for _ in range(count))

    layers = [
        Layer(tuple(draw(below) for _ in range(above)), draw(above))
        for below, above in pairwise(network.widths)
    ]
    values = [hidden_preactivations(Point(tuple(layers)), x)[layer - 1] for x in data.x]
    dead = layers[layer - 1]
    biases = tuple(
        bias - max(column) - 1
        for bias, column in zip(dead.bias, zip(*values, strict=True), strict=True)
    )
    layers[layer - 1] = replace(dead, bias=biases)
    constant = outputs(Point(tuple(layers)), data.x[0])
    last = layers[-1]
    layers[-1] = replace(
        last,
        bias=tuple(
            bias + mean - value
            for bias, mean, value in zip(last.bias, target_means(data), constant, strict=True)
        ),
    )
    return Point(tuple(layers))


def better_point(network: Network, data: Dataset) -> Point:
    """A point that answers one group of equal inputs with its own mean, all others with theirs.

    Three units of the first layer make a tent, max(0, t + r) - 2 max(0, t) + max(0, t - r) with
    t a linear function of the input that is 0 on the group and at least r away from 0 on all other
    data. The layers above copy the tent, which is never negative.

    Args:
        network: A ReLU network with at least 3 units in its first layer.
        data: Decent data: some group's mean target is not the overall mean.

    Raises:
        ValueError: The first layer is too small, or the data are not decent.
    """
    if network.depth == 0 or network.widths[1] < 3:
        raise ValueError("found fewer than 3 units in the first layer, expected at least 3")
    group = _telling_group(data)
    weight, offset, reach = _separating_map(data, group)
    inside, outside = _group_means(data, group)
    tent = (Fraction(1), Fraction(-2), Fraction(1))
    shifts = (offset + reach, offset, offset - reach)
    layers = [_padded(network, 1, [weight] * 3, list(shifts))]
    for index in range(2, network.depth + 1):
        row = tent if index == 2 else (Fraction(1),)
        layers.append(_padded(network, index, [row], [Fraction(0)]))
    out = tent if network.depth == 1 else (Fraction(1),)
    heights = [(high - low) / reach for high, low in zip(inside, outside, strict=True)]
    rows = [tuple(height * entry for entry in out) for height in heights]
    layers.append(_padded(network, network.depth + 1, rows, list(outside)))
    return Point(tuple(layers))


def _padded(network: Network, layer: int, rows: list[Vector], bias: list[Fraction]) -> Layer:
    """A layer of the network's size with the given upper left corner and zeros elsewhere."""
    below, above = network.widths[layer - 1], network.widths[layer]
    zero = Fraction(0)
    full = [(*row, *[zero] * (below - len(row))) for row in rows]
    full += [(zero,) * below] * (above - len(rows))
    return Layer(tuple(full), (*bias, *[zero] * (above - len(bias))))


def _telling_group(data: Dataset) -> Vector:
    """The input whose own mean saves the most loss when it is answered apart from the others.

    With m points in the group, k others, and means p and q, it saves m k |p - q|^2 / (m + k).
    """

    def saved(group: Vector) -> Fraction:
        count = data.x.count(group)
        inside, outside = _group_means(data, group)
        gap = sum(((p - q) ** 2 for p, q in zip(inside, outside, strict=False)), Fraction(0))
        return count * (data.size - count) * gap / data.size

    best = max(data.x, key=saved)
    if saved(best) == 0:
        raise ValueError("found no input whose mean target differs from the overall mean")
    return best


def _group_means(data: Dataset, group: Vector) -> tuple[Vector, Vector]:
    """The mean targets of the points with this input and of all others."""
    rows = list(zip(data.x, data.y, strict=True))
    halves = [y for x, y in rows if x == group], [y for x, y in rows if x != group]
    first, second = (
        tuple(sum(column, Fraction(0)) / len(half) for column in zip(*half, strict=True))
        for half in halves
    )
    return first, second


def _separating_map(data: Dataset, group: Vector) -> tuple[Vector, Fraction, Fraction]:
    """Weight, offset and reach of t = w.x + offset: 0 on the group, |t| >= reach elsewhere."""
    others = [x for x in data.x if x != group]
    base = 1
    while True:
        weight = tuple(Fraction(base**k) for k in range(data.inputs))
        centre = _dot(weight, group)
        reach = min(abs(_dot(weight, x) - centre) for x in others)
        if reach > 0:
            return weight, -centre, reach
        base += 1


def _dot(left: Vector, right: Vector) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def run() -> ClaimResult:
    """Certifies a dead layer at every depth of the cases, against an explicit better point."""
    proofs = tuple(_prove(case) for case in CASES)
    rows = (*_summary(proofs), *map(_case_row, CASES, proofs))
    case, problem = CASES[DRAWN], proofs[DRAWN].problem
    fit = fitted_panel(
        f"(a) {case.name}",
        problem.network,
        problem.data,
        (
            (f"dead layer, loss {exact_text(proofs[DRAWN].loss.mid)}", point_of(problem)),
            (
                f"better point, loss {_better_text(proofs[DRAWN])}",
                better_point(problem.network, problem.data),
            ),
        ),
    )
    profiles = dead_layer_profiles(problem, point_of(problem), case.layer)
    picture = Picture(
        "c12-dead-layer",
        "Left: a network whose second hidden layer is off on all data computes the mean; the "
        "better point answers one input with that input's own mean. Right: the loss along random "
        "directions of the dead layer's parameters is exactly flat until a unit wakes up.",
        dead_layer(
            fit,
            profiles,
            "distance along a random direction",
            "(b) loss over the parameters of that layer",
        ),
    )
    status = overall(rows)
    return ClaimResult(
        find_claim("C12"),
        status,
        rows,
        explained(
            status,
            "The argument is general. A layer that is strictly off on all data stays off nearby, "
            "where the output is thus one constant; so the loss nearby is never below that of the "
            "best constant, the mean, which is attained (Theorem 4 of docs/mathematics.md). The "
            "same holds at every point nearby in the layer's parameters: the minima fill an open "
            "set.",
            "A better point raises a tent over one group of equal inputs with three units of the "
            "first layer and hands it up, to answer the group with its own mean. The certificates "
            "below check all this on networks with seeded weights.",
        ),
        proofs,
        (picture,),
        (panel_table("c12-fits", fit), profile_table("c12-plateau", profiles), _table(proofs)),
    )


def _prove(case: Case) -> Proof:
    network = Network(case.widths, "relu")
    problem = Problem(
        network,
        Loss.SQUARED,
        case.data,
        point=dead_point(network, case.layer, case.data, case.seed),
        witness=better_point(network, case.data),
    )
    return prove(f"c12-{'-'.join(map(str, case.widths))}-layer-{case.layer}", case.name, problem)


def _summary(proofs: tuple[Proof, ...]) -> tuple[Row, ...]:
    count = len(proofs)
    minima = sum(proof.minimum for proof in proofs)
    worse = sum(proof.suboptimal for proof in proofs)
    margins = [
        margin(point_of(proof.problem), case.layer, case.data)
        for case, proof in zip(CASES, proofs, strict=True)
    ]
    depth = max(proof.problem.network.depth for proof in proofs)
    return (
        Row(
            "points with a dead layer that are local minima",
            "all",
            f"{minima} of {count} certified, 1 to {depth} hidden layers",
            proved(minima == count),
            key=True,
        ),
        Row(
            "of these, not global",
            "all, with 3 units in the first layer and decent data",
            f"{worse} of {count} certified",
            proved(worse == count),
            key=True,
        ),
        Row(
            "open set of the dead layer's parameters",
            "yes",
            f"every pre-activation of the layer is {exact_text(-min(margins))} or less on all data",
            proved(min(margins) > 0),
        ),
    )


def _case_row(case: Case, proof: Proof) -> Row:
    return Row(
        case.name,
        "local minimum, not global",
        f"{verdict_text(proof.verdict)}; global: {proof.verdict.is_global}; loss "
        f"{interval_text(proof.loss)}, better {_better_text(proof)}",
        proved(proof.minimum and proof.suboptimal),
        heading="case by case",
    )


def _better_text(proof: Proof) -> str:
    loss = proof.verdict.witness_loss
    return "unknown" if loss is None else exact_text(loss.mid)


def _table(proofs: tuple[Proof, ...]) -> DataTable:
    return DataTable(
        "c12-cases",
        ("widths", "dead layer", "points", "seed", "verdict", "global", "loss", "better loss"),
        tuple(
            (
                "-".join(map(str, case.widths)),
                case.layer,
                case.data.size,
                case.seed,
                str(proof.verdict.decision),
                str(proof.verdict.is_global),
                exact_text(proof.loss.mid),
                _better_text(proof),
            )
            for case, proof in zip(CASES, proofs, strict=True)
        ),
    )
