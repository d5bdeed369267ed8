"""Watching a training loop: the training is the same, and what goes wrong is raised."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import spurious
from spurious.diagnose import TrainingWatch
from spurious.errors import InputError


def model_of(dead: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
    )
    if dead:
        nn.init.constant_(model[2].bias, -20.0)
    return model


def train(model: nn.Module, watch: Any = None, steps: int = 60, rate: float = 0.05) -> None:
    torch.manual_seed(1)
    x = torch.randn(256, 5)
    y = (x[:, 0] > x[:, 1]).long()
    rule = torch.optim.SGD(model.parameters(), lr=rate)
    for step in range(steps):
        chosen = slice(32 * (step % 8), 32 * (step % 8) + 32)
        rule.zero_grad()
        loss = nn.functional.cross_entropy(model(x[chosen]), y[chosen])
        loss.backward()
        rule.step()
        if watch is not None:
            watch.step(loss)


def test_training_is_the_same_bit_for_bit() -> None:
    plain, watched = model_of(), model_of()
    train(plain)
    with TrainingWatch(watched, every=3, console=False) as watch:
        train(watched, watch)
    assert watch.looks == 20
    assert all(
        torch.equal(a, b) for a, b in zip(plain.parameters(), watched.parameters(), strict=True)
    )
    assert not watched._forward_hooks and not watched._forward_pre_hooks
    assert not watch.events


def test_a_dead_layer_is_raised_at_once_and_written(tmp_path: Path, capsys: Any) -> None:
    model = model_of(dead=True)
    path = tmp_path / "watch.jsonl"
    with TrainingWatch(model, every=5, jsonl=path) as watch:
        train(model, watch)
    first = next(e for e in watch.events if e.finding.kind == "dead_units")
    assert first.step == 0 and first.appeared and first.finding.layer == "2"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [row["kind"] for row in rows] == [e.finding.kind for e in watch.events]
    assert "dead_units in 2" in capsys.readouterr().out
    assert watch.open_findings[0].severity.name == "CRITICAL"


def test_what_is_mended_is_gone() -> None:
    model = model_of(dead=True)
    with TrainingWatch(model, every=2, console=False) as watch:
        train(model, watch, 10)
        nn.init.constant_(model[2].bias, 0.0)
        train(model, watch, 40)
    gone = {e.finding.kind for e in watch.events if not e.appeared}
    assert {"dead_units", "constant_output"} <= gone
    assert not watch.open_findings


def test_a_loss_that_stands_still_is_a_plateau() -> None:
    model = model_of()
    with TrainingWatch(model, every=25, console=False) as watch:
        train(model, watch, 280, rate=1e-8)
    assert "plateau" in {e.finding.kind for e in watch.events}


def test_a_loss_that_is_no_number() -> None:
    model = model_of()
    with TrainingWatch(model, every=1, console=False) as watch:
        train(model, watch, 30, rate=1e12)
    assert "not_finite" in {e.finding.kind for e in watch.events}


def test_evaluation_is_not_watched() -> None:
    model = model_of()
    unseen = pytest.warns(UserWarning, match="no training pass")
    with unseen, TrainingWatch(model, every=1, console=False) as watch:
        model.eval()
        model(torch.randn(4, 5))
        watch.step()
        model.train()
        with torch.no_grad():
            model(torch.randn(4, 5))
        watch.step()
    assert watch.looks == 0


def test_a_failing_forward_pass_leaves_no_hooks() -> None:
    model = model_of()
    registered = nn.modules.module._global_forward_hooks
    watch = TrainingWatch(model, every=1, console=False)
    with pytest.raises(RuntimeError):
        model(torch.randn(4, 6))
    watch.close()
    assert not registered and not model._forward_hooks


class Trainer:
    """Calls the callbacks in the order in which Lightning and transformers do."""

    def lightning(self, model: nn.Module, callback: Any) -> None:
        rule = torch.optim.SGD(model.parameters(), lr=0.01)
        for index in range(6):
            rule.zero_grad()
            loss = model(torch.randn(40, 5)).square().mean()
            loss.backward()
            callback.on_after_backward(self, model)
            rule.step()
            callback.on_train_batch_end(self, model, {"loss": loss.detach()}, None, index)
        callback.on_fit_end(self, model)

    def transformers(self, model: nn.Module, callback: Any) -> None:
        rule = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(6):
            model(torch.randn(40, 5)).square().mean().backward()
            callback.on_pre_optimizer_step(None, None, None, model=model)
            rule.step()
            model.zero_grad()
            callback.on_step_end(None, None, None, model=model)
        callback.on_train_end(None, None, None)


@pytest.mark.parametrize("library", ["lightning", "transformers"])
def test_callbacks(library: str) -> None:
    model = model_of(dead=True)
    watch = TrainingWatch(model, every=2, console=False)
    getattr(Trainer(), library)(model, getattr(watch, f"{library}_callback")())
    assert watch.looks == 3
    kinds = {e.finding.kind for e in watch.events}
    assert "dead_units" in kinds
    assert "not_finite" not in kinds  # in transformers, nobody tells the loss of a plain tensor
    assert not model._forward_hooks


def test_a_loss_in_a_mapping_of_outputs() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = model_of()

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.body(x)
            return {"loss": logits.square().mean(), "logits": logits}

    model = Named()
    with TrainingWatch(model, every=1, console=False) as watch:
        model(torch.randn(40, 5))["loss"].backward()
        watch.step()
    assert watch._history.first is not None and not watch.events


def test_a_module_that_is_never_called_is_told() -> None:
    watch = TrainingWatch(model_of(), console=False)
    watch.step(1.0)
    with pytest.warns(UserWarning, match="no training pass of the Sequential in 1 steps"):
        watch.close()


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every: found 0, expected at least 1"):
        TrainingWatch(model_of(), every=0)
    with pytest.raises(InputError, match=r"jsonl: .* cannot be written"):
        TrainingWatch(model_of(), jsonl=tmp_path / "no" / "file")


def test_a_model_that_is_watched_can_be_copied_saved_and_diagnosed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    x = torch.randn(40, 3)
    y = x.sum(1, keepdim=True)
    watch = TrainingWatch(model, console=False, every=1)
    rule = torch.optim.SGD(model.parameters(), 1e-2)

    def step(watched: nn.Module) -> None:
        rule.zero_grad()
        value = nn.functional.mse_loss(watched(x), y)
        value.backward()
        rule.step()
        watch.step(value)

    step(model)
    seen = watch.looks
    torch.save(model, tmp_path / "model.pt")
    for other in (copy.deepcopy(model), torch.load(tmp_path / "model.pt", weights_only=False)):
        other.train()(x)
        assert torch.equal(other(x), model(x))
    assert spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, watch=watch).trials
    assert watch.looks == seen
    step(model)
    assert watch.looks == seen + 1
    watch.close()
