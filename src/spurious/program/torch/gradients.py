"""What PyTorch's decompositions forget: stopped gradients, and dropout between recurrent layers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import torch
from torch.fx import Node

from spurious.errors import InputError
from spurious.program.torch.places import place

STOPS: Final = frozenset({"aten::detach", "aten::detach_"})


def check_gradients(graph: torch.fx.Graph, trained: Collection[str], loss: Node) -> None:
    """Checks that no gradient is stopped between trained parameters and the loss.

    Args:
        graph: The graph before it is decomposed; decomposing forgets `torch.no_grad`.
        trained: The names of the nodes of trained parameters.
        loss: The node of the loss.

    Raises:
        InputError: A value that depends on trained parameters is detached on the way to the loss.
    """
    moved = {node for node in graph.nodes if node.name in trained}
    writes = False
    for node in graph.nodes:
        if moved.intersection(node.all_input_nodes):
            moved.add(node)
            writes = writes or _writes(node)
    needed = set(graph.nodes) if writes else ancestors(loss)
    for node in graph.nodes:
        if node in needed and _stops(node) and moved.intersection(node.all_input_nodes):
            raise InputError(
                f"loss: {place(node)}: found a value that depends on parameters without its "
                "gradient (detach or no_grad), expected a loss whose gradient is the one that "
                "training follows"
            )


def ancestors(node: Node) -> set[Node]:
    """A node and all that it depends on."""
    found: set[Node] = set()
    open_nodes = [node]
    while open_nodes:
        here = open_nodes.pop()
        if here not in found:
            found.add(here)
            open_nodes += here.all_input_nodes
    return found


def _schema(node: Node) -> Any:
    """The schema of the operator that a node calls; None if it calls none."""
    return getattr(node.target, "_schema", None)


def _writes(node: Node) -> bool:
    """Whether a node changes an array in place."""
    schema = _schema(node)
    return schema is not None and schema.is_mutable


def _stops(node: Node) -> bool:
    schema = _schema(node)
    if schema is not None and schema.name in STOPS:
        return True
    return str(node.target) == "wrap_with_set_grad_enabled" and node.args[0] is False


def check_dropout(graph: torch.fx.Graph) -> None:
    """Checks that no recurrent module is random.

    Args:
        graph: The graph before it is decomposed; decomposing forgets the dropout (PyTorch 2.13,
            `torch._decomp.decompositions._rnn_helper`).

    Raises:
        InputError: One drops values between its layers.
    """
    for node in graph.nodes:
        schema = _schema(node)
        if schema is None:
            continue
        named = dict(zip((a.name for a in schema.arguments), node.args, strict=False))
        if named.get("dropout") and named.get("train") and named.get("num_layers", 1) > 1:
            raise InputError(
                f"loss: {place(node)}: found dropout {named['dropout']} between its layers in "
                "training, expected 0 or model.eval(): it is random"
            )
