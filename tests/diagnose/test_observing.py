"""Units and layers are found wherever they are called, and counted as by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spurious
from spurious.errors import InputError


class Functional(nn.Module):
    """Activations as functions, methods and clamps; one layer used twice; a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.first(x), inplace=True)
        h = h + self.shared(h).relu()
        h = h + torch.clamp(self.shared(h), min=0)
        return self.last(torch.tanh(h))


def test_functions_methods_and_shared_modules() -> None:
    torch.manual_seed(0)
    model, x = Functional(), torch.randn(50, 4)
    report = spurious.diagnose(
        model, (x, torch.randint(0, 2, (50,))), nn.CrossEntropyLoss(), rehearse=False
    )
    units = {layer.name: layer for layer in report.measurements.units}
    assert [layer.activation for layer in units.values()] == ["relu", "relu", "relu", "tanh"]
    assert {"first", "shared", "shared (call 2)"} <= set(units)
    h = F.relu(model.first(x))
    z = model.shared(h)
    by_hand = (z > 0).sum(0).numpy()
    assert np.array_equal(units["shared"].on_points, by_hand)
    h = h + F.relu(z)
    again = (model.shared(h) > 0).float().mean(0).detach().numpy()
    assert units["shared (call 2)"].on_share == pytest.approx(again)


def test_channels_are_units() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 3, 3)
    model = nn.Sequential(conv, nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    with torch.no_grad():
        model[1].bias[1] = -100.0
    x = torch.randn(20, 1, 6, 6)
    report = spurious.diagnose(
        model, (x, torch.randint(0, 2, (20,))), nn.CrossEntropyLoss(), rehearse=False
    )
    (layer,) = report.measurements.units
    assert layer.name == "0" and layer.weight == "0.weight"
    assert layer.dead.tolist() == [False, True, False] and layer.on_points[0] == 20


def test_regions_are_counted_as_by_hand() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    x = torch.randn(200, 2)
    y = (x[:, :1] > 0).float()
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), rehearse=False)
    first = model[0](x) > 0
    second = model[2](F.relu(model[0](x))) > 0
    patterns = torch.cat([first, second], 1)
    rows, inverse, counts = patterns.unique(dim=0, return_inverse=True, return_counts=True)
    regions = report.measurements.regions
    assert regions.occupied == len(rows)
    assert regions.largest == pytest.approx(float(counts.max()) / 200)
    mixed = sum(int(c) for k, c in enumerate(counts) if len(y[inverse == k].unique()) > 1)
    assert regions.mixed == pytest.approx(mixed / 200)


def test_an_affine_model_is_seen_to_be_affine() -> None:
    x, y = torch.randn(60, 3), torch.randn(60, 1)
    bent = spurious.diagnose(
        nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)), (x, y), F.mse_loss
    )
    flat = spurious.diagnose(
        nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1)), (x, y), F.mse_loss, rehearse=False
    )
    assert flat.measurements.regions.affinity == pytest.approx(0, abs=1e-5)
    assert bent.measurements.regions.affinity > 1e-3


def test_loaders_mappings_and_models_that_return_their_loss() -> None:
    class Hub(nn.Module):
        """As Hugging Face's models: keyword arguments in, an output with loss and logits."""

        def __init__(self) -> None:
            super().__init__()
            self.table, self.layer, self.head = nn.Embedding(9, 8), nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, ids: Tensor, labels: Tensor) -> object:
            logits = self.head(F.gelu(self.layer(self.table(ids))).mean(1))
            found = type("Output", (), {})()
            found.loss, found.logits = F.cross_entropy(logits, labels), logits
            return found

    torch.manual_seed(0)
    batches = [
        {"ids": torch.randint(0, 9, (16, 5)), "labels": torch.randint(0, 2, (16,))}
        for _ in range(3)
    ]
    report = spurious.diagnose(Hub(), batches, rehearse=False)
    assert report.measurements.regions.points == 48
    assert report.measurements.units[0].name == "layer"
    assert not report.problems
    x, y = torch.randn(100, 3), torch.randn(100, 1)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 32)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    by_loader = spurious.diagnose(model, loader, nn.MSELoss(), points=60, rehearse=False)
    assert by_loader.measurements.regions.points == 64  # whole batches
    whole = spurious.diagnose(model, loader, nn.MSELoss(), rehearse=False).measurements.landscape
    assert whole.loss == pytest.approx(F.mse_loss(model(x), y).item(), rel=1e-5)
    assert whole.constant_loss == pytest.approx(float(y.var(correction=0)), rel=1e-5)


