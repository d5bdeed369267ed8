"""The initial distributions of weights and biases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from spurious.errors import InputError

INITIALISATIONS: Final = (
    "glorot_uniform",
    "glorot_normal",
    "lecun_uniform",
    "lecun_normal",
    "he_uniform",
    "he_normal",
    "pytorch",
    "normal",
    "uniform",
)
"""Every initial distribution that a recipe may name."""

_PLAIN: Final = ("normal", "uniform")


@dataclass(frozen=True, slots=True)
class LayerDistribution:
    """How one layer's parameters are drawn, each on its own.

    Attributes:
        normal: Normal with mean `centre` and standard deviation `spread`; otherwise uniform on
            [centre - spread, centre + spread).
        centre: The mean.
        spread: Standard deviation, or half the length of the interval.
        bias: The value of all biases, or None if they are drawn as the weights are.
    """

    normal: bool
    centre: float
    spread: float
    bias: float | None


@dataclass(frozen=True, slots=True)
class Initialisation:
    """An initial distribution of weights and biases.

    With fan-in i and fan-out o of a layer, the weights' variance is 2/(i + o) for glorot (Glorot &
    Bengio 2010), 1/i for lecun (LeCun et al. 1998) and 2/i for he (He et al. 2015). `pytorch` is
    the default of torch.nn.Linear: weights and biases uniform on +-1/sqrt(i). `normal` and
    `uniform` are the same in every layer.

    Attributes:
        name: One of `INITIALISATIONS`.
        mean: Of `normal`; by default 0.
        std: Of `normal`; by default 1.
        low: Of `uniform`; by default -1.
        high: Of `uniform`; by default 1.
        bias: The value of all biases, by default 0; or "drawn": from the weights' distribution,
            which is what `pytorch` always does and only it, `normal` and `uniform` can do.

    Raises:
        InputError: An unknown name, a number out of range, or one that the distribution does not
            use.
    """

    name: str
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None
    bias: float | str | None = None

    def __post_init__(self) -> None:
        if self.name not in INITIALISATIONS:
            raise InputError(
                f"initialisation.name: found {self.name!r}, expected one of "
                f"{', '.join(INITIALISATIONS)}"
            )
        self._settle("mean", "normal", 0.0)
        self._settle("std", "normal", 1.0)
        self._settle("low", "uniform", -1.0)
        self._settle("high", "uniform", 1.0)
        if self.std is not None and self.std < 0:
            raise InputError(
                f"initialisation.std: found {self.std!r}, expected a number that is not negative"
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InputError(
                f"initialisation.low: found {self.low!r}, expected at most high = {self.high!r}"
            )
        self._settle_bias()

    def _settle(self, field: str, owner: str, default: float) -> None:
        found = getattr(self, field)
        if self.name != owner:
            if found is not None:
                raise InputError(
                    f"initialisation.{field}: found {found!r}, but {self.name} has none; "
                    f"leave it out, or use {owner}"
                )
        elif found is None:
            object.__setattr__(self, field, default)
        elif not math.isfinite(found):
            raise InputError(f"initialisation.{field}: found {found!r}, expected a finite number")

    def _settle_bias(self) -> None:
        if self.bias is None:
            object.__setattr__(self, "bias", "drawn" if self.name == "pytorch" else 0.0)
        elif isinstance(self.bias, str):
            if self.bias != "drawn" or self.name not in (*_PLAIN, "pytorch"):
                raise InputError(
                    f"initialisation.bias: found {self.bias!r}, expected a number"
                    + (' or "drawn"' if self.name in (*_PLAIN, "pytorch") else "")
                )
        elif not math.isfinite(self.bias):
            raise InputError(f"initialisation.bias: found {self.bias!r}, expected a finite number")

    def layers(self, widths: Sequence[int]) -> tuple[LayerDistribution, ...]:
        """The distribution of every layer of a network with these widths."""
        bias = None if isinstance(self.bias, str) else self.bias
        found: list[LayerDistribution] = []
        for fan_in, fan_out in pairwise(widths):
            centre, spread = self._weights(fan_in, fan_out)
            found.append(LayerDistribution(self._is_normal, centre, spread, bias))
        return tuple(found)

    @property
    def _is_normal(self) -> bool:
        return self.name.endswith("normal")

    def _weights(self, fan_in: int, fan_out: int) -> tuple[float, float]:
        """Centre and spread of a layer's weights."""
        if self.name == "normal":
            assert self.mean is not None and self.std is not None
            return self.mean, self.std
        if self.name == "uniform":
            assert self.low is not None and self.high is not None
            return (self.low + self.high) / 2, (self.high - self.low) / 2
        variance = {
            "glorot": 2 / (fan_in + fan_out),
            "lecun": 1 / fan_in,
            "he": 2 / fan_in,
            "pytorch": 1 / (3 * fan_in),
        }[self.name.partition("_")[0]]
        return 0.0, math.sqrt(variance if self._is_normal else 3 * variance)
