"""Every remedy, and how several are named that are applied one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from spurious.diagnose.word import Word
from spurious.errors import InputError


class Remedy(Word):
    """What can be tried on a copy of a model."""

    REINITIALISE_DEAD_UNITS = "reinitialise_dead_units"
    SHIFT_BIASES = "shift_biases"
    RESCALE = "rescale"
    REDRAW_WEIGHTS = "redraw_weights"
    STANDARDISE_INPUTS = "standardise_inputs"
    STANDARDISE_TARGETS = "standardise_targets"
    SCALE_OUTPUTS = "scale_outputs"
    WHITEN_INPUTS = "whiten_inputs"
    LEAKY_SLOPE = "leaky_slope"
    SMOOTH_UNITS = "smooth_units"
    SMALLER_STEP = "smaller_step"
    LARGER_STEP = "larger_step"
    HUNDREDTH_STEP = "hundredth_step"
    THOUSANDTH_STEP = "thousandth_step"
    HUNDREDFOLD_STEP = "hundredfold_step"
    CLIP_GRADIENTS = "clip_gradients"
    MATCH_SHAPES = "match_shapes"
    ANOTHER_OPTIMISER = "another_optimiser"
    WITHOUT_WEIGHT_DECAY = "without_weight_decay"
    WITHOUT_DROPOUT = "without_dropout"
    UNFREEZE = "unfreeze"
    NEW_OPTIMISER = "new_optimiser"
    REGISTER_TENSORS = "register_tensors"
    DROP_LAST_ACTIVATION = "drop_last_activation"
    SIGMOID_OUTPUT = "sigmoid_output"
    SOFTMAX_OUTPUT = "softmax_output"
    LOG_SOFTMAX_OUTPUT = "log_softmax_output"
    LOGITS_LOSS = "logits_loss"
    INSERT_ACTIVATION = "insert_activation"
    ADD_BIASES = "add_biases"
    ADD_POSITIONS = "add_positions"
    PERMUTE_AXES = "permute_axes"
    FRESH_STATISTICS = "fresh_statistics"
    KEEP_FROM_ZERO = "keep_from_zero"
    KEEP_GRAPH = "keep_graph"
    LIGHTER_PENALTY = "lighter_penalty"
    BALANCE_TERMS = "balance_terms"
    TEXTBOOK_LOOP = "textbook_loop"
    ESCAPE_DIRECTION = "escape_direction"
    WIDER_LAYERS = "wider_layers"
    ADD_UNIT = "add_unit"


REMEDIES: Final[Mapping[Remedy, str]] = {
    Remedy.REINITIALISE_DEAD_UNITS: (
        "draw the weights of dead units again, with kinks among the data"
    ),
    Remedy.SHIFT_BIASES: "move biases so that each unit is on for half of the data",
    Remedy.RESCALE: "redraw weights, scaled so that every layer's pre-activations have variance 1",
    Remedy.REDRAW_WEIGHTS: "draw all weights again from the layers' default distributions",
    Remedy.STANDARDISE_INPUTS: "subtract the inputs' mean and divide by their standard deviation",
    Remedy.STANDARDISE_TARGETS: (
        "learn targets of mean 0 and variance 1, and scale predictions back"
    ),
    Remedy.SCALE_OUTPUTS: (
        "outputs times the size that the loss wants, the loss divided by its square"
    ),
    Remedy.WHITEN_INPUTS: "make the inputs' covariance the identity",
    Remedy.LEAKY_SLOPE: "give relu units the slope 0.1 below zero",
    Remedy.SMOOTH_UNITS: "tanh instead of relu",
    Remedy.SMALLER_STEP: "a tenth of the step size",
    Remedy.LARGER_STEP: "ten times the step size",
    Remedy.HUNDREDTH_STEP: "a hundredth of the step size",
    Remedy.THOUSANDTH_STEP: "a thousandth of the step size",
    Remedy.HUNDREDFOLD_STEP: "a hundred times the step size",
    Remedy.CLIP_GRADIENTS: "gradients of length 1 at most",
    Remedy.MATCH_SHAPES: "give the outputs the targets' shape",
    Remedy.ANOTHER_OPTIMISER: "Adam with step size 0.001",
    Remedy.WITHOUT_WEIGHT_DECAY: "no weight decay",
    Remedy.WITHOUT_DROPOUT: "no dropout",
    Remedy.UNFREEZE: "train every parameter",
    Remedy.NEW_OPTIMISER: "make the optimiser again from model.parameters()",
    Remedy.REGISTER_TENSORS: "make parameters of the plain tensors that modules hold",
    Remedy.DROP_LAST_ACTIVATION: "leave out the function behind the last layer",
    Remedy.SIGMOID_OUTPUT: "a sigmoid as the last function",
    Remedy.SOFTMAX_OUTPUT: "a softmax as the last function",
    Remedy.LOG_SOFTMAX_OUTPUT: "the logarithm of a softmax as the last function",
    Remedy.LOGITS_LOSS: "train on the cross entropy of logits instead",
    Remedy.INSERT_ACTIVATION: "a relu between layers that follow one another",
    Remedy.ADD_BIASES: "biases for layers that have none",
    Remedy.ADD_POSITIONS: "positions along the sequence added to embeddings (or inputs)",
    Remedy.PERMUTE_AXES: ("permute the axes where a reshape has the sizes of a transposed tensor"),
    Remedy.FRESH_STATISTICS: "batch normalisation with momentum 0.1, its statistics begun anew",
    Remedy.KEEP_FROM_ZERO: (
        "1e-8 added to arguments of logarithms, roots and divisions that are 0; logarithms of sums "
        "of exponentials taken at once"
    ),
    Remedy.KEEP_GRAPH: "derivatives in the loss taken with create_graph=True",
    Remedy.LIGHTER_PENALTY: (
        "a ten-thousandth of the loss's terms that do not depend on the targets"
    ),
    Remedy.BALANCE_TERMS: "each term of the loss divided by its size at the start",
    Remedy.TEXTBOOK_LOOP: (
        "batches of mixed points, zero_grad, backward and step for each, the first step size"
    ),
    Remedy.ESCAPE_DIRECTION: "move along the direction of negative curvature, then train on",
    Remedy.WIDER_LAYERS: "four times as many units in hidden layers, drawn afresh",
    Remedy.ADD_UNIT: "add one exponential unit beside the network (Liang et al. 2018)",
}
"""What each does."""


def joined(remedies: Iterable[Remedy]) -> str:
    """The one name of remedies that are applied one after the other."""
    return "+".join(remedies)


def parts(name: str) -> tuple[Remedy, ...]:
    """The remedies that a name joins.

    Raises:
        InputError: One of them is none.
    """
    words = name.split("+")
    unknown = [word for word in words if word not in REMEDIES]
    if unknown:
        raise InputError(f"remedy: found {unknown[0]!r}, expected some of {', '.join(REMEDIES)}")
    return tuple(map(Remedy, words))
