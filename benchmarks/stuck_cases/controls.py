"""Healthy controls: ordinary models that learn their data, on real data and (for tuning) others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from stuck_cases.data import Task, images, real, synthetic, tokens
from stuck_cases.models import Cnn, ResidualCnn, ResidualMlp, Transformer, mlp


@dataclass(frozen=True)
class Control:
    """A model that trains well.

    Attributes:
        name: In the tables.
        task: The data.
        make: The model.
        step_size: Of Adam.
    """

    name: str
    task: Task
    make: Callable[[Task], nn.Module]
    step_size: float = 3e-3


def shapes(flat: list[Task], pictures: list[Task], rows: list[Task]) -> list[Control]:
    """Every kind of model, each on one or two of the tasks."""

    def dense(*hidden: int, **extra: object) -> Callable[[Task], nn.Module]:
        return lambda task: mlp(task, hidden, **extra)  # type: ignore[arg-type]

    kinds: list[tuple[str, Callable[[Task], nn.Module]]] = [
        ("relu 16", dense(16)),
        ("relu 32-32", dense(32, 32)),
        ("relu 64-64-64", dense(64, 64, 64)),
        ("tanh 32-32", dense(32, 32, act=nn.Tanh)),
        ("sigmoid 32", dense(32, act=nn.Sigmoid)),
        ("gelu 32-32", dense(32, 32, act=nn.GELU)),
        ("silu 32-32", dense(32, 32, act=nn.SiLU)),
        ("elu 32-32", dense(32, 32, act=nn.ELU)),
        ("leaky relu 32-32", dense(32, 32, act=nn.LeakyReLU)),
        ("batch norm 32-32", dense(32, 32, norm=nn.BatchNorm1d)),
        ("layer norm 32-32", dense(32, 32, norm=nn.LayerNorm)),
        ("dropout 64-64", dense(64, 64, dropout=0.3)),
        ("residual MLP", ResidualMlp),
        ("residual MLP with layer norm", lambda task: ResidualMlp(task, norm=True)),
    ]
    found: list[Control] = []
    for k, (name, make) in enumerate(kinds):
        task = flat[k % len(flat)]
        found.append(Control(f"{name}, {task.name}", task, make))
    for task in pictures:
        found.append(Control(f"CNN, {task.name}", task, Cnn))
        found.append(
            Control(f"CNN with batch norm, {task.name}", task, lambda t: Cnn(t, norm=True))
        )
        found.append(Control(f"residual CNN, {task.name}", task, ResidualCnn))
    for task in rows:
        found.append(Control(f"transformer, {task.name}", task, Transformer))
        found.append(
            Control(f"transformer gelu, {task.name}", task, lambda t: Transformer(t, act="gelu"))
        )
    return found


def controls(mnist: Path | None) -> list[Control]:
    """The bench's controls; with MNIST's folder eight more."""
    flat = [real(name) for name in ("digits", "wine", "breast_cancer", "diabetes", "iris")]
    pictures = [images("digits")]
    if mnist is not None:
        pictures.append(images("mnist", mnist))
    found = shapes(flat, pictures, [tokens()])
    found += shapes(flat[2:] + flat[:2], [], [])[:9]
    if mnist is not None:
        big = pictures[1]
        found.append(Control("relu 64-64, mnist", big, lambda t: mlp(t, (64, 64))))
    return found


def tuning(seed: int) -> list[Control]:
    """Controls on synthetic data, on which thresholds were checked; none of the bench's data."""
    flat = [synthetic(name, seed) for name in ("blobs", "spirals", "sine")]
    stripes = synthetic("stripes", seed)
    rows = Task("stripes", stripes.x[:, 0], stripes.y, stripes.loss, 4)
    return shapes(flat, [stripes], [rows])
