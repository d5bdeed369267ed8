# pyright: basic
"""A model, its data and its loss, as `torch.export` traces them, as a program."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import torch
from torch.export import ExportedProgram, default_decompositions
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.decay import with_squares
from spurious.program.exact_array import exact_array, fractions
from spurious.program.program import Program
from spurious.program.torch.gradients import ancestors, check_dropout, check_gradients
from spurious.program.torch.penalty import decays, trained
from spurious.program.torch.reader import READ, Reader, is_read
from spurious.program.torch.values import Value, as_handle


def read(
    model: torch.nn.Module,
    x: Any,
    y: Any,
    loss: Callable[[Any, Any], torch.Tensor],
    weight_decay: float | Fraction = 0.0,
    biases: bool = True,
    optimiser: torch.optim.Optimizer | None = None,
) -> tuple[Program, tuple[Fraction, ...]]:
    """The program and the parameters, shape (P,), that `spurious.from_torch` speaks of."""
    whole = _WithLoss(model, loss)
    parameters = trained(whole, optimiser)
    if not parameters:
        raise InputError("model: found no trained parameter, expected at least 1")
    names = {name: name.removeprefix("model.") for name in parameters}
    penalties = decays(parameters, weight_decay, biases, optimiser)
    exported = _exported(whole, x, y)
    builder = Builder()
    blocks = {name: builder.param(names[name], p.shape) for name, p in parameters.items()}
    _check(exported, whole, parameters)
    handles = {id(parameter): blocks[name] for name, parameter in parameters.items()}
    total, outputs = _read(exported, whole, builder, handles, (x, y))
    total = with_squares(total, blocks, {name: decay / 2 for name, decay in penalties.items()})
    start = (exact_array(p.detach().cpu().double().numpy()) for p in parameters.values())
    return builder.program(total, outputs), tuple(v for part in start for v in fractions(part))


class _WithLoss(torch.nn.Module):
    """A model and its loss; returns the loss and the outputs."""

    def __init__(self, model: torch.nn.Module, loss: Callable[[Any, Any], torch.Tensor]) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, x: Any, y: Any) -> tuple[torch.Tensor, Any]:
        outputs = self.model(**x) if isinstance(x, dict) else self.model(*x)
        return self.loss(outputs, y), outputs


def _arguments(x: Any, y: Any) -> tuple[Any, Any]:
    if isinstance(x, list | tuple):
        return tuple(x), y
    return (dict(x) if isinstance(x, Mapping) else (x,)), y


def _exported(whole: _WithLoss, x: Any, y: Any) -> ExportedProgram:
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(whole, _arguments(x, y))
    except Exception as error:  # whatever the model's own code raises
        raise _untraceable(error) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _untraceable(error: Exception) -> InputError:
    line = str(error).strip().partition("\n")[0]
    return InputError(
        f"model: found that torch.export cannot trace it ({type(error).__name__}: {line}), "
        "expected a model and a loss without branches on the values of tensors and without "
        "derivatives of their own"
    )


def _tensors(whole: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by every name that they have."""
    named = dict(whole.named_parameters(remove_duplicate=False))
    return {**dict(whole.named_buffers(remove_duplicate=False)), **named}


def _loss_node(exported: ExportedProgram) -> torch.fx.Node:
    """The node of the loss, checked to be one number."""
    name = next(iter(exported.graph_signature.user_outputs))
    node = next((node for node in exported.graph.nodes if node.name == name), None)
    if node is None:
        raise InputError(f"loss: found {name!r}, expected a tensor")
    shape = tuple(node.meta["val"].shape)
    if node.meta["val"].numel() != 1:
        raise InputError(
            f"loss: found a result of shape {shape}, expected one number; "
            "reduction='mean' or 'sum' gives one"
        )
    return node


def _check(
    exported: ExportedProgram,
    whole: torch.nn.Module,
    parameters: Mapping[str, torch.nn.Parameter],
) -> None:
    moving = {id(parameter) for parameter in parameters.values()}
    tensors = _tensors(whole)
    nodes = {
        spec.arg.name
        for spec in exported.graph_signature.input_specs
        if spec.kind is InputKind.PARAMETER and id(tensors[str(spec.target)]) in moving
    }
    check_gradients(exported.graph, nodes, _loss_node(exported))
    check_dropout(exported.graph)


def _read(
    exported: ExportedProgram,
    whole: torch.nn.Module,
    builder: Builder,
    blocks: Mapping[int, Handle],
    data: tuple[Any, Any],
) -> tuple[Handle, Handle | None]:
    """The loss, and the model's outputs where these are one array."""
    core = _core(exported)
    nodes = {node.name: node for node in core.graph.nodes}
    known = _placeholders(core, whole, blocks, data)
    end = _loss_node(core)
    needed = ancestors(end)
    reader = Reader(builder, {nodes[name]: value for name, value in known.items()})
    reader.read([node for node in core.graph.nodes if node in needed])
    total = as_handle(builder, reader.known[end]).reshape()
    rest = list(core.graph_signature.user_outputs)[1:]
    outputs = reader.known.get(nodes[rest[0]]) if len(rest) == 1 and rest[0] in nodes else None
    return total, outputs if isinstance(outputs, Handle) else None


def _core(exported: ExportedProgram) -> ExportedProgram:
    """The same in operators that are read, as far as PyTorch decomposes others.

    Most models and losses have no others, and decomposing nothing takes three times as long as all
    the rest.
    """
    called = (node for node in exported.graph.nodes if node.op == "call_function")
    if all(is_read(node.target) for node in called):
        return exported
    table = default_decompositions()
    for operator in list(table.keys()):
        if operator.name().removeprefix("aten::").partition(".")[0] in READ:
            table.pop(operator)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return exported.run_decompositions(table)
    except Exception as error:  # whatever PyTorch raises, for instance for torch.func.jvp
        raise _untraceable(error) from error


def _placeholders(
    core: ExportedProgram,
    whole: torch.nn.Module,
    blocks: Mapping[int, Handle],
    data: tuple[Any, Any],
) -> dict[str, Value]:
    """What the graph starts from, by the names of its nodes."""
    tensors = _tensors(whole)
    inputs = iter(pytree.tree_leaves(_arguments(*data)))
    known: dict[str, Value] = {}
    for spec in core.graph_signature.input_specs:
        name = spec.arg.name
        if spec.kind is InputKind.USER_INPUT:
            known[name] = _here(next(inputs))
        elif spec.kind is InputKind.PARAMETER:
            parameter = tensors[str(spec.target)]
            known[name] = blocks.get(id(parameter), _here(parameter))
        elif spec.kind is InputKind.BUFFER:
            known[name] = _here(tensors[str(spec.target)])
        elif spec.kind is not InputKind.TOKEN:
            known[name] = _here(core.constants[str(spec.target)])
    return known


def _here(value: Any) -> Any:
    """A tensor as plain numbers on the CPU."""
    return value.detach().cpu() if isinstance(value, torch.Tensor) else value
