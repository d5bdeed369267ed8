"""What was measured of a model: plain numbers, no tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import hypot, sqrt
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"
Counts: TypeAlias = "NDArray[np.int64]"


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """A layer of units: one call of an activation function. Channels of a convolution are units.

    Attributes:
        name: Of the module that feeds or calls it.
        activation: Its name.
        weight: Name of the parameter that feeds the units, or None if unknown.
        bias: Name of its bias, or None.
        on_points: On how many points each unit is on somewhere, (u,).
        on_share: On what share of points and positions, (u,).
        above_share: On what share of points and positions z > 0, (u,).
        saturated: On what share of points and positions it is saturated, (u,).
        can_be_off: Whether the activation has a flat part below.
        can_saturate: Whether it is bounded.
        kinked: Whether it is piecewise linear.
        bends: Which units are on at some point or position and off at another, (u,).
        units_on: For each point the share of units that are on somewhere, (n,).
        agreement: For each point the share of units with z > 0, (n,).
        spread: Standard deviation of each unit's z over points and positions, (u,).
        magnitude: Root mean square of z.
        twins: For each unit the first unit that has the same weights and bias up to a positive
            factor, itself if none, or if the weights are not known. (u,)
        is_output: Whether its values are the model's output.
        equal: The same as `twins`, without a factor. (u,)
        module: As `name`, whichever call of that module it is.
    """

    name: str
    activation: str
    weight: str | None
    bias: str | None
    on_points: Counts
    on_share: Floats
    above_share: Floats
    saturated: Floats
    can_be_off: bool
    can_saturate: bool
    kinked: bool
    bends: NDArray[np.bool_]
    units_on: Floats
    agreement: Floats
    spread: Floats
    magnitude: float
    twins: Counts
    is_output: bool
    equal: Counts
    module: str

    @property
    def size(self) -> int:
        """Number of units."""
        return len(self.on_points)

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Units that are off on all points, (u,)."""
        return (self.on_points == 0) & self.can_be_off


@dataclass(frozen=True, slots=True)
class Affine:
    """One call of a linear or convolutional layer.

    Attributes:
        name: Of the module.
        weight: Name of the weight, or None if it is no parameter itself.
        signal: |dL/dz| |z|, in Frobenius norms over the points: how much the loss changes, to
            first order, if all outputs z of this layer change by their own size. Not a number
            for layers that are not trained.
        output: Root mean square of z.
        fan_in: Inputs of each output.
        mean: Of the weights.
        std: Of the weights.
        bias_mean: Of the biases; 0 without.
        bias_std: Of the biases.
        reach: Root mean square over points of w . h, the outputs without bias, for weights of mean
            0 and the weights' standard deviation.
        push: Root mean square over points of mean(w) times the sum of the inputs.
        units: Number of outputs.
        positions: Times that each weight is used for one point.
    """

    name: str
    weight: str | None
    signal: float
    output: float
    fan_in: int
    mean: float
    std: float
    bias_mean: float
    bias_std: float
    reach: float
    push: float
    units: int
    positions: float = 1.0

    @property
    def scale(self) -> float:
        """Root mean square of the weights, in units of torch's default start, 1/sqrt(3 fan_in)."""
        return hypot(self.mean, self.std) * sqrt(3 * self.fan_in)


