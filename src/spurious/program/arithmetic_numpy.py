"""Programs in double precision, with NumPy. For proposals: nothing here is proved.

At a kink the slope is the one below, as in PyTorch and JAX for the relu.
"""

from __future__ import annotations

from itertools import islice
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, final

import numpy as np
import numpy.typing as npt

from spurious.exact.rationals import nearest_float
from spurious.program.arithmetic import Signs
from spurious.program.arithmetic_arrays import ArrayArithmetic
from spurious.program.exact_array import fractions, is_binary
from spurious.program.function_kinds import Function, PiecewiseLinear
from spurious.program.operations import Const

Floats: TypeAlias = npt.NDArray[np.float64]


def _erf(z: Floats) -> Floats:
    from scipy.special import erf  # slow to import, and few programs need it

    return erf(z)


def _erfc(z: Floats) -> Floats:
    from scipy.special import erfc

    return erfc(z)


def _sigmoid(z: Floats) -> Floats:
    return 1 / (1 + np.exp(np.minimum(-z, 709.0)))  # larger ones overflow


NAMESPACE: Final = SimpleNamespace(
    pi=np.pi,
    exp=np.exp,
    expm1=np.expm1,
    log=np.log,
    logaddexp=np.logaddexp,
    sqrt=np.sqrt,
    tanh=np.tanh,
    sigmoid=_sigmoid,
    erf=_erf,
    erfc=_erfc,
    sin=np.sin,
    cos=np.cos,
    sign=np.sign,
    minimum=np.minimum,
    maximum=np.maximum,
    where=np.where,
)
"""What the `floats` of a function may use."""


@final
class NumpyArithmetic(ArrayArithmetic):
    """Arrays of float64."""

    def constant(self, const: Const) -> Floats:
        """The nearest floats."""
        values = const.values
        if is_binary(values):
            return values
        return np.array([nearest_float(v) for v in fractions(values)]).reshape(values.shape)

    def zeros(self, shape: tuple[int, ...]) -> Floats:
        """Zeros."""
        return np.zeros(shape)

    def matmul(self, left: Floats, right: Floats) -> Floats:
        """The matrix product."""
        return left @ right

    def jet(
        self, function: Function, array: Floats, order: int, sides: Signs | None = None
    ) -> tuple[Floats, ...]:
        """A function's value and derivatives."""
        with np.errstate(all="ignore"):
            jet = float_jet(NAMESPACE, function, array, order, sides)
        return tuple(np.asarray(part) for part in jet)

    def signs(self, array: Floats) -> Signs:
        """The sign of each entry."""
        return np.sign(array).astype(np.int8)


def float_jet(
    namespace: Any, function: Function, z: Any, order: int, sides: Signs | None = None
) -> tuple[Any, ...]:
    """Value and up to two derivatives in floating point, from a namespace like NumPy's.

    Args:
        namespace: What computes: `NAMESPACE`, or the like of it.
        function: The function.
        z: The function's arguments.
        order: Number of derivatives.
        sides: From which side arguments that are 0 are approached, if that is known.
    """
    where = namespace.where
    if isinstance(function, PiecewiseLinear):
        upper = z > 0 if sides is None else (z > 0) | ((z == 0) & (sides >= 0))
        slope = where(upper, float(function.above), float(function.below))
        return (slope * z, slope, *((0.0 * z,) if order > 1 else ()))[: order + 1]
    jet = tuple(islice(function.floats(namespace, z), order + 1))
    if order > 1 and sides is not None and function.bend is not None:
        above, below = map(float, function.bend)
        return *jet[:2], where(z == 0, where(sides >= 0, above, below), jet[2])
    return jet
