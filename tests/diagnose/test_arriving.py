"""What arrives: inputs that no weights let through, gradients that are cut, axes that are mixed."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.diagnose.seeded import mlp
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.measure.reshapes import Transposing, plan_of
from spurious.diagnose.measure.unseen import unseen_by


def trained(
    model: nn.Module, x: Tensor, y: Tensor, loss: Any, steps: int = 40, rehearse: bool = False
) -> Report:
    """What is said after a short training."""
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(steps):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    return spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False,
                             rehearse=rehearse)  # fmt: skip


def kinds(report: Report) -> list[str]:
    return [str(found.kind) for found in report.problems]


def texts() -> tuple[Tensor, Tensor]:
    """Words from 1, padded with 0; one of them says the class."""
    torch.manual_seed(0)
    lengths = torch.randint(3, 8, (256,))
    y = torch.randint(0, 4, (256,))
    x = torch.randint(5, 21, (256, 8))
    x[torch.arange(256), (torch.rand(256) * lengths).long()] = y + 1
    return x * (torch.arange(8) < lengths[:, None]), y


class MeanOfWords(nn.Module):
    """The mean of the words that a mask keeps."""

    def __init__(self, keeps: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embed, self.head, self.keeps = nn.Embedding(21, 8), nn.Linear(8, 4), keeps

    def forward(self, x: Tensor) -> Tensor:
        kept = self.keeps(x).float()[..., None]
        return self.head((self.embed(x) * kept).sum(1) / kept.sum(1).clamp_min(1))


@pytest.mark.parametrize("sound", [True, False])
def test_a_mask_that_keeps_the_padding(sound: bool) -> None:
    model = MeanOfWords((lambda x: x > 0) if sound else (lambda x: x == 0))
    said = kinds(trained(model, *texts(), nn.CrossEntropyLoss()))
    assert ("mask_inverted" in said) == (not sound)
    assert sound or said[0] == "mask_inverted"


class Taken(nn.Module):
    """A small network behind a function of the inputs."""

    def __init__(self, take: Callable[[Tensor], Tensor], inputs: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.take = take
        self.inner = nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.take(x))


@pytest.mark.parametrize(
    ("take", "inputs", "kind"),
    [
        (lambda x: x.to(torch.uint8).float(), 6, "constant_inputs"),
        (lambda x: x[:, :4], 4, "ignored_inputs"),
        (lambda x: x, 6, None),
        (lambda x: x[:, 1:], 5, None),  # what is left out says nothing
    ],
)
def test_inputs_that_do_not_arrive(
    take: Callable[[Tensor], Tensor], inputs: int, kind: str | None
) -> None:
    torch.manual_seed(0)
    x = 0.99 * torch.rand(256, 6)
    said = kinds(trained(Taken(take, inputs), x, x[:, 4:5] + x[:, 5:], nn.MSELoss(), 3))
    arriving = {"constant_inputs", "ignored_inputs", "mask_inverted"}
    assert arriving & set(said) == ({kind} if kind else set())


def test_units_that_are_all_off_do_not_hide_the_inputs() -> None:
    torch.manual_seed(0)
    x = torch.rand(256, 6)
    model = Taken(lambda x: x, 6)
    nn.init.constant_(model.inner[0].bias, -9.0)
    said = kinds(trained(model, x, x[:, :1], nn.MSELoss()))
    assert "constant_inputs" not in said
    assert "constant_output" in said


class Steps(nn.Module):
    """A cell for one moment after the other; its state is kept, or cut off from its past."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.cell, self.head, self.cut = nn.GRUCell(1, 8), nn.Linear(8, 1), cut

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), 8)
        for k in range(x.shape[1]):
            h = self.cell(x[:, k], h.detach() if self.cut else h)
        return self.head(h)


class Straight(nn.Module):
    """Rounded units whose gradient passes straight through, as is meant."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.below, self.above = nn.Linear(6, 8), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        z = self.below(x.flatten(1))
        return self.above(z + (z.round() - z).detach())


class Padded(nn.Module):
    """Embeddings whose padding gets no gradient by design."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embed, self.head = nn.Embedding(3, 4, padding_idx=0), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embed((x[..., 0] > 0).long()).tanh().mean(1))


class Reversal(torch.autograd.Function):
    """Hands back the gradient with the other sign, as adversaries of domains have it."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(_: Any, *gradients: Any) -> Any:
        return -gradients[0]


class Reversed(nn.Module):
    """Two heads, one of which is behind a reversal."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.below, self.head, self.domain = nn.Linear(6, 8), nn.Linear(8, 1), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.below(x.flatten(1)).tanh()
        return self.head(h) + self.domain(Reversal.apply(h))


class Book(nn.Module):
    """Codes of a book, detached in the outputs; a term of the loss pulls them or does not."""

    def __init__(self, pulled: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.below, self.above, self.pulled = nn.Linear(6, 2), nn.Linear(2, 1), pulled
        self.book, self.apart = nn.Parameter(torch.randn(4, 2)), torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        z = self.below(x.flatten(1))
        code = self.book[torch.cdist(z, self.book).argmin(1)]
        self.apart = ((code - z.detach()) ** 2).mean() if self.pulled else torch.zeros(())
        return self.above(z + (code - z).detach())

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs, targets) + self.apart


@pytest.mark.parametrize("pulled", [True, False])
def test_books_that_a_term_of_their_own_pulls(pulled: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 6, 1)
    model = Book(pulled)
    said = kinds(trained(model, x, (x[:, 0] > 0).float(), model.loss, 5))
    assert ("detached_loss" in said) == (not pulled)


