"""The optimisers: gradient descent and its relatives, with PyTorch's conventions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from spurious.errors import InputError

OPTIMISERS: Final = ("gd", "momentum", "nesterov", "rmsprop", "adam", "adamw")
"""Every optimiser that a recipe may name."""

_DEFAULTS: Final[dict[str, dict[str, float]]] = {
    "gd": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9},
    "rmsprop": {"decay": 0.99, "epsilon": 1e-8},
    "adam": {"momentum": 0.9, "decay": 0.999, "epsilon": 1e-8},
    "adamw": {"momentum": 0.9, "decay": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
}


@dataclass(frozen=True, slots=True)
class Optimiser:
    """An update rule; with gradient g, step size s, momentum a, decay d and epsilon e it does.

    ========  ==================================================================================
    gd        theta -= s g
    momentum  m = a m + g;  theta -= s m
    nesterov  m = a m + g;  theta -= s (g + a m)
    rmsprop   v = d v + (1 - d) g^2;  theta -= s g / (sqrt(v) + e)
    adam      m = a m + (1 - a) g;  v = d v + (1 - d) g^2;
              theta -= s m' / (sqrt(v') + e) with m' = m / (1 - a^t), v' = v / (1 - d^t)
    adamw     as adam, and theta -= s w theta with the theta before, w the weight decay
    ========  ==================================================================================

    g is the gradient of the loss with its penalty, which is what PyTorch calls weight_decay but for
    AdamW: the penalty `l2` gives what `weight_decay` of twice as much gives there.

    Source: the documentation of torch.optim; Kingma & Ba 2015 for Adam, Loshchilov & Hutter 2019
    for AdamW.

    Attributes:
        name: One of `OPTIMISERS`.
        step_size: The learning rate, positive.
        momentum: In [0, 1); by default 0.9. Adam's beta_1.
        decay: Of the mean square, in [0, 1); by default 0.999 for adam (beta_2), 0.99 for rmsprop.
        epsilon: Positive; by default 1e-8.
        weight_decay: Of adamw, not negative; by default 0.01.
        biases: Of adamw, whether biases decay too; by default they do.

    Raises:
        InputError: An unknown name, a number out of range, or one that the optimiser does not use.
    """

    name: str
    step_size: float
    momentum: float | None = None
    decay: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None
    biases: bool | None = None

    def __post_init__(self) -> None:
        if self.name not in OPTIMISERS:
            raise InputError(
                f"optimiser.name: found {self.name!r}, expected one of {', '.join(OPTIMISERS)}"
            )
        if not (0 < self.step_size < math.inf):
            raise InputError(
                f"optimiser.step_size: found {self.step_size!r}, expected a positive number"
            )
        for field, high in (
            ("momentum", 1.0),
            ("decay", 1.0),
            ("epsilon", math.inf),
            ("weight_decay", math.inf),
        ):
            self._settle(field, high)
        if self.name == "adamw" and self.biases is None:
            object.__setattr__(self, "biases", True)
        elif self.name != "adamw" and self.biases is not None:
            raise InputError(
                f"optimiser.biases: found {self.biases!r}, but {self.name} lets nothing decay by "
                "itself; leave it out"
            )

    def _settle(self, field: str, high: float) -> None:
        """Fills in a default, or checks what was given."""
        default, found = _DEFAULTS[self.name].get(field), getattr(self, field)
        if found is None:
            object.__setattr__(self, field, default)
        elif default is None:
            advice = "leave it out"
            if field == "weight_decay":
                advice += ", or give the penalty l2 = weight_decay / 2, or take adamw"
            raise InputError(
                f"optimiser.{field}: found {found!r}, but {self.name} has none; {advice}"
            )
        elif not (0 <= found < high) or (field == "epsilon" and found == 0):
            interval = "[0, 1)" if high == 1 else f"{'(' if field == 'epsilon' else '['}0, inf)"
            raise InputError(f"optimiser.{field}: found {found!r}, expected a number in {interval}")
