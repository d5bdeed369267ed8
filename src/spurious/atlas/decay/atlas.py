"""Every local minimum of a shallow network with weight decay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import comb
from typing import Final

from spurious.atlas.decay.bounds import Enclosed
from spurious.atlas.decay.families import Orbit, symmetries, up_to_symmetry
from spurious.atlas.decay.points import point_of, resting_side
from spurious.atlas.decay.setting import DecaySetting, Region, describe
from spurious.atlas.decay.walk import Walk
from spurious.atlas.workers import silent
from spurious.errors import InputError
from spurious.exact import balls
from spurious.problem import DenseLoss, FlatPoint, ProgramProblem
from spurious.verdict import Answer, Enclosure

PRECISION, FREE_PRECISION = balls.PRECISIONS[:2]
"""Bits of all balls; and where hidden biases cost nothing, as directions are known to half as many
digits as the outputs."""

SMALLEST: Final = Fraction(1, 10**12)
LARGEST: Final = Fraction(10**9)
"""Sizes of numbers that are taken, but for 0: floats solve the cells before these are proved, and
beside squares of larger ones they have no digits left for the others."""

DECIMALS = 16
"""Of outputs."""


@dataclass(frozen=True, slots=True)
class PenalisedFamily:
    """Local minima with one vector of outputs.

    Up to the order of hidden units, and for an even activation the signs of their incoming weights.
    Each unit at work has one of finitely many directions; those of one direction share its work in
    any proportion.

    Attributes:
        loss: With the penalty: between `loss.mid - loss.rad` and `loss.mid + loss.rad`.
        outputs: At each data point that counts, shape (n,), rounded; to `radius` they are right.
        radius: A bound for the error of `outputs`.
        units: For each of the k different directions of units at work the sign of the outgoing
            weight, and the signs of the pre-activation at the data points, 0 where it is proved to
            be on a kink.
        rests: Whether further units may be at zero with all parameters. Then it is a global minimum
            for any number of hidden units from k on; else all units are at work, but for those
            that rest with a hidden bias that costs nothing (relu: off on all data).
        parts: Of how many connected sets it consists, up to the order of units: one if units may
            be at zero, else one for each way to spread them over the directions; None if that is
            not known, as where hidden biases cost nothing.
        dimension: Of each, in the network's parameters: m - k, and 0 for k = 0; None where hidden
            biases cost nothing.
        orbit: How many families there are like it, up to symmetries of the problem.
        point: One of them, parameters in flat order, rounded.
    """

    loss: Enclosure
    outputs: tuple[Fraction, ...]
    radius: Fraction
    units: tuple[tuple[int, tuple[int, ...]], ...]
    rests: Answer
    parts: int | None
    dimension: int | None
    orbit: int
    point: FlatPoint

    @property
    def directions(self) -> int:
        """Number of different directions of units at work."""
        return len(self.units)

    @property
    def kinks(self) -> int:
        """Pairs of a direction and a data point that are proved to be on a kink."""
        return sum(signs.count(0) for _, signs in self.units)


@dataclass(frozen=True, slots=True)
class OpenCell:
    """A closed cell that may hold a local minimum that is not listed.

    Attributes:
        loss: That of the cell's best point; None if it was not enclosed.
        reason: Why it was not decided.
    """

    loss: Enclosure | None
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class PenalisedAtlas:
    """Every local minimum of a shallow network with weight decay.

    Attributes:
        loss: Network, data and penalty.
        chambers: Activation patterns that one unit can have off all kinks.
        regions: Ways in which a unit can be at work: a sign and a chamber.
        cells: Sets of at most m regions.
        visited: How many of them could not be left out.
        solved: How many convex programs were solved.
        symmetries: Of the problem, the identity included.
        minima: One family of each orbit, lowest loss first.
        undecided: Cells that were left undecided; none means that the list is complete.

    Examples:
        >>> import spurious
        >>> x, y = [[-1], [0], [1]], [1, 0, 1]
        >>> found = spurious.penalised_atlas(spurious.problem(x, y, hidden=1, l2="1/10"))
        >>> [str(found.is_global(family)) for family in found.minima]
        ['yes']
    """

    loss: DenseLoss
    chambers: int
    regions: int
    cells: int
    visited: int
    solved: int
    symmetries: int
    minima: tuple[PenalisedFamily, ...]
    undecided: tuple[OpenCell, ...]

    @property
    def complete(self) -> bool:
        """Whether the list is proved to have every local minimum."""
        return not self.undecided

    @property
    def families(self) -> int:
        """Number of families, all of each orbit counted."""
        return sum(family.orbit for family in self.minima)

    def is_global(self, family: PenalisedFamily) -> Answer:
        """Whether a family is a global minimum.

        It is if further units may be at zero, or if everything else listed or left undecided is
        proved to have a larger loss: with these costs there always is a global minimum.
        """
        others = [other.loss for other in self.minima if other is not family]
        if any(other.mid + other.rad < family.loss.mid - family.loss.rad for other in others):
            return Answer.NO
        if family.rests is Answer.YES:
            return Answer.YES
        unclear = [cell.loss for cell in self.undecided]
        above = all(
            loss is not None and loss.mid - loss.rad > family.loss.mid + family.loss.rad
            for loss in (*others, *unclear)
        )
        return Answer.YES if above else Answer.UNKNOWN

    @property
    def least_loss(self) -> Enclosure | None:
        """The least loss of the network; None if some undecided cell was not enclosed."""
        open_ = [cell.loss for cell in self.undecided]
        known = [loss for loss in (*(f.loss for f in self.minima), *open_) if loss is not None]
        if not known or None in open_:
            return None
        low, high = min(e.mid - e.rad for e in known), min(e.mid + e.rad for e in known)
        return Enclosure((low + high) / 2, (high - low) / 2)

    def problem(self, family: PenalisedFamily) -> ProgramProblem:
        """A family's point as a problem."""
        return ProgramProblem(self.loss.program(), family.point, dense=self.loss)

    def __repr__(self) -> str:
        network = self.loss.network
        whole = "all" if self.complete else "not all decided"
        return (
            f"<PenalisedAtlas: {network.shape_name} {network.activation}, {self.loss.data.size} "
            f"points, {self.loss.loss} loss with decay: {self.families} families of local minima, "
            f"{whole}>"
        )


