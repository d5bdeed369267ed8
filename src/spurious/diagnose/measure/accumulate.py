# pyright: basic
"""Running totals over batches for one layer of units, and one affine layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from spurious.diagnose.measure.activations import RELU, Activation
from spurious.diagnose.measure.records import Affine, Units

MOST_COMPARED: Final = 2048
"""Units of a layer that are compared with one another for duplicates; wider layers are not."""

TWIN: Final = 1e-3
"""Two units are duplicates if their weights and biases, normalised, differ by less in Euclidean
norm: directions that a unit's whole life of training apart would not leave so close."""

FEW: Final = 8
"""Numbers that a long row of weights is shortened to before rows are compared with one another."""

SHORTER: Final = 4
"""Rows are shortened only where that leaves so many times fewer numbers."""

NEAR: Final = 2 * TWIN
"""A distance between shortened rows, in single precision, that twins are well below."""

MOST_BITS: Final = 1 << 16
"""Unit-position pairs of a layer that enter a pattern's code; larger layers are thinned evenly."""


@dataclass(frozen=True)
class Feeding:
    """The affine layer that a tensor comes from.

    Attributes:
        key: Its name and the number of its call.
        weight: Shape (units, ...).
        bias: Shape (units,), or None.
        weight_name: Of the parameter, or None if the weight is none.
        bias_name: The same for the bias.
        spatial: Whether axis 1 holds the units.
        norm: The weight and bias of a normalisation in between, or None.
        straight: Whether nothing bends in between: no normalisation but by statistics of batches.
    """

    key: tuple[str, int]
    weight: Tensor
    bias: Tensor | None
    weight_name: str | None
    bias_name: str | None
    spatial: bool
    norm: tuple[Tensor | None, Tensor | None] | None = None
    straight: bool = True


class UnitTotals:
    """Totals of a layer of units."""

    def __init__(self, name: str, module: str, act: Activation, feeding: Feeding | None) -> None:
        self.name, self.module, self.act, self.feeding = name, module, act, feeding
        self.is_output = False
        self.points = self.entries = 0
        self.totals: dict[str, Tensor] = {}
        self.units_on: list[np.ndarray] = []
        self.agreement: list[np.ndarray] = []

    def add(self, z: Tensor) -> None:
        """Adds a batch of pre-activations, shape (batch, units, positions)."""
        z = z.detach()
        points, units, places = z.shape
        wide = z.double() if z.device.type != "mps" else z.float()
        total = wide.sum((0, 2))
        none = torch.zeros(units, dtype=torch.int64, device=z.device)
        no_nan = math.isfinite(float(total.sum()))
        above = (z > 0).sum(2)  # (batch, units), as all that follows
        if self.act is RELU and no_nan:
            on = above
        elif self.act.off:
            on = (~self.act.off(z)).sum(2)
        else:
            on = torch.full_like(above, places)
        somewhere = on > 0
        above_total = above.sum(0)
        parts = {
            "on_points": somewhere.sum(0),
            "on_total": on.sum(0),
            "above_total": above_total,
            "flat_total": self.act.saturated(z).sum((0, 2)) if self.act.saturated else none,
            "above_any": above_total > 0,
            "below_any": above_total < points * places,
            "sum": total,
            "squares": (wide**2).sum((0, 2)),
            "nan": none if no_nan else z.isnan().sum((0, 2)),
        }
        for key, value in parts.items():
            old = self.totals.get(key)
            if old is not None:
                value = old | value if value.dtype == torch.bool else old + value
            self.totals[key] = value
        self.points += points
        self.entries += points * places
        self.units_on.append(somewhere.sum(1).cpu().numpy() / units)
        self.agreement.append(above.sum(1).cpu().numpy() / (units * places))

    @property
    def is_known(self) -> bool:
        """Whether there were points, and most pre-activations were numbers, not NaN."""
        return self.points > 0 and float(self.totals["nan"].double().mean()) < 0.5 * self.entries

    def finish(self) -> Units:
        """The totals as plain numbers."""
        totals = {key: value.cpu().numpy() for key, value in self.totals.items()}
        mean = totals["sum"].astype(float) / self.entries
        squares = totals["squares"].astype(float) / self.entries
        with np.errstate(invalid="ignore", over="ignore"):
            spread = np.sqrt(np.maximum(squares - mean**2, 0))
        kinked = self.act.kinked
        both = totals["above_any"] & totals["below_any"]
        equal, twins = _twins(self.feeding, len(mean), self.act.homogeneous)
        return Units(
            name=self.name,
            activation=self.act.name,
            weight=self.feeding.weight_name if self.feeding else None,
            bias=self.feeding.bias_name if self.feeding else None,
            on_points=totals["on_points"].astype(np.int64),
            on_share=totals["on_total"] / self.entries,
            above_share=totals["above_total"] / self.entries,
            saturated=totals["flat_total"] / self.entries,
            can_be_off=self.act.off is not None,
            can_saturate=self.act.saturated is not None,
            kinked=kinked,
            bends=both if kinked else np.zeros_like(both),
            units_on=np.concatenate(self.units_on),
            agreement=np.concatenate(self.agreement),
            spread=spread,
            magnitude=float(np.sqrt(squares.mean())),
            twins=twins,
            is_output=self.is_output,
            equal=equal,
            module=self.module,
        )


