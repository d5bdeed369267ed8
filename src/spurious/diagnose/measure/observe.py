# pyright: basic
"""Watches a forward pass from inside: every activation and every affine layer, wherever called.

A `TorchFunctionMode` sees each call of a public torch function, so activations are found whether
they are modules (`nn.ReLU`), functions (`F.relu`) or methods (`z.relu()`); global module hooks
tell which module is running. Nothing is registered on the model. Fused calls of LSTM, GRU and
attention are computed again step by step beside the call; what runs inside scripted or compiled
code is not seen.
"""

from __future__ import annotations

import cmath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.accumulate import AffineTotals, Feeding, UnitTotals, pattern_code
from spurious.diagnose.measure.activations import (
    SIGMOID,
    Activation,
    activation_of,
    is_identity,
)
from spurious.diagnose.measure.exported import plain
from spurious.diagnose.measure.inside import ATTENTIONS, RECURRENT, attention_of, recurrent_of
from spurious.diagnose.measure.structure import (
    ENDS,
    SOFTMAXES,
    Softmax,
    StructureSeen,
    implicit_axis,
    norm_entries,
)

DENSE = (F.linear,)
CONVOLUTIONS = (
    F.conv1d,
    F.conv2d,
    F.conv3d,
    torch.conv1d,
    torch.conv2d,
    torch.conv3d,
)
NORMS = {
    F.batch_norm: ("input", "running_mean", "running_var", "weight", "bias"),
    F.layer_norm: ("input", "normalized_shape", "weight", "bias"),
    F.group_norm: ("input", "num_groups", "weight", "bias"),
    F.instance_norm: ("input", "running_mean", "running_var", "weight", "bias"),
    F.rms_norm: ("input", "normalized_shape", "weight"),
    torch.ops.aten.batch_norm.default: ("input", "weight", "bias"),
}
BATCH_NORMS = (F.batch_norm, torch.ops.aten.batch_norm.default)
"""Affine for given statistics."""

PASSING = (
    F.dropout,
    F.dropout1d,
    F.dropout2d,
    Tensor.reshape,
    Tensor.view,
    Tensor.flatten,
    Tensor.squeeze,
    Tensor.unflatten,
    Tensor.unsqueeze,
    Tensor.contiguous,
    Tensor.float,
    torch.flatten,
    torch.reshape,
    torch.squeeze,
    torch.unflatten,
    torch.unsqueeze,
)
MIXING = (
    F.adaptive_avg_pool1d,
    F.adaptive_avg_pool2d,
    F.adaptive_avg_pool3d,
    F.avg_pool1d,
    F.avg_pool2d,
    F.avg_pool3d,
    Tensor.mean,
    Tensor.sum,
    Tensor.permute,
    Tensor.transpose,
    Tensor.movedim,
    torch.mean,
    torch.sum,
    torch.permute,
    torch.transpose,
    torch.movedim,
)
"""Linear functions behind which a layer's outputs are other numbers, or lie elsewhere."""

FEEDS, HOLDS = "_spurious_feeds", "_spurious_holds"
STRAIGHT = "_spurious_straight"
"""The layer that a tensor comes from with nothing in between that bends, also behind `MIXING`."""

LAST = "_spurious_last"


