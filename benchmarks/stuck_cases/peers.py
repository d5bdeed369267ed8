"""An existing tool on the same ways and controls: torchmortem 0.1.1 (pip install torchmortem).

It follows training from the first step, so it sees more than `diagnose`, which sees one moment: it
watches the harmed model's first steps and as many as a trial has after them, with its default
sampling and its optimiser given. Its findings of severity warning and above count. Its names are
translated generously: `MEANS` lists every kind of ours that a finding of its may stand for.
"""

from __future__ import annotations

import logging
from typing import Any

import torch

from stuck_cases.controls import Control
from stuck_cases.run import SETTLE, STEPS, harmed, rule_of, train
from stuck_cases.ways import Way

PEERS = ("torchmortem",)

LANDSCAPE = {"plateau", "saddle", "local_minimum", "valley_to_infinity"}

MEANS = (
    ("dead units", {"dead_units", "blind_spots", "shifted_initialisation"}),
    ("activation saturation", {"saturation"}),
    ("vanishing gradients", {"vanishing_gradient"}),
    ("gradient stalling", {"vanishing_gradient", "plateau"}),
    ("exploding gradients", {"exploding_gradient", "not_finite"}),
    ("training divergence", {"not_finite", "exploding_gradient"}),
    ("loss plateau", LANDSCAPE),
    ("rank collapse", {"constant_output", "duplicated_units", "shared_regions"}),
    ("update ratio too low", {"vanishing_gradient", "plateau"}),
    ("update ratio too high", {"exploding_gradient"}),
    ("weight norm explosion", {"exploding_gradient", "valley_to_infinity"}),
    ("stagnant weight norms", LANDSCAPE),
    ("weight norm imbalance", {"exploding_gradient", "shifted_initialisation"}),
)


def _findings(model: torch.nn.Module, task: Any, rule: Any, steps: int) -> list[str]:
    """Titles of its findings that are warnings or worse, in its own order."""
    from torchmortem import Autopsy  # pyright: ignore[reportMissingImports]

    logging.disable(logging.CRITICAL)
    autopsy = Autopsy(model, optimizer=rule)
    autopsy.attach()
    train(model, task, rule, steps, lambda loss: autopsy.step(loss=float(loss.detach())))
    autopsy.detach()
    report = autopsy.get_report()
    return [f.title for f in report.findings if f.severity.name in ("WARNING", "CRITICAL")]


def _kinds(title: str) -> set[str]:
    return next((kinds for words, kinds in MEANS if words in title.lower()), set())


def judge_way(peer: str, way: Way, seed: int) -> dict[str, Any]:
    """What the peer says about a way to be stuck."""
    assert peer in PEERS
    model = harmed(way, seed)
    titles = _findings(model, way.task, rule_of(way, model), SETTLE + STEPS)
    return {
        "found": titles[:4],
        "alarm": bool(titles),
        "first_right": bool(titles) and bool(_kinds(titles[0]) & way.right),
        "some_right": any(_kinds(title) & way.right for title in titles),
    }


def judge_control(peer: str, control: Control, seed: int) -> dict[str, Any]:
    """What the peer says about a healthy training, followed as long as ours."""
    assert peer in PEERS
    torch.manual_seed(seed)
    model = control.make(control.task)
    rule = torch.optim.Adam(model.parameters(), lr=control.step_size)
    titles = _findings(model, control.task, rule, STEPS // 4 + 2 * STEPS)
    return {"found": titles[:4], "false_alarm": bool(titles)}
