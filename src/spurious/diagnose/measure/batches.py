# pyright: basic
"""The data of a diagnosis: a bounded number of points, in batches on the model's device."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from spurious.errors import InputError

CHUNK: Final = 64
"""Points that go through the model at once where the data come as whole tensors."""

IN_ORDER: Final = 32
"""Points of a batch of a loader that does not shuffle: the commonest number there is."""

FEWEST_IN_ORDER: Final = 4
"""Fewer points give no gradient to speak of."""

MODERATE: Final = 100_000
"""Numbers of a data set that is kept whole beside the points looked at: equal points may make it
small enough for an exact verdict."""


@dataclass(frozen=True)
class Batch:
    """Points that go through the model together.

    Attributes:
        args: Positional arguments of the model.
        kwargs: Keyword arguments.
        targets: What the loss compares with, or None.
        size: Number of points.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    targets: Any
    size: int

    @property
    def features(self) -> Tensor | None:
        """The one floating-point input, if there is just one, shape (size, ...)."""
        if len(self.args) == 1 and not self.kwargs and isinstance(self.args[0], Tensor):
            return self.args[0] if self.args[0].is_floating_point() else None
        return None

    def in_precision(self, dtype: torch.dtype) -> Batch:
        """The same points, with all floats of one type."""

        def cast(value: Any) -> Any:
            plain = isinstance(value, Tensor) and value.is_floating_point()
            return value.to(dtype) if plain else value

        args, kwargs = map(cast, self.args), {k: cast(v) for k, v in self.kwargs.items()}
        return Batch(tuple(args), kwargs, cast(self.targets), self.size)


