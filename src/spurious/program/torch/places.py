# pyright: basic
"""Where in the user's code a node of an exported graph comes from."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch.fx import Node

INSIDE = str(Path(torch.__file__).parent)


def place(node: Node) -> str:
    """The module's path and class, and the last line outside of PyTorch, as far as known."""
    stack = node.meta.get("nn_module_stack") or {}
    parts: list[str] = []
    if stack:
        path, kind = list(stack.values())[-1]
        kind = kind if isinstance(kind, str) else kind.__name__
        own = path.removeprefix("model.")  # from the user's model on
        parts.append(f"{own or 'the loss'} ({kind.rpartition('.')[2]})")
    frames = re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or "")
    own = [(file, line) for file, line in frames if not file.startswith(INSIDE)]
    own = [(file, line) for file, line in own if not file.endswith("program/torch/front_end.py")]
    if own:
        parts.append(f"{Path(own[-1][0]).name}:{own[-1][1]}")
    return ", ".join(parts) or node.name
