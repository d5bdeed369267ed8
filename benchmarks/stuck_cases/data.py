"""The bench's data: real sets of scikit-learn, MNIST from a folder; synthetic ones for tuning."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

POINTS = 512


@dataclass(frozen=True)
class Task:
    """Inputs, targets, and the loss that goes with them."""

    name: str
    x: Tensor
    y: Tensor
    loss: nn.Module
    outputs: int

    @property
    def width(self) -> int:
        return self.x[0].numel()


def _shuffled(x: np.ndarray, y: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(x))[:POINTS]
    return x[order], y[order]


def real(name: str, scaled: bool = True) -> Task:
    """A data set of scikit-learn by its name there, standardised or raw."""
    from sklearn import datasets

    x, y = _shuffled(*getattr(datasets, f"load_{name}")(return_X_y=True))
    if scaled:
        x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    inputs = torch.tensor(x, dtype=torch.float32)
    if name == "diabetes":
        if scaled:
            y = (y - y.mean()) / y.std()
        targets = torch.tensor(y, dtype=torch.float32)[:, None]
        return Task(name, inputs, targets, nn.MSELoss(), 1)
    classes = int(y.max()) + 1
    return Task(name, inputs, torch.tensor(y), nn.CrossEntropyLoss(), classes)


def images(name: str = "digits", mnist: Path | None = None, scaled: bool = True) -> Task:
    """Digits as (n, 1, 8, 8), or MNIST's test images as (n, 1, 28, 28)."""
    if name == "digits":
        from sklearn.datasets import load_digits

        x, y = _shuffled(*cast(Any, load_digits(return_X_y=True)))
        x = x.reshape(-1, 1, 8, 8) / (16 if scaled else 1)
    else:
        assert mnist is not None
        with gzip.open(mnist / "t10k-images-idx3-ubyte.gz") as file:
            x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        with gzip.open(mnist / "t10k-labels-idx1-ubyte.gz") as file:
            y = np.frombuffer(file.read(), np.uint8, offset=8)
        x, y = _shuffled(x.astype(np.float64) / (255 if scaled else 1), y.astype(np.int64))
    if scaled:
        x = (x - x.mean()) / x.std()
    return Task(
        name, torch.tensor(x, dtype=torch.float32), torch.tensor(y), nn.CrossEntropyLoss(), 10
    )


def tokens() -> Task:
    """Digits as eight rows of eight pixels, for sequence models: (n, 8, 8)."""
    task = images("digits")
    return Task("digits", task.x[:, 0], task.y, task.loss, 10)


def small(name: str) -> Task:
    """A built-in data set of this package, with its own loss."""
    from spurious.problem import Loss, dataset

    found = dataset(name)
    x = torch.tensor([[float(v) for v in row] for row in found.data.x])
    y = torch.tensor([[float(v) for v in row] for row in found.data.y])
    logistic = found.loss is Loss.LOGISTIC
    return Task(name, x, y, nn.SoftMarginLoss() if logistic else nn.MSELoss(), 1)


def synthetic(name: str, seed: int) -> Task:
    """For tuning alone: blobs, spirals, sine, stripes (images)."""
    rng = np.random.default_rng(1000 + seed)
    n = 400
    if name == "blobs":
        centres = rng.normal(0, 2, (5, 12))
        y = rng.integers(0, 5, n)
        x = centres[y] + rng.normal(0, 1, (n, 12))
        x = (x - x.mean(0)) / x.std(0)
        kind, outputs = nn.CrossEntropyLoss(), 5
    elif name == "spirals":
        y = rng.integers(0, 2, n)
        angle = rng.uniform(0.5, 7, n)
        turn = angle + np.pi * y
        x = np.stack([angle * np.cos(turn), angle * np.sin(turn)], 1) / 4
        kind, outputs = nn.CrossEntropyLoss(), 2
    elif name == "sine":
        x = rng.uniform(-1, 1, (n, 4))
        target = np.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=n)
        y = ((target - target.mean()) / target.std())[:, None]
        kind, outputs = nn.MSELoss(), 1
    else:
        y = rng.integers(0, 4, n)
        grid = np.indices((8, 8)).astype(float)
        waves = [grid[0], grid[1], grid[0] + grid[1], grid[0] - grid[1]]
        x = np.stack([np.sin(1.5 * waves[k] + rng.uniform(0, 6)) for k in y])[:, None]
        x = x + 0.5 * rng.normal(size=x.shape)
        kind, outputs = nn.CrossEntropyLoss(), 4
    target = torch.tensor(y, dtype=torch.float32 if name == "sine" else torch.int64)
    return Task(name, torch.tensor(x, dtype=torch.float32), target, kind, outputs)
