# pyright: basic
"""Where numbers first become infinite or NaN in training: the operation, the layer, the points.

Before each step of an optimiser one gradient is looked at, that of the first layer, through which
NaN from anywhere passes. If it is not finite, the weights still are: the forward pass is made again
on the same batch, with a look at what each operation takes and gives, and then backwards from the
outputs.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.preserve import untouched
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.watch.hook import Hook

OF_ALL_UNITS: Final = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose weights (units, inputs, ...) each have a gradient that sums over all points."""

WHOLE: Final = 1 << 19
"""Numbers of a gradient that are summed in no more time than it takes to pick some of them."""

SHOWN: Final = 8
"""Points listed."""


@dataclass
class _Call:
    """One operation of the forward pass made again."""

    name: str
    layer: str
    inputs: list[Tensor]


@dataclass
class _Seen:
    """What was seen of the pass: the first operation that gave what is not finite."""

    calls: list[_Call] = field(default_factory=list[_Call])
    forward: tuple[_Call, Tensor] | None = None
    backward: tuple[_Call, Tensor] | None = None


class FirstNaN:
    """Waits for the first gradient that is not finite, and says where it comes from.

    Attributes:
        found: The finding, once there is one.
        weights: Parameters and buffers at that moment, by name: the last that were finite.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.found: Finding | None = None
        self.weights: dict[str, Tensor] = {}
        self._first = next((p for p in model.parameters() if p.requires_grad), None)
        self._one_input = any(
            isinstance(m, OF_ALL_UNITS) and m.weight is self._first and m.weight.numel() > WHOLE
            for m in model.modules()
        )
        self._own = {id(p) for p in model.parameters()}
        self._trains = WeakKeyDictionary[Optimizer, tuple[int, bool]]()  # groups, whether own
        self._args: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._handles = [
            model.register_forward_pre_hook(Hook(self._keep), with_kwargs=True),
            register_optimizer_step_pre_hook(self._check),
        ]

    def stop(self) -> None:
        """Takes the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._args = [], None

    def _keep(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if module.training:
            self._args = (args, kwargs)

    def _check(self, optimiser: Any, *_: Any) -> None:
        p, groups = self._first, optimiser.param_groups
        many, trains = self._trains.get(optimiser, (0, False))
        if many != len(groups):
            held = {id(q) for group in groups for q in group["params"]}
            trains = bool(held & self._own)
            self._trains[optimiser] = (len(groups), trains)
        if not trains or p is None or p.grad is None or self._args is None:
            return
        gradient = p.grad
        if self._one_input:  # NaN times any input is NaN: one input shows all units
            gradient = gradient[(slice(None), *(0,) * (gradient.ndim - 1))]
        if cmath.isfinite(gradient.sum().item()):  # then all of them are
            return
        if bool(torch.isfinite(gradient).all()):
            return
        self.found = _located(self.model, *self._args)
        state = (*self.model.named_parameters(), *self.model.named_buffers())
        self.weights = {name: value.detach().clone() for name, value in state}
        self.stop()


class _Look(TorchFunctionMode):
    """Looks at every operation's results, and at their gradients."""

    def __init__(self, seen: _Seen, layers: list[str]) -> None:
        super().__init__()
        self.seen, self.layers = seen, layers

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        values = (*args, *(kwargs or {}).values())
        inputs = [v for v in values if isinstance(v, Tensor) and v.is_floating_point()]
        results = out if isinstance(out, (tuple, list)) else (out,)
        tensors = [t for t in results if isinstance(t, Tensor) and t.is_floating_point()]
        if not tensors or not inputs:
            return out
        name = getattr(func, "__name__", str(func)).strip("_")
        call = _Call(name, self.layers[-1] if self.layers else "", inputs)
        self.seen.calls.append(call)
        if self.seen.forward is None:
            bad = next((t for t in tensors if not bool(torch.isfinite(t.detach()).all())), None)
            if bad is not None:
                self.seen.forward = (call, bad.detach())
        for tensor in inputs:
            if tensor.requires_grad:
                tensor.register_hook(lambda g, call=call: self._gradient(g, call))
        return out

    def _gradient(self, gradient: Tensor, call: _Call) -> None:
        if self.seen.backward is None and not bool(torch.isfinite(gradient).all()):
            self.seen.backward = (call, gradient.detach())


def _located(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Finding:
    """Makes the pass again, forwards and backwards."""
    names = {id(module): name or "model" for name, module in model.named_modules()}
    layers: list[str] = []
    seen = _Seen()

    def enter(module: nn.Module, _: Any) -> None:
        if id(module) in names:
            layers.append(names[id(module)])

    def leave(module: nn.Module, *_: Any) -> None:
        if id(module) in names and layers:
            layers.pop()

    handles = [
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(leave, always_call=True),
    ]
    output = None
    with untouched(model), torch.enable_grad():
        try:
            with _Look(seen, layers):
                output = output_tensor(model(*args, **kwargs))
        finally:
            for handle in handles:
                handle.remove()
        if seen.forward is None and output is not None and output.requires_grad:
            fixed = torch.Generator().manual_seed(0)
            slope = torch.randn(output.shape, generator=fixed).to(output)
            trained = [p for p in model.parameters() if p.requires_grad]
            torch.autograd.grad(output, trained, slope, allow_unused=True)
    return _finding(seen, output)


def _finding(seen: _Seen, output: Tensor | None) -> Finding:
    if seen.forward is not None:
        call, result = seen.forward
        return _of(call, result, "forward", "gives numbers that are not finite")
    if seen.backward is not None:
        call, result = seen.backward
        return _of(call, result, "backward", "passes a gradient back that is not finite")
    where = "" if output is None else f" outputs of shape {tuple(output.shape)} {_range(output)}."
    return Finding(
        Kind.NOT_FINITE,
        Severity.CRITICAL,
        None,
        {"where": "the loss"},
        "The first gradient that is not finite comes from the loss, or from what lies between it "
        f"and the model's outputs: these are finite, and so is what they pass back.{where}",
        (Remedy.SMALLER_STEP,),
    )


def _of(call: _Call, result: Tensor, way: str, does: str) -> Finding:
    taken = ", ".join(f"{tuple(t.shape)} {_range(t)}" for t in call.inputs)
    bad = ~torch.isfinite(result)
    rows = bad.flatten(1).any(1) if result.ndim > 1 else bad
    points = rows.nonzero().flatten().tolist() if result.ndim else []
    some = "" if not points or bool(rows.all()) else f" in rows {points[:SHOWN]}"
    return Finding(
        Kind.NOT_FINITE,
        Severity.CRITICAL,
        call.layer or None,
        {
            "where": way,
            "operation": call.name,
            "shapes": [list(t.shape) for t in call.inputs],
            "rows": points[:SHOWN],
        },
        f"In the {way} pass {call.name} in {call.layer or 'the model'} is the first that {does}"
        f"{some}. It took {taken}.",
        (Remedy.SMALLER_STEP, Remedy.STANDARDISE_INPUTS),
    )


def _range(values: Tensor) -> str:
    values = values.detach()
    if not values.numel():
        return "(empty)"
    return f"between {float(values.min()):.4g} and {float(values.max()):.4g}"
