"""What each remedy does to a model that needs it, and why it is not tried on others."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spurious
from spurious.diagnose import REMEDIES
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.treat.remedies import ACTIONS, Candidate, NotApplicableError

CROSS_ENTROPY = nn.CrossEntropyLoss()


def data(n: int = 64) -> tuple[Tensor, Tensor]:
    torch.manual_seed(11)
    x = 3 * torch.randn(n, 6) @ torch.randn(6, 6) + 1
    return x, (x[:, 0] > 1).long()


def dead() -> nn.Sequential:
    """All units of the second hidden layer are off for all data."""
    torch.manual_seed(5)
    model = nn.Sequential(
        nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 20), nn.ReLU(), nn.Linear(20, 2)
    )
    nn.init.constant_(model[2].bias, -300.0)
    return model


def saddle() -> nn.Sequential:
    """At zero the loss is critical, and falls where both weights grow together."""
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2))
    for p in model.parameters():
        nn.init.zeros_(p)
    return model


def treated(name: str, model: nn.Module, points: tuple[Tensor, Tensor] | None = None) -> Candidate:
    """A copy with the remedy applied."""
    torch.manual_seed(0)
    candidate = Candidate(copy.deepcopy(model), 0.01)
    points = points or data()
    ACTIONS[name](candidate, sample_of(points, model, len(points[0])), CROSS_ENTROPY)
    return candidate


def before_relu(model: nn.Module, level: int) -> Tensor:
    """What the units of a layer of `dead` receive, (n, units)."""
    with torch.no_grad():
        return model[: level + 1](data()[0])


def changed(before: nn.Module, after: nn.Module) -> set[str]:
    pairs = zip(before.named_parameters(), after.parameters(), strict=True)
    return {name for (name, p), q in pairs if not torch.equal(p, q)}


def test_reinitialise_dead_units() -> None:
    model = dead()
    assert bool((before_relu(model, 2) < 0).all())
    after = treated("reinitialise_dead_units", model).model
    assert changed(model, after) == {"2.weight", "2.bias"}
    z = before_relu(after, 2)
    torch.testing.assert_close(z.median(0).values, torch.zeros(20), atol=1e-5, rtol=0)
    torch.testing.assert_close(z.std(0, correction=0), torch.ones(20))


def test_only_dead_units_are_drawn_again() -> None:
    model = dead()
    with torch.no_grad():
        model[2].bias[:5] = 0
        model[2].weight[:5] = model[2].weight[:5].abs()
    after = treated("reinitialise_dead_units", model).model
    assert changed(model, after) == {"2.weight", "2.bias"}
    assert torch.equal(model[2].weight[:5], after[2].weight[:5])
    assert not bool((model[2].weight[5:] == after[2].weight[5:]).any())


def test_shift_biases() -> None:
    model = dead()
    with torch.no_grad():
        model[0].bias.copy_(-model[0](data()[0]).median(0).values + model[0].bias)
    after = treated("shift_biases", model).model
    assert changed(model, after) == {"2.bias"}
    z = before_relu(after, 2)
    torch.testing.assert_close(z.median(0).values, torch.zeros(20), atol=1e-4, rtol=0)


def test_rescale() -> None:
    model = dead()
    after = treated("rescale", model).model
    assert changed(model, after) == {name for name, _ in model.named_parameters()}
    for level in (0, 2):
        z = before_relu(after, level)
        assert float(z.median(0).values.abs().max()) < 1e-4
        torch.testing.assert_close(z.std(0, correction=0), torch.ones(z.shape[1]))


def test_redraw_weights() -> None:
    model = dead()
    after = treated("redraw_weights", model).model
    assert changed(model, after) == {name for name, _ in model.named_parameters()}
    for layer in (after[0], after[2], after[4]):  # torch's default: uniform, to 1 / sqrt(fan-in)
        edge = layer.in_features**-0.5
        assert 0.9 * edge < float(layer.weight.detach().abs().max()) <= edge
        assert float(layer.bias.detach().abs().max()) <= edge


class Seen(nn.Module):
    """Gives back its inputs."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def test_standardise_inputs() -> None:
    x, y = data()
    x[:, 3] = 5.0
    seen = treated("standardise_inputs", Seen(), (x, y)).model(x)
    other = [0, 1, 2, 4, 5]
    assert float(seen.mean(0).abs().max()) < 1e-5
    torch.testing.assert_close(seen.std(0)[other], torch.ones(5))
    assert float(seen[:, 3].abs().max()) == 0
    images = torch.randn(40, 3, 4, 5) * torch.tensor([1.0, 10.0, 100.0])[:, None, None]
    seen = treated("standardise_inputs", Seen(), (images, y[:40])).model(images)
    torch.testing.assert_close(seen.std((0, 2, 3)), torch.ones(3))


