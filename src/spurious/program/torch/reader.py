# pyright: basic
"""Reading an exported graph, node by node, into a program."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch.fx import Node
from torch.utils import _pytree as pytree

from spurious.errors import InputError
from spurious.program.branches import choose
from spurious.program.build import Builder, Handle
from spurious.program.torch.arithmetic_rules import ARITHMETIC, Rule
from spurious.program.torch.layer_rules import LAYERS
from spurious.program.torch.loss_rules import LOSS_RULES
from spurious.program.torch.moving import MOVING, moved
from spurious.program.torch.places import place
from spurious.program.torch.plain_rules import BINARY, UNARY
from spurious.program.torch.values import Comparison, Masked, Unreadable, Value, as_handle, is_data

RULES: Final[Mapping[str, Rule]] = {**ARITHMETIC, **LAYERS, **LOSS_RULES}

SAME: Final = frozenset({"_to_copy", "to", "detach", "type_as"})
"""Operators that change no real number; where a gradient is stopped was checked before."""

SHAPES: Final = frozenset(
    {"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"}
)
"""Operators that look at shapes alone."""

EXACT: Final = frozenset(
    {
        *("full", "zeros", "ones", "arange", "linspace", "eye", "scalar_tensor", "tril_indices"),
        *("sign", "floor", "ceil", "round", "trunc", "frac", "sort", "topk", "nan_to_num"),
        *("one_hot", "lift_fresh", "dropout", "max", "min", "amax", "amin"),
    }
)
"""Operators on known numbers whose results are meant as the floats that they are."""

COMPARISONS: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})

CHECKS: Final = frozenset(
    {"_assert_tensor_metadata", "_assert_async", "_assert_scalar", "sym_size"}
)

READ: Final = frozenset({*RULES, *UNARY, *BINARY, *MOVING, "detach"})
"""The names of the operators that are read as they are, so that none of them is decomposed."""

EXPECTED: Final = "an operator that a program can hold"


@dataclass(eq=False)
class Reader:
    """Writes what an exported graph computes into a program.

    Attributes:
        builder: The program.
        known: The value of each node so far.
    """

    builder: Builder
    known: dict[Node, Value]

    def read(self, nodes: list[Node]) -> None:
        """Reads nodes in the order of the graph.

        Raises:
            InputError: A node computes what no program can hold; the message says where.
        """
        for node in nodes:
            if node not in self.known:
                self.known[node] = self._result(node)

    def _result(self, node: Node) -> Value:
        args, kwargs = pytree.tree_map_only(Node, self.known.__getitem__, (node.args, node.kwargs))
        try:
            if node.op != "call_function":
                raise InputError(f"{node.op} {node.target}")
            return self._called(node.target, list(args), dict(kwargs))
        except InputError as error:
            message = str(error)
            wanted = "" if ", expected " in message else f", expected {EXPECTED}"
            raise InputError(f"loss: {place(node)}: found {message}{wanted}") from None

    def _called(self, target: Any, args: list[Any], kwargs: dict[str, Any]) -> Value:
        if target is operator.getitem:
            return args[0][args[1]]
        if not isinstance(target, torch._ops.OpOverload):
            raise InputError(f"the operator {target}")
        name = target._schema.name.removeprefix("aten::")
        leaves = pytree.tree_leaves((args, kwargs))
        unreadable = next((leaf for leaf in leaves if isinstance(leaf, Unreadable)), None)
        if unreadable is not None:
            raise InputError(unreadable.message)
        if torch.Tag.nondeterministic_seeded in target.tags and name not in RULES:
            raise InputError(f"the operator {name}, which is random")
        if name in CHECKS:
            return None
        if name == "where" and isinstance(args[0], Comparison):
            return self._chosen(*args)
        if not any(isinstance(leaf, Handle | Masked | Comparison) for leaf in leaves):
            return self._constant(target, name, args, kwargs)
        if name in SHAPES:
            args[0] = torch.empty(_shape(args[0]), dtype=torch.float64)
            return target(*args, **kwargs)
        if name in MOVING:
            return moved(self.builder, target, name, args, kwargs)
        return self._computed(target, name, args, kwargs)

    def _constant(self, target: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Value:
        """An operator on known numbers: exact where PyTorch would round, else by PyTorch."""
        if name in READ - MOVING and name not in ("detach", "dropout"):
            found = target(*args, **kwargs)
            return self._computed(target, name, args, kwargs) if _has_floats(found) else found
        with torch.no_grad():
            found = target(*args, **kwargs)
        if name in MOVING | SAME | SHAPES | EXACT or not _has_floats(found):
            return found
        raise InputError(
            f"the operator {name} of known numbers, expected its result as a buffer: it rounds"
        )

    def _computed(self, target: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Value:
        """An operator of real numbers."""
        if name in SAME:
            return self._same(args[0], kwargs)
        named = _named(target, args, kwargs)
        if name in COMPARISONS:
            return self._compared(name, named["x"], named["other"])
        if name == "div" and named.get("rounding_mode"):
            raise InputError(f"a quotient rounded by {named['rounding_mode']!r}")
        if name in RULES:
            return RULES[name](self.builder, **named)
        if name in UNARY:
            return UNARY[name](as_handle(self.builder, named["x"]))
        if name in BINARY:
            operands = [value for value in named.values() if not isinstance(value, str)][:2]
            return BINARY[name](*(as_handle(self.builder, value) for value in operands))
        raise InputError(f"the operator {name}")

    def _same(self, value: Any, kwargs: dict[str, Any]) -> Value:
        dtype = kwargs.get("dtype")
        if dtype is not None and not dtype.is_floating_point:
            raise InputError(f"values that depend on parameters as {dtype}")
        return value

    def _compared(self, name: str, left: Any, right: Any) -> Value:
        """A comparison: known where both sides are, else by the sign of the difference."""
        x, y = (as_handle(self.builder, value) for value in (left, right))
        if x.known is not None and y.known is not None:
            return torch.from_numpy(np.array(getattr(operator, name)(x.known, y.known), dtype=bool))
        if name in ("eq", "ne"):
            raise InputError("a test for equality of values that depend on parameters")
        return Comparison(x - y, name in ("gt", "ge"))

    def _chosen(self, condition: Comparison, chosen: Any, other: Any) -> Value:
        """A choice by a sign that depends on parameters: where the branches meet, as in relu."""
        parts = [
            as_handle(self.builder, value)
            for value in ((chosen, other) if condition.above else (other, chosen))
        ]
        shape = np.broadcast_shapes(condition.difference.shape, *(part.shape for part in parts))
        return choose(*(part.broadcast(*shape) for part in (condition.difference, *parts)))


def is_read(target: Any) -> bool:
    """Whether what a node calls is read as it is, and changes nothing in place."""
    if target is operator.getitem:
        return True
    return (
        isinstance(target, torch._ops.OpOverload)
        and target._schema.name.removeprefix("aten::") in READ | COMPARISONS
        and not target._schema.is_mutable
        and torch.Tag.maybe_aliasing_or_mutating not in target.tags
    )


def _has_floats(result: Any) -> bool:
    return any(is_data(leaf) for leaf in pytree.tree_leaves(result))


def _shape(value: Any) -> tuple[int, ...]:
    return value.finite.shape if isinstance(value, Masked) else tuple(value.shape)


def _named(target: Any, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments by ATen's names; `self` and `input` are x."""
    found: dict[str, Any] = {}
    for place_, argument in enumerate(target._schema.arguments):
        name = "x" if argument.name in ("self", "input") else argument.name
        if place_ < len(args):
            found[name] = args[place_]
        elif argument.name in kwargs:
            found[name] = kwargs[argument.name]
        elif argument.has_default_value():
            found[name] = argument.default_value
    return found