@dataclass(frozen=True, slots=True)
class Regions:
    """How the points spread over linear regions (activation patterns of all kinked units).

    Attributes:
        points: Number of points.
        occupied: Regions that hold a point.
        largest: Share of the points in the fullest region.
        mixed: Share of the points whose region holds another target too.
        bending: Share of kinked units that bend among the points.
        affinity: Root mean square of f((x + x') / 2) - (f(x) + f(x')) / 2 over that of
            (f(x) - f(x')) / 2 on pairs of points: 0 for an affine function. None where inputs
            cannot be averaged.
    """

    points: int
    occupied: int | None
    largest: float | None
    mixed: float | None
    bending: float | None
    affinity: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """Extreme eigenvalues of the loss's Hessian, by Lanczos.

    For each Ritz value r with residual e there is an eigenvalue in [r - e, r + e]; and
    `lowest` is never below the smallest eigenvalue, `highest` never above the largest.

    Attributes:
        lowest: Smallest Ritz value.
        lowest_error: Its residual.
        highest: Largest Ritz value.
        highest_error: Its residual.
        ritz: All Ritz values, increasing, (k,).
        weights: Share of each in the spectral density seen from a random vector, (k,).
        rounding: Asymmetry |u.Hv - v.Hu| seen, relative to the largest Ritz value.
        points: How many points it was computed on.
        products: Hessian-vector products made.
    """

    lowest: float
    lowest_error: float
    highest: float
    highest_error: float
    ritz: Floats
    weights: Floats
    rounding: float
    points: int
    products: int


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """Where the model stands on the loss surface.

    Attributes:
        loss: On the points looked at.
        constant_loss: Of the best constant output, or None if it cannot be fitted.
        linear_loss: Of the best affine function of the inputs (of their first principal
            components, where the inputs are many), or None.
        linear_dimension: Number of components.
        gradient_norm: Of the mean gradient.
        gradient_noise: Root mean square over batches of the deviation from the mean gradient.
        batches: Number of batches.
        relative_gradient: The largest |dL/dW| |W| over the weight matrices, over the scale of the
            loss: to first order how much of the loss can be gained by changing one matrix by its
            own size.
        trained: Number of parameters that are trained.
        weight_norm: Euclidean norm of these.
        usual_norm: What it would be with torch's default start of weight matrices.
        alignment: Cosine between the negative gradient and the parameters.
        output_spread: Standard deviation of the outputs over the points, root mean square.
        output_size: Root mean square of the outputs.
        output_worth: Sum of |dL/df . (f - mean f)| over the points, over the scale of the loss: to
            first order what the differences between the outputs are worth.
        ray: Loss along the ray of steepest descent, at multiples of the weights' norm, (m, 2).
        slices: Loss along directions: name, distances and losses.
        connected: Whether the loss depends on the parameters, as far as autograd sees.
    """

    loss: float
    constant_loss: float | None
    linear_loss: float | None
    linear_dimension: int
    gradient_norm: float
    gradient_noise: float
    batches: int
    relative_gradient: float
    trained: int
    weight_norm: float
    usual_norm: float
    alignment: float
    output_spread: float
    output_size: float
    output_worth: float
    ray: Floats
    slices: tuple[tuple[str, Floats, Floats], ...] = ()
    connected: bool = True

    @property
    def scale(self) -> float:
        """The loss that others are compared with: the best constant's, or the present one."""
        if self.constant_loss is not None and self.constant_loss > 0:
            return self.constant_loss
        return abs(self.loss) or 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """All that the findings are drawn from.

    Attributes:
        units: Layers of units, in the order of their use.
        affine: Linear and convolutional layers, in the order of their use.
        regions: Linear regions.
        landscape: Loss, gradient, comparisons.
        curvature: Hessian eigenvalues, or None where they were not computed.
        not_finite: Where numbers first were infinite or no numbers, or "".
        forced: Layer by layer the loss that blind points cost at least, as a share of the best
            constant's; and how many points are blind.
        notes: What could not be measured, and why.
        places: Number of each point among all points of the data, in the order of `units_on`.
        broadcast: Shapes of outputs and targets that the loss stretched to fit, or "".
        nodes: Of autograd's graph of the loss of one batch.
        numbers: What these nodes pass on, in all.
        unregistered: Shapes of trained tensors that the loss depends on and that are neither the
            model's parameters nor the loss's own.
        loss_has_weights: Whether the loss holds such tensors itself: of an opponent, say.
        unreached: Names of trained parameters that the loss does not depend on.
        still: Names of trained parameters whose gradient is exactly 0.
    """

    units: tuple[Units, ...]
    affine: tuple[Affine, ...]
    regions: Regions
    landscape: Landscape
    curvature: Curvature | None
    not_finite: str = ""
    forced: dict[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])
    notes: tuple[str, ...] = ()
    places: tuple[int, ...] = ()
    broadcast: str = ""
    nodes: int = 0
    numbers: int = 0
    unregistered: tuple[tuple[int, ...], ...] = ()
    loss_has_weights: bool = False
    unreached: tuple[str, ...] = ()
    still: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A model of two inputs over a grid around its data.

    Attributes:
        horizontal: Grid of the first input, (p,).
        vertical: Grid of the second input, (q,).
        region: Number of the linear region of each grid point, (q, p).
        output: First output, or the class with the largest, (q, p).
        x: Inputs of the data, (n, 2).
        y: First target or label, (n,).
    """

    horizontal: Floats
    vertical: Floats
    region: Counts
    output: Floats
    x: Floats
    y: Floats