@dataclass(frozen=True)
class Sample:
    """The points looked at.

    Attributes:
        batches: In the order given.
        complete: Whether these are all points of the data given.
        places: Number of each point, in the order of the batches, among all points given.
        whole: All inputs and targets, where more were given, as two tensors of moderate size.
        chosen: Whether the data came as whole tensors, so that the batches are none of the user's.
    """

    batches: tuple[Batch, ...]
    complete: bool
    places: tuple[int, ...]
    whole: tuple[Tensor, Tensor] | None = None
    chosen: bool = False

    @property
    def all_features(self) -> Tensor | None:
        """The inputs of all points given, or None if they were not seen."""
        if self.whole is not None:
            return self.whole[0]
        return self.features if self.complete else None

    @property
    def all_targets(self) -> Tensor | None:
        """The same for targets."""
        if self.whole is not None:
            return self.whole[1]
        return self.targets if self.complete else None

    @property
    def size(self) -> int:
        """Number of points."""
        return sum(batch.size for batch in self.batches)

    @property
    def features(self) -> Tensor | None:
        """All floating-point inputs, shape (n, ...), or None."""
        found = [f for f in (batch.features for batch in self.batches) if f is not None]
        same = len({f.shape[1:] for f in found}) == 1 and len(found) == len(self.batches)
        return torch.cat(found) if same else None

    @property
    def inputs(self) -> Tensor | None:
        """The one input of all points, of numbers or words, shape (n, ...), or None."""
        single = all(len(b.args) == 1 and not b.kwargs for b in self.batches)
        found = [b.args[0] for b in self.batches] if single else []
        tensors = bool(found) and all(isinstance(x, Tensor) for x in found)
        return torch.cat(found) if tensors and len({x.shape[1:] for x in found}) == 1 else None

    @property
    def targets(self) -> Any:
        """All targets as one tensor, or None where they are no tensors of one shape."""
        found = [batch.targets for batch in self.batches]
        if not all(isinstance(t, Tensor) and t.shape[1:] == found[0].shape[1:] for t in found):
            return None
        return torch.cat(found) if found[0].ndim else None

    def in_float32(self) -> Sample:
        """The same points in single precision."""
        batches = tuple(batch.in_precision(torch.float32) for batch in self.batches)
        return Sample(batches, self.complete, self.places)

    def in_order(self) -> Sample:
        """The same points in the order in which they were given, as a loop takes them.

        In as many batches as all points have of `IN_ORDER`, so that as many steps in a row see the
        same class. The sample itself where the inputs are no single tensor.
        """
        x, y = self.inputs, self.targets
        if x is None or not isinstance(y, Tensor):
            return self
        many = max(self.places) + 1 if self.whole is None else len(self.whole[0])
        few = max(IN_ORDER * self.size // many, FEWEST_IN_ORDER)
        return Sample(self._ordered(x, y, few), self.complete, tuple(sorted(self.places)))

    def in_batches_of(self, few: int) -> Sample:
        """The same points in batches of at most so many, where batches are pairs of tensors."""
        whole = all(
            isinstance(value, Tensor) and len(value) == batch.size
            for batch in self.batches
            for value in (*batch.args, batch.targets)
        )
        if not whole or any(batch.kwargs for batch in self.batches):
            return self
        parts = tuple(
            Batch(tuple(value[k : k + few] for value in batch.args), {}, y, len(y))
            for batch in self.batches
            for k in range(0, batch.size, few)
            for y in (batch.targets[k : k + few],)
        )
        return replace(self, batches=parts)

    def at_once(self) -> Sample:
        """The same points in one batch and in the order in which they were given.

        The sample itself where the inputs are no single tensor.
        """
        x, y = self.inputs, self.targets
        if x is None or not isinstance(y, Tensor) or len(y) != len(x):
            return self
        return replace(
            self, batches=self._ordered(x, y, self.size), places=tuple(sorted(self.places))
        )

    def _ordered(self, x: Tensor, y: Tensor, few: int) -> tuple[Batch, ...]:
        """All points in the order in which they were given, in batches of at most so many."""
        order = sorted(range(self.size), key=lambda k: self.places[k])
        parts = (order[k : k + few] for k in range(0, self.size, few))
        return tuple(Batch((x[part],), {}, y[part], len(part)) for part in parts)

    def part(self, which: int) -> Sample | None:
        """Every other batch, from the first one (0) or the second one (1); None if there is none.

        The places are not those of the points.
        """
        taken = self.batches[which::2]
        count = sum(batch.size for batch in taken)
        return Sample(taken, False, tuple(range(count))) if taken else None

    def first(self, points: int) -> Sample:
        """The first points, at least one whole batch of them."""
        taken: list[Batch] = []
        for batch in self.batches:
            taken.append(batch)
            points -= batch.size
            if points <= 0:
                break
        whole = self.complete and len(taken) == len(self.batches)
        return Sample(tuple(taken), whole, self.places[: sum(batch.size for batch in taken)])


def sample_of(data: Any, model: nn.Module, points: int) -> Sample:
    """Takes some points of a pair of tensors, a loader, a dataset or a list of batches.

    Of whole tensors and datasets they are spread evenly, within each batch too, since data often
    come sorted by class. Loaders and lists give their first batches, as they are.

    Args:
        data: `(inputs, targets)` with inputs a tensor or a tuple or mapping of tensors; or an
            iterable of such pairs, or of mappings that are the model's keyword arguments. A map
            dataset of single points, `data[i] == (x, y)`, works too.
        model: Its device is where the points go.
        points: At most so many, but at least one batch.

    Raises:
        InputError: Something else was given, or no data.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    if _is_pair(data):
        whole = _batch(data, None)
        chosen = _spread(whole.size, points)
        parts = tuple(picked(whole, places, device) for places in chosen)
        found = replace(_sample(parts, whole.size <= points, chosen), chosen=True)
        x, y = whole.features, whole.targets
        if found.complete or x is None or not isinstance(y, Tensor) or not y.ndim:
            return found
        if x.numel() + y.numel() > MODERATE:
            return found
        return replace(found, whole=(x.detach().to(device), y.detach().to(device)))
    if isinstance(data, torch.utils.data.Dataset):
        if isinstance(data, Sized) and len(data):
            chosen = _spread(len(data), points)
            loader = torch.utils.data.DataLoader(data, batch_sampler=chosen)
            parts = tuple(_batch(entry, device) for entry in loader)
            return _sample(parts, len(data) <= points, chosen)
        data = torch.utils.data.DataLoader(data, batch_size=CHUNK)
    if _is_array(data) or (isinstance(data, (tuple, list)) and any(map(_is_array, data))):
        raise InputError("data: found arrays, expected tensors; torch.as_tensor makes them")
    if isinstance(data, (Tensor, str)) or not isinstance(data, Iterable):
        raise InputError(
            f"data: found a {type(data).__name__}, expected (inputs, targets) or a loader of such "
            "batches"
        )
    batches: list[Batch] = []
    complete = True
    for entry in data:
        if sum(batch.size for batch in batches) >= points:
            complete = False
            break
        batches.append(_batch(entry, device))
    if not batches:
        raise InputError("data: found no batches, expected at least one")
    return _sample(tuple(batches), complete, [list(range(sum(batch.size for batch in batches)))])


def _sample(batches: tuple[Batch, ...], complete: bool, places: list[list[int]]) -> Sample:
    return Sample(batches, complete, tuple(place for part in places for place in part))


def _spread(size: int, points: int) -> list[list[int]]:
    """Numbers below `size`, one at random of each of equal parts, dealt out to batches at random.

    Fixed steps would meet data whose classes take turns always in the same class.
    """
    draw, kept = random.Random(0), min(size, points)
    ends = [k * size // kept for k in range(kept + 1)]
    chosen = [draw.randrange(first, end) for first, end in pairwise(ends)]
    draw.shuffle(chosen)
    batches = -(-kept // CHUNK)
    return [sorted(chosen[k::batches]) for k in range(batches)]


def _is_pair(data: Any) -> bool:
    if isinstance(data, Mapping):
        return True
    return (
        isinstance(data, (tuple, list))
        and len(data) == 2
        and _size(data[0]) is not None
        and (isinstance(data[1], Tensor) or _is_array(data[1]))
    )


def _batch(entry: Any, device: torch.device | None) -> Batch:
    if isinstance(entry, Mapping):
        inputs, targets = entry, None
    elif isinstance(entry, Sequence) and len(entry) == 2 and not isinstance(entry, str):
        inputs, targets = entry
    else:
        found = f"a {type(entry).__name__}"
        if isinstance(entry, (tuple, list)):
            found += f" of {len(entry)}"
        raise InputError(
            f"data: found a batch that is {found}, expected (inputs, targets) or a mapping of the "
            "model's arguments"
        )
    size = _size(inputs)
    if not size:
        raise InputError("data: found a batch without a tensor of inputs, expected one")
    if _is_array(targets):
        raise InputError("data: found an array of targets, expected a tensor; use torch.as_tensor")
    if device is not None:
        inputs, targets = _moved(inputs, device), _moved(targets, device)
    if isinstance(targets, Tensor) and targets.ndim and len(targets) != size:
        raise InputError(
            f"data: found {len(targets)} targets for {size} inputs, expected one for each"
        )
    if isinstance(inputs, Mapping):
        return Batch((), dict(inputs), targets, size)
    return Batch(
        tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,), {}, targets, size
    )


def picked(batch: Batch, places: list[int], device: torch.device | None) -> Batch:
    """Some points; tensors without an entry for each point, such as masks, stay whole."""

    def pick(value: Any) -> Any:
        if isinstance(value, Tensor) and value.ndim and len(value) == batch.size:
            value = value[places]
        return value if device is None else _moved(value, device)

    return Batch(
        tuple(map(pick, batch.args)),
        {name: pick(value) for name, value in batch.kwargs.items()},
        pick(batch.targets),
        len(places),
    )


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _size(inputs: Any) -> int | None:
    """Number of points of a tensor, or of the first of several."""
    if isinstance(inputs, Mapping):
        inputs = tuple(inputs.values())
    if isinstance(inputs, (tuple, list)):
        inputs = next((value for value in inputs if isinstance(value, Tensor)), None)
    return len(inputs) if isinstance(inputs, Tensor) and inputs.ndim else None


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.detach().to(device)
    if isinstance(value, Mapping):
        return {name: _moved(entry, device) for name, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_moved(entry, device) for entry in value)
    return value
