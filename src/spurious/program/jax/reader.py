# pyright: basic
"""Reading a jaxpr, equation by equation, into a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.jax.arithmetic_rules import (
    BINARY,
    REDUCTIONS,
    UNARY,
    product,
    select,
    sign_of_difference,
)
from spurious.program.jax.known_functions import is_logaddexp
from spurious.program.jax.shifts import equations, maximum_as_shift, shifted
from spurious.program.jax.values import Shifted, Unreadable, Value, as_handle, moved
from spurious.program.jax.windows import convolution, window_sum

CALLS: Final = frozenset(
    {
        *("jit", "pjit", "closed_call", "core_call", "remat", "remat2", "checkpoint"),
        *("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"),
    }
)
"""Primitives that call a function; they keep it under one of the names that follow."""

CALLED: Final = ("jaxpr", "call_jaxpr", "fun_jaxpr")

EXACT: Final = frozenset({"iota", "bitcast_convert_type"})
"""Primitives on known numbers that give floats without rounding."""

SAME: Final = frozenset(
    {"convert_element_type", "copy", "copy_p", "device_put", "name", "optimization_barrier"}
)
"""Primitives that change no number, if conversions to floats are exact."""

MOVING: Final = frozenset(
    {
        *("broadcast_in_dim", "concatenate", "dynamic_slice", "dynamic_update_slice"),
        *("expand_dims", "gather", "pad", "reshape", "rev", "slice", "split", "squeeze", "stack"),
        *("transpose", "scatter"),
    }
)
"""Primitives that only move entries: applied to the entries' positions, they say where from."""


