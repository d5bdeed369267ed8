# pyright: basic
"""A pack: the same number in many networks at once, as one SIMD value for Numba.

Kernels written with packs read like code for one network. A pack is an LLVM vector with one lane
for each network of a block; LLVM splits it over the machine's registers. Every operation is an
IEEE 754 operation lane by lane (`fma` is fused by definition, on any machine), so a lane's result
depends neither on the other lanes nor on the machine's register width.

A block's parameters lie in an array of shape (P, LANES): row p holds parameter p of every network.
Kernels see arrays as bare pointers (`pointer`), because counting references to array objects costs
more than the arithmetic of a small network.
"""

from __future__ import annotations

import operator
import platform
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import extending, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model


def _pack_bytes() -> int:
    """Size of a pack: four registers of AVX-512 (it has 32 of them), two of AVX2 (it has 16)."""
    return 256 if get_host_cpu_features().get("avx512f") else 64


LANES: Final = {"float32": _pack_bytes() // 4, "float64": _pack_bytes() // 8}
"""Networks in a block, by precision."""

intrinsic: Any = extending.intrinsic

_BUILDER_OPS: Final = {
    operator.add: "fadd",
    operator.sub: "fsub",
    operator.mul: "fmul",
    operator.truediv: "fdiv",
}


class Pack(types.Type):
    """The type of a pack of numbers."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        self.lanes = LANES[dtype.name]
        super().__init__(name=f"Pack({dtype.name}, {self.lanes})")


class Mask(types.Type):
    """The type of a pack of truth values."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


def _vector(pack: Any) -> ir.VectorType:
    scalar = ir.FloatType() if pack.dtype is types.float32 else ir.DoubleType()
    return ir.VectorType(scalar, pack.lanes)


@register_model(Pack)
class _PackModel(models.PrimitiveModel):
    def __init__(self, manager: Any, pack: Any) -> None:
        super().__init__(manager, pack, _vector(pack))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, mask: Any) -> None:
        super().__init__(manager, mask, ir.VectorType(ir.IntType(1), mask.lanes))


class _Arithmetic(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], Pack) and args[0] == args[1]:
            return signature(args[0], *args)
        return None


def _register(op: Any, method: str) -> None:
    register: Any = infer_global(op)
    register(type(f"_{method}", (_Arithmetic,), {"key": op}))

    @lower_builtin(op, Pack, Pack)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, method)(*args)


for _op, _method in _BUILDER_OPS.items():
    _register(_op, _method)


@intrinsic
def pointer(typing_context: Any, array: Any) -> Any:
    """A pointer to the first entry of a C-contiguous array, which must outlive it."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), code


@intrinsic
def row(typing_context: Any, array: Any, number: Any) -> Any:
    """A pointer to a row of packs behind a pointer."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _row_address(context, builder, sig, args)

    return array(array, number), code