def test_whiten_inputs() -> None:
    x, y = data()
    assert float((torch.cov(x.T) - torch.eye(6)).abs().max()) > 1
    seen = treated("whiten_inputs", Seen(), (x, y)).model(x)
    assert float(seen.mean(0).abs().max()) < 1e-3
    torch.testing.assert_close(torch.cov(seen.T), torch.eye(6), atol=1e-3, rtol=0)


def test_leaky_slope() -> None:
    model, (x, _) = dead(), data()
    candidate = treated("leaky_slope", model)
    leaky = nn.Sequential(model[0], nn.LeakyReLU(0.1), model[2], nn.LeakyReLU(0.1), model[4])
    with torch.no_grad(), candidate.context():
        torch.testing.assert_close(candidate.model(x), leaky(x))
        assert F.relu(torch.tensor(-1.0)) == pytest.approx(-0.1)
    assert float(F.relu(torch.tensor(-1.0))) == 0


def test_step_sizes() -> None:
    model = dead()
    for name, step_size in (("smaller_step", 0.001), ("larger_step", 0.1)):
        candidate = treated(name, model)
        assert candidate.step_size == pytest.approx(step_size)
        assert not changed(model, candidate.model)


def test_escape_direction() -> None:
    (x, y), model = data(), saddle()
    with torch.no_grad():
        before = float(CROSS_ENTROPY(model(x), y))
        after = float(CROSS_ENTROPY(treated("escape_direction", model).model(x), y))
    assert after < before - 0.01


def test_add_unit() -> None:
    (x, y), model = data(), dead()
    candidate = treated("add_unit", model)
    assert torch.equal(candidate.model(x), model(x))  # its output weight starts at zero
    own = sum(p.numel() for p in model.parameters())
    assert sum(p.numel() for p in candidate.model.parameters()) == own + 6 + 1 + 2
    assert candidate.penalty is not None and candidate.penalty().item() == 0
    CROSS_ENTROPY(candidate.model(x), y).backward()
    with torch.no_grad():
        candidate.model.top -= candidate.model.top.grad
        lower = float(CROSS_ENTROPY(candidate.model(x), y))
        assert lower < float(CROSS_ENTROPY(model(x), y))
    assert candidate.penalty().item() > 0


def squashed() -> nn.Sequential:
    return nn.Sequential(*dead(), nn.Softmax(1))


def frozen() -> nn.Sequential:
    model = dead()
    model[4].requires_grad_(False)
    model[2].bias.requires_grad_(False)
    return model


NEEDED = {
    "escape_direction": saddle,
    "standardise_inputs": lambda: healthy(),
    "whiten_inputs": lambda: healthy(),
    "wider_layers": lambda: healthy(),
    "unfreeze": frozen,
    "insert_activation": lambda: nn.Sequential(nn.Linear(6, 5), *healthy()[1:], nn.Linear(2, 2)),
    "without_dropout": lambda: nn.Sequential(*healthy(), nn.Dropout(0.7)),
    "drop_last_activation": squashed,
    "sigmoid_output": squashed,
    "log_softmax_output": squashed,
    "logits_loss": squashed,
    "add_biases": lambda: nn.Sequential(
        nn.Linear(6, 8, bias=False), nn.ReLU(), nn.Linear(8, 2, bias=False)
    ),
}


