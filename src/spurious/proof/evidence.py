"""What proves a claim: one class a rule, by the names that certificates use.

`docs/certificates.md` says what each field has to satisfy (sections 5, 6 and 9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, TypeAlias

from flint import fmpq

from spurious.exact.softmax_numbers import Exact
from spurious.problem import Layer, Point
from spurious.proof.codec import fields_from_data, fields_to_data

Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]

SHAPE = ("strict_up_to_rescaling", "flat_dimension")
"""What certificates of format 2 claim of minima of sums of losses, besides."""

Place: TypeAlias = Point | tuple[Fraction, ...]
"""A point or direction: layer by layer for dense networks, flat, shape (P,), for programs."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Base of all evidence.

    Attributes:
        rule: The name of the rule that the checker applies.
        of_programs: Whether the rule reads every problem as a program, in certificates of format 2.
        claims: What certificates of format 2 claim by it besides what they always claim.
    """

    rule: ClassVar[str] = ""
    of_programs: ClassVar[bool] = False
    claims: ClassVar[tuple[str, ...]] = ()

    def to_data(self) -> dict[str, Any]:
        """The certificate's `proof` or `global_proof` object.

        Raises:
            OutOfRangeError: a number is too long to be written in decimal.
        """
        return {"rule": self.rule, **fields_to_data(self)}


def evidence_from_data(data: Mapping[str, Any]) -> Evidence:
    """Reads a certificate's `proof` or `global_proof` object.

    Raises:
        KeyError: there is no rule of that name.
    """
    kind = _kinds()[data["rule"]]
    return kind(**fields_from_data(kind, {k: v for k, v in data.items() if k != "rule"}))


def _kinds() -> dict[str, type[Evidence]]:
    return {kind.rule: kind for kind in Evidence.__subclasses__() if kind.rule}


# ---- minima -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """A cone on which phi is convex, with multipliers that prove it nonnegative there.

    Attributes:
        dominated: For groups whose sign the cone implies: multipliers by group of the cone.
        tau: Slopes at the groups where phi bends up.
        mu: Multipliers of the cone's own inequalities.
    """

    dominated: Mapping[int, Mapping[int, fmpq]] = field(
        default_factory=dict[int, Mapping[int, fmpq]]
    )
    tau: Mapping[int, Exact] = field(default_factory=dict[int, Exact])
    mu: Mapping[int, Exact] = field(default_factory=dict[int, Exact])


@dataclass(frozen=True, slots=True)
class Split:
    """A cone cut in two by the hyperplane of a group of equal inputs.

    Attributes:
        split: The group.
        plus: The part where u.x~ >= 0.
        minus: The other.
    """

    split: int
    plus: Tree
    minus: Tree


Tree: TypeAlias = Split | Leaf


@dataclass(frozen=True, slots=True)
class OneSidedDerivatives(Evidence):
    """Theorems 1 and 39: for each unit the trees that prove its phi nonnegative."""

    rule = "one_sided_derivatives"
    claims = SHAPE
    units: tuple[tuple[Tree, ...], ...]
    epsilon: Fraction | None = None
    point: Point | None = None
    slopes: tuple[Fraction, ...] | None = None


@dataclass(frozen=True, slots=True)
class ClasswiseOptimum(Evidence):
    """Theorem 4: no affine map on any activation pattern does better."""

    rule = "classwise_optimum"
    claims = SHAPE
    point: Point | None = None


@dataclass(frozen=True, slots=True)
class PointwiseOptimum(Evidence):
    """Theorem 3: no function of the inputs does better."""

    rule = "pointwise_optimum"
    claims = SHAPE


@dataclass(frozen=True, slots=True)
class ConstantOutput(Evidence):
    """Theorem 6: a dead layer, whose best constant lies within `radius`."""

    rule = "constant_output"
    claims = SHAPE
    radius: Fraction


@dataclass(frozen=True, slots=True)
class ConstantUnits(Evidence):
    """Theorem 20: no unit sees the data; the transport of mass between groups, where it is used."""

    rule = "constant_units"
    claims = SHAPE
    transport: Mapping[int, Mapping[int, Fraction]] | None
    radius: Fraction | None = None


@dataclass(frozen=True, slots=True)
class ConvexBall(Evidence):
    """Theorem 5 for dense networks: a box of free parameters, and a congruence of the Hessian."""

    rule = "convex_ball"
    claims = SHAPE
    centre: Point
    radius: Fraction
    fixed: tuple[int, ...]
    transform: Matrix


@dataclass(frozen=True, slots=True)
class HeldUnit:
    """A live unit of `KinkedBall`: groups held on its kink, and a basis of moves that keep them."""

    held: tuple[int, ...]
    basis: Matrix


@dataclass(frozen=True, slots=True)
class KinkedBall(Evidence):
    """Theorem 9: a box on the face where some data stay exactly on kinks; None for dead units.

    Only read, from certificates of before `kinked`.
    """

    rule = "kinked_ball"
    claims = SHAPE
    centre: Point
    radius: Fraction
    units: tuple[HeldUnit | None, ...]
    transform: Matrix


@dataclass(frozen=True, slots=True)
class Summand:
    """Of a component of a field: the component, and a coefficient times a product of parameters."""

    parameter: int
    factors: tuple[int, ...]
    coefficient: Fraction


@dataclass(frozen=True, slots=True)
class Kinked(Evidence):
    """Theorems 23 and 24: a box around a minimum on a face, flat along the rescalings alone."""

    rule = "kinked"
    claims = SHAPE
    centre: Point
    radius: Fraction
    free: tuple[int, ...]
    multipliers: tuple[Fraction, ...]
    preconditioner: Matrix


@dataclass(frozen=True, slots=True)
class ConstantRank(Evidence):
    """The same with other fields than the rescalings to bound the rank of the derivative."""

    rule = "constant_rank"
    claims = SHAPE
    centre: Point
    radius: Fraction
    free: tuple[int, ...]
    multipliers: tuple[Fraction, ...]
    preconditioner: Matrix
    fields: tuple[tuple[Summand, ...], ...]


@dataclass(frozen=True, slots=True)
class TwinUnits(Evidence):
    """Theorem 19: `ConvexBall` of the merged network, and a congruence for each group of twins."""

    rule = "twin_units"
    claims = SHAPE
    centre: Point
    radius: Fraction
    transform: Matrix
    bends: tuple[Matrix, ...]


@dataclass(frozen=True, slots=True)
class StronglyConvex(Evidence):
    """Theorem 5 for programs: a box on which the loss is strongly convex."""

    rule = "strongly_convex"
    of_programs = True
    centre: tuple[Fraction, ...]
    radius: Fraction


@dataclass(frozen=True, slots=True)
class ConeLeaf:
    """A cone of incoming weights with multipliers that bound what a unit at zero gains there.

    Attributes:
        tau: Slopes at points where the gain bends up, between -1 and 1.
        mu: Multipliers of the cone's own inequalities.
        like: A live unit with whose pattern the unit comes to life on this cone, instead.
    """

    tau: Mapping[int, Fraction] = field(default_factory=dict[int, Fraction])
    mu: Mapping[int, Fraction] = field(default_factory=dict[int, Fraction])
    like: int | None = None


@dataclass(frozen=True, slots=True)
class ConeSplit:
    """A cone cut in two by the hyperplane of a data point.

    Attributes:
        split: The data point.
        plus: The part where the pre-activation is at least 0.
        minus: The other.
    """

    split: int
    plus: ConeTree
    minus: ConeTree


ConeTree: TypeAlias = ConeSplit | ConeLeaf


@dataclass(frozen=True, slots=True)
class ZeroUnit:
    """A unit whose weights are zero: why it does not pay to leave.

    Attributes:
        layer: The hidden layer, from 0.
        unit: The unit in it.
        trees: For each unit of the next layer that is not at zero, two: of its gain and of the
            negative of that; none if the unit's bias is not 0.
    """

    layer: int
    unit: int
    trees: tuple[ConeTree, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """A symmetry: two units of a layer with one pattern, turned into each other."""

    layer: int
    turn: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A symmetry: biases of a layer that the biases of the next one make up for.

    Attributes:
        layer: The layer; the last one for a shift of all outputs.
        shift: By how much the biases move, by unit.
    """

    layer: int
    shift: Mapping[int, Fraction]


