# pyright: basic
"""Dropout between the layers of recurrent modules, which PyTorch's decompositions leave out."""

from __future__ import annotations

import torch

from spurious.errors import InputError
from spurious.program.torch.places import place


def check_dropout(graph: torch.fx.Graph) -> None:
    """Checks that no recurrent module is random.

    Args:
        graph: The graph before it is decomposed; decomposing forgets the dropout (PyTorch 2.13,
            `torch._decomp.decompositions._rnn_helper`).

    Raises:
        InputError: One drops values between its layers.
    """
    for node in graph.nodes:
        if not isinstance(node.target, torch._ops.OpOverload):
            continue
        named = dict(zip((a.name for a in node.target._schema.arguments), node.args, strict=False))
        if named.get("dropout") and named.get("train") and named.get("num_layers", 1) > 1:
            raise InputError(
                f"loss: {place(node)}: found dropout {named['dropout']} between its layers in "
                "training, expected 0 or model.eval(): it is random"
            )
