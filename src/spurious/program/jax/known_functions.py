# pyright: basic
"""Functions of JAX that are recognised as a whole, because they hide a kink that is not there."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn, Literal


def is_logaddexp(equation: JaxprEqn) -> bool:
    """Whether an equation calls `jnp.logaddexp`: it computes by the same steps as that one."""
    if equation.primitive.name != "custom_jvp_call" or len(equation.invars) != 2:
        return False
    inputs: list[Any] = list(equation.invars)
    kinds = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in inputs]
    original = jax.make_jaxpr(jnp.logaddexp)(*kinds).eqns[-1]
    return _steps(equation) == _steps(original)


def _steps(equation: JaxprEqn) -> list[Any]:
    """What a called function computes, whatever the order and the names of its steps."""
    closed = equation.params.get("call_jaxpr")
    if closed is None or closed.consts:
        return []
    jaxpr = closed.jaxpr
    source = {v: e for e in jaxpr.eqns for v in e.outvars}
    numbers: dict[Any, int] = {v: i for i, v in enumerate(jaxpr.invars)}
    steps: list[Any] = [str(v.aval) for v in jaxpr.invars]

    def number(atom: Any) -> int | str:
        if isinstance(atom, Literal):
            return f"{atom.val}:{atom.aval}"
        if atom not in numbers:
            step = source[atom]
            inputs = [number(v) for v in step.invars]
            numbers[atom] = len(steps)
            params = sorted(f"{key}={value}" for key, value in step.params.items())
            steps.append((step.primitive.name, inputs, params, str(atom.aval)))
        return numbers[atom]

    return [*(number(v) for v in jaxpr.outvars), steps]
