# pyright: basic
"""Leaves a model exactly as it was, whatever its forward pass does.

Parameters, buffers, tensors and other attributes of every module, train or eval mode, gradients
and the states of the random number generators (Python, NumPy, torch, every started GPU) are
restored, also after an exception; gradients are those objects that they were. What a forward pass
changes inside a container that a module
holds (appending to a list), or outside the model, stays changed.
"""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from spurious.errors import InputError

AS_TRAINED = "_spurious_as_trained"
"""Attribute of a model that is examined in training mode (`look_as_trained`)."""

DRAWING = (_DropoutNd, nn.RNNBase, nn.MultiheadAttention)
"""Modules that leave values out by chance in training."""


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Restores the model and the random number generators at the end."""
    modules = list(model.modules())
    attributes = [dict(module.__dict__) for module in modules]
    registers = [(dict(module._parameters), dict(module._buffers)) for module in modules]
    tensors = {id(t): t for module in modules for t in _tensors(module)}
    values = {key: tensor.detach().clone() for key, tensor in tensors.items()}
    storages = {key: tensor.data for key, tensor in tensors.items()}
    versions = {key: tensor._version for key, tensor in tensors.items()}
    grads = {key: tensor.grad for key, tensor in tensors.items() if tensor.is_leaf}
    needs = {key: tensor.requires_grad for key, tensor in tensors.items() if tensor.is_leaf}
    for key in grads:
        tensors[key].grad = None  # laid aside: a change of dtype would reach the objects themselves
    python_state, numpy_state = random.getstate(), np.random.get_state()
    cuda = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=cuda):
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        for module, kept, (parameters, buffers) in zip(modules, attributes, registers, strict=True):
            module.__dict__.clear()
            module.__dict__.update(kept)
            _refill(module._parameters, parameters)
            _refill(module._buffers, buffers)
        with torch.no_grad():
            for key, tensor in tensors.items():
                if key in grads:
                    tensor.grad = None
                if tensor.dtype != values[key].dtype or tensor.shape != values[key].shape:
                    tensor.data = storages[key]
                if tensor._version != versions[key] or not torch.equal(tensor, values[key]):
                    tensor.copy_(values[key])
                if tensor.is_leaf:
                    tensor.requires_grad_(needs[key])
                    tensor.grad = grads[key]


@contextmanager
def examined(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, but batch normalisation that is in training mode stays in it.

    So dropout is off and the outputs are those of a function; a model in training is judged on
    the batch statistics that it trains with. The fast paths of attention, which bypass hooks and
    second derivatives, are off. A model that was marked by `look_as_trained` does what it does in
    training, without dropout.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    modes = [(module, module.training) for module in model.modules()]
    as_trained = any(AS_TRAINED in module.__dict__ for module, _ in modes)
    try:
        for module, training in modes:
            norm = isinstance(module, _NormBase)
            module.training = training if norm else as_trained and not isinstance(module, DRAWING)
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, training in modes:
            module.training = training


def _tensors(module: nn.Module) -> Iterator[torch.Tensor]:
    values = (*module._parameters.values(), *module._buffers.values(), *module.__dict__.values())
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value


def _refill(register: dict, kept: dict) -> None:
    register.clear()
    register.update(kept)


def has_lost_weights(model: nn.Module) -> bool:
    """Whether a parameter is not finite."""
    return not all(bool(torch.isfinite(p.detach()).all()) for p in model.parameters())


def put_back(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Gives parameters and buffers the values that they had, by name."""
    named = dict((*model.named_parameters(), *model.named_buffers()))
    with torch.no_grad():
        for name, value in weights.items():
            if name in named and named[name].shape == value.shape:
                named[name].copy_(value)


def copied(model: nn.Module) -> nn.Module:
    """A copy with weights of its own; torch's own notice about graphs it copies is not passed on.

    Raises:
        InputError: The model cannot be copied.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return copy.deepcopy(model)
    except Exception as error:
        raise InputError(f"model: cannot be copied ({error}), so nothing can be tried") from None


def seeded(seed: int = 0) -> None:
    """Seeds torch's generators.

    Where there is no accelerator, `torch.manual_seed` still writes down for each kind who asked,
    which takes longer than a step of a small model.
    """
    if torch.accelerator.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def set_training(model: nn.Module) -> None:
    """Training mode of every module; graphs of exported programs refuse `train()`."""
    for module in model.modules():
        module.training = True


def look_as_trained(model: nn.Module) -> None:
    """From now on `examined` lets this model, and its copies, do what it does in training."""
    model.__dict__[AS_TRAINED] = True


def unwrapped(model: Any) -> Any:
    """The module inside wrappers of data parallelism and compilation, and of exported programs."""
    if type(model).__name__ == "ExportedProgram":
        return model.module()
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and type(model).__name__ in ("DataParallel", "DistributedDataParallel"):
            inner = model.module
        if inner is None:
            return model
        model = inner
