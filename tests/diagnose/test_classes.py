"""Rare classes, classes that the loss weighs, numbers that name classes, and one class alone."""

import pytest
import torch
from tests.diagnose.all_points import trained
from tests.diagnose.training import problems
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Outcome, Severity


def data(rare: float, apart: float = 2.0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(4)
    y = (torch.rand(400) < rare).long()
    return torch.randn(400, 4) + apart * y[:, None] * torch.tensor([1.0, -1.0, 0.0, 0.0]), y


def kinds(
    weight: Tensor | None, rare: float, ignore: int = -100, apart: float = 2.0, steps: int = 60
) -> list[str]:
    """What is said of a linear model that was trained for a while."""
    x, y = data(rare, apart)
    torch.manual_seed(1)
    model = nn.Linear(4, 2)
    loss = nn.CrossEntropyLoss(weight, ignore_index=ignore)
    rule = torch.optim.Adam(model.parameters(), 3e-2)
    for _ in range(steps):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False, rehearse=False)
    return [str(found.kind) for found in report.problems]


def test_a_rare_class_that_is_never_predicted() -> None:
    assert "class_imbalance" in kinds(None, 0.06, apart=0.8)
    assert "class_imbalance" not in kinds(torch.tensor([0.06, 0.94]), 0.06, apart=0.8)
    assert "class_imbalance" not in kinds(None, 0.5, apart=0.8)


def test_a_rare_class_that_cannot_be_told_apart_is_no_fault() -> None:
    assert "class_imbalance" not in kinds(None, 0.06, apart=0.1)


def test_a_rare_class_is_told_of_while_the_loss_still_falls() -> None:
    """It is learnt last, so it is no problem yet."""
    torch.manual_seed(0)
    x, y = data(0.06, apart=1.2)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    rule = torch.optim.Adam(model.parameters(), 3e-3)
    loss = nn.CrossEntropyLoss()
    for _ in range(60):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert report.conclusion.outcome is Outcome.LEARNING
    said = {found.kind: found.severity for found in report.findings}
    assert said[Kind.CLASS_IMBALANCE] is Severity.INFO


def test_weights_that_belong_to_the_other_class() -> None:
    assert kinds(torch.tensor([12.0, 1.0]), 0.1, apart=0.8)[0] == "class_weights_reversed"
    assert "class_weights_reversed" not in kinds(torch.tensor([1.0, 12.0]), 0.1, apart=0.8)
    assert "class_weights_reversed" not in kinds(None, 0.1, apart=0.8)


def test_one_weight_that_drowns_the_other_class() -> None:
    assert kinds(torch.tensor([1.0, 300.0]), 0.5, apart=0.5)[0] == "class_weights_reversed"


def test_a_class_that_the_loss_ignores() -> None:
    assert kinds(None, 0.5, ignore=0)[0] == "labels_outside_loss"
    assert kinds(torch.tensor([0.0, 1.0]), 0.5)[0] == "labels_outside_loss"
    assert "labels_outside_loss" not in kinds(None, 0.5)


def test_a_mask_that_leaves_the_padding_alone() -> None:
    torch.manual_seed(0)
    x = torch.randint(1, 6, (96, 5))
    x[:, 3:] = 0
    model = nn.Sequential(nn.Embedding(6, 8), nn.Linear(8, 6))

    def of_padding(f: Tensor, y: Tensor) -> Tensor:
        each = nn.functional.cross_entropy(f.transpose(1, 2), y, reduction="none")
        return (each * (y == 0)).sum() / (y == 0).sum()

    found = spurious.diagnose(model, (x, x), of_padding, curvature=False, rehearse=False)
    assert found.problems[0].kind == "mask_inverted"


def test_padding_of_sequences_may_be_ignored() -> None:
    torch.manual_seed(0)
    x = torch.randint(1, 6, (96, 5))
    x[:, 3:] = 0
    model = nn.Sequential(nn.Embedding(6, 8), nn.Linear(8, 6))
    loss = nn.CrossEntropyLoss(ignore_index=0)

    def of_sequences(f: Tensor, y: Tensor) -> Tensor:
        return loss(f.transpose(1, 2), y)

    for _ in range(2):
        found = spurious.diagnose(model, (x, x), of_sequences, curvature=False, rehearse=False)
        assert not found.problems
        of_sequences(model(x), x).backward()  # now it passes for trained


def test_numbers_that_name_classes_and_numbers_that_count() -> None:
    torch.manual_seed(0)
    label = torch.arange(400) % 8
    centres = 4 * torch.randn(8, 5)
    x = centres[label] + 0.5 * torch.randn(400, 5)
    count = (3.5 + 1.5 * torch.randn(400)).clamp(0, 7).round()
    near = torch.cat([count[:, None] + 0.3 * torch.randn(400, 1), torch.randn(400, 1)], 1)
    for inputs, y, found in ((x, label.float(), True), (near, count, False)):
        model = nn.Sequential(nn.Linear(inputs.shape[1], 16), nn.ReLU(), nn.Linear(16, 1))
        rule = torch.optim.SGD(model.parameters(), lr=3e-3)
        report = trained(model, inputs, y[:, None], nn.MSELoss(), rule, 40)
        assert (Kind.WRONG_LOSS in problems(report)) == found


def test_every_place_has_the_one_class() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(20, 1, 6, 6), torch.zeros(20, 6, 6, dtype=torch.long)
    report = spurious.diagnose(nn.Conv2d(1, 3, 3, padding=1), (x, y), nn.CrossEntropyLoss())
    assert report.problems[0].kind == Kind.ONE_CLASS_TARGETS


def test_a_class_of_which_the_points_looked_at_hold_hardly_any() -> None:
    """One point in two hundred: of 512 that are looked at two or three."""
    torch.manual_seed(0)
    y = (torch.arange(4000) % 200 == 7).long()
    x = torch.randn(4000, 4) + 1.2 * y[:, None]
    model = nn.Linear(4, 2)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    loss = nn.CrossEntropyLoss()
    for _ in range(400):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, rehearse=False)
    found = [f for f in report.findings if f.kind is Kind.CLASS_IMBALANCE]
    assert found and found[0].evidence["shares"] == {1: pytest.approx(0.005)}