def require_penalised(loss: DenseLoss) -> None:
    """Checks that a penalised loss is of the kind that has an atlas.

    Raises:
        InputError: It is not.
    """
    network = loss.network
    if network.depth != 1 or network.outputs != 1:
        raise InputError(
            f"network.widths: found {list(network.widths)}, but an atlas needs one hidden layer "
            "and one output"
        )
    if network.activation not in ("relu", "leaky_relu", "abs"):
        raise InputError(
            f"network.activation: found {network.activation}, but an atlas with weight decay needs "
            "relu, leaky_relu or abs"
        )
    if loss.loss not in ("squared", "logistic"):
        raise InputError(
            f"loss: found {loss.loss}, but an atlas with weight decay needs squared or logistic"
        )
    (weight, bias), (outgoing, last) = loss.penalty.of_layers(network)
    for name, cost in (("weights", weight), ("outgoing weights", outgoing)):
        if cost <= 0:
            raise InputError(
                f"penalty: found {cost} for the {name} of the hidden layer, but an atlas with "
                "weight decay needs a positive number"
            )
    for name, cost in (("hidden biases", bias), ("output's bias", last)):
        if cost < 0:
            raise InputError(f"penalty: found {cost} for the {name}, expected 0 or a cost")
    if last and not bias:
        raise InputError(
            f"penalty: found 0 for the hidden biases and {last} for the output's, but then a "
            "hidden unit is a constant for next to nothing, so that there may be no minimum; let "
            "the output's bias be free, too"
        )
    if min(loss.factors) < 0:
        raise InputError("weights: found a negative number, but an atlas needs none")
    _require_sizes("penalty", (weight, bias, outgoing, last))
    _require_sizes("weights", loss.factors)
    for x, y in zip(loss.data.x, loss.data.y, strict=True):
        _require_sizes("data", (*x, *y))
    labels = {y for w, (y,) in zip(loss.factors, loss.data.y, strict=True) if w}
    if not labels:
        raise InputError("weights: found zeros only, expected a positive number")
    if loss.loss == "logistic" and not last and len(labels) == 1:
        raise InputError(
            "data.y: found one label only, so that the output's bias, which costs nothing, grows "
            "for ever"
        )


def _require_sizes(name: str, values: Iterable[Fraction]) -> None:
    for value in values:
        if value and not SMALLEST <= abs(value) <= LARGEST:
            shown = f"{Decimal(value.numerator) / Decimal(value.denominator):.3g}"
            raise InputError(
                f"{name}: found {shown}, but lists with weight decay are proposed in floats: "
                f"expected 0 or sizes from {float(SMALLEST):g} to {float(LARGEST):g}; measure in "
                "other units"
            )


