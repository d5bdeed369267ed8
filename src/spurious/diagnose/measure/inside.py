# pyright: basic
"""Looks inside fused calls, by computing again what they compute: gates, attention weights.

An LSTM or GRU is one call for all layers and times, attention one for all heads. Here the steps are
made one by one from the same inputs and weights, beside the call, whose results stay what they are.
The equations are those of PyTorch's documentation of `nn.LSTM`, `nn.GRU` and
`nn.MultiheadAttention`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

RECURRENT: Final = {torch.lstm: "lstm", torch.gru: "gru"}
"""Fused recurrent calls."""

ATTENTIONS: Final = (F.multi_head_attention_forward, F.scaled_dot_product_attention)
"""Fused attention calls."""

SURE: Final = 0.99
"""A weight above this is all of a query's attention: a softmax then passes on a hundredth of the
gradient."""


@dataclass(frozen=True)
class Attention:
    """What the queries of one call look at.

    Attributes:
        alone: Share of the queries, of those that may look at several keys, that look at one alone.
        entropy: Mean entropy of their weights over the largest possible, 0 to 1.
    """

    alone: float
    entropy: float


class Recurrent:
    """The layers of one recurrent call, unrolled.

    Args:
        kind: "lstm" or "gru".
        inputs: (batch, time, features).
        start: The hidden states at the beginning, (layers, batch, hidden).
        cells: Likewise for an LSTM's cells, or None.
        weights: Weights and biases of each layer, in PyTorch's order; one direction.
    """

    def __init__(
        self,
        kind: str,
        inputs: Tensor,
        start: Tensor,
        cells: Tensor | None,
        weights: list[list[Tensor]],
    ) -> None:
        self.kind, self.start, self.cells, self.weights = kind, start, cells, weights
        self.inputs = inputs

    def gates(self) -> Iterator[tuple[str, Tensor]]:
        """Name and pre-activations of each layer's gates, (batch, hidden, time)."""
        below = self.inputs
        names = ("input gate", "forget gate", "output gate")
        names = names if self.kind == "lstm" else ("reset gate", "update gate")
        for level in range(len(self.weights)):
            states, seen = self._layer(level, below)
            below = torch.stack(states, 1)
            for place, name in enumerate(names):
                yield f"layer {level}, {name}", torch.stack([z[place] for z in seen], 2)

    def signals(self, slope: Tensor) -> list[float]:
        """|dL/dh_t| |h_t| of the top layer at each time, of the gradient of its outputs.

        Args:
            slope: Gradient of the loss by the top layer's outputs, (batch, time, hidden).
        """
        with torch.enable_grad():
            below = self.inputs
            for level in range(len(self.weights) - 1):
                below = torch.stack(self._layer(level, below)[0], 1)
            below = below.detach()
            states, _ = self._layer(len(self.weights) - 1, below, free=True)
            slopes = list(slope.detach().unbind(1))
            found = torch.autograd.grad(states, states, slopes)
        return [float(g.norm() * h.detach().norm()) for g, h in zip(found, states, strict=True)]

    def _layer(
        self, level: int, inputs: Tensor, free: bool = False
    ) -> tuple[list[Tensor], list[tuple[Tensor, ...]]]:
        """States at each time, (batch, hidden), and the gates' pre-activations."""
        w_in, w_state, *biases = self.weights[level]
        b_in, b_state = biases[:2] if len(biases) >= 2 else (None, None)
        h = self.start[level]
        c = self.cells[level] if self.cells is not None else None
        if free:
            h = h.detach().clone().requires_grad_()
        states: list[Tensor] = []
        seen: list[tuple[Tensor, ...]] = []
        for x in inputs.unbind(1):
            a, b = F.linear(x, w_in, b_in), F.linear(h, w_state, b_state)
            if c is not None:
                i, f, g, o = (a + b).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                seen.append((i, f, o))
            else:
                (r, z, n), (r_h, z_h, n_h) = a.chunk(3, 1), b.chunk(3, 1)
                r, z = r + r_h, z + z_h
                new = (n + r.sigmoid() * n_h).tanh()
                h = (1 - z.sigmoid()) * new + z.sigmoid() * h
                seen.append((r, z))
            states.append(h)
        return states, seen


def recurrent_of(function: Any, args: tuple[Any, ...]) -> Recurrent | None:
    """The unrolled call; None for packed sequences, two directions, and projections."""
    kind = RECURRENT[function]
    if len(args) < 9 or not isinstance(args[2], (list, tuple)):
        return None
    inputs, states, flat, biases, layers, _, _, both, batch_first = args[:9]
    hidden, cells = (states[0], states[1]) if kind == "lstm" else (states, None)
    each = 4 if biases else 2
    if both or len(flat) != each * layers or inputs.ndim != 3:
        return None
    weights = [[w.detach() for w in flat[k * each : (k + 1) * each]] for k in range(layers)]
    inputs = inputs.detach() if batch_first else inputs.detach().transpose(0, 1)
    cells = cells.detach() if cells is not None else None
    return Recurrent(kind, inputs, hidden.detach(), cells, weights)


def attention_of(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attention | None:
    """What the queries of a fused call look at; None where it is of a form not known here."""
    with torch.no_grad():
        if function is F.scaled_dot_product_attention:
            names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
            named = dict(zip(names, args, strict=False)) | kwargs
            q, k = named["query"].detach(), named["key"].detach()
            masks = [named.get("attn_mask")]
            if named.get("is_causal"):
                masks.append(torch.ones(q.shape[-2], k.shape[-2]).tril().bool())
        else:
            found = _heads(args, kwargs)
            if found is None:
                return None
            q, k, masks = found
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        for mask in masks:
            if mask is None:
                continue
            mask = mask.to(scores.device)
            if mask.dtype == torch.bool:
                scores = scores.masked_fill(~mask, -torch.inf)
            else:
                scores = scores + mask
        open_keys = (scores > -torch.inf).sum(-1)
        several = open_keys >= 2
        if not bool(several.any()):
            return None
        weights = scores.softmax(-1)[several]
        entropy = -(weights * weights.clamp_min(1e-30).log()).sum(-1)
        most = open_keys[several].double().log()
        alone = float((weights.amax(-1) > SURE).double().mean())
        return Attention(alone, float((entropy.double() / most).mean()))


def _heads(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, Tensor, list[Tensor | None]] | None:
    """Queries and keys, (batch, heads, time, features), and masks of what may be looked at."""
    query, key = args[0].detach(), args[1].detach()
    heads, weight, bias = args[4], args[5], args[6]
    if query.ndim != 3 or weight is None:
        return None
    width = query.shape[2]
    w_q, w_k, _ = weight.detach().chunk(3)
    b_q, b_k = bias.detach().chunk(3)[:2] if bias is not None else (None, None)

    def split(z: Tensor) -> Tensor:
        return z.reshape(len(z), z.shape[1], heads, width // heads).permute(1, 2, 0, 3)

    masks: list[Tensor | None] = []
    mask = kwargs.get("attn_mask")
    if mask is not None:  # True means not allowed here
        mask = ~mask if mask.dtype == torch.bool else mask
        if mask.ndim == 3:
            mask = mask.reshape(query.shape[1], heads, *mask.shape[1:])
        masks.append(mask)
    padding = kwargs.get("key_padding_mask")
    if padding is not None:
        open_keys = ~padding if padding.dtype == torch.bool else padding
        masks.append(open_keys[:, None, None, :])
    return split(F.linear(query, w_q, b_q)), split(F.linear(key, w_k, b_k)), masks
