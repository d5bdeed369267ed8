"""What to change, as code to paste."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from spurious.diagnose.finding import Finding
from spurious.diagnose.kinds import Kind

STANDARDISE_INPUTS: Final = """\
mean, std = x.mean(0), x.std(0).clamp_min(1e-8)
x = (x - mean) / std  # the same mean and std for new data"""

STANDARDISE_TARGETS: Final = """\
mean, std = y.mean(0), y.std(0)
y = (y - mean) / std
# predictions in their own units: model(x) * std + mean"""

NEW_OPTIMISER: Final = """\
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)  # after the last change of the model"""

CODE: Final[Mapping[Kind, str]] = {
    Kind.SOFTMAX_OVER_ONE_UNIT: (
        "# leave out the softmax, and\n"
        "loss = torch.nn.BCEWithLogitsLoss()\n"
        "probability = torch.sigmoid(model(x))  # when you need it"
    ),
    Kind.PROBABILITIES_TO_LOGITS_LOSS: (
        "# leave out the last softmax or sigmoid in the model; for probabilities\n"
        "probabilities = torch.softmax(model(x), dim=1)  # one output: torch.sigmoid(model(x))"
    ),
    Kind.LOGITS_TO_PROBABILITY_LOSS: (
        "loss = torch.nn.CrossEntropyLoss()  # classes as numbers; takes raw outputs\n"
        "# or, for targets 0 and 1:\n"
        "loss = torch.nn.BCEWithLogitsLoss()"
    ),
    Kind.OUTPUT_RANGE: (
        "# leave out the last activation of the model, so that its outputs can be any number"
    ),
    Kind.WRONG_OUTPUT_ACTIVATION: (
        "# leave out the last activation of the model, and with classes as numbers\n"
        "loss = torch.nn.CrossEntropyLoss()"
    ),
    Kind.BROADCAST_TARGETS: "loss_value = loss(model(x).reshape(y.shape), y)",
    Kind.GRADIENT_SIGN_FLIPPED: "loss_value = -loss(model(x), y)",
    Kind.OPTIMISER_MISSES_PARAMETERS: NEW_OPTIMISER,
    Kind.FROZEN_LAYERS: "model.requires_grad_(True)\n" + NEW_OPTIMISER,
    Kind.BAD_INITIAL_SCALE: (
        "for module in model.modules():  # torch's default start, instead of the present one\n"
        "    if hasattr(module, 'reset_parameters'):\n        module.reset_parameters()"
    ),
    Kind.UNSCALED_INPUTS: STANDARDISE_INPUTS,
    Kind.TARGET_SCALE: STANDARDISE_TARGETS,
    Kind.OVER_REGULARISED: (
        "for group in optimiser.param_groups:\n    group['weight_decay'] = 0.0"
    ),
    Kind.WRONG_AXIS: "probabilities = torch.softmax(outputs, dim=-1)",
    Kind.HIDDEN_SOFTMAX: "hidden = torch.relu(hidden)",
    Kind.MISSING_ZERO_GRAD: "optimiser.zero_grad()  # before each loss.backward()",
}
"""For the kinds whose mend is the same whatever the numbers."""


def with_code(found: Finding) -> Finding:
    """The finding with code that mends it, if there is some."""
    better = found.evidence.get("better_step_size")
    if isinstance(better, float):
        text = f"for group in optimiser.param_groups:\n    group['lr'] = {better:.3g}"
        return replace(found, code=text)
    if found.evidence.get("optimiser") == "Adam":
        return replace(found, code=NEW_OPTIMISER)
    text = found.code or CODE.get(found.kind, "")
    return replace(found, code=text) if text else found
