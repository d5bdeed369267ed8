# pyright: basic
"""Operators of exported programs, and the functions of torch that they are calls of."""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from spurious.program import FUNCTIONS

ATEN: Final[dict[str, Any]] = {
    f"{name}.default": getattr(torch, name, None) or getattr(F, name)
    for name in (function.torch for function in FUNCTIONS.values())
    if name
} | {
    "linear.default": F.linear,
    "conv1d.default": F.conv1d,
    "conv1d.padding": F.conv1d,
    "conv2d.default": F.conv2d,
    "conv2d.padding": F.conv2d,
    "conv3d.default": F.conv3d,
    "conv3d.padding": F.conv3d,
    "layer_norm.default": F.layer_norm,
    "group_norm.default": F.group_norm,
    "dropout.default": F.dropout,
    "reshape.default": torch.reshape,
    "view.default": Tensor.view,
    "flatten.using_ints": torch.flatten,
    "squeeze.default": torch.squeeze,
    "squeeze.dim": torch.squeeze,
    "contiguous.default": Tensor.contiguous,
    "softmax.int": F.softmax,
    "log_softmax.int": F.log_softmax,
    "relu_.default": torch.relu_,
    "relu6.default": F.relu6,
    "leaky_relu.default": F.leaky_relu,
    "prelu.default": F.prelu,
    "hardtanh.default": F.hardtanh,
    "celu.default": F.celu,
    "selu.default": F.selu,
    "sigmoid_.default": torch.sigmoid_,
    "tanh_.default": torch.tanh_,
    "log_sigmoid.default": F.logsigmoid,
    "square.default": torch.square,
    "clamp.default": torch.clamp,
    "clamp_min.default": torch.clamp_min,
}
"""Operators whose arguments stand in the same order as those of the function."""


def _operator(name: str) -> Any:
    packet, overload = name.split(".")
    return getattr(getattr(torch.ops.aten, packet), overload)


AS_FUNCTION: Final[dict[Any, Any]] = {_operator(name): known for name, known in ATEN.items()}


def plain(function: Any) -> Any:
    """The function of torch that an operator is a call of; any other function as it is."""
    return AS_FUNCTION.get(function, function)