def penalised_atlas(
    problem: ProgramProblem | DenseLoss,
    *,
    progress: Callable[[str, int, int], None] = silent,
) -> PenalisedAtlas:
    """Lists every local minimum of a shallow network with weight decay.

    Args:
        problem: One hidden layer, one output, relu, leaky relu or abs, squared or logistic loss,
            and positive costs of the weights; hidden biases cost something, too, or no bias does.
            As `spurious.problem(x, y, hidden=2, l2=0.01)` makes it. Its points are ignored.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The atlas. Its list is complete unless `undecided` names cells.

    Raises:
        InputError: The problem is of another kind.

    Examples:
        >>> import spurious
        >>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
        >>> found = spurious.penalised_atlas(spurious.problem(x, y, hidden=1, l2="1/100"))
        >>> found.complete, len(found.minima), found.families
        (True, 3, 4)
    """
    loss = problem.dense if isinstance(problem, ProgramProblem) else problem
    if loss is None:
        raise InputError("program: found one of its own, but an atlas needs a dense network")
    require_penalised(loss)
    hidden = loss.network.hidden[0]
    free = not loss.penalty.of(0)[1]
    with balls.precision(FREE_PRECISION if free else PRECISION):
        setting = describe(loss)
        walk = Walk(setting, hidden, progress)
        walk.run()
        orbits, left = up_to_symmetry(walk)
        minima = [_family(setting, walk, orbit, hidden) for orbit in orbits]
        unclear = [
            OpenCell(cell.enclosed and _between([cell.enclosed]), cell.reason) for cell in left
        ]
    count = len(setting.regions)
    return PenalisedAtlas(
        loss=loss,
        chambers=len(setting.arrangement.chambers),
        regions=count,
        cells=sum(comb(count, k) for k in range(hidden + 1)),
        visited=walk.visited,
        solved=walk.solved,
        symmetries=len(symmetries(setting)),
        minima=tuple(sorted(minima, key=lambda family: (family.loss.mid, family.outputs))),
        undecided=tuple(unclear),
    )


def _family(setting: DecaySetting, walk: Walk, orbit: Orbit, hidden: int) -> PenalisedFamily:
    minimum = orbit.minimum
    count = len(minimum.cell)
    rests = {True: Answer.YES, False: Answer.NO, None: Answer.UNKNOWN}[walk.may_rest(minimum)]
    parts: int | None = 1
    if setting.free:
        parts = None
    elif count < hidden and rests is not Answer.YES:
        parts = comb(hidden - 1, count - 1) if rests is Answer.NO else None
    spare_at = 0 if rests is Answer.YES else None
    if setting.free:
        spare_at = resting_side(setting) if walk.may_be_linear(minimum) else None
    boxes = [[balls.bounds(f) for f in box.outputs] for box in orbit.boxes]
    ends = [
        (min(low for low, _ in f), max(high for _, high in f)) for f in zip(*boxes, strict=True)
    ]
    middles = [balls.round_to((low + high) / 2, DECIMALS) for low, high in ends]
    errors = [max(high - m, m - low) for m, (low, high) in zip(middles, ends, strict=True)]
    place = {i: k for k, group in enumerate(setting.groups) for i in group}
    every = [i for i in range(setting.loss.data.size) if i in place]
    return PenalisedFamily(
        loss=_between(orbit.boxes),
        outputs=tuple(middles[place[i]] for i in every),
        radius=balls.simple_above(max(errors)),
        units=tuple(
            _seen(setting.regions[r], walls, [place[i] for i in every])
            for r, walls in zip(minimum.cell, minimum.walls, strict=True)
        ),
        rests=rests,
        parts=parts,
        dimension=None if setting.free else hidden - count if count else 0,
        orbit=orbit.families,
        point=point_of(setting, minimum, hidden, spare_at),
    )


def _seen(
    region: Region, walls: Sequence[int], groups: Sequence[int]
) -> tuple[int, tuple[int, ...]]:
    """A unit's sign and the signs of its pre-activation at the data points."""
    return region.sign, tuple(0 if k in walls else region.signs[k] for k in groups)


def _between(boxes: Sequence[Enclosed]) -> Enclosure:
    """An enclosure of their losses with few digits."""
    least = min(balls.bounds(box.low)[0] for box in boxes)
    most = max(balls.bounds(box.high)[1] for box in boxes)
    middle = balls.round_to((least + most) / 2, 20)
    return Enclosure(middle, balls.simple_above(max(most - middle, middle - least)))
