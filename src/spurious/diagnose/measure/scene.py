# pyright: basic
"""The values that checks of outputs, loss, targets, data, model and loop look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.measure.in_the_loss import InTheLoss
from spurious.diagnose.measure.mixing import Mixing
from spurious.diagnose.measure.modes import Modes
from spurious.diagnose.measure.neighbours import explained_by_order
from spurious.diagnose.measure.optimiser import OptimiserSeen
from spurious.diagnose.measure.origin import Origin
from spurious.diagnose.measure.own_step import StepSeen
from spurious.diagnose.measure.rare import RareClasses
from spurious.diagnose.measure.records import Landscape
from spurious.diagnose.measure.reshapes import Shape
from spurious.diagnose.measure.sequences import Padding, TimeSteps
from spurious.diagnose.measure.structure import Softmax, StructureSeen
from spurious.diagnose.measure.task import LossNature, Task
from spurious.diagnose.measure.terms import TermsSeen
from spurious.diagnose.measure.unseen import Unseen
from spurious.diagnose.measure.weights import WeightsSeen

DECOUPLED: Final = frozenset({"AdamW"})
"""Optimisers whose weight decay is no part of the gradient."""

ALIKE: Final = 2.0
"""Two forces of which neither is twice the other."""

ALONG: Final = 0.9
"""Cosine of the gradient and the weights' opposite that leaves little across."""

FEWEST_IN_ORDER: Final = 64
"""Fewer points say nothing about their order."""


@dataclass(frozen=True)
class ModelSeen:
    """What a model does with the points.

    Attributes:
        structure: What was seen between the layers.
        affine: Whether the model is affine on the data, but for rounding and a last function.
        mixing: What a point's output depends on besides its own input.
        bounds: What outputs of copies with large random weights stay between, or None.
        noise: How far outputs of one point are apart in two training passes, in units of how far
            those of two points are; without dropout modules, and of a trained model alone.
        dropout: The largest share of values that a layer of the model leaves out in training.
        own_gradients: Whether a function in the model brings its own gradient (reversal, say), so
            that training need not descend the loss.
        slopeless: Whether outputs have the gradient 0 whatever the weights are, which move them.
        bends_vanish: Whether second derivatives by the inputs are taken, and are exactly 0.
        asks_nothing_of: Whether weights that move all of some columns of the outputs, by number,
            have the gradient 0.
        reshapes: Shapes before and after of reshapes that have the sizes of a transposed tensor.
        unseen: What of the inputs the model does not let through, whatever its weights are.
        shut_by_inputs: A layer that a start shuts with these inputs, with the shares of values at
            the flat ends of these and of standardised inputs.
        time_steps: What each step of sequences is worth, or None.
        padding: What sequences end in, or None.
        silenced: The loss once the last layer gives its biases alone, or nothing, the smaller;
            asked where no constant outputs say how small a loss is. Else None.
        reads_answers: Whether each place of a sequence has read the word that it is to say.
        order_blind: Whether the outputs stay the same when the places of a sequence are exchanged.
    """

    structure: StructureSeen = field(default_factory=StructureSeen)
    affine: bool = False
    mixing: Mixing = Mixing.NONE
    bounds: tuple[float, float] | None = None
    noise: float = 0.0
    dropout: float = 0.0
    own_gradients: bool = False
    slopeless: bool = False
    bends_vanish: bool = False
    asks_nothing_of: Callable[[Sequence[int]], bool] = lambda _: False
    reshapes: tuple[tuple[Shape, Shape], ...] = ()
    unseen: Unseen | None = None
    shut_by_inputs: tuple[str, float, float] | None = None
    time_steps: TimeSteps | None = None
    padding: Padding | None = None
    silenced: float | None = None
    reads_answers: bool = False
    order_blind: bool = False

    @property
    def mixes(self) -> bool:
        """Whether a point's output depends on other points of its batch, or on the places."""
        return self.mixing is not Mixing.NONE

    @property
    def softmaxes_over_points(self) -> tuple[Softmax, ...]:
        """Those that run over the points of a batch, of several."""
        over = (s for s in self.structure.softmaxes.values() if s.over_points and s.size > 1)
        return tuple(s for s in over if s.of_rows or self.mixes)


@dataclass(frozen=True)
class DataSeen:
    """The points.

    Attributes:
        features: The one floating-point input, (n, ...), or None.
        inputs: The one input, of numbers or words, (n, ...), or None.
        complete: Whether the points are all that there are.
        places: Number of each point among all points given.
        all_features: The inputs of all points given, in their order, or None.
        all_targets: Likewise.
        neighbours: What share of the targets the nearest neighbour of each point explains.
    """

    features: Tensor | None = None
    inputs: Tensor | None = None
    complete: bool = True
    places: tuple[int, ...] = ()
    all_features: Tensor | None = None
    all_targets: Tensor | None = None
    neighbours: float = 0.0

    @property
    def is_of_one_point(self) -> bool:
        """Whether there is one point alone, on which no two outputs can be compared."""
        return len(self.places) == 1

    def in_order(self, values: Tensor) -> Tensor:
        """Values of the points, (n, ...), in the order in which the data were given."""
        return values[torch.tensor(self.places, device=values.device).argsort()]


