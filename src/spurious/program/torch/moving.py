# pyright: basic
"""Operators that only move entries: applied to the entries' positions, they say where from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch.utils import _pytree as pytree

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.pool import Pool
from spurious.program.torch.values import Masked, Value, as_scores, is_data

MOVING: Final = frozenset(
    {
        *("view", "reshape", "_unsafe_view", "view_copy", "view_as", "flatten", "unflatten"),
        *("permute", "transpose", "t", "numpy_T", "movedim", "swapaxes", "clone", "contiguous"),
        *("alias", "lift_fresh_copy", "expand", "expand_as", "broadcast_to", "broadcast_tensors"),
        *("squeeze", "unsqueeze", "slice", "select", "narrow", "diagonal", "unfold", "unbind"),
        *("split", "split_with_sizes", "chunk", "tensor_split", "cat", "stack", "flip", "roll"),
        *("rot90", "repeat", "tile", "repeat_interleave", "gather", "index", "index_select"),
        *("take_along_dim", "embedding", "where", "masked_fill", "tril", "triu", "diag_embed"),
        *("constant_pad_nd", "pad", "reflection_pad1d", "reflection_pad2d", "replication_pad1d"),
        *("replication_pad2d", "slice_scatter", "select_scatter", "copy", "fill", "pixel_shuffle"),
        *("masked_select", "upsample_nearest1d", "upsample_nearest2d", "channel_shuffle"),
        *("scatter", "index_put"),
    }
)
"""By name; a scatter that adds is refused."""

JOINING: Final = frozenset({"cat", "stack", "where", "copy"})
"""Here integers are entries too, not places."""


def moved(
    builder: Builder, target: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Value:
    """The result of an operator that moves entries.

    The numbers of entries are doubles here; what the operator itself fills in is 0.

    Raises:
        InputError: Where an entry comes from depends on parameters.
    """
    named = dict(zip((a.name for a in target._schema.arguments), args, strict=False)) | dict(kwargs)
    if named.get("accumulate") or named.get("reduce") is not None:
        raise InputError(f"{name}, which adds up entries")
    if name == "embedding":
        _check_embedding(named)
    pool = Pool(builder)
    hidden: list[Any] = []

    def position(key: str, value: Any) -> Any:
        filled = isinstance(value, int | float) and (
            key == "value" or (name == "where" and key in ("self", "other"))
        )
        entries = name in JOINING and isinstance(value, torch.Tensor) and value.dtype != torch.bool
        if not (filled or entries or is_data(value)):
            return value
        if key in ("condition", "mask", "index", "indices"):
            raise InputError(f"{name} with places that depend on parameters")
        finite, dead = as_scores(builder, value)
        hidden.append(np.zeros(finite.shape, bool) if dead is None else dead)
        places = pool.numbers(finite).astype(np.float64)
        return float(places) if filled else torch.from_numpy(places)

    found = {
        key: pytree.tree_map(lambda leaf, key=key: position(key, leaf), value)
        for key, value in named.items()
    }
    result = _apply(target, found)
    concealed = np.concatenate([[False], *(h.ravel() for h in hidden)])

    def taken(tensor: torch.Tensor) -> Handle | Masked:
        numbers = tensor.numpy().astype(np.intp)
        entries, masked = pool.take(numbers), concealed[numbers]
        return Masked(entries, masked) if masked.any() else entries

    return taken(result) if isinstance(result, torch.Tensor) else [taken(part) for part in result]


def _check_embedding(named: Mapping[str, Any]) -> None:
    """Checks that every row that is looked up has the gradient that it should have."""
    padding = named.get("padding_idx", -1)
    if padding >= 0 and (named["indices"] == padding).any():
        raise InputError(f"an embedding whose row {padding} (padding_idx) gets no gradient")
    if named.get("scale_grad_by_freq"):
        raise InputError("an embedding with scale_grad_by_freq, which changes its gradient")


def _apply(target: Any, named: Mapping[str, Any]) -> Any:
    positional, keywords = [], {}
    for argument in target._schema.arguments:
        if argument.name in named:
            if argument.kwarg_only:
                keywords[argument.name] = named[argument.name]
            else:
                positional.append(named[argument.name])
    if "dtype" in keywords:
        keywords["dtype"] = None
    with torch.no_grad():
        return target(*positional, **keywords)
