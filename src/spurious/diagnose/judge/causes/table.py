"""The table of checks: which kinds of finding each can raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spurious.diagnose.finding import Finding
from spurious.diagnose.judge.causes import (
    classes,
    data,
    inputs,
    inside,
    left,
    loss,
    optimiser,
    order,
    outputs,
    own_step,
    reach,
    sequences,
    slopes,
    structure,
    training,
    trivial,
)
from spurious.diagnose.kinds import Kind

if TYPE_CHECKING:
    from spurious.diagnose.measure.scene import Scene


@dataclass(frozen=True, slots=True)
class Check:
    """A look for one cause.

    Attributes:
        judge: What is wrong with a scene, or None.
        kinds: The kinds of finding that it can raise.
    """

    judge: Callable[[Scene], Finding | None]
    kinds: tuple[Kind, ...]


CHECKS: Final = (
    Check(outputs.logits_to_probability_loss, (Kind.LOGITS_TO_PROBABILITY_LOSS,)),
    Check(outputs.softmax_over_one_unit, (Kind.SOFTMAX_OVER_ONE_UNIT,)),
    Check(outputs.probabilities_to_logits_loss, (Kind.PROBABILITIES_TO_LOGITS_LOSS,)),
    Check(reach.output_range, (Kind.OUTPUT_RANGE,)),
    Check(reach.flat_outputs, (Kind.OUTPUT_RANGE, Kind.WRONG_OUTPUT_ACTIVATION)),
    Check(reach.equal_norms, (Kind.OUTPUT_RANGE,)),
    Check(reach.shut_outputs, (Kind.WRONG_OUTPUT_ACTIVATION,)),
    Check(outputs.wrong_output_activation, (Kind.WRONG_OUTPUT_ACTIVATION,)),
    Check(outputs.shared_among_labels, (Kind.WRONG_OUTPUT_ACTIVATION, Kind.WRONG_LOSS)),
    Check(outputs.squashed_in_the_loss, (Kind.PROBABILITIES_TO_LOGITS_LOSS,)),
    Check(outputs.gradient_sign_flipped, (Kind.GRADIENT_SIGN_FLIPPED,)),
    Check(loss.wrong_loss, (Kind.WRONG_LOSS, Kind.WRONG_OUTPUT_ACTIVATION, Kind.WRONG_AXIS)),
    Check(loss.no_outputs_in_the_loss, (Kind.DETACHED_LOSS, Kind.SOFTMAX_OVER_ONE_UNIT)),
    Check(loss.stretched_in_the_loss, (Kind.BROADCAST_TARGETS,)),
    Check(loss.divergence_of_shares, (Kind.WRONG_LOSS,)),
    Check(trivial.met_by_a_constant, (Kind.WRONG_LOSS,)),
    Check(trivial.few_far_points, (Kind.TARGET_SCALE,)),
    Check(loss.one_output_for_all, (Kind.BROADCAST_TARGETS,)),
    Check(slopes.targets_without_slope, (Kind.WRONG_LOSS,)),
    Check(slopes.relative_errors, (Kind.WRONG_LOSS,)),
    Check(loss.ignored_outputs, (Kind.WRONG_LOSS,)),
    Check(loss.numbers_of_classes, (Kind.WRONG_LOSS,)),
    Check(data.labels_outside_loss, (Kind.LABELS_OUTSIDE_LOSS,)),
    Check(data.unsigned_labels, (Kind.LABELS_OUTSIDE_LOSS,)),
    Check(data.multiplied_labels, (Kind.LABELS_OUTSIDE_LOSS,)),
    Check(data.labels_without_output, (Kind.LABELS_OUTSIDE_LOSS,)),
    Check(data.blank_among_labels, (Kind.LABELS_OUTSIDE_LOSS,)),
    Check(data.one_class_targets, (Kind.ONE_CLASS_TARGETS,)),
    Check(data.constant_inputs, (Kind.CONSTANT_INPUTS,)),
    Check(data.contradicting_targets, (Kind.CONTRADICTING_TARGETS,)),
    Check(training.train_eval_gap, (Kind.TRAIN_EVAL_GAP,)),
    Check(training.unregistered_parameters, (Kind.OPTIMISER_MISSES_PARAMETERS,)),
    Check(training.detached_parameters, (Kind.DETACHED_LOSS,)),
    Check(training.detached_terms, (Kind.DETACHED_LOSS,)),
    Check(training.detached_outputs, (Kind.DETACHED_LOSS,)),
    Check(training.cut_inside, (Kind.DETACHED_LOSS,)),
    Check(training.no_slope, (Kind.DETACHED_LOSS, Kind.SOFTMAX_OVER_ONE_UNIT)),
    Check(training.steps_inside, (Kind.DETACHED_LOSS,)),
    Check(training.targets_shuffled, (Kind.TARGETS_SHUFFLED,)),
    Check(training.pictures_shuffled, (Kind.TARGETS_SHUFFLED,)),
    Check(structure.wrong_axis, (Kind.WRONG_AXIS,)),
    Check(structure.one_feature_norm, (Kind.ONE_FEATURE_NORM,)),
    Check(structure.missing_nonlinearity, (Kind.MISSING_NONLINEARITY,)),
    Check(structure.linear_model, (Kind.LINEAR_MODEL,)),
    Check(structure.equal_factors, (Kind.DUPLICATED_UNITS,)),
    Check(structure.no_second_derivative, (Kind.NO_SECOND_DERIVATIVE,)),
    Check(structure.hidden_softmax, (Kind.HIDDEN_SOFTMAX,)),
    Check(optimiser.optimiser_misses_parameters, (Kind.OPTIMISER_MISSES_PARAMETERS,)),
    Check(optimiser.optimiser_never_steps, (Kind.OPTIMISER_NEVER_STEPS, Kind.FAULT_IN_LOOP)),
    Check(optimiser.maximises, (Kind.GRADIENT_SIGN_FLIPPED,)),
    Check(optimiser.frozen_layers, (Kind.FROZEN_LAYERS,)),
    Check(optimiser.resting_group, (Kind.STEP_TOO_SMALL,)),
    Check(optimiser.vanished_step, (Kind.SCHEDULE_TO_ZERO,)),
    Check(optimiser.drowned_by_epsilon, (Kind.TARGET_SCALE, Kind.STEP_TOO_SMALL)),
    Check(optimiser.undamped_momentum, (Kind.STEP_TOO_LARGE,)),
    Check(own_step.own_step, own_step.KINDS),
    Check(left.stale_gradients, (Kind.MISSING_ZERO_GRAD,)),
    Check(left.turned_gradient, (Kind.GRADIENT_SIGN_FLIPPED,)),
    Check(order.same_batch, (Kind.SAME_BATCH,)),
    Check(order.unshuffled_data, (Kind.UNSHUFFLED_DATA,)),
    Check(sequences.shifted_twice, (Kind.WRONG_TIME_STEP,)),
    Check(sequences.answers_are_read, (Kind.WRONG_TIME_STEP,)),
    Check(sequences.missing_positions, (Kind.MISSING_POSITIONS,)),
    Check(sequences.wrong_time_step, (Kind.WRONG_TIME_STEP,)),
    Check(sequences.behind_padding, (Kind.WRONG_TIME_STEP,)),
    Check(sequences.one_step_sequences, (Kind.ONE_STEP_SEQUENCES,)),
    Check(inputs.nothing_arrives, (Kind.MASK_INVERTED, Kind.CONSTANT_INPUTS)),
    Check(inputs.places_do_not_arrive, (Kind.IGNORED_INPUTS, Kind.WRONG_TIME_STEP)),
    Check(inputs.shut_by_inputs, (Kind.UNSCALED_INPUTS,)),
    Check(inputs.stretched_inputs, (Kind.UNSCALED_INPUTS,)),
    Check(inputs.wrapped_integers, (Kind.INPUTS_WRAPPED,)),
    Check(classes.ignored_class, (Kind.LABELS_OUTSIDE_LOSS, Kind.MASK_INVERTED)),
    Check(classes.class_weights_reversed, (Kind.CLASS_WEIGHTS_REVERSED,)),
    Check(classes.class_imbalance, (Kind.CLASS_IMBALANCE,)),
    Check(inside.saturated_gates, (Kind.SATURATION,)),
    Check(inside.saturated_attention, (Kind.SATURATION,)),
    Check(inside.vanishing_through_time, (Kind.VANISHING_GRADIENT,)),
)


def cause_findings(scene: Scene) -> Iterator[Finding]:
    """What the checks find."""
    for check in CHECKS:
        finding = check.judge(scene)
        if finding is not None:
            assert finding.kind in check.kinds, f"{check}: raised {finding.kind}"
            yield finding