def _row_address(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    number = context.cast(builder, args[1], sig.args[1], types.intp)
    lanes = ir.Constant(number.type, LANES[sig.args[0].dtype.name])
    return builder.gep(args[0], [builder.mul(number, lanes)])


def _vector_address(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    address = _row_address(context, builder, sig, args)
    return builder.bitcast(address, _vector(Pack(sig.args[0].dtype)).as_pointer())


@intrinsic
def load(typing_context: Any, array: Any, number: Any) -> Any:
    """The pack in a row behind a pointer."""
    pack = Pack(array.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = _vector_address(context, builder, sig, args)
        return builder.load(address, align=pack.dtype.bitwidth // 8)

    return pack(array, number), code


@intrinsic
def store(typing_context: Any, array: Any, number: Any, value: Any) -> Any:
    """Writes a pack to a row behind a pointer."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = _vector_address(context, builder, sig, args)
        builder.store(args[2], address, align=sig.args[2].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, number, value), code


@intrinsic
def spread(typing_context: Any, like: Any, number: Any) -> Any:
    """A pack with the same number in every lane, of the type of the pointer or pack `like`."""
    pack = Pack(like.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        scalar = context.cast(builder, args[1], sig.args[1], pack.dtype)
        return _filled(builder, _vector(pack), scalar)

    return pack(like, number), code


def _filled(builder: Any, vector: ir.VectorType, scalar: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    single = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(single, undefined, zeros)


def _vector_intrinsic(name: str, count: int) -> Any:
    """Numba code for an LLVM intrinsic on `count` packs of one type."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pack = sig.return_type
        vector = _vector(pack)
        suffix = f"v{pack.lanes}f{pack.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector] * count), f"llvm.{name}.{suffix}"
        )
        return builder.call(function, args)

    return code


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """The pack a b + c, rounded once."""
    return a(a, b, c), _vector_intrinsic("fma", 3)


@intrinsic
def root(typing_context: Any, a: Any) -> Any:
    """The square root, rounded correctly."""
    return a(a), _vector_intrinsic("sqrt", 1)


@intrinsic
def absolute(typing_context: Any, a: Any) -> Any:
    """The absolute value."""
    return a(a), _vector_intrinsic("fabs", 1)


@intrinsic
def above(typing_context: Any, a: Any, b: Any) -> Any:
    """Where a > b; false where either is not a number."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fcmp_ordered(">", *args)

    return Mask(a.lanes)(a, b), code


@intrinsic
def below(typing_context: Any, a: Any, b: Any) -> Any:
    """Where a < b; false where either is not a number."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fcmp_ordered("<", *args)

    return Mask(a.lanes)(a, b), code


@intrinsic
def choose(typing_context: Any, mask: Any, a: Any, b: Any) -> Any:
    """Lane by lane a where the mask holds, else b."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(mask, a, b), code


@intrinsic
def power_of_two(typing_context: Any, shifted: Any) -> Any:
    """2^k from the pack k + 1.5 * 2^m, m the number of mantissa bits; k must be an exponent.

    The sum's last mantissa bits hold k in two's complement; moved to the exponent's place and
    added to the bits of 1 they are the number 2^k. No conversion to an integer is needed, so
    there is no undefined case; a lane that is not a number gives some number.
    """
    pack = shifted
    bits, mantissa = (32, 23) if pack.dtype is types.float32 else (64, 52)
    one = int(np.array(1, pack.dtype.name).view(f"int{bits}"))

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        integers = ir.VectorType(ir.IntType(bits), pack.lanes)
        raw = builder.bitcast(args[0], integers)
        moved = builder.shl(raw, ir.Constant(integers, [mantissa] * pack.lanes))
        total = builder.add(moved, ir.Constant(integers, [one] * pack.lanes))
        return builder.bitcast(total, _vector(pack))

    return pack(shifted), code


def polynomial(coefficients: Mapping[str, Sequence[float]]) -> Any:
    """A function of packs: the polynomial with these coefficients, highest power first.

    Args:
        coefficients: For each precision its own.
    """

    @intrinsic
    def evaluate(typing_context: Any, x: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            pack = sig.return_type
            fused = _vector_intrinsic("fma", 3)
            first, *rest = (
                _filled(builder, _vector(pack), context.get_constant(pack.dtype, value))
                for value in coefficients[pack.dtype.name]
            )
            for value in rest:
                first = fused(context, builder, sig, (first, args[0], value))
            return first

        return x(x), code

    return evaluate


_FLUSH = 0x8040
"""The bits of MXCSR for "flush to zero" and "denormals are zero"."""


def _on_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64", "i686")


def _mode_register(builder: Any, name: str) -> Any:
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
    return cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")


@intrinsic
def flush_subnormals(typing_context: Any) -> Any:
    """From here on, in this thread, subnormal numbers count as 0; returns the state before.

    The moments of units without gradient decay into the subnormal range and never leave it, where
    arithmetic is slow. Peers flush too. Does nothing on machines other than x86.
    """

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if not _on_x86():
            return context.get_constant(types.uint32, 0)
        place = cgutils.alloca_once(builder, ir.IntType(32))
        address = builder.bitcast(place, ir.IntType(8).as_pointer())
        builder.call(_mode_register(builder, "stmxcsr"), [address])
        before = builder.load(place)
        builder.store(builder.or_(before, ir.Constant(before.type, _FLUSH)), place)
        builder.call(_mode_register(builder, "ldmxcsr"), [address])
        return before

    return types.uint32(), code


@intrinsic
def restore_subnormals(typing_context: Any, before: Any) -> Any:
    """Undoes `flush_subnormals`."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if _on_x86():
            place = cgutils.alloca_once_value(builder, args[0])
            address = builder.bitcast(place, ir.IntType(8).as_pointer())
            builder.call(_mode_register(builder, "ldmxcsr"), [address])
        return context.get_dummy_value()

    return types.none(before), code
