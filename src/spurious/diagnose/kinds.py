"""Every kind of finding, causes before what they bring about."""

from __future__ import annotations

from typing import Final

from spurious.diagnose.word import Word


class Kind(Word):
    """What can be wrong. Findings of one rank are listed in this order."""

    LOGITS_TO_PROBABILITY_LOSS = "logits_to_probability_loss"
    LABELS_OUTSIDE_LOSS = "labels_outside_loss"
    SOFTMAX_OVER_ONE_UNIT = "softmax_over_one_unit"
    WRONG_AXIS = "wrong_axis"
    BROADCAST_TARGETS = "broadcast_targets"
    DETACHED_LOSS = "detached_loss"
    LOG_OF_ZERO = "log_of_zero"
    ROOT_AT_ZERO = "root_at_zero"
    DIVISION_BY_ZERO = "division_by_zero"
    OVERFLOW = "overflow"
    ONE_CLASS_TARGETS = "one_class_targets"
    CONSTANT_INPUTS = "constant_inputs"
    MASK_INVERTED = "mask_inverted"
    TARGETS_SHUFFLED = "targets_shuffled"
    GRADIENT_SIGN_FLIPPED = "gradient_sign_flipped"
    WRONG_LOSS = "wrong_loss"
    PROBABILITIES_TO_LOGITS_LOSS = "probabilities_to_logits_loss"
    OUTPUT_RANGE = "output_range"
    WRONG_OUTPUT_ACTIVATION = "wrong_output_activation"
    OPTIMISER_MISSES_PARAMETERS = "optimiser_misses_parameters"
    OPTIMISER_NEVER_STEPS = "optimiser_never_steps"
    SCHEDULE_TO_ZERO = "schedule_to_zero"
    MISSING_ZERO_GRAD = "missing_zero_grad"
    TWO_STEPS_A_BATCH = "two_steps_a_batch"
    SAME_BATCH = "same_batch"
    UNSHUFFLED_DATA = "unshuffled_data"
    FROZEN_LAYERS = "frozen_layers"
    ONE_FEATURE_NORM = "one_feature_norm"
    MISSING_NONLINEARITY = "missing_nonlinearity"
    MISSING_BIAS = "missing_bias"
    LINEAR_MODEL = "linear_model"
    NO_SECOND_DERIVATIVE = "no_second_derivative"
    MISSING_POSITIONS = "missing_positions"
    IGNORED_INPUTS = "ignored_inputs"
    WRONG_TIME_STEP = "wrong_time_step"
    ONE_STEP_SEQUENCES = "one_step_sequences"
    CLASS_WEIGHTS_REVERSED = "class_weights_reversed"
    CLASS_IMBALANCE = "class_imbalance"
    UNBALANCED_LOSS_TERMS = "unbalanced_loss_terms"
    CONTRADICTING_TARGETS = "contradicting_targets"
    BAD_INITIAL_SCALE = "bad_initial_scale"
    INPUTS_WRAPPED = "inputs_wrapped"
    UNSCALED_INPUTS = "unscaled_inputs"
    TARGET_SCALE = "target_scale"
    STEP_TOO_LARGE = "step_too_large"
    OVER_REGULARISED = "over_regularised"
    HIDDEN_SOFTMAX = "hidden_softmax"
    STEP_TOO_SMALL = "step_too_small"
    TRAIN_EVAL_GAP = "train_eval_gap"
    NOT_FINITE = "not_finite"
    SHIFTED_INITIALISATION = "shifted_initialisation"
    DUPLICATED_UNITS = "duplicated_units"
    SATURATION = "saturation"
    EXPLODING_GRADIENT = "exploding_gradient"
    VANISHING_GRADIENT = "vanishing_gradient"
    DEAD_UNITS = "dead_units"
    SADDLE = "saddle"
    BLIND_SPOTS = "blind_spots"
    VALLEY_TO_INFINITY = "valley_to_infinity"
    LOCAL_MINIMUM = "local_minimum"
    PLATEAU = "plateau"
    TOO_FEW_UNITS = "too_few_units"
    SHARED_REGIONS = "shared_regions"
    CONSTANT_OUTPUT = "constant_output"
    FAULT_IN_LOOP = "fault_in_loop"
    FAULT_IN_MODEL = "fault_in_model"
    TOO_FEW_UPDATES = "too_few_updates"
    WORSE_THAN_CONSTANT = "worse_than_constant"
    WORSE_THAN_LINEAR = "worse_than_linear"


KINDS: Final = tuple(Kind)
"""All of them, in their order."""

CAUSES: Final = frozenset(KINDS[: KINDS.index(Kind.NOT_FINITE)])
"""Faults in outputs, loss, targets, data, structure, optimiser or loop: among problems they come
before all that is seen of the units and of the loss surface, whatever its severity."""

LOCATED: Final = frozenset({Kind.FAULT_IN_LOOP})
"""Where copies from the present weights learn in another loop, units and surface are no obstacle:
what such an experiment says comes before all that is only seen of them."""

MAY_BE_MEANT: Final = frozenset({Kind.HIDDEN_SOFTMAX})
"""No problem where copies learn: a softmax between layers may be meant to choose."""