@pytest.mark.parametrize(
    ("model", "cut"),
    [
        (Steps(True), True),
        (Steps(False), False),
        (Straight(), False),
        (Padded(), False),
        (Reversed(), False),
    ],
)
def test_states_that_are_cut_off(model: nn.Module, cut: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 6, 1)
    y = (x[:, 0] > 0).float()
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), 5)
    assert ("detached_loss" in kinds(report)) == cut


@pytest.mark.parametrize(
    ("loss", "flat"),
    [
        (lambda f, y: (f.round() - y).pow(2).mean() + 0 * f.sum(), True),
        (lambda f, y: (10 + (f - y).pow(2).mean()).clamp(max=10), True),
        (lambda f, y: (f - y).pow(2).mean(), False),
    ],
)
def test_a_loss_without_a_slope(loss: Any, flat: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 3)
    y = 3 * (x[:, :1] > 0).float() + 3
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    said = kinds(trained(model, x, y, loss, 3))
    assert ("detached_loss" in said) == flat


def test_plain_numbers_that_are_told_to_need_a_gradient() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    model = nn.Linear(3, 1)

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(f.detach(), y).requires_grad_()

    report = spurious.diagnose(model, (x, x[:, :1]), loss)
    assert report.problems[0].kind == "detached_loss"


@pytest.mark.parametrize(
    ("before", "after", "permuted"),
    [
        ((5, 8, 6, 6), (5, 36, 8), (0, 2, 3, 1)),
        ((5, 9, 4), (5, 4, 9), (0, 2, 1)),
        ((7, 5, 4), (5, 7, 4), (1, 0, 2)),
        ((5, 9, 8), (5, 2, 9, 4), (0, 2, 1, 3)),  # heads
        ((5, 2, 9, 4), (5, 9, 8), (0, 2, 1, 3)),
    ],
)
def test_reshapes_like_transposes(
    before: tuple[int, ...], after: tuple[int, ...], permuted: tuple[int, ...]
) -> None:
    plan = plan_of(before, after)
    assert plan is not None
    assert plan[1] == permuted
    x = torch.arange(torch.Size(before).numel()).reshape(before)
    with Transposing():
        found = x.reshape(after)
    assert torch.equal(found, x.reshape(plan[0]).permute(permuted).reshape(after))
    assert not torch.equal(found, x.reshape(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((5, 8, 6, 6), (5, 288)),
        ((5, 8, 6, 6), (5, 8, 36)),
        ((5, 9, 8), (5, 9, 2, 4)),  # heads, before their axes are exchanged
        ((5, 36), (5, 6, 6)),
        ((5, 9, 8), (45, 8)),
        ((5, 8, 6, 6), (5, 4, 72)),  # groups of channels
        ((5, 1, 8), (5, 8)),
        ((5, 4, 4), (5, 4, 4)),
    ],
)
def test_reshapes_that_keep_the_order(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    assert plan_of(before, after) is None


class Look(nn.Module):
    """Weighs the features at all pixels; maps are (n, channels, h, w)."""

    def __init__(self, permutes: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.weigh = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
        self.head, self.permutes = nn.Linear(4, 1), permutes

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1) if self.permutes else x
        pixels = x.reshape(len(x), 25, 4)
        return self.head((self.weigh(pixels).softmax(1) * pixels).sum(1))


@pytest.mark.parametrize("sound", [True, False])
def test_channels_that_are_dealt_out_to_pixels(sound: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 4, 5, 5)
    where = torch.randint(0, 25, (256,))
    flat = x.reshape(256, 4, 25)
    flat[torch.arange(256), 0, where] = 5.0
    y = flat[torch.arange(256), 1, where][:, None]
    model, loss = Look(sound), nn.MSELoss()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False)
    assert ("wrong_axis" in kinds(report)) == (not sound)
    if not sound:
        assert "permute_axes" in report.problems[0].remedies[0]


@pytest.mark.parametrize("sound", [True, False])
def test_scores_that_are_viewed_for_the_loss(sound: bool) -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 12, (128, 9))
    y = (x + x.roll(1, 1)) % 4
    model = nn.Sequential(nn.Embedding(12, 8), nn.Linear(8, 4))

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(f.transpose(1, 2) if sound else f.reshape(len(f), 4, 9), y)

    assert ("wrong_axis" in kinds(trained(model, x, y, loss))) == (not sound)


class Read(nn.Module):
    """The last state of a recurrent layer, read off."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner, self.head = nn.LSTM(2, 8, batch_first=True), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0][:, -1])


@pytest.mark.parametrize("scale", [1.0, 1e5])
def test_inputs_that_shut_all_gates(scale: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 6, 2)
    report = trained(Read(), scale * x, x[:, -1, :1], nn.MSELoss())
    assert ("unscaled_inputs" in kinds(report)) == (scale > 1)
    assert scale == 1 or report.problems[0].kind == "unscaled_inputs"


class TwoRelus(nn.Module):
    """Two units twice: most draws of its weights let nothing of one bit pass."""

    def __init__(self, deaf: bool) -> None:
        super().__init__()
        self.body, self.deaf = mlp(1, 2, 2, 1), deaf

    def forward(self, x: Tensor) -> Tensor:
        return self.body(0 * x if self.deaf else x)


@pytest.mark.parametrize("deaf", [False, True])
def test_whether_anything_arrives_is_asked_of_many_draws(deaf: bool) -> None:
    x = (torch.arange(100) % 2).float()[:, None]
    for seed in range(5):
        torch.manual_seed(seed)
        model = TwoRelus(deaf)
        found = unseen_by(model, sample_of((x, 10 + 10 * x), model, 512))
        assert (found is not None and found.everything) == deaf