@dataclass(eq=False)
class Reader:
    """Writes what a jaxpr computes into a program.

    Attributes:
        builder: The program.
        plain: The maxima over axes, by number, that are read as they are, with kinks. The others
            are read as shifts that have to cancel, as in a stable softmax.
        failed: The maxima that were read as shifts and did not cancel.
    """

    builder: Builder
    plain: frozenset[int]
    failed: set[int] = field(default_factory=set[int])
    _maxima: int = 0
    _calls: list[JaxprEqn] = field(default_factory=list[JaxprEqn])

    def number(self, value: Value) -> Handle:
        """A result as an operation of the program.

        Raises:
            InputError: It is none.
        """
        if isinstance(value, Shifted):
            self.failed |= equations(value)
        return as_handle(self.builder, value)

    def closed(self, jaxpr: Any, args: Sequence[Value]) -> list[Value]:
        """The results of a jaxpr, with or without its constants, for given arguments."""
        if isinstance(jaxpr, ClosedJaxpr):
            return self.read(jaxpr.jaxpr, [np.asarray(c) for c in jaxpr.consts], args)
        return self.read(jaxpr, [], args)

    def read(self, jaxpr: Jaxpr, consts: Sequence[Value], args: Sequence[Value]) -> list[Value]:
        """The results of a jaxpr."""
        known: dict[Var, Value] = dict(zip(jaxpr.constvars, consts, strict=True))
        known |= zip(jaxpr.invars, args, strict=True)

        def look_up(atom: Any) -> Value:
            return np.asarray(atom.val, _dtype(atom)) if isinstance(atom, Literal) else known[atom]

        for equation in jaxpr.eqns:
            inputs = [look_up(atom) for atom in equation.invars]
            known |= zip(equation.outvars, self.results(equation, inputs), strict=True)
        return [look_up(atom) for atom in jaxpr.outvars]

    def results(self, equation: JaxprEqn, args: list[Value]) -> Sequence[Value]:
        """The results of one equation; what cannot be read is an error only if it is used."""
        message = next((arg.message for arg in args if isinstance(arg, Unreadable)), None)
        self._calls.append(equation)
        try:
            if message is None or equation.primitive.name in CALLS:
                return self._results(equation, args)
        except InputError as error:
            for arg in args:
                self.failed |= equations(arg) if isinstance(arg, Shifted) else set()
            message = str(error)
            if not message.startswith("loss: "):
                message = f"loss: {_place(self._calls)}: found {message}, expected {EXPECTED}"
        finally:
            self._calls.pop()
        return [Unreadable(message)] * len(equation.outvars)

    def _results(self, equation: JaxprEqn, args: list[Value]) -> Sequence[Value]:
        name, params = equation.primitive.name, equation.params
        if name in ("while", "cond", "scan"):
            return {"while": self._while, "cond": self._cond, "scan": self._scan}[name](
                equation, args
            )
        if name in CALLS:
            called = next(params[key] for key in CALLED if key in params)
            if is_logaddexp(equation):
                x, y = (as_handle(self.builder, arg) for arg in args)
                return [BINARY["logaddexp"](x, y)]
            return self.closed(called, args)
        if name in MOVING:
            return self._moved(equation, args)
        if name in SAME and not _to_integers(equation):
            dtype = params.get("new_dtype")
            return [
                arg.astype(dtype) if isinstance(arg, np.ndarray) and dtype is not None else arg
                for arg in args
            ]
        if all(isinstance(arg, np.ndarray) for arg in args) and (
            name in EXACT or not _rounds(equation)
        ):
            return _bound(equation, args)
        return [self._computed(equation, args)]

    def _computed(self, equation: JaxprEqn, args: list[Value]) -> Value:
        """A primitive with one result that depends on parameters."""
        name, params, builder = equation.primitive.name, equation.params, self.builder
        if name == "is_finite":  # every value of a program is a real number
            return np.ones(_shape(equation.outvars[0]), dtype=np.bool_)
        if name == "select_n":
            return select(builder, args[0], args[1:])
        if any(isinstance(arg, Shifted) for arg in args):
            return shifted(builder, name, args, params)
        if name in ("max", "min"):
            bound = np.isneginf if name == "max" else np.isposinf
            for i, arg in enumerate(args):
                if isinstance(arg, np.ndarray) and bound(arg).all():
                    return args[1 - i]
        handles = [as_handle(builder, arg) for arg in args]
        if name == "reduce_max" and handles[0].known is None:
            self._maxima += 1
            if self._maxima not in self.plain:
                return maximum_as_shift(handles[0], params["axes"], self._maxima)
        if name in ("gt", "ge", "lt", "le", "eq", "ne"):
            return sign_of_difference(name, handles[0], handles[1])
        if name == "stop_gradient" and handles[0].known is not None:
            return handles[0]
        if name in UNARY:
            return UNARY[name](handles[0])
        if name in BINARY:
            return BINARY[name](handles[0], handles[1])
        if name == "clamp":
            return BINARY["min"](BINARY["max"](handles[1], handles[0]), handles[2])
        if name in REDUCTIONS:
            return REDUCTIONS[name](handles[0], params)
        if name == "dot_general":
            return product(handles[0], handles[1], params)
        if name == "conv_general_dilated":
            return convolution(handles[0], handles[1], params)
        if name == "reduce_window_sum":
            return window_sum(handles[0], params)
        raise InputError(f"the primitive {name}")

    def _moved(self, equation: JaxprEqn, args: list[Value]) -> Sequence[Value]:
        """A primitive that moves entries, applied to their positions."""
        if all(isinstance(arg, np.ndarray) for arg in args):
            return _bound(equation, args)
        data = [i for i, atom in enumerate(equation.invars) if _is_float(_dtype(atom))]
        fixed = [arg for i, arg in enumerate(args) if i not in data]
        if not all(isinstance(arg, np.ndarray) for arg in fixed):
            return [self._choice_moved(equation, args)]

        def move(*positions: Any) -> list[Any]:
            full = list(args)
            for i, position in zip(data, positions, strict=True):
                full[i] = np.asarray(position, dtype=np.int32)
            # what lies outside of the array then comes from an impossible position
            outside = {"fill_value": -1} if "fill_value" in equation.params else {}
            return _bound(equation, full, **outside)

        if len(data) == 1:
            value = args[data[0]]
            count = len(equation.outvars)
            return [moved(value, lambda p, i=i: _inside(move(p)[i], p.size)) for i in range(count)]
        handles = [as_handle(self.builder, args[i]) for i in data]
        offsets = np.cumsum([0, *(handle.size for handle in handles)])
        whole = self.builder.join(handles)
        starts = zip(handles, offsets[:-1], strict=True)
        found = move(*(handle.positions + start for handle, start in starts))
        return [whole.take(_inside(index, whole.size)) for index in found]

    def _choice_moved(self, equation: JaxprEqn, args: list[Value]) -> Value:
        """A comparison, moved; nothing else that depends on parameters may say where to."""
        if len(args) != 1 or len(equation.outvars) != 1:
            raise InputError("positions that depend on parameters")
        return moved(args[0], lambda p: _bound(equation, [np.asarray(p, dtype=np.int32)])[0])

    def _scan(self, equation: JaxprEqn, args: list[Value]) -> Sequence[Value]:
        """A loop of known length, step by step."""
        params = equation.params
        consts, carried = params["num_consts"], params["num_carry"]
        carry, rows = args[consts : consts + carried], args[consts + carried :]
        length = params["length"]
        order = range(length - 1, -1, -1) if params["reverse"] else range(length)
        steps: list[Sequence[Value]] = []
        for t in order:
            inputs = [moved(row, lambda p, t=t: p[t]) for row in rows]
            found = self.closed(params["jaxpr"], [*args[:consts], *carry, *inputs])
            carry = found[:carried]
            steps.append(found[carried:])
        if params["reverse"]:
            steps.reverse()
        if not steps:
            raise InputError("a loop of no steps")
        outs = [self._stacked([step[i] for step in steps]) for i in range(len(steps[0]))]
        return [*carry, *outs]

    def _stacked(self, values: Sequence[Value]) -> Value:
        if all(isinstance(value, np.ndarray) for value in values):
            return np.stack([np.asarray(value) for value in values])
        unreadable = next((value for value in values if isinstance(value, Unreadable)), None)
        if unreadable is not None:
            return unreadable
        handles = [as_handle(self.builder, value) for value in values]
        return self.builder.join(handles).reshape(len(handles), *handles[0].shape)

    def _while(self, equation: JaxprEqn, args: list[Value]) -> Sequence[Value]:
        """A loop whose condition depends on no parameter."""
        params = equation.params
        first, second = params["cond_nconsts"], params["body_nconsts"]
        state = args[first + second :]
        while self._holds(self.closed(params["cond_jaxpr"], [*args[:first], *state])[0]):
            state = self.closed(params["body_jaxpr"], [*args[first : first + second], *state])
        return state

    def _cond(self, equation: JaxprEqn, args: list[Value]) -> Sequence[Value]:
        index = args[0]
        if not isinstance(index, np.ndarray):
            raise InputError("a branch that depends on parameters")
        branches = equation.params["branches"]
        return self.closed(branches[int(np.clip(index, 0, len(branches) - 1))], args[1:])

    def _holds(self, condition: Value) -> bool:
        if not isinstance(condition, np.ndarray):
            raise InputError("a loop whose length depends on parameters")
        return bool(condition)


