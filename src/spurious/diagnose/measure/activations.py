# pyright: basic
"""Which functions of torch are activations, and where each is off or saturated.

A unit is *off* where its derivative is zero on one side of its range for good: exactly for relu,
below `FLAT` of its largest for the smooth ones, so that gradients of points there do not reach its
weights. It is *saturated* where that is so at the end of a bounded range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from spurious.diagnose.measure.exported import plain
from spurious.problem import SMOOTH_ACTIVATIONS
from spurious.program import SMOOTH, NumpyArithmetic

FLAT: Final = 0.01
"""A smooth activation counts as flat where its derivative is below this share of its largest: a
weight behind it moves a hundred times slower than it could."""


@dataclass(frozen=True)
class Activation:
    """An activation function.

    Attributes:
        name: As in `spurious.problem.ACTIVATIONS`, where it is there.
        off: Where z is in the flat part below, or None if there is none.
        saturated: Where z is at the end of a bounded range, or None.
        kinked: Whether it is piecewise linear, bending where `on` changes.
    """

    name: str
    off: Callable[[Tensor], Tensor] | None = None
    saturated: Callable[[Tensor], Tensor] | None = None
    kinked: bool = False

    @property
    def homogeneous(self) -> bool:
        """Whether a positive factor of z is one of the value."""
        return self.name in ("relu", "leaky_relu", "abs")


def _beyond(low: float, high: float) -> Callable[[Tensor], Tensor]:
    return lambda z: (z <= low) | (z >= high)


RELU: Final = Activation("relu", off=lambda z: z <= 0, kinked=True)
SIGMOID: Final = Activation("sigmoid", saturated=_beyond(-5.98, 5.98))  # 4 s (1 - s) = 0.01
_FUNCTIONS: dict[str, tuple[Activation, tuple[object, ...]]] = {
    "relu": (RELU, (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)),
    "relu6": (
        Activation("relu6", off=lambda z: z <= 0, saturated=lambda z: z >= 6, kinked=True),
        (F.relu6,),
    ),
    "leaky_relu": (
        Activation("leaky_relu", kinked=True),
        (F.leaky_relu, F.leaky_relu_, F.prelu, torch.prelu, F.rrelu),
    ),
    "hardtanh": (
        Activation("hardtanh", saturated=_beyond(-1, 1), kinked=True),
        (F.hardtanh, F.hardtanh_),
    ),
    # exp(z) = 0.01
    "elu": (Activation("elu", off=lambda z: z <= -4.6), (F.elu, F.elu_, F.celu, F.selu)),
    # |derivative| < 0.01 below these
    "gelu": (Activation("gelu", off=lambda z: z <= -3.0), (F.gelu,)),
    "silu": (Activation("silu", off=lambda z: z <= -6.2), (F.silu,)),
    "softplus": (Activation("softplus", off=lambda z: z <= -4.6), (F.softplus,)),
    "sigmoid": (
        SIGMOID,
        (F.sigmoid, torch.sigmoid, torch.sigmoid_, Tensor.sigmoid, Tensor.sigmoid_),
    ),
    # 1 - t^2 = 0.01
    "tanh": (
        Activation("tanh", saturated=_beyond(-2.99, 2.99)),
        (F.tanh, torch.tanh, torch.tanh_, Tensor.tanh, Tensor.tanh_),
    ),
    # (1 + |z|)^-2 = 0.01
    "softsign": (Activation("softsign", saturated=_beyond(-9, 9)), (F.softsign,)),
    "abs": (Activation("abs", kinked=True), (torch.abs, Tensor.abs)),
}


def _of_table(name: str) -> tuple[Activation, tuple[object, ...]]:
    """A smooth activation that has no entry above: flat where the table's derivative says so."""
    reach = 20.0
    z = np.linspace(-reach, reach, 4001)
    slope = np.abs(NumpyArithmetic().jet(SMOOTH[name], z, 1)[1])
    live = z[slope > FLAT * slope.max()]
    low, high = float(live[0]), float(live[-1])
    functions = tuple(f for place in (F, torch, Tensor) if (f := getattr(place, name, None)))
    if low == -reach:
        return Activation(name), functions
    if high == reach:
        return Activation(name, off=lambda z: z <= low), functions
    return Activation(name, saturated=_beyond(low, high)), functions


_FUNCTIONS |= {name: _of_table(name) for name in SMOOTH_ACTIVATIONS if name not in _FUNCTIONS}
_BY_FUNCTION: dict[object, Activation] = {
    function: activation for activation, functions in _FUNCTIONS.values() for function in functions
}
_CLAMPS = (torch.clamp, Tensor.clamp, Tensor.clamp_, torch.clamp_min, Tensor.clamp_min)


_LEAKY = (F.leaky_relu, F.leaky_relu_)


def activation_of(function: object, args: tuple, kwargs: dict) -> Activation | None:
    """The activation that a call computes, or None: `relu(z)`, but also `clamp(z, min=0)`.

    A leaky relu whose slope is 1 (`LeakyReLU(True)`, say) bends nowhere, and is none.
    """
    function = plain(function)
    if is_identity(function, args, kwargs):
        return None
    found = _BY_FUNCTION.get(function)
    if found is None and function in _CLAMPS:
        low = args[1] if len(args) > 1 else kwargs.get("min")
        high = args[2] if len(args) > 2 else kwargs.get("max")
        if high is None and isinstance(low, (int, float)) and low == 0:
            return RELU
    return found


def is_identity(function: object, args: tuple, kwargs: dict) -> bool:
    """Whether a call of an activation gives back what it is given, whatever that is."""
    slope = args[1] if len(args) > 1 else kwargs.get("negative_slope")
    return plain(function) in _LEAKY and slope == 1