class Held(nn.Module):
    """A linear map whose weights are a plain tensor, before others."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.weight, self.head = torch.randn(6, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x @ self.weight)


NEEDED["register_tensors"] = Held
OF_OTHERS = {
    "match_shapes",
    "new_optimiser",
    "without_weight_decay",
    "standardise_targets",
    "another_optimiser",
    "lighter_penalty",
    "balance_terms",
    "clip_gradients",
    "textbook_loop",
    "add_positions",
    "permute_axes",
    "fresh_statistics",
    "keep_from_zero",
    "keep_graph",
}


@pytest.mark.parametrize("remedy", sorted(set(REMEDIES) - OF_OTHERS))
def test_every_remedy_is_applied_and_trained(remedy: str) -> None:
    model = NEEDED.get(remedy, dead)()
    asked = (model, data(), CROSS_ENTROPY)
    report = spurious.diagnose(*asked, curvature=False, rehearse=False)
    nothing, trial = report.try_remedies(*asked, 2, only=(remedy,))
    assert trial.remedy == remedy and trial.note == "" and trial.steps == len(trial.losses) == 2
    assert trial.start is not None and trial.after is not None and nothing.after is not None
    assert nothing.start == nothing.before == trial.before
    alike = ("add_unit", "unfreeze", "logits_loss", "without_dropout", "register_tensors")
    same = remedy.endswith("_step") or remedy in alike
    if remedy != "reinitialise_dead_units":
        assert (trial.start == trial.before) == same
    assert trial.after != nothing.after


def healthy() -> nn.Sequential:
    torch.manual_seed(1)
    x, _ = data()
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))
    with torch.no_grad():
        model[0].bias.copy_(model[0].bias - model[0](x).median(0).values)
    return model


NOT_APPLICABLE = {
    "reinitialise_dead_units": (healthy, data, "no dead unit"),
    "shift_biases": (healthy, data, "on for some data and off for some"),
    "rescale": (lambda: nn.Linear(6, 2), data, "no hidden layer"),
    "redraw_weights": (lambda: nn.ParameterList([torch.ones(2)]), data, "no module has reset"),
    "standardise_inputs": (dead, lambda: (torch.arange(64), data()[1]), "no single tensor"),
    "whiten_inputs": (dead, lambda: data(5), "at least d points"),
    "leaky_slope": (healthy, data, "no relu was seen"),
    "add_unit": (dead, lambda: (torch.arange(64), data()[1]), "no single tensor"),
    "drop_last_activation": (dead, data, "not what an activation gives"),
    "logits_loss": (dead, lambda: (data()[0], torch.randn(64, 2)), "no classes and no prob"),
    "permute_axes": (dead, data, "no reshape"),
    "keep_graph": (dead, data, "no derivative in the loss"),
    "fresh_statistics": (dead, data, "no layer keeps"),
    "standardise_targets": (dead, data, "no real numbers"),
    "unfreeze": (dead, data, "no parameter is frozen"),
    "insert_activation": (healthy, data, "no two layers"),
    "add_positions": (dead, data, "no sequences"),
    "lighter_penalty": (dead, data, "no terms with targets"),
    "balance_terms": (dead, data, "no sum of terms"),
    "smooth_units": (healthy, data, "no relu was seen"),
    "new_optimiser": (dead, data, "no optimiser was given"),
    "without_weight_decay": (dead, data, "no optimiser was given"),
    "wider_layers": (lambda: nn.Linear(6, 2), data, "no plain chain"),
    "match_shapes": (dead, data, "different numbers of entries"),
    "add_biases": (dead, data, "every layer has a bias"),
    "register_tensors": (dead, data, "no module holds a plain tensor"),
}


@pytest.mark.parametrize("remedy", NOT_APPLICABLE)
def test_what_does_not_apply_says_why(remedy: str) -> None:
    make, points, reason = NOT_APPLICABLE[remedy]
    with pytest.raises(NotApplicableError, match=reason):
        treated(remedy, make(), points())


def test_statistics_are_begun_anew() -> None:
    x, _ = data()
    model = nn.Sequential(nn.BatchNorm1d(6, momentum=0.0), nn.Linear(6, 2))
    norm = treated("fresh_statistics", model).model[0]
    for _ in range(100):
        norm(x)
    assert torch.allclose(norm.running_mean, x.mean(0), atol=1e-3)
    model[0](x)
    assert not model[0].running_mean.any()  # it was a copy


def test_axes_are_permuted_in_the_copy_alone() -> None:
    class Viewed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x.reshape(-1, 3, 2).reshape(-1, 2, 3))[..., 0]

    (x, _), model = data(), Viewed()
    candidate = treated("permute_axes", model)
    with candidate.whole_context():
        found = candidate.model(x)
    assert torch.allclose(found, model.inner(x.reshape(-1, 3, 2).transpose(1, 2))[..., 0])
    assert not torch.allclose(found, model(x))


def test_a_strictly_convex_loss_has_no_escape() -> None:
    points, model = (data()[0], torch.randn(64, 1)), nn.Linear(6, 1)
    with pytest.raises(NotApplicableError, match="no direction of negative curvature"):
        ACTIONS["escape_direction"](
            Candidate(model, 0.01), sample_of(points, model, 64), nn.MSELoss()
        )


def test_a_remedy_that_does_not_apply_is_no_trial() -> None:
    asked = (healthy(), data(), CROSS_ENTROPY)
    report = spurious.diagnose(*asked, curvature=False)
    trial = report.try_remedies(*asked, 2, only=("leaky_slope",))[1]
    assert "no relu was seen" in trial.note
    assert trial.start is None and trial.after is None and trial.steps == 0


def test_the_actions_are_the_remedies() -> None:
    assert set(ACTIONS) == set(REMEDIES)
    assert set(REMEDIES) - set(NOT_APPLICABLE) == {
        "smaller_step", "larger_step", "escape_direction", "another_optimiser", "sigmoid_output",
        "softmax_output", "log_softmax_output", "hundredth_step", "thousandth_step",
        "hundredfold_step", "textbook_loop", "without_dropout", "clip_gradients", "keep_from_zero",
        "scale_outputs",
    }  # fmt: skip