class Observer:
    """Collects the totals of all layers over the batches that run inside `batch`.

    Attributes:
        units: Totals of layers of units, in the order of their first call.
        affine: Totals of affine layers.
        codes: Codes of the points' activation patterns, one tensor for each batch.
        skipped: Names of activations whose points cannot be told apart.
        structure: What is computed between the layers.
    """

    def __init__(self, model: nn.Module, patterns: bool = True) -> None:
        self.patterns = patterns
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.names = {id(p): name for name, p in model.named_parameters(remove_duplicate=False)}
        self.units: dict[tuple[str, int], UnitTotals] = {}
        self.affine: dict[tuple[str, int], AffineTotals] = {}
        self.codes: list[Tensor] = []
        self.skipped: set[str] = set()
        self.not_finite = ""
        self.structure = StructureSeen()
        self._stack: list[str] = []
        self._looked: set[str] = set()

    @contextmanager
    def batch(self, size: int) -> Iterator[None]:
        """Watches one forward pass of `size` points."""
        self._size, self._calls = size, {}
        self._code: Tensor | None = None
        self._stack.clear()
        handles = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ]
        try:
            with _Mode(self):
                yield
        finally:
            for handle in handles:
                handle.remove()
        if self._code is not None:
            self.codes.append(self._code)

    def mark_output(self, output: Tensor) -> None:
        """Notes that a tensor is the model's output: an activation there is no hidden layer."""
        key = getattr(output, HOLDS, None)
        if key in self.units:
            self.units[key].is_output = True
        self.structure.ends = getattr(output, LAST, ())

    def _enter(self, module: nn.Module, given: tuple[object, ...]) -> None:
        if id(module) not in self.paths:
            return
        self._stack.append(self.paths[id(module)])
        z = given[0] if given else None
        if isinstance(module, nn.RNNBase) and isinstance(z, Tensor):
            self._note_steps(module, z, fresh=len(given) < 2 or given[1] is None)
        if getattr(module, "batch_first", None) is not False or not isinstance(z, Tensor):
            return
        if z.ndim == 3 and z.shape[0] == self._size != z.shape[1]:
            self.structure.batch_as_time.add(self.paths[id(module)])

    def _note_steps(self, module: nn.RNNBase, z: Tensor, fresh: bool) -> None:
        name = self.paths[id(module)]
        _, again = self._key(name, "steps")  # a state may also be handed on by keyword
        single = (
            fresh and z.ndim == 3 and z.shape[1 if module.batch_first else 0] == 1 and not again
        )
        self.structure.one_step[name] = single and self.structure.one_step.get(name, True)

    def _leave(self, module: nn.Module, _: object, __: object) -> None:
        if id(module) in self.paths and self._stack:
            self._stack.pop()

    def _key(self, name: str, what: str) -> tuple[str, int]:
        """A name for this call: of the module, and how often it made such a call before."""
        count = self._calls.get((name, what), 0)
        self._calls[name, what] = count + 1
        return name, count

    @property
    def _here(self) -> str:
        return self._stack[-1] if self._stack else ""

    def affine_call(self, inputs: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor, dense):
        """A linear or convolutional layer has been computed."""
        own = self.names.get(id(weight)) or ""
        key = self._key(self._here or own.rpartition(".")[0], "affine")
        if key not in self.affine:
            name = _numbered(*key)
            self.affine[key] = AffineTotals(name, self.names.get(id(weight)), weight, bias)
        self.affine[key].add(inputs, out, dense)
        below: tuple[str, int] | None = _straight_from(inputs)
        if below is not None:
            self.structure.chained.add((_numbered(*below), _numbered(*key)))
        if dense and inputs.requires_grad:
            self.structure.note_simplex(_numbered(*key), inputs)
        names = self.names.get(id(weight)), self.names.get(id(bias))
        setattr(out, FEEDS, Feeding(key, weight, bias, *names, not dense))
        self._check(out, _numbered(*key))

    def activation_call(self, z: Tensor, act: Activation) -> tuple[str, int]:
        """An activation is about to be computed."""
        feeds: Feeding | None = getattr(z, FEEDS, None)
        key = self._key(feeds.key[0] if feeds else self._here, f"activation {self._here}")
        if feeds and key[1] == 0:
            key = feeds.key
        spatial = feeds.spatial if feeds else z.ndim >= 4
        rows = _rows(z, self._size, spatial)
        if rows is None:
            self.skipped.add(_numbered(*key))
            return key
        if key not in self.units:
            self.units[key] = UnitTotals(_numbered(*key), _numbered(key[0], 0), act, feeds)
        self.units[key].add(rows)
        if act.kinked and self.patterns:
            code = pattern_code(rows.detach(), act)
            # later layers count with another odd factor, so that equal layers do not cancel
            factor = 2 * len(self._calls) + 1
            self._code = code * factor if self._code is None else self._code * 31 + code * factor
        return key

    def softmax_call(self, z: Tensor, axis: int, out: Tensor, is_log: bool) -> None:
        """A softmax, or its logarithm, has been computed along an axis."""
        axis %= max(z.ndim, 1)
        over_points = axis == 0 and z.ndim > 1 and z.shape[0] == self._size
        found = Softmax(self._here or "model", z.shape[axis], over_points, z.ndim == 2, is_log)
        self.structure.softmaxes[found.where] = found
        setattr(out, LAST, (*getattr(z, LAST, ()), "log_softmax" if is_log else "softmax"))

    def recurrent_call(self, function: Any, args: tuple, out: Any) -> None:
        """A fused recurrent layer has been computed; its first batch is looked into."""
        name = _numbered(*self._key(self._here, "recurrent"))
        if name in self._looked:
            return
        self._looked.add(name)
        found = recurrent_of(function, args)
        steps, layers = (out[0].shape[1] if args[-1] else len(out[0])), args[4]
        self.structure.recurrent_steps += steps * layers if isinstance(layers, int) else steps
        if found is None:
            return
        assert SIGMOID.saturated is not None
        with torch.no_grad():
            for gate, z in found.gates():
                share = float(SIGMOID.saturated(z).double().mean())
                self.structure.gates[f"{name} ({gate})"] = share
        sequence = out[0]
        batch_first = bool(args[8])
        if isinstance(sequence, Tensor) and sequence.requires_grad:

            def slope_known(slope: Tensor) -> None:
                slope = slope if batch_first else slope.transpose(0, 1)
                sizes = found.signals(slope)
                largest = max(sizes, default=0.0)
                if largest > 0:
                    self.structure.through_time[name] = sizes[0] / largest

            sequence.register_hook(slope_known)

    def attention_call(self, function: Any, args: tuple, kwargs: dict) -> None:
        """Fused attention is computed; its first batch is looked into."""
        name = _numbered(*self._key(self._here, "attention"))
        if name not in self._looked:
            self._looked.add(name)
            found = attention_of(function, args, kwargs)
            if found is not None:
                self.structure.attentions[name] = found

    def norm_call(self, entries: int) -> None:
        """A normalisation over so many numbers has been computed."""
        if entries == 1:
            self.structure.empty_norms.add(self._here or "model")
        if entries == 2:
            self.structure.paired_norms.add(self._here or "model")

    def _check(self, values: Tensor, name: str) -> None:
        values = values.detach()
        if self.not_finite or cmath.isfinite(values.sum().item()):  # then all of them are
            return
        if not bool(torch.isfinite(values).all()):
            self.not_finite = name or "the model"


