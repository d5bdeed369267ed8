"""Small models of many kinds."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from stuck_cases.data import Task


def mlp(task: Task, hidden: tuple[int, ...] = (32, 32), act: type[nn.Module] = nn.ReLU,
        norm: type[nn.Module] | None = None, dropout: float = 0.0) -> nn.Sequential:  # fmt: skip
    modules: list[nn.Module] = [nn.Flatten()]
    below = task.width
    for width in hidden:
        modules.append(nn.Linear(below, width))
        if norm is not None:
            modules.append(norm(width))
        modules.append(act())
        if dropout:
            modules.append(nn.Dropout(dropout))
        below = width
    return nn.Sequential(*modules, nn.Linear(below, task.outputs))


class Cnn(nn.Module):
    """Two convolutions, functional activations, perhaps batch normalisation."""

    def __init__(self, task: Task, width: int = 8, act=F.relu, norm: bool = False) -> None:
        super().__init__()
        self.act = act
        self.conv1 = nn.Conv2d(1, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(width) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(2 * width) if norm else nn.Identity()
        self.head = nn.Linear(2 * width * 4, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.act(self.norm1(self.conv1(x))), 2)
        x = self.act(self.norm2(self.conv2(x)))
        return self.head(F.adaptive_avg_pool2d(x, 2).flatten(1))


class ResidualMlp(nn.Module):
    """Residual blocks, before them a stem with relu; `norm` puts LayerNorm in front of branches."""

    def __init__(self, task: Task, width: int = 32, blocks: int = 3, norm: bool = False) -> None:
        super().__init__()
        self.stem = nn.Linear(task.width, width)
        self.ups = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.downs = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.norms = nn.ModuleList(
            nn.LayerNorm(width) if norm else nn.Identity() for _ in range(blocks)
        )
        self.head = nn.Linear(width, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x.flatten(1)))
        for up, down, norm in zip(self.ups, self.downs, self.norms, strict=True):
            x = x + down(torch.relu(up(norm(x))))
        return self.head(x)


class ResidualCnn(nn.Module):
    """A stem and two residual blocks with batch normalisation."""

    def __init__(self, task: Task, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(4))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(4))
        self.head = nn.Linear(width * 4, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        for k in (0, 2):
            inner = F.relu(self.norms[k](self.convs[k](x)))
            x = F.relu(x + self.norms[k + 1](self.convs[k + 1](inner)))
        return self.head(F.adaptive_avg_pool2d(x, 2).flatten(1))


class Transformer(nn.Module):
    """One encoder layer over rows of pixels."""

    def __init__(self, task: Task, width: int = 16, act: str = "relu") -> None:
        super().__init__()
        self.embed = nn.Linear(task.x.shape[2], width)
        self.place = nn.Parameter(0.1 * torch.randn(task.x.shape[1], width))
        self.layer = nn.TransformerEncoderLayer(width, 2, 32, 0.0, act, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(self.embed(x) + self.place)
        return self.head(self.norm(x.mean(1)))


class Detached(nn.Module):
    """A mistake: the features are detached, so that only the head is trained."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(task.width, 16), nn.Tanh(), nn.Linear(16, 2), nn.Tanh()
        )
        self.head = nn.Linear(2, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).detach())


class Attached(Detached):
    """The same without the mistake."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class ReluOutput(nn.Module):
    """A mistake: relu on the output of a regression whose start is below 0."""

    def __init__(self, task: Task, mistaken: bool = True) -> None:
        super().__init__()
        self.body, self.mistaken = mlp(task), mistaken

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x)) if self.mistaken else self.body(x)
