"""Trains, diagnoses, and tries the first remedy, for one way or one control."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import spurious
from stuck_cases.controls import Control
from stuck_cases.data import Task
from stuck_cases.ways import Way

SETTLE = 150
"""Steps that a harmed model is trained before it is diagnosed."""

STEPS = 400
"""Steps of a trial, and half of the steps of a healthy run."""

BATCH = 64


def batches(task: Task) -> list[tuple[torch.Tensor, torch.Tensor]]:
    pairs = zip(task.x.split(BATCH), task.y.split(BATCH), strict=True)
    return [pair for pair in pairs if len(pair[0]) > 1]


def train(model: nn.Module, task: Task, rule: torch.optim.Optimizer, steps: int,
          each: Callable[[torch.Tensor], None] | None = None) -> None:  # fmt: skip
    model.train()
    cycle = batches(task)
    for step in range(steps):
        x, y = cycle[step % len(cycle)]
        rule.zero_grad()
        loss = task.loss(model(x), y)
        loss.backward()
        rule.step()
        if each is not None:
            each(loss)


def loss_of(model: nn.Module, task: Task) -> float:
    """Loss on all points, on batch statistics where there is batch normalisation."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    cycle = batches(task)
    with torch.no_grad():
        total = sum(float(task.loss(model(x), y)) * len(x) for x, y in cycle)
    model.train()
    return total / sum(len(x) for x, _ in cycle)


def harmed(way: Way, seed: int) -> nn.Module:
    """The model, harmed, before training."""
    torch.manual_seed(seed)
    model = way.make(way.task)
    return way.harm(model) or model


def rule_of(way: Way, model: nn.Module) -> torch.optim.Optimizer:
    return way.rule(
        [p for p in model.parameters() if p.requires_grad], lr=way.rule_step or way.step_size
    )


def healthy_loss(way: Way, seed: int) -> float:
    """What the unharmed model, on good data, reaches in as many steps."""
    torch.manual_seed(seed)
    task = way.reference or way.task
    model = (way.healthy or way.make)(task)
    train(model, task, torch.optim.Adam(model.parameters(), lr=way.step_size), STEPS + SETTLE)
    return loss_of(model, task)


def run_way(way: Way, seed: int) -> dict[str, Any]:
    """One row: is it stuck, what is found, does the first remedy help."""
    goal_loss = healthy_loss(way, seed)
    model = harmed(way, seed)
    train(model, way.task, rule_of(way, model), SETTLE)
    began = time.perf_counter()
    asked = (model, batches(way.task), way.task.loss)
    report = spurious.diagnose(*asked)
    seconds = time.perf_counter() - began
    problems = report.problems
    before = loss_of(model, way.task)
    constant = report.measurements.landscape.constant_loss
    upper = before if before == before and before < 10 * (constant or before) else (constant or 1.0)
    goal = (upper + goal_loss) / 2
    first = problems[0].remedies[0] if problems and problems[0].remedies else None
    trials = report.try_remedies(
        *asked,
        STEPS,
        step_size=way.rule_step or way.step_size,
        optimiser=way.rule,
        only=(first,) if first else (),
    )
    after = {trial.remedy: trial.after for trial in trials}

    def reached(value: float | None) -> bool:
        return value is not None and value <= goal

    return {
        "way": way.name,
        "seed": seed,
        "loss": before,
        "healthy": goal_loss,
        "goal": goal,
        "stuck": not reached(after["nothing"]),
        "untouched": after["nothing"],
        "found": [f"{p.severity.name.lower()} {p.kind}" for p in problems],
        "first_right": bool(problems) and problems[0].kind in way.right,
        "first_named": bool(problems) and problems[0].kind in way.right | way.named_since,
        "some_right": any(p.kind in way.right for p in problems),
        "remedy": first,
        "remedied": after.get(first) if first else None,
        "unstuck": first is not None and reached(after.get(first)),
        "seconds": seconds,
        "zeros": zero_count(report),
    }


def zero_count(report: Any) -> bool:
    """The baseline: alarm if half of some layer's relu units are off on all points."""
    return any(
        layer.activation == "relu" and not layer.is_output and layer.dead.mean() >= 0.5
        for layer in report.measurements.units
    )


def run_control(control: Control, seed: int) -> dict[str, Any]:
    """One row: what is found at the start, midway and at the end of a good training."""
    torch.manual_seed(seed)
    model = control.make(control.task)
    rule = torch.optim.Adam(model.parameters(), lr=control.step_size)
    row: dict[str, Any] = {"control": control.name, "seed": seed, "zeros": False}
    for moment, steps in (("start", 0), ("midway", STEPS // 4), ("end", 2 * STEPS)):
        train(model, control.task, rule, steps)
        report = spurious.diagnose(model, batches(control.task), control.task.loss)
        row[moment] = [f"{p.severity.name.lower()} {p.kind}" for p in report.problems]
        row[f"{moment}_loss"] = report.measurements.landscape.loss
        row["zeros"] |= zero_count(report)
        if moment == "start":
            row["constant"] = report.measurements.landscape.constant_loss
    return row