@dataclass(frozen=True, slots=True)
class Penalised(Evidence):
    """Theorems 28, 29 and 38: a box around a minimum on a face, of a loss with a penalty."""

    rule = "penalised"
    of_programs = True
    claims = ("flat_dimension",)
    centre: tuple[Fraction, ...]
    radius: Fraction
    free: tuple[int, ...]
    multipliers: tuple[Fraction, ...]
    preconditioner: Matrix
    zero: tuple[ZeroUnit, ...] = ()
    symmetries: tuple[Turn | Shift, ...] = ()
    off: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class IdleParameters(Evidence):
    """The same in the parameters that are not idle: those have no effect on the box."""

    rule = "idle_parameters"
    of_programs = True
    claims = ("flat_dimension",)
    centre: tuple[Fraction, ...]
    radius: Fraction
    idle: tuple[int, ...]


# ---- saddles and refutations --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interpolation(Evidence):
    """Theorem 22: a box in which the outputs take their best values somewhere.

    Attributes:
        centre: The box's centre, shape (P,).
        radius: Half the width of the box in the parameters that move; it has none in the others.
        parameters: Those that move, ascending, shape (q,).
        preconditioner: Near the inverse of the derivative of the outputs by them, shape (q, q).
        outputs: The operations whose results are the outputs, where the problem does not say.
    """

    rule = "interpolation"
    of_programs = True
    claims = ("flat_dimension",)
    centre: tuple[Fraction, ...]
    radius: Fraction
    parameters: tuple[int, ...]
    preconditioner: Matrix
    outputs: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Krawczyk(Evidence):
    """Theorem 21: a box that holds exactly one critical point."""

    rule = "krawczyk"
    of_programs = True
    centre: tuple[Fraction, ...]
    radius: Fraction
    preconditioner: Matrix


