"""Data of the programs: made up, or scikit-learn's own."""

from __future__ import annotations

from typing import Any

import torch
from sklearn import datasets
from torch import Tensor


def blobs(seed: int, classes: int = 3, n: int = 300) -> tuple[Tensor, Tensor]:
    """Clusters in four dimensions, two for each class."""
    torch.manual_seed(seed)
    centres = 2.0 * torch.randn(2 * classes, 4)
    which = torch.arange(n) % (2 * classes)
    return centres[which] + 0.5 * torch.randn(n, 4), which % classes


def rings(seed: int, n: int = 300) -> tuple[Tensor, Tensor]:
    """Two classes in the plane, one around the other."""
    torch.manual_seed(seed)
    x = torch.randn(n, 2)
    return x, (x.norm(dim=1) > 1.1).float()[:, None]


def curve(seed: int, n: int = 200) -> tuple[Tensor, Tensor]:
    """A smooth function of three inputs, with values on both sides of 0."""
    torch.manual_seed(seed)
    x = torch.randn(n, 3)
    return x, torch.sin(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:]


def digits(points: int = 600) -> tuple[Tensor, Tensor]:
    """Images of 8 x 8 between 0 and 1, (n, 64), and their digits."""
    found: Any = datasets.load_digits()
    x = torch.tensor(found.data[:points], dtype=torch.float32) / 16
    return x, torch.tensor(found.target[:points])


def xor(copies: int = 1) -> tuple[Tensor, Tensor]:
    """The four points, and 1 where the two inputs differ."""
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).repeat(copies, 1)
    return x, (x[:, :1] != x[:, 1:]).float()


def one_hot(labels: Tensor) -> Tensor:
    """Rows with a single 1."""
    return torch.nn.functional.one_hot(labels).float()


def masks(seed: int, share: float, n: int = 60) -> tuple[Tensor, Tensor]:
    """Noisy images, (n, 1, 12, 12), and masks of what is brighter, of the same shape."""
    torch.manual_seed(seed)
    bright = (torch.rand(n, 1, 4, 4) < share).float()
    y = bright.repeat_interleave(3, 2).repeat_interleave(3, 3)
    return 1.5 * y + 0.7 * torch.randn(n, 1, 12, 12), y
