"""Reading ONNX's layers: linear maps, convolutions, pools, norms, softmax."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Final

from spurious.errors import InputError
from spurious.program.build import Handle
from spurious.program.layers import (
    extreme,
    largest_at,
    log_softmax,
    mean,
    normalised,
    softmax,
    standardised,
    variance,
)
from spurious.program.onnx.node import Call, Value
from spurious.program.onnx.rules import Rule
from spurious.program.operations import Index
from spurious.program.windows import convolution, window_means, window_places


def _gemm(call: Call) -> Value:
    left, right, added = call.real(0), call.real(1), call.maybe(2)
    left = left.transpose() if call.attribute("transA") else left
    right = right.transpose() if call.attribute("transB") else right
    found = left @ right * Fraction(call.attribute("alpha"))
    return found if added is None else found + added * Fraction(call.attribute("beta"))


# convolutions and pools


def _around(
    call: Call, space: Sequence[int], reach: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """The padding before and after along each axis."""
    kind, depth = call.attribute("auto_pad"), len(space)
    if kind == "VALID":
        return [(0, 0)] * depth
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        missing = [
            max(0, (-(-size // step) - 1) * step + width + 1 - size)
            for size, width, step in zip(space, reach, strides, strict=True)
        ]
        halves = [(total // 2, total - total // 2) for total in missing]
        return halves if kind == "SAME_UPPER" else [(b, a) for a, b in halves]
    pads = call.attribute("pads") or [0] * (2 * depth)
    return list(zip(pads[:depth], pads[depth:], strict=True))


def _steps(
    call: Call, x: Handle, window: Sequence[int]
) -> tuple[list[int], list[tuple[int, int]], list[int]]:
    """Strides, padding and dilation along each axis of space."""
    depth = len(window)
    strides = call.attribute("strides") or [1] * depth
    dilation = call.attribute("dilations") or [1] * depth
    reach = [step * (size - 1) for step, size in zip(dilation, window, strict=True)]
    return strides, _around(call, x.shape[-depth:], reach, strides), dilation


def _conv(call: Call) -> Value:
    x, kernel, bias = call.real(0), call.real(1), call.maybe(2)
    window = kernel.shape[2:]
    found = convolution(x, kernel, *_steps(call, x, window), call.attribute("group"))
    return found if bias is None else found + bias.reshape(-1, *(1,) * len(window))


def _places(call: Call, x: Handle) -> Index:
    """Positions under each window of a pool, -1 on padding."""
    if call.attribute("ceil_mode"):
        raise InputError("ceil_mode=1")
    window = call.attribute("kernel_shape")
    return window_places(x, window, *_steps(call, x, window))


def _average_pool(call: Call) -> Value:
    x = call.real(0)
    divisor = prod(call.attribute("kernel_shape")) if call.attribute("count_include_pad") else None
    return window_means(x, _places(call, x), divisor)


def _max_pool(call: Call) -> Value:
    x = call.real(0)
    return largest_at(x, _places(call, x))


def _space(x: Handle) -> list[int]:
    return list(range(2, len(x.shape)))


def _global_average(call: Call) -> Value:
    x = call.real(0)
    return mean(x, _space(x))


def _global_max(call: Call) -> Value:
    x = call.real(0)
    return extreme(x, _space(x), 1)


# norms


def _layer_norm(call: Call) -> Value:
    x, scale, shift = call.real(0), call.real(1), call.maybe(2)
    first = call.attribute("axis") % len(x.shape)
    axes = list(range(first, len(x.shape)))
    found = normalised(x, axes, Fraction(call.attribute("epsilon"))) * scale
    return found if shift is None else found + shift


def _by_channel(call: Call, found: Handle) -> Handle:
    """Scaled and shifted by one number a channel."""
    shape = (-1, *(1,) * (len(found.shape) - 2))
    return found * call.real(1).reshape(*shape) + call.real(2).reshape(*shape)


def _batch_norm(call: Call) -> Value:
    """With the statistics that the model holds, or the batch's own in training."""
    x = call.real(0)
    shape = (-1, *(1,) * (len(x.shape) - 2))
    if call.attribute("training_mode"):
        axes = [0, *_space(x)]
        average, spread = mean(x, axes), variance(x, axes)
    else:
        average, spread = (call.real(place).reshape(*shape) for place in (3, 4))
    return _by_channel(call, standardised(x, average, spread, Fraction(call.attribute("epsilon"))))


def _instance_norm(call: Call) -> Value:
    x = call.real(0)
    return _by_channel(call, normalised(x, _space(x), Fraction(call.attribute("epsilon"))))


def _softmax(rule: Callable[[Handle, int], Handle]) -> Rule:
    def read(call: Call) -> Value:
        x, axis = call.real(0), call.attribute("axis")
        if call.opset >= 13:
            return rule(x, axis)
        axis %= len(x.shape)  # older versions: over all axes from this one on
        return rule(x.reshape(prod(x.shape[:axis]), -1), 1).reshape(*x.shape)

    return read


LAYERS: Final[Mapping[str, Rule]] = {
    "Gemm": _gemm,
    "Conv": _conv,
    "AveragePool": _average_pool,
    "MaxPool": _max_pool,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_max,
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "Softmax": _softmax(softmax),
    "LogSoftmax": _softmax(log_softmax),
}
"""By ONNX's names."""