@dataclass(frozen=True, slots=True)
class DescentDirection(Evidence):
    """A direction with a negative one-sided derivative."""

    rule = "descent_direction"
    direction: Place


@dataclass(frozen=True, slots=True)
class NegativeCurvature(Evidence):
    """Theorem 7: a line along which the second derivative is negative."""

    rule = "negative_curvature"
    direction: Place


@dataclass(frozen=True, slots=True)
class ZeroOutputWeight(Evidence):
    """Theorem 1: a unit without output weight whose psi does not vanish along a direction."""

    rule = "zero_output_weight"
    unit: int
    output: int
    direction: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class ValleyToInfinity(Evidence):
    """Theorem 8: a direction of the last layer along which no margin falls."""

    rule = "valley_to_infinity"
    claims = ("valley_limit",)
    direction: Layer


@dataclass(frozen=True, slots=True)
class Merging:
    """Two units of a hidden layer that become one and its derivative.

    Attributes:
        layer: The hidden layer, from 0.
        units: The two.
        factor: A symmetry of the activation by which the second is turned towards the first.
    """

    layer: int
    units: tuple[int, int]
    factor: Fraction


@dataclass(frozen=True, slots=True)
class MergingValley(Evidence):
    """Theorem 26: a curve along which units merge, in the theorem's coordinates.

    Attributes:
        pairs: Those that merge.
        curve: Its coefficients, from the limit on, but for the last, which the given point settles.
    """

    rule = "merging_valley"
    claims = ("valley_limit",)
    pairs: tuple[Merging, ...]
    curve: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class MonotoneValley(Evidence):
    """Theorem 33: a ray along which the loss falls for ever.

    Attributes:
        direction: Of all parameters, shape (P,).
        gates: How fast the gates of a gelu or silu network's hidden units close (Theorem 27); empty
            if they stay.
    """

    rule = "monotone_valley"
    of_programs = True
    claims = ("valley_limit",)
    direction: tuple[Fraction, ...]
    gates: tuple[Fraction, ...] = ()


# ---- global minima ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Witness(Evidence):
    """A point with a smaller loss."""

    rule = "witness"
    point: Place


@dataclass(frozen=True, slots=True)
class NotLocalMinimum(Evidence):
    """What is no local minimum is no global one."""

    rule = "not_local_minimum"


@dataclass(frozen=True, slots=True)
class AffineOptimum(Evidence):
    """Theorem 3: no affine function of the inputs does better, and the network is affine."""

    rule = "affine_optimum"


@dataclass(frozen=True, slots=True)
class BestOutputs(Evidence):
    """Theorem 22: no outputs whatever have a smaller loss than those of the proof."""

    rule = "best_outputs"


@dataclass(frozen=True, slots=True)
class CellMultipliers(Evidence):
    """Theorem 13: multipliers that bound the loss from below, one list a cell."""

    rule = "cell_multipliers"
    multipliers: Matrix