class AffineTotals:
    """Totals of a linear or convolutional layer."""

    def __init__(self, name: str, weight: str | None, values: Tensor, bias: Tensor | None) -> None:
        flat = values.detach().float()
        self.name, self.weight = name, weight
        self.fan_in, self.units = flat[0].numel(), flat.shape[0]
        self.mean = float(flat.mean())
        self.std = float(flat.std()) if flat.numel() > 1 else 0.0
        low = bias.detach().float() if bias is not None else torch.zeros(1)
        self.bias_mean = float(low.mean())
        self.bias_std = float(low.std()) if low.numel() > 1 else 0.0
        self.inputs = self.sums = self.rows = 0.0
        self.squares = self.count = self.gradients = self.points = 0.0
        self.trained = values.requires_grad

    def add(self, inputs: Tensor, outputs: Tensor, dense: bool) -> None:
        """Adds a batch of inputs and outputs; asks for the outputs' gradient."""
        h, z = inputs.detach().float(), outputs.detach().float()
        if dense:
            self.rows += h[..., 0].numel()
            self.inputs += float((h**2).sum())
            self.sums += float((h.sum(-1) ** 2).sum())
        else:
            self.rows += len(h)
            self.inputs += float((h**2).flatten(1).mean(1).sum()) * self.fan_in
            self.sums += float((h.flatten(1).mean(1) ** 2).sum()) * self.fan_in**2
        self.squares += float((z**2).sum())
        self.count += z.numel()
        self.points += len(z) if z.ndim else 1
        if outputs.requires_grad:
            outputs.register_hook(self._gradient)

    def _gradient(self, gradient: Tensor) -> None:
        self.gradients += float((gradient.detach().float() ** 2).sum())

    def finish(self) -> Affine:
        """The totals as plain numbers."""
        rows = max(self.rows, 1.0)
        return Affine(
            name=self.name,
            weight=self.weight,
            signal=float(np.sqrt(self.gradients * self.squares)) if self.trained else float("nan"),
            output=float(np.sqrt(self.squares / max(self.count, 1))),
            fan_in=self.fan_in,
            mean=self.mean,
            std=self.std,
            bias_mean=self.bias_mean,
            bias_std=self.bias_std,
            reach=self.std * float(np.sqrt(self.inputs / rows)),
            push=abs(self.mean) * float(np.sqrt(self.sums / rows)),
            units=self.units,
            positions=self.count / max(self.units * self.points, 1.0),
        )


def pattern_code(z: Tensor, act: Activation) -> Tensor:
    """A 64-bit code of each point's activation pattern, for z of shape (batch, units, positions).

    Different patterns have different codes but for chance (2^-64 a pair): random words of the
    units that are on are added up.
    """
    bits = (z > 0).flatten(1)
    if act.saturated is not None:
        bits = torch.cat([bits, act.saturated(z).flatten(1)], 1)
    if bits.shape[1] > MOST_BITS:
        bits = bits[:, :: -(-bits.shape[1] // MOST_BITS)]
    fixed = torch.Generator().manual_seed(bits.shape[1])
    words = torch.randint(-(2**62), 2**62, (bits.shape[1],), generator=fixed).to(bits.device)
    return torch.where(bits, words, 0).sum(1).cpu()


def _twins(feeding: Feeding | None, units: int, free_factor: bool) -> tuple[np.ndarray, np.ndarray]:
    """For each unit the first one with the same weights and bias: so, and up to a factor > 0.

    The second is the first where no factor is let through.
    """
    found = np.arange(units)
    if feeding is None or len(feeding.weight) != units or not 1 < units <= MOST_COMPARED:
        return found, found
    rows = feeding.weight.detach().flatten(1).float()
    if feeding.bias is not None:
        rows = torch.cat([rows, feeding.bias.detach().float()[:, None]], 1)
    size = rows.norm(dim=1, keepdim=True)
    if not math.isfinite(float(size.sum())) and not bool(torch.isfinite(rows).all()):
        return found, found
    short, largest = _shortened(rows), size.max()
    alone = _all_apart(short, NEAR * float(largest))
    equal = found if alone else _repeated(rows, largest.expand_as(size))
    if not free_factor:
        return equal, equal
    return equal, found if _all_apart(short / size, NEAR) else _repeated(rows, size)


def _shortened(rows: Tensor) -> Tensor:
    """Rows of a few entries that are no farther apart: sums of neighbours."""
    each = rows.shape[1] // FEW
    if each < SHORTER:
        return rows
    return rows[:, : each * FEW].reshape(len(rows), FEW, each).sum(2) / each**0.5


def _all_apart(rows: Tensor, distance: float) -> bool:
    """Whether all rows are farther from one another."""
    return float(torch.pdist(rows).min()) > distance


def _repeated(rows: Tensor, size: Tensor) -> np.ndarray:
    """For each row the first one that is the same, both divided by their sizes."""
    rows = torch.where(size > 0, rows / size.clamp_min(1e-30), 0).double()
    squares = (rows**2).sum(1)
    apart = squares[:, None] + squares[None, :] - 2 * rows @ rows.T
    return (apart <= TWIN**2).int().argmax(1).cpu().numpy()
