"""Checks of what is computed between the layers."""

from __future__ import annotations

from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.mixing import Mixing
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy, joined

LEFT: Final = 0.5
"""A linear predictor that keeps half of the best constant's loss leaves something to be won."""

STRAIGHT: Final = 1e-3
"""Deviation at midpoints of a model that is affine but for rounding."""


def wrong_axis(scene: Scene) -> Finding | None:
    """A softmax over the points of a batch, or outputs that depend on other points."""
    over = scene.model.softmaxes_over_points
    if over:
        return Finding(
            Kind.WRONG_AXIS,
            Severity.CRITICAL,
            over[0].where,
            {"softmax_axis": 0, "points": over[0].size},
            f"Give the softmax in {over[0].where} the axis of the classes (dim=-1): it runs over "
            f"axis 0, the {over[0].size} points of the batch, so a point's output depends on which "
            "others are in the batch.",
            (),
        )
    line = scene.in_the_loss.softmax_of_points
    known = scene.landscape.constant_loss is not None
    if line and scene.training.begun and known and scene.is_poor:  # else it may be a ranked list
        return Finding(
            Kind.WRONG_AXIS,
            Severity.WARNING,
            None,
            {"softmax_over_points": line},
            f"Give the softmax in {line} the axis of the classes (dim=-1): it runs over axis 0, "
            "the points of the batch, so that outputs of other points decide what each point's "
            "are worth.",
            (),
        )
    wrong = sorted(scene.model.structure.batch_as_time)
    if wrong and scene.falls_short:
        return Finding(
            Kind.WRONG_AXIS,
            Severity.CRITICAL,
            wrong[0],
            {"layers": wrong},
            f"Give {wrong[0]} batch_first=True: it takes the first axis for the steps of a "
            "sequence, and gets (points, steps, features), so that points look at one another and "
            "not at their own steps.",
            (),
            "layer = torch.nn.TransformerEncoderLayer(d, heads, batch_first=True)  # LSTM, too",
        )
    if scene.model.mixes:
        placed = scene.model.mixing is Mixing.PLACES  # else the points may be nodes of one graph
        return Finding(
            Kind.WRONG_AXIS,
            Severity.WARNING if scene.training.begun or placed else Severity.INFO,
            None,
            {"points_mixed": True},
            "Check which axis is the batch (batch_first=True in recurrent and attention layers): "
            "changing one point's input changes the outputs of other points in the batch.",
            (),
        )
    return None


def one_feature_norm(scene: Scene) -> Finding | None:
    """A normalisation of single numbers."""
    structure = scene.model.structure
    names, pairs = sorted(structure.empty_norms), sorted(structure.paired_norms)
    if not names and pairs and scene.falls_short:
        return Finding(
            Kind.ONE_FEATURE_NORM,
            Severity.WARNING,
            pairs[0],
            {"layers": pairs},
            f"Use more features (a wider model), or leave out the normalisation in {pairs[0]}: it "
            "normalises two numbers, which leaves nothing but which of them is larger.",
            (),
        )
    if not names:
        return None
    return Finding(
        Kind.ONE_FEATURE_NORM,
        Severity.CRITICAL,
        names[0],
        {"layers": names},
        f"Use more features (a wider model), or leave out the normalisation in {names[0]}: it "
        "normalises a single number, which gives the same constant for every input.",
        (),
    )


def missing_nonlinearity(scene: Scene) -> Finding | None:
    """Layers in a row with nothing that bends, and an affine model of data that are not."""
    chained = sorted(scene.model.structure.chained)
    if not chained or not scene.model.affine:
        return None
    landscape = scene.landscape
    linear, constant = landscape.linear_loss, landscape.constant_loss
    if linear is None or not constant or linear < LEFT * constant:
        return None
    return nothing_bends(
        scene,
        {"linear_loss": linear},
        f"the best of these has the loss {linear:.4g} (a constant: {constant:.4g})",
    )


