"""Activations as modules of PyTorch: found by their names, which differ in capitals alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from torch import nn

from spurious.errors import InputError
from spurious.problem import ACTIVATIONS, Network

_CLASSES: Final[Mapping[str, Any]] = {
    name.lower(): value for name, value in vars(nn).items() if isinstance(value, type)
}

MODULES: Final[Mapping[str, Any]] = {
    name: _CLASSES[name] for name in ACTIVATIONS if name != "identity" and name in _CLASSES
}
"""The module of each activation that has one and no slope."""

USUAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "softplus": {"beta": 1.0},
    "gelu": {"approximate": "none"},
    "elu": {"alpha": 1.0},
}
"""Settings of modules, with the values at which they are the activations here."""

HARMLESS: Final = frozenset({"inplace", "threshold"})
"""Settings that do not change what is computed, up to rounding (of softplus, the threshold)."""


def activation_name(module: nn.Module) -> tuple[str, Fraction | None]:
    """The activation's name here, and its slope.

    Raises:
        InputError: There is none.
    """
    kind = type(module)
    if isinstance(module, nn.LeakyReLU) and kind is nn.LeakyReLU:
        return "leaky_relu", Fraction(str(float(module.negative_slope)))
    name = next((name for name, made in MODULES.items() if kind is made), None)
    if name is None:
        known = ", ".join(("LeakyReLU", *(made.__name__ for made in MODULES.values())))
        raise InputError(
            f"model: found a {kind.__name__}, expected a torch.nn.Sequential of Linear and one of "
            f"{known}"
        )
    usual = USUAL.get(name, {})
    for setting in set(getattr(module, "__constants__", ())) - HARMLESS | set(usual):
        if setting not in usual or getattr(module, setting) != usual[setting]:
            wanted = repr(usual[setting]) if setting in usual else "no such setting"
            raise InputError(
                f"model: found {kind.__name__}({setting}={getattr(module, setting)!r}), "
                f"expected {wanted}"
            )
    return name, None


def activation_module(network: Network) -> nn.Module:
    """The module of a network's activation.

    Raises:
        InputError: PyTorch has none.
    """
    if network.slope is not None:
        return nn.LeakyReLU(float(network.slope))
    made = {**MODULES, "identity": nn.Identity}
    if network.activation not in made:
        raise InputError(
            f"network.activation: found {network.activation}, which is no module of torch.nn; "
            f"expected one of {', '.join(made)}, leaky_relu"
        )
    return made[network.activation]()