def test_sums_and_means_are_compared_alike() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    x, y = torch.randn(150, 3), torch.randn(150, 1)
    mean, total = (
        spurious.diagnose(
            model, (x, y), nn.MSELoss(reduction=r), rehearse=False
        ).measurements.landscape
        for r in ("mean", "sum")
    )
    assert total.loss == pytest.approx(150 * mean.loss, rel=1e-4)
    assert total.constant_loss == pytest.approx(150 * mean.constant_loss, rel=1e-4)
    assert total.relative_gradient == pytest.approx(mean.relative_gradient, rel=1e-3)


def test_curvature_against_the_whole_hessian() -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    x, y = torch.randn(40, 3).double(), torch.randn(40, 1).double()
    found = spurious.diagnose(model, (x, y), nn.MSELoss(), rehearse=False).measurements.curvature
    assert found is not None
    parameters = tuple(model.parameters())
    flat = torch.cat([p.detach().reshape(-1) for p in parameters])

    def loss(flat: Tensor) -> Tensor:
        parts = flat.split([p.numel() for p in parameters])
        v, b, w, c = (part.reshape(p.shape) for part, p in zip(parts, parameters, strict=True))
        return F.mse_loss(F.linear(F.linear(x, v, b).tanh(), w, c), y)

    exact = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))
    assert found.lowest >= float(exact[0]) - 1e-9
    assert found.highest <= float(exact[-1]) + 1e-9
    for value, error in ((found.lowest, found.lowest_error), (found.highest, found.highest_error)):
        assert float((exact - value).abs().min()) <= error + 1e-9


def test_a_model_that_cannot_be_differentiated_twice() -> None:
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, z: Tensor) -> Tensor:
            ctx.save_for_backward(z)
            return z.tanh()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: object, g: Tensor) -> Tensor:
            (z,) = ctx.saved_tensors
            return g * (1 - z.tanh() ** 2)

    class Plain(nn.Module):
        def __init__(self, twice: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b, self.twice = nn.Linear(3, 6).double(), nn.Linear(6, 1).double(), twice

        def forward(self, x: Tensor) -> Tensor:
            z = self.a(x)
            return self.b(z.tanh() if self.twice else Once.apply(z))

    x, y = torch.randn(40, 3).double(), torch.randn(40, 1).double()
    once, twice = (
        spurious.diagnose(Plain(t), (x, y), nn.MSELoss(), rehearse=False).measurements.curvature
        for t in (False, True)
    )
    assert once is not None and twice is not None
    assert once.highest == pytest.approx(twice.highest, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, None, None), "model: found a int, expected a torch.nn.Module"),
        ((nn.Linear(1, 1), torch.ones(3), None), "data: found a Tensor"),
        ((nn.Linear(1, 1), [], None), "data: found no batches"),
        ((nn.Linear(1, 1), [3], None), "data: found a batch that is a int"),
        ((nn.Linear(1, 1), (torch.ones(3, 1), torch.ones(2, 1)), None), "found 2 targets for 3"),
        ((nn.Linear(1, 1), (torch.ones(3, 1), torch.ones(3, 1)), None), "loss: found None"),
        (
            (nn.Linear(1, 1), (torch.ones(3, 1), torch.ones(3, 1)), nn.MSELoss(reduction="none")),
            r"loss: found \(3, 1\), expected a function that returns a scalar",
        ),
    ],
)  # fmt: skip
def test_bad_input(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spurious.diagnose(*arguments)  # type: ignore[arg-type]


def test_bad_remedies() -> None:
    x, y = torch.randn(20, 1), torch.randn(20, 1)
    asked = (nn.Linear(1, 1), (x, y), nn.MSELoss())
    report = spurious.diagnose(*asked, curvature=False, rehearse=False)
    with pytest.raises(InputError, match="remedy: found 'prayer', expected some of"):
        report.try_remedies(*asked, 3, only=("prayer",))
    with pytest.raises(InputError, match="expected positive numbers"):
        report.try_remedies(*asked, 0)


def test_nothing_is_trained() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)).requires_grad_(False)
    (found,) = spurious.diagnose(
        model, (torch.randn(9, 2), torch.randn(9, 1)), nn.MSELoss()
    ).problems
    assert found.kind == "vanishing_gradient" and "requires_grad" in found.explanation