def nothing_bends(scene: Scene, shown: dict[str, object], why: str) -> Finding:
    """The finding, for what shows that a linear map is not enough."""
    chained = sorted(scene.model.structure.chained)
    below, above = chained[0]
    return Finding(
        Kind.MISSING_NONLINEARITY,
        Severity.WARNING,
        above,
        {"layers_in_a_row": [f"{a}, {b}" for a, b in chained]} | shown,
        f"Put an activation between {below} and {above}: nothing between the model's layers bends, "
        f"so together they are one linear map, and {why}.",
        (
            Remedy.INSERT_ACTIVATION,
            joined((Remedy.REDRAW_WEIGHTS, Remedy.INSERT_ACTIVATION)),
            joined((Remedy.REDRAW_WEIGHTS, Remedy.WIDER_LAYERS, Remedy.INSERT_ACTIVATION)),
        ),
    )


def linear_model(scene: Scene) -> Finding | None:
    """One affine layer, trained as far as it can be, where neighbours predict better."""
    landscape = scene.landscape
    linear, constant = landscape.linear_loss, landscape.constant_loss
    if scene.model.structure.chained or not scene.model.affine or not scene.training.begun:
        return None
    if linear is None or not constant or linear < thresholds.POOR * constant:
        return None
    if not landscape.loss <= 1.1 * constant or scene.data.neighbours < LEFT:
        return None
    return Finding(
        Kind.LINEAR_MODEL,
        Severity.WARNING,
        None,
        {
            "linear_loss": linear,
            "constant_loss": constant,
            "neighbours_explain": scene.data.neighbours,
        },
        "Add a hidden layer: the model is linear, and no linear map of these inputs does better "
        f"than {linear:.4g} (a constant: {constant:.4g}), while nearest neighbours explain "
        f"{scene.data.neighbours:.0%} of the targets.",
        (),
    )


def equal_factors(scene: Scene) -> Finding | None:
    """Embeddings of which all numbers of a row are the same: so are their gradients."""
    names = scene.weights.equal_columns
    if not names:
        return None
    return Finding(
        Kind.DUPLICATED_UNITS,
        Severity.CRITICAL,
        names[0],
        {"embeddings": list(names)},
        f"Start {', '.join(names[:4])} at random: all numbers of a row are the same, so they get "
        "the same gradients and stay alike, and are worth as much as a single one.",
        (Remedy.REDRAW_WEIGHTS,),
        "torch.nn.init.normal_(table.weight, std=0.1)",
    )


def no_second_derivative(scene: Scene) -> Finding | None:
    """Second derivatives of units that have none."""
    if not scene.model.bends_vanish:
        return None
    return Finding(
        Kind.NO_SECOND_DERIVATIVE,
        Severity.CRITICAL,
        None,
        {"second_derivatives": 0.0},
        "Use smooth units (tanh, sin, softplus) where the loss holds second derivatives by the "
        "inputs: they are exactly 0 on every point, since relu and the like are made of straight "
        "pieces, so what the loss asks of them has no effect.",
        (Remedy.SMOOTH_UNITS, joined((Remedy.REDRAW_WEIGHTS, Remedy.SMOOTH_UNITS))),
        "model = torch.nn.Sequential(torch.nn.Linear(d, 64), torch.nn.Tanh(), ...)  # not ReLU",
    )


def hidden_softmax(scene: Scene) -> Finding | None:
    """A softmax between layers, where a hidden activation is meant."""
    fed = sorted(name for name, always in scene.model.structure.simplex_fed.items() if always)
    if not fed or not scene.is_poor:
        return None
    return Finding(
        Kind.HIDDEN_SOFTMAX,
        Severity.WARNING,
        fed[0],
        {"layers_fed_with_probabilities": fed},
        f"Use relu or tanh instead of the softmax in front of {fed[0]}: its inputs are "
        "probabilities that add up to 1, so that hardly any differences between points pass.",
        (),
    )
