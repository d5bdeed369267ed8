# pyright: basic
"""Autograd's graph of a loss: how large it is, and whose tensors it trains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Graph:
    """What is found below a value.

    Attributes:
        nodes: How many nodes autograd has for it.
        numbers: What they pass on, in all.
        unregistered: Shapes of trained tensors that are not known.
        loss_has_weights: Whether the loss holds such tensors itself: of an opponent, say.
    """

    nodes: int = 0
    numbers: int = 0
    unregistered: tuple[tuple[int, ...], ...] = ()
    loss_has_weights: bool = False


def graph_of(model: nn.Module, loss: Tensor, output: Tensor | None) -> Graph:
    """The graph of a loss, with trained tensors that are nobody's.

    What has no gradient of its own (inputs that a loss differentiates by) does not count: only
    tensors that were made as parameters do. What the loss alone holds is no part of the model: an
    opponent's weights, say.
    """
    known = {id(p) for p in model.parameters()}
    found = _below(loss, known)
    strangers = found if output is None else _below(output, known)
    own = len(found.unregistered) > len(strangers.unregistered)
    return replace(found, unregistered=strangers.unregistered, loss_has_weights=own)


def _below(value: Tensor, known: set[int]) -> Graph:
    """The graph of a tensor."""
    todo = [value.grad_fn] if value.grad_fn is not None else []
    seen: set[Any] = set(todo)
    strangers: dict[int, tuple[int, ...]] = {}
    numbers = 0
    while todo:
        node = todo.pop()
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, nn.Parameter) and id(leaf) not in known:
            strangers[id(leaf)] = tuple(leaf.shape)
        numbers += sum(prod(one.shape) for one in getattr(node, "_input_metadata", ()))
        below = {f for f, _ in node.next_functions if f is not None} - seen
        seen |= below
        todo.extend(below)
    return Graph(len(seen), numbers, tuple(strangers.values()))
