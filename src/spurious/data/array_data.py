"""Datasets as arrays, for networks too large for exact numbers, and what their names mean."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.data.mnist import CLASSES, FOLDER_VARIABLE, mnist
from spurious.data.prepare import permuted, whitened
from spurious.data.zigzag import zigzag
from spurious.errors import InputError
from spurious.late import require

ARRAY_DATASETS: Final = ("mnist", "digits", "zigzag")
"""The names of datasets that come as arrays."""

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "mnist": {"part": "train", "labels": "true", "label_seed": 0, "tau": 1.0, "whiten": False},
    "digits": {"labels": "true", "label_seed": 0, "tau": 1.0, "whiten": False},
    "zigzag": {"points": 61, "pieces": 12, "noise": 0.0, "noise_seed": 0, "tau": 1.0},
}
"""What can be said of each, with its default."""


@dataclass(frozen=True, eq=False)
class ArrayData:
    """A dataset; the network sees `tau * inputs`, computed in float32.

    Attributes:
        name: How a plan's table shows it, such as "mnist(tau=0.1)".
        inputs: Before scaling, shape (n, d); datasets that differ only otherwise share the array.
        tau: The scale.
        targets: Classes of shape (n,), or values of shape (n, K) in float32.
        classes: Number of classes, or 0 for values.
    """

    name: str
    inputs: npt.NDArray[np.float32]
    tau: float
    targets: npt.NDArray[Any]
    classes: int

    @property
    def size(self) -> int:
        """Number of points, n."""
        return len(self.inputs)

    @property
    def outputs(self) -> int:
        """Outputs that a network for these data has."""
        return self.classes or self.targets.shape[1]

    def scaled(self) -> npt.NDArray[np.float32]:
        """What the network sees, shape (n, d)."""
        return self.inputs * np.float32(self.tau)

    @cached_property
    def inputs_hash(self) -> str:
        """A hash of the inputs before scaling."""
        return _hash(self.inputs)

    @cached_property
    def digest(self) -> dict[str, str | float | int]:
        """What tells these data from others."""
        return {
            "inputs": self.inputs_hash,
            "tau": self.tau,
            "targets": _hash(self.targets),
            "classes": self.classes,
        }


def array_data(table: Mapping[str, Any]) -> ArrayData:
    """The dataset that a table names.

    Args:
        table: `name`, one of `ARRAY_DATASETS`, and options: `tau`; for images `whiten`, `labels`
            ("true" or "permuted"), `label_seed`; for mnist `part` ("train" or "test"); for zigzag
            `points`, `pieces`, `noise`, `noise_seed`.

    Raises:
        InputError: An unknown name or option, a value out of range, or data that are not there.
    """
    name = table["name"]
    if name not in ARRAY_DATASETS:
        raise InputError(
            f"dataset.name: found {name!r}, expected one of {', '.join(ARRAY_DATASETS)}"
        )
    given = {key: value for key, value in table.items() if key != "name"}
    options = {**_OPTIONS[name], **{key: _checked(name, key, v) for key, v in given.items()}}
    shown = ", ".join(f"{key}={value}" for key, value in given.items())
    label = f"{name}({shown})" if shown else name
    tau = float(options["tau"])
    if not 0 < tau < np.inf:
        raise InputError(f"dataset.tau: found {tau!r}, expected a positive number")
    if name == "zigzag":
        x, y = _zigzag(*(options[key] for key in ("points", "pieces", "noise", "noise_seed")))
        return ArrayData(label, x, tau, y, 0)
    part = options.get("part", "")
    if options["labels"] not in ("true", "permuted"):
        raise InputError(
            f"dataset.labels: found {options['labels']!r}, expected true or permuted, in quotes"
        )
    x, y = _images(name, part, options["whiten"])
    if options["labels"] == "permuted":
        y = permuted(y, options["label_seed"])
    return ArrayData(label, x, tau, y, CLASSES)


def _checked(name: str, key: str, value: Any) -> Any:
    options = _OPTIONS[name]
    if key not in options:
        near = difflib.get_close_matches(key, options, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; expected {', '.join(options)}"
        raise InputError(f"dataset.{key}: found an unknown key for {name}{hint}")
    default = options[key]
    wanted, words = {
        bool: ((bool,), "true or false"),
        int: ((int,), "an integer that is not negative"),
        float: ((int, float), "a number"),
        str: ((str,), "text"),
    }[type(default)]
    if type(value) not in wanted or (type(value) is int and type(default) is int and value < 0):
        raise InputError(f"dataset.{key}: found {value!r}, expected {words}")
    return value


_zigzag = lru_cache(maxsize=8)(zigzag)


def _images(
    name: str, part: str, whiten: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Images with grey values from 0 to 1, the same arrays each time."""
    return _cached_images(name, part, whiten, os.environ.get(FOLDER_VARIABLE, ""))


@lru_cache(maxsize=8)
def _cached_images(
    name: str, part: str, whiten: bool, folder: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    if whiten:
        x, y = _cached_images(name, part, False, folder)
        return whitened(x), y
    if name == "digits":
        return digits()
    grey, labels = mnist(part, Path(folder) if folder else None)
    return grey.astype(np.float32) / np.float32(255), labels


def _hash(array: npt.NDArray[Any]) -> str:
    return sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()[:32]


DARKEST: Final = 16


def digits() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The handwritten digits of 8 x 8 pixels that come with scikit-learn.

    Grey values from 0 to 1, shape (1797, 64), and labels, shape (1797,). Source: E. Alpaydin, C.
    Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning Repository (1998); the
    test half.

    Raises:
        InputError: scikit-learn is missing.
    """
    require("sklearn", "large")
    from sklearn import datasets  # pyright: ignore[reportMissingTypeStubs]

    load: Any = datasets.load_digits  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    bunch = load()
    return (bunch.data / DARKEST).astype(np.float32), bunch.target.astype(np.int64)