EXPECTED: Final = "what a program can hold"


def _bound(equation: JaxprEqn, args: Sequence[Value], **changed: Any) -> list[Any]:
    """The results of a primitive on known arrays, computed by JAX."""
    if any(jnp.issubdtype(_dtype(atom), jax.dtypes.extended) for atom in equation.outvars):
        raise InputError("random numbers drawn inside of the loss")
    bind: Callable[..., Any] = equation.primitive.bind
    convert: Callable[..., Any] = jnp.asarray
    found = bind(*(convert(arg) for arg in args), **(equation.params | changed))
    results = found if equation.primitive.multiple_results else [found]
    return [np.asarray(result) for result in results]


def _dtype(atom: Any) -> Any:
    return atom.aval.dtype


def _shape(atom: Any) -> tuple[int, ...]:
    return atom.aval.shape


def _is_float(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, np.inexact))


def _rounds(equation: JaxprEqn) -> bool:
    """Whether a primitive computes with floats, so that JAX would round."""
    return any(_is_float(_dtype(atom)) for atom in equation.outvars)


def _to_integers(equation: JaxprEqn) -> bool:
    dtype = equation.params.get("new_dtype")
    return dtype is not None and not _is_float(dtype)


def _inside(index: Any, size: int) -> Any:
    """Positions, all of which are entries."""
    found = np.asarray(index)
    if found.size and not (found.min() >= 0 and found.max() < size):
        raise InputError("an index outside of its array")
    return found.astype(np.intp)


def _place(equations: Sequence[JaxprEqn]) -> str:
    """The innermost primitive, and the line of the user's code that it comes from."""
    name = equations[-1].primitive.name
    for equation in reversed(equations):
        traceback: Any = getattr(equation.source_info, "traceback", None)
        for frame in () if traceback is None else traceback.frames:
            if "/jax/" not in frame.file_name:
                return f"{name} at {frame.file_name.rpartition('/')[2]}:{frame.line_num}"
    return name
