# pyright: basic
"""ONNX models from files, checked, with the functions that they define written out."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import inliner

from spurious.errors import InputError

DOMAINS = ("", "ai.onnx")
"""The names of ONNX's own operators' domain."""


def loaded(model: str | Path | bytes | onnx.ModelProto) -> onnx.ModelProto:
    """A model from a path or from bytes, or as it is.

    Raises:
        InputError: It cannot be read, or is no valid model.
    """
    name = str(model) if isinstance(model, str | Path) else "model"
    try:
        if isinstance(model, str | Path):
            found = onnx.load(str(model))
        else:
            found = onnx.load_from_string(model) if isinstance(model, bytes) else model
        if not found.graph.node:
            raise ValueError("no operators in it")
        onnx.checker.check_model(found)
        return inliner.inline_local_functions(found)
    except Exception as error:  # protobuf's, onnx's and the system's errors have no common base
        line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"{name}: cannot be read ({line}), expected an ONNX model") from None


def opset(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that a model uses."""
    return max(entry.version for entry in model.opset_import if entry.domain in DOMAINS)
