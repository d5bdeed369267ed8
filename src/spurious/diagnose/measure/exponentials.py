# pyright: basic
"""Sums of exponentials whose logarithm, or share, is taken by hand.

exp(z) is infinite in single precision from z = 89 on and 0 below -104, so log(sum(exp(z))) and
exp(z) / sum(exp(z)) are not finite, or have no gradient, where logsumexp and softmax are and have.
`SteadyExponentials` computes the latter in their place, and nothing else otherwise.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.edges import DIVISIONS, NEAR, Mending

EXPONENT: Final = "_spurious_exponent"
"""Attribute of an exponential: what it is of."""

SUMMED: Final = "_spurious_summed"
"""Attribute of a sum of exponentials: of what, along which axes, and whether these are kept."""

_EXPONENTIALS: Final = (torch.exp, Tensor.exp)
_SUMS: Final = (torch.sum, Tensor.sum)
_LOGARITHMS: Final = (torch.log, Tensor.log)


class SteadyExponentials(Mending):
    """Takes logarithms and shares of sums of exponentials at once where the sums are no use."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        kwargs = kwargs or {}
        if func in _LOGARITHMS:
            z, axes, keep = _sum_seen(args[0] if args else None)
            if z is not None and self._is_no_use(args[0], "exp, sum, log"):
                return torch.logsumexp(z, axes, keep)
        if func in DIVISIONS and len(args) == 2:
            z, axes, keep = _sum_seen(args[1])
            a_share = z is not None and z is getattr(args[0], EXPONENT, None)
            single = a_share and keep and len(axes) == 1
            if isinstance(z, Tensor) and single and self._is_no_use(args[1], "exp, sum, division"):
                return torch.softmax(z, axes[0])
        out = func(*args, **kwargs)
        if func in _EXPONENTIALS and args and kwargs.get("out") is None:
            setattr(out, EXPONENT, args[0])
        elif func in _SUMS and args and getattr(args[0], EXPONENT, None) is not None:
            setattr(out, SUMMED, _summed(args, kwargs))
        return out

    def _is_no_use(self, total: Tensor, operation: str) -> bool:
        """Whether a sum is 0 or infinite somewhere, which is noted, or nearly 0."""
        sums = total.detach()
        bad = (sums == 0) | ~sums.isfinite()
        found = bool(bad.any())
        if found and not self.places:
            self.note(Kind.OVERFLOW, operation, bad)
        return found or bool((sums < NEAR).any())


def _sum_seen(total: Any) -> tuple[Any, tuple[int, ...], bool]:
    """What a sum of exponentials is of, along which axes, and whether these are kept."""
    return getattr(total, SUMMED, (None, (), False))


def _summed(args: tuple, kwargs: dict[str, Any]) -> tuple[Tensor, tuple[int, ...], bool]:
    z = getattr(args[0], EXPONENT)
    axes = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis"))
    keep = args[2] if len(args) > 2 else kwargs.get("keepdim", kwargs.get("keepdims", False))
    if axes is None:
        axes = range(z.ndim)
    return z, (axes,) if isinstance(axes, int) else tuple(axes), bool(keep)
