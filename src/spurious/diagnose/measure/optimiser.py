"""What an optimiser holds and how far it steps, as plain numbers; and a copy for another model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from spurious.errors import InputError

FUSED: Final = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
"""Optimisers that can make a step in one call: the same but for rounding, at half the cost."""

REMEMBERING: Final = (
    torch.optim.Adadelta,
    torch.optim.Adagrad,
    torch.optim.Adam,
    torch.optim.Adamax,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.RMSprop,
)
"""Optimisers whose memory is not empty once they have made a step (AdamW is an Adam)."""

OF_SIZES: Final = (
    torch.optim.Adam,
    torch.optim.Adamax,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.RMSprop,
)
"""Optimisers that divide by the usual size of a gradient's entries, to which they add `eps`."""

DRIVEN: Final = 0.1
"""A scheduler that leaves less than a tenth of the first step size: copies are then trained with
the first one, so that other causes can be seen."""


@dataclass(frozen=True)
class OptimiserSeen:
    """An optimiser beside a model.

    Attributes:
        name: Of its class.
        step_size: The largest of its groups; that before the scheduler, if it left less than
            `DRIVEN` of it.
        left: What schedulers have left of the step size, as a share of the first one.
        momentum: The largest of its groups; 0 without.
        weight_decay: The largest of its groups.
        held: Names of the model's parameters that it holds.
        missed: Names of trained parameters of the model that it does not hold.
        strangers: How many tensors it holds that are none of the model's.
        has_memory: Whether it has made steps and remembers them.
        never_stepped: Whether it would remember steps, and has made none, or has seen no gradient
            but 0 in them.
        steps: How many steps it remembers to have made, or None.
        resting: Names of trained parameters in groups whose step size is 0, beside others.
        rests: Whether the step size of every group is 0, and was so from the first.
        flips: Whether it climbs: it maximises, or its step size is negative.
        epsilon: What it adds to the size of a gradient's entries before it divides by that, the
            largest of its groups; 0 without.
    """

    name: str
    step_size: float
    momentum: float
    weight_decay: float
    held: tuple[str, ...]
    missed: tuple[str, ...]
    strangers: int
    has_memory: bool
    flips: bool
    never_stepped: bool = False
    left: float = 1.0
    resting: tuple[str, ...] = ()
    rests: bool = False
    steps: int | None = None
    epsilon: float = 0.0

    @property
    def of_partners(self) -> bool:
        """Whether whole parts of a model are held and others not: they may have their own."""

        def parts(names: tuple[str, ...]) -> set[str]:
            return {name.partition(".")[0] for name in names if "." in name}

        whole = all("." in name for name in (*self.held, *self.missed))
        return whole and bool(self.held) and not parts(self.held) & parts(self.missed)


def climbs(group: Mapping[str, Any]) -> bool:
    """Whether an optimiser's group makes larger what goes backward."""
    return bool(group.get("maximize")) != (float(group["lr"]) < 0)


def optimiser_seen(optimiser: Any, model: nn.Module) -> OptimiserSeen:
    """Reads an optimiser's groups.

    Raises:
        InputError: It is no `torch.optim.Optimizer`.
    """
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise InputError(
            f"optimiser: found a {type(optimiser).__name__}, expected a torch.optim.Optimizer"
        )
    groups = optimiser.param_groups
    given = {id(p) for group in groups for p in group["params"]}
    named = list(model.named_parameters())
    own = {id(p) for _, p in named}

    def largest(key: str) -> float:
        return max((float(group.get(key) or 0.0) for group in groups), default=0.0)

    now, first, momentum = largest("lr"), largest("initial_lr"), largest("momentum")
    left = now / first if first > 0 else 1.0
    resting = {id(p) for g in groups for p in g["params"] if not g.get("initial_lr", g["lr"])}
    remembers = isinstance(optimiser, REMEMBERING) or momentum > 0
    made_steps = any(_stepped(state) for state in optimiser.state.values())
    counts = [float(s["step"]) for s in optimiser.state.values() if "step" in s]
    moved = any(_stepped(state) and _moved(state) for state in optimiser.state.values())
    return OptimiserSeen(
        name=type(optimiser).__name__,
        step_size=abs(first if left < DRIVEN else now),
        momentum=momentum,
        weight_decay=largest("weight_decay"),
        held=tuple(name for name, p in named if id(p) in given),
        missed=tuple(name for name, p in named if p.requires_grad and id(p) not in given),
        strangers=len(given - own),
        has_memory=made_steps,
        flips=any(map(climbs, groups)),
        never_stepped=remembers and not moved,
        left=left,
        steps=int(max(counts)) if counts else None,
        epsilon=largest("eps") if isinstance(optimiser, OF_SIZES) else 0.0,
        rests=all(g.get("lr") == 0 and not g.get("initial_lr") for g in groups),
        resting=tuple(
            name for name, p in named if p.requires_grad and id(p) in resting and now > 0
        ),
    )


