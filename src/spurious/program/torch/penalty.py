"""Weight decay as a part of the loss, as arguments or an optimiser give it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

import torch

from spurious.errors import InputError
from spurious.program.decay import decay_of, uniform_decays

COUPLED: Final = (
    *("SGD", "ASGD", "Adam", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta"),
    *("LBFGS", "Rprop", "SparseAdam"),
)
"""Optimisers that add weight_decay times the parameter to the gradient, or have no decay."""


def trained(
    model: torch.nn.Module, optimiser: torch.optim.Optimizer | None
) -> dict[str, torch.nn.Parameter]:
    """The parameters that training moves, by name; tied ones once, by their first name."""
    chosen = None
    if optimiser is not None:
        chosen = {id(p) for group in optimiser.param_groups for p in group["params"]}
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and (chosen is None or id(parameter) in chosen)
    }


def decays(
    parameters: Mapping[str, torch.nn.Parameter],
    weight_decay: float | Fraction,
    biases: bool,
    optimiser: torch.optim.Optimizer | None,
) -> dict[str, Fraction]:
    """The weight decay of each parameter.

    Raises:
        InputError: It is no finite number of 0 or more, it is given twice, or the optimiser does
            not descend on a loss with a penalty.
    """
    if optimiser is None:
        return uniform_decays(parameters, weight_decay, biases)
    if weight_decay or not biases:
        raise InputError(
            "weight_decay: found it beside an optimiser, expected one of the two; "
            "the optimiser's own weight_decay is used"
        )
    by_id = dict(_of_groups(optimiser.param_groups, type(optimiser).__name__))
    return {name: by_id[id(parameter)] for name, parameter in parameters.items()}


def _of_groups(groups: Iterable[Mapping[str, Any]], kind: str) -> Iterable[tuple[int, Fraction]]:
    for group in groups:
        decay = decay_of(group.get("weight_decay", 0))
        if group.get("maximize"):
            raise InputError("optimiser: found maximize=True, expected one that minimises")
        if decay and (kind not in COUPLED or group.get("decoupled_weight_decay")):
            raise InputError(
                f"optimiser: found {kind} with decoupled weight_decay {float(decay):g}, which "
                "belongs to no loss; expected SGD or Adam, or weight_decay=0"
            )
        yield from ((id(parameter), decay) for parameter in group["params"])
