"""Loops that are as they should be, though they do not look like the usual one: no word of a watch.

And losses whose least value is not where outputs equal the targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind, TrainingWatch

CLASSES = nn.CrossEntropyLoss()
X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] + X[:, 1] > 0).long()


def net() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)
    )


def batches(steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(1)
    for k in range(steps):
        rows = torch.randint(256, (32,), generator=draw)
        yield k, X[rows], Y[rows]


def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return CLASSES(model(x), y)


Loop = Callable[[nn.Sequential, TrainingWatch, int], None]


def in_turn(none: bool, heads: bool) -> Loop:
    """Two optimisers take turns; each clears what it holds."""

    def loop(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
        whole = list(model.parameters())
        parts = (whole[4:], whole[:4]) if heads else (whole[:4], whole[4:])
        rules = [torch.optim.Adam(part, 1e-2) for part in parts]
        for k, x, y in batches(steps):
            rule = rules[k % 2]
            rule.zero_grad(set_to_none=none)
            loss = loss_of(model, x, y)
            loss.backward()
            rule.step()
            watch.step(loss)

    return loop


def side_by_side(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
    """Two optimisers step after each backward pass, each its own layers."""
    rules = [torch.optim.SGD(model[0].parameters(), 0.1), torch.optim.Adam(model[2:].parameters())]
    for _, x, y in batches(steps):
        for rule in rules:
            rule.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        for rule in rules:
            rule.step()
        watch.step(loss)


def added_up(many: int) -> Loop:
    """One step for so many batches."""

    def loop(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
        rule = torch.optim.Adam(model.parameters(), 1e-2)
        for k, x, y in batches(3 * steps):
            loss = loss_of(model, x, y) / many
            loss.backward()
            if (k + 1) % many == 0:
                rule.step()
                rule.zero_grad()
            watch.step(loss)

    return loop


def changed(change: Callable[[Tensor, Tensor], Tensor], size: float = 0.1) -> Loop:
    """Gradients are changed by hand: a function of them and of the weights."""

    def loop(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
        torch.manual_seed(0)
        rule = torch.optim.SGD(model.parameters(), size)
        for _, x, y in batches(steps):
            rule.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            for p in model.parameters():
                assert p.grad is not None
                p.grad = change(p.grad, p.detach())
            rule.step()
            watch.step(loss)

    return loop


def sharpness_aware(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
    """Two backward passes, of which the first leads to where the second is taken (SAM)."""
    rule = torch.optim.SGD(model.parameters(), 0.1)
    for _, x, y in batches(steps):
        rule.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        far = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()
        moves = [0.2 * p.grad / far for p in model.parameters() if p.grad is not None]
        with torch.no_grad():
            for p, move in zip(model.parameters(), moves, strict=True):
                p += move
        rule.zero_grad()
        loss_of(model, x, y).backward()
        with torch.no_grad():
            for p, move in zip(model.parameters(), moves, strict=True):
                p -= move
        rule.step()
        watch.step(loss)


def several_batches_a_turn(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
    """The watch is told of every fourth step alone."""
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for k, x, y in batches(2 * steps):
        rule.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        rule.step()
        if k % 4 == 3:
            watch.step(loss)


def by_one_branch_or_the_other(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
    """The middle layers are left out of every other batch, and get no gradient there."""
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for k, x, y in batches(steps):
        rule.zero_grad()
        z = model[1](model[0](x))
        watch_pass = model(x)  # the watch looks at passes of the whole
        out = model[4](z) if k % 2 else watch_pass
        loss = CLASSES(out, y)
        loss.backward()
        rule.step()
        watch.step(loss)


def kept_with_momentum(model: nn.Sequential, watch: TrainingWatch, steps: int) -> None:
    """A tenth of the older gradient is taken off, and the rest kept, on purpose."""
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    for _, x, y in batches(steps):
        for p in model.parameters():
            if p.grad is not None:
                p.grad *= 0.9
        loss = loss_of(model, x, y)
        loss.backward()
        rule.step()
        watch.step(loss)


SOUND: dict[str, Loop] = {
    "in turn": in_turn(True, False),
    "in turn, zeros": in_turn(False, False),
    "in turn, head first": in_turn(False, True),
    "side by side": side_by_side,
    "added up over 2": added_up(2),
    "added up over 32": added_up(32),
    "noise": changed(lambda g, _: g + 0.1 * g.norm() * torch.randn_like(g) / g.numel() ** 0.5),
    "decay by hand": changed(lambda g, w: g + 0.01 * w),
    "signs": changed(lambda g, _: g.sign(), 1e-3),
    "centred": changed(lambda g, _: g - g.mean(-1, keepdim=True) if g.ndim > 1 else g),
    "rows of length 1": changed(lambda g, _: g / (g.norm(dim=-1, keepdim=True) + 1e-8)),
    "sharpness aware": sharpness_aware,
    "several batches a turn": several_batches_a_turn,
    "one branch or the other": by_one_branch_or_the_other,
    "kept with momentum": kept_with_momentum,
}


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("every", [None, 1])
def test_a_sound_loop(name: str, every: int | None) -> None:
    torch.manual_seed(0)
    model = net()
    with TrainingWatch(model, console=False, every=every) as watch:
        SOUND[name](model, watch, 250 if every is None else 50)
        assert not watch.loop_findings
    if every is None:
        assert float(loss_of(model, X, Y).detach()) < 0.6  # it does learn


@pytest.mark.parametrize("clears", [0, 5])
@pytest.mark.parametrize("clip", [0.0, 0.1])
def test_a_gradient_that_is_kept_past_its_step(clears: int, clip: float) -> None:
    torch.manual_seed(0)
    model = net()
    rule = torch.optim.SGD(model.parameters(), 1e-3)
    with TrainingWatch(model, console=False) as watch:
        for k, x, y in batches(40):
            if clears and k % clears == 0:
                rule.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            if clip:
                nn.utils.clip_grad_value_(model.parameters(), clip)
            rule.step()
            watch.step(loss)
        assert Kind.MISSING_ZERO_GRAD in {found.kind for found in watch.loop_findings}


def excluded(f: Tensor, t: Tensor) -> Tensor:
    """Of several classes the target is one that it is not."""
    return -(1 - f.softmax(1)[torch.arange(len(t)), t]).clamp_min(1e-6).log().mean()


def punished(f: Tensor, t: Tensor) -> Tensor:
    """How likely an action is that was to be avoided."""
    return f.softmax(1)[torch.arange(len(t)), t].mean()


@pytest.mark.parametrize("loss", [excluded, punished])
@pytest.mark.parametrize("steps", [0, 20, 300])
def test_targets_that_are_excluded(loss: Callable[[Tensor, Tensor], Tensor], steps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    kind = x[:, :4].argmax(1)
    y = (kind + torch.randint(1, 4, (300,))) % 4
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, loss, rule, steps, rehearse=False)
    assert Kind.GRADIENT_SIGN_FLIPPED not in problems(report)


def test_one_for_absent_is_asked_about() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 4)
    y = (x[:, :1] > 0).float()
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(
        model, x, y, lambda f, t: nn.functional.binary_cross_entropy(f, 1 - t), rule, 20,
        rehearse=False,
    )  # fmt: skip
    (said,) = [f for f in report.problems if f.kind == Kind.GRADIENT_SIGN_FLIPPED]
    assert said.severity.name == "WARNING"
    assert said.explanation.endswith("the opposite of what the outputs are to say?")


@pytest.mark.parametrize("steps", [0, 20, 200])
def test_shares_of_a_portfolio(steps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 4)
    y = 0.1 * torch.randn(300, 5) - 0.02
    y[:, 0] += 0.1 * x[:, 0]
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 5), nn.Softmax(1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, lambda w, r: -(w * r).sum(1).mean(), rule, steps, rehearse=False)
    assert Kind.LABELS_OUTSIDE_LOSS not in problems(report)


@pytest.mark.parametrize("steps", [20, 60])
def test_small_spots_in_large_pictures(steps: int) -> None:
    for seed in range(3):
        torch.manual_seed(seed)
        y = torch.zeros(60, 1, 24, 24)
        for k in range(60):
            at = torch.randint(0, 22, (2,))
            y[k, 0, at[0] : at[0] + 2, at[1] : at[1] + 2] = 1
        x = 0.9 * y + 0.5 * torch.randn_like(y)
        model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
        rule = torch.optim.Adam(model.parameters(), 1e-2)
        loss = nn.BCEWithLogitsLoss()
        report = trained(model, x, y, loss, rule, steps, rehearse=False)
        assert Kind.TARGETS_SHUFFLED not in problems(report)


def test_counts_of_several_kinds() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 4)
    rates = torch.softmax(x @ torch.randn(4, 5), 1)
    y = torch.stack([torch.multinomial(p, 6, True).bincount(minlength=5) for p in rates]).float()
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 5), nn.LogSoftmax(1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, lambda f, t: -(f * t).sum(1).mean(), rule, 200)
    assert Kind.OUTPUT_RANGE not in problems(report)