@pytest.mark.parametrize(
    ("end", "loss", "labels"),
    [
        (nn.Sequential(nn.Linear(8, 1), nn.Sigmoid()), nn.BCELoss(), False),
        (nn.Sequential(nn.Linear(8, 2), nn.LogSoftmax(1)), nn.NLLLoss(), True),
        (nn.Linear(8, 2), nn.CrossEntropyLoss(), True),
        (nn.Linear(8, 1), nn.BCEWithLogitsLoss(), False),
        (nn.Sequential(nn.Linear(8, 1), nn.Flatten(0)), nn.BCEWithLogitsLoss(), None),
    ],
)
def test_the_best_constant_predicts_the_frequencies(
    end: nn.Module, loss: nn.Module, labels: bool | None
) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(80, 3), torch.arange(80) % 5 == 0
    targets = y.long() if labels else y.float() if labels is None else y.float()[:, None]
    report = spurious.diagnose(
        nn.Sequential(nn.Linear(3, 8), nn.Tanh(), end), (x, targets), loss, rehearse=False
    )
    entropy = -(0.2 * np.log(0.2) + 0.8 * np.log(0.8))
    assert report.measurements.landscape.constant_loss == pytest.approx(entropy, rel=1e-5)


def test_sequence_first_attention() -> None:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = nn.TransformerEncoderLayer(8, 2, 16), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.layer(x.transpose(0, 1)).mean(0))

    torch.manual_seed(0)
    x, y = torch.randn(40, 5, 8), torch.randint(0, 2, (40,))
    report = spurious.diagnose(Encoder(), (x, y), nn.CrossEntropyLoss(), rehearse=False)
    (layer,) = report.measurements.units
    assert layer.name == "layer.linear1" and layer.size == 16 and len(layer.units_on) == 40


class Steps(nn.Module):
    """A recurrence of relus by hand: one weight is used at each of ten steps."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer, self.last = nn.Linear(3, 8), nn.Linear(8, 8), nn.Linear(8, 1)
        nn.init.constant_(self.inner.bias[0], -100.0)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), 8)
        turns = torch.eye(10, 8)  # each of units 1 to 7 is on at one step alone
        for k in range(10):
            h = F.relu(self.inner(x[:, k]) + self.outer(h) - 50 + 100 * turns[k])
        return self.last(h)


def test_a_unit_is_dead_only_if_it_is_off_in_every_call() -> None:
    torch.manual_seed(0)
    model, x = Steps(), torch.randn(50, 10, 3)
    report = spurious.diagnose(model, (x, x[:, :1, 0]), nn.MSELoss(), rehearse=False)
    calls = [layer for layer in report.measurements.units if layer.activation == "relu"]
    assert len(calls) == 10 and sum(int(layer.dead.sum()) for layer in calls) > 40
    dead = [found for found in report.findings if found.kind == "dead_units"]
    assert [found.evidence["dead"] for found in dead] == [1]