@dataclass(frozen=True)
class TrainingSeen:
    """What trains the model, and what training has left.

    Attributes:
        begun: Whether training has left traces: gradients, or an optimiser's memory.
        steps: How many steps training has made, or None.
        optimiser: What trains the model, if it was given.
        modes: The loss in training mode and in evaluation; None before training, or if both do
            the same.
        shortened: What clipping has left of the length of the gradient that was found on the
            parameters; 1 where no clipping is seen.
        lengthened: The length of that gradient, in units of that of a batch.
        origin: What that gradient is made of, or None.
        own_step: What the user's own step does to copies, or None.
    """

    begun: bool = False
    steps: int | None = None
    optimiser: OptimiserSeen | None = None
    modes: Modes | None = None
    shortened: float = 1.0
    lengthened: float = 0.0
    origin: Origin | None = None
    own_step: StepSeen | None = None

    @property
    def learns_by_own_steps(self) -> bool:
        """Whether a start is learnt from by the user's own steps, if they were given."""
        return not self.begun and self.own_step is not None and self.own_step.learns


@dataclass(frozen=True)
class Scene:
    """All that checks look at.

    Attributes:
        task: Outputs, targets, and the loss between them.
        landscape: Loss, constant and linear predictors.
        model: What it does with the points.
        weights: What is seen of them.
        data: The points.
        training: What trains the model, and what it has left.
        in_the_loss: What the loss does with the outputs, by line.
        terms: The terms of the loss, or None where they could not be looked at.
        rare: More points of classes that those looked at hold hardly any of, or None.
    """

    task: Task
    landscape: Landscape
    model: ModelSeen = field(default_factory=ModelSeen)
    weights: WeightsSeen = field(default_factory=WeightsSeen)
    data: DataSeen = field(default_factory=DataSeen)
    training: TrainingSeen = field(default_factory=TrainingSeen)
    in_the_loss: InTheLoss = field(default_factory=InTheLoss)
    terms: TermsSeen | None = None
    rare: RareClasses | None = None

    @property
    def has_partners(self) -> bool:
        """Whether parts of the model may be meant to have an optimiser of their own: an opponent.

        Before training, or where no constant says what the loss should be, nor the targets do.
        """
        seen = self.training.optimiser
        if seen is None or not seen.missed or seen.strangers or not seen.of_partners:
            return False
        judged_by_another = self.weights.judges and self.task.targets_are_equal
        known = self.landscape.constant_loss is not None and self.task.targets_matter
        known = known and not judged_by_another
        return not (self.training.begun and known)

    @property
    def is_poor(self) -> bool:
        """Whether the loss is hardly better than the best constant's, or unknown."""
        constant, loss = self.landscape.constant_loss, self.landscape.loss
        return constant is None or not loss <= thresholds.POOR * constant

    @property
    def is_middling(self) -> bool:
        """Whether the loss is above half of the best constant's, or unknown.

        Or above a tenth of it, where a linear predictor of numbers has a tenth of what is left: of
        classes it may be perfect on points that it was fitted to.
        """
        constant, loss = self.landscape.constant_loss, self.landscape.loss
        if constant is None or not loss <= thresholds.MIDDLING * constant:
            return True
        linear, least = self.landscape.linear_loss, thresholds.GOOD
        if linear is None or loss <= least * constant or linear >= least * loss:
            return False
        return self.task.nature is LossNature.VALUES

    @property
    def falls_short(self) -> bool:
        """Whether a trained model's loss is above half of the best constant's (`is_middling`)."""
        return self.training.begun and self.is_middling

    @property
    def held_by_decay(self) -> bool:
        """Whether weight decay pulls the weights back as hard as the loss's gradient pulls on.

        So that they rest where the two are opposite and alike. Not of decay that is no part of the
        gradient (AdamW's).
        """
        rule, seen = self.training.optimiser, self.landscape
        if rule is None or not self.training.begun or rule.name in DECOUPLED:
            return False
        pull = rule.weight_decay * seen.weight_norm
        alike = pull <= ALIKE * seen.gradient_norm and seen.gradient_norm <= ALIKE * pull
        return pull > 0 and alike and seen.alignment >= ALONG

    @property
    def bars_constants(self) -> bool:
        """Whether the model cannot learn a constant: another part judges, or biases cancel.

        They do in differences of two scores.
        """
        weights = self.weights
        cancels = f"{weights.last_layer}.bias" in weights.still and self.landscape.gradient_norm > 0
        return weights.judges or cancels

    @cached_property
    def order_explains(self) -> float:
        """Share of the targets that the ones before explain, in the order of the data."""
        y = self.task.targets
        if not isinstance(y, Tensor) or not y.ndim or len(y) != len(self.data.places):
            return 0.0
        return explained_by_order(self.data.in_order(y)) if len(y) >= FEWEST_IN_ORDER else 0.0