class _Mode(TorchFunctionMode):
    """Passes every call on and tells the observer of those that matter."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self.observer = observer

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        kwargs = kwargs or {}
        act = activation_of(func, args, kwargs)
        if act is not None:
            z = args[0] if args else kwargs["input"]
            key = self.observer.activation_call(z, act)
            ends = (*getattr(z, LAST, ()), act.name)
            out = func(*args, **kwargs)
            setattr(out, HOLDS, key)
            setattr(out, LAST, ends)
            if hasattr(out, FEEDS):
                delattr(out, FEEDS)
            return out
        out = func(*args, **kwargs)
        func = plain(func)
        if func in DENSE or func in CONVOLUTIONS:
            self._affine(func, args, kwargs, out)
        elif func in SOFTMAXES and isinstance(out, Tensor):
            names = dict(zip(("input", "dim"), args, strict=False)) | kwargs
            axis = names.get("dim")
            axis = axis if isinstance(axis, int) else implicit_axis(out)
            self.observer.softmax_call(names["input"], axis, out, SOFTMAXES[func])
        elif func in ENDS:
            setattr(out, LAST, (*getattr(args[0], LAST, ()), ENDS[func]))
        elif self.observer.patterns and func in RECURRENT:
            self.observer.recurrent_call(func, args, out)
        elif self.observer.patterns and func in ATTENTIONS:
            self.observer.attention_call(func, args, kwargs)
        elif func in MIXING and isinstance(out, Tensor):
            setattr(out, STRAIGHT, _straight_from(args[0] if args else kwargs["input"]))
        elif (func in NORMS or func in PASSING or is_identity(func, args, kwargs)) and isinstance(
            out, Tensor
        ):
            before = args[0] if args else kwargs.get("input")
            for tag in (FEEDS,) if func in NORMS else (FEEDS, HOLDS, LAST, STRAIGHT):
                if hasattr(before, tag):
                    setattr(out, tag, getattr(before, tag))
            names = dict(zip(NORMS.get(func, ()), args, strict=False)) | kwargs
            if func in NORMS:
                self.observer.norm_call(norm_entries(func, names))
            if func in NORMS and hasattr(out, FEEDS):
                norm = names.get("weight"), names.get("bias")
                fed = getattr(out, FEEDS)
                straight = fed.straight and func in BATCH_NORMS
                setattr(out, FEEDS, replace(fed, norm=norm, straight=straight))
        return out

    def _affine(self, func: Any, args: tuple, kwargs: dict, out: Tensor) -> None:
        names = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        weight, bias = names["weight"], names.get("bias")
        self.observer.affine_call(names["input"], weight, bias, out, func in DENSE)


def _straight_from(z: Tensor) -> tuple[str, int] | None:
    """The layer that gave a tensor, if nothing in between bends."""
    feeds: Feeding | None = getattr(z, FEEDS, None)
    return feeds.key if feeds and feeds.straight else getattr(z, STRAIGHT, None)


def _rows(z: Tensor, size: int, spatial: bool) -> Tensor | None:
    """Z as (batch, units, positions), or None if no axis is the batch."""
    if z.ndim < 2:
        return z.reshape(-1, 1, 1) if z.ndim == 1 and len(z) == size else None
    if z.shape[0] != size:
        if z.ndim < 3 or z.shape[1] != size:
            return None
        z = z.transpose(0, 1)
    if spatial:
        return z.reshape(z.shape[0], z.shape[1], -1)
    return z.reshape(z.shape[0], -1, z.shape[-1]).transpose(1, 2)


def _numbered(name: str, count: int) -> str:
    shown = name or "model"
    return f"{shown} (call {count + 1})" if count else shown