def _stepped(state: Mapping[str, Any]) -> bool:
    """Whether what is remembered of a parameter is of a step; Adagrad's memory begins before."""
    return bool(state) and ("step" not in state or float(state["step"]) > 0)


def _moved(state: Mapping[str, Any]) -> bool:
    """Whether what is remembered is of some gradient that was not 0."""
    known = [v for k, v in state.items() if k != "step" and isinstance(v, torch.Tensor)]
    return not known or any(bool(value.any()) for value in known)


@dataclass(frozen=True)
class Rule:
    """Makes an optimiser like a given one for a copy of its model.

    Attributes:
        kind: Class of the optimiser.
        groups: Names of parameters with the settings of their group.
        factor: On every step size.
        without_decay: Whether weight decay is left out.
    """

    kind: Any
    groups: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]
    factor: float = 1.0
    without_decay: bool = False

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the parameters in all groups."""
        return tuple(name for names, _ in self.groups for name in names)

    def __call__(self, model: nn.Module, prefix: str = "") -> torch.optim.Optimizer:
        """The optimiser for a copy whose names may have a prefix; what is new is in group 0."""
        named = dict(model.named_parameters())
        used: set[str] = set()
        made: list[dict[str, Any]] = []
        for names, settings in self.groups:
            here = [prefix + name for name in names if prefix + name in named]
            used |= set(here)
            settings = dict(settings)
            settings["lr"] = settings["lr"] * self.factor
            if self.without_decay and "weight_decay" in settings:
                settings["weight_decay"] = 0.0
            made.append({"params": [named[name] for name in here], **settings})
        return quick(self.kind, [group for group in made if group["params"]])


def quick(kind: Any, groups: Iterable[dict[str, Any]], **settings: Any) -> torch.optim.Optimizer:
    """An optimiser of groups of parameters that steps in one call, if it can."""
    groups = list(groups)
    parameters = [p for group in groups for p in group["params"]]
    plain = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    if kind in FUSED and plain and parameters:
        fast = {"fused": True, "foreach": False, "differentiable": False}
        return kind([{**group, **fast} for group in groups], **settings, fused=True)
    return kind(groups, **settings)


def rule_like(optimiser: torch.optim.Optimizer, model: nn.Module) -> Rule:
    """The rule of an optimiser, with the parameters of the model that it holds. It descends.

    Step sizes of which a scheduler has left less than `DRIVEN` are the first ones again.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    groups: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    for group in optimiser.param_groups:
        held = tuple(names[id(p)] for p in group["params"] if id(p) in names)
        kept = {key: value for key, value in group.items() if key in optimiser.defaults}
        if "initial_lr" in group and kept["lr"] < DRIVEN * group["initial_lr"]:
            kept["lr"] = group["initial_lr"]
        kept["lr"] = abs(kept["lr"])
        if "maximize" in kept:
            kept["maximize"] = False
        groups.append((held, kept))
    return Rule(type(optimiser), tuple(groups))
