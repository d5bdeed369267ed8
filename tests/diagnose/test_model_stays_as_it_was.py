"""The model is left as it was, bit for bit, whatever it does and however it ends."""

import random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spurious
from spurious.errors import InputError


class Restless(nn.Module):
    """Batch norm, dropout, a frozen weight, a counter, a plain tensor, random numbers, an error."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4 * 16, 3)
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)
        self.register_buffer("seen", torch.zeros(()))
        self.plain = torch.zeros(2)
        self.calls, self.fails = 0, fails

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.plain += 1
        self.seen = self.seen + len(x)
        x = self.drop(F.relu_(self.norm(self.conv(x)))) + 0 * torch.rand(()) + 0 * random.random()
        if self.fails and self.calls > 1:
            with torch.no_grad():
                self.head.weight.fill_(7.0)
            raise ValueError("halfway")
        return self.head(x.flatten(1)) * self.frozen


def state(model: nn.Module) -> list[Any]:
    tensors = [*model.parameters(), *model.buffers()]
    return [
        [t.detach().clone() for t in tensors],
        [t.data_ptr() for t in tensors],
        [t.requires_grad for t in tensors],
        [None if p.grad is None else (id(p.grad), p.grad.clone()) for p in model.parameters()],
        [module.training for module in model.modules()],
        [
            (list(m._forward_hooks), list(m._forward_pre_hooks), list(m._backward_hooks))
            for m in model.modules()
        ],
        torch.random.get_rng_state(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
        len(nn.modules.module._global_forward_hooks),
        len(nn.modules.module._global_forward_pre_hooks),
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_grad_enabled(),
    ]  # fmt: skip


def same(left: Any, right: Any) -> bool:
    if isinstance(left, Tensor):
        return left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def prepared(fails: bool) -> tuple[Restless, Tensor, Tensor]:
    torch.manual_seed(3)
    model = Restless(fails)
    x, y = torch.randn(40, 1, 6, 6), torch.randint(0, 3, (40,))
    model.drop.eval()
    model.fails = False
    F.cross_entropy(model(x), y).backward()
    model.calls, model.fails = 0, fails
    return model, x, y


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_changed(fails: bool) -> None:
    model, x, y = prepared(fails)
    before, plain, hook_calls = state(model), model.plain.clone(), []
    handle = model.head.register_forward_hook(lambda *_: hook_calls.append(1))
    before[5] = state(model)[5]
    if fails:
        with pytest.raises(
            InputError, match=r"model: raised ValueError .halfway. on a batch"
        ) as raised:
            spurious.diagnose(model, [(x, y), (x, y)], nn.CrossEntropyLoss(), rehearse=False)
        assert isinstance(raised.value.__cause__, ValueError)
    else:
        spurious.diagnose(model, [(x, y), (x, y)], nn.CrossEntropyLoss(), rehearse=False)
        assert hook_calls
    assert same(before, state(model))
    assert model.calls == 0 and same(plain, model.plain)
    handle.remove()


def test_remedies_are_tried_on_a_copy() -> None:
    model, x, y = prepared(False)
    asked = (model, (x, y), nn.CrossEntropyLoss())
    report = spurious.diagnose(*asked)
    before = state(model)
    remedies = ("redraw_weights", "escape_direction", "add_unit")
    trials = report.try_remedies(*asked, 3, only=remedies)
    assert trials[0].remedy == "nothing" and len(trials) == 4
    assert all(t.steps == 3 for t in trials if not t.note)
    assert same(before, state(model))


def test_training_mode_and_dropout_do_not_make_the_outputs_random() -> None:
    model, x, y = prepared(False)
    model.train()
    reports = [spurious.diagnose(model, (x, y), nn.CrossEntropyLoss()) for _ in range(2)]
    assert reports[0].to_dict() == reports[1].to_dict()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_any_precision(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)).to(kind)
    x = torch.randn(30, 3).to(kind)
    before = state(model)
    report = spurious.diagnose(model, (x, x[:, :1].clone()), nn.MSELoss())
    assert same(before, state(model))
    assert report.measurements.landscape.constant_loss is not None
    assert report.measurements.curvature is not None


def test_autocast() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    x, y = torch.randn(30, 3), torch.randint(0, 2, (30,))
    before = state(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        report = spurious.diagnose(model, (x, y), nn.CrossEntropyLoss(), rehearse=False)
    assert same(before, state(model))
    assert report.measurements.curvature is not None


def test_weights_that_are_computed_when_read() -> None:
    torch.manual_seed(0)
    normed = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 8))
    model = nn.Sequential(normed, nn.ReLU(), nn.Linear(8, 1))
    x, y = torch.randn(30, 3), torch.randn(30, 1)
    before = [b.clone() for b in model.buffers()]
    spurious.diagnose(model, (x, y), nn.MSELoss(), rehearse=False)
    assert len(before) == 2 and same(before, list(model.buffers()))


def test_gradients_of_a_half_precision_model() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)).bfloat16()
    x, y = torch.randn(30, 3).bfloat16(), torch.randint(0, 2, (30,))
    F.cross_entropy(model(x), y).backward()
    before = state(model)
    spurious.diagnose(model, (x, y), nn.CrossEntropyLoss(), rehearse=False)
    assert same(before, state(model))
