"""Models, data and losses of PyTorch, each with a name; all in double precision."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import nn

Case: TypeAlias = tuple[nn.Module, Any, Any, Callable[..., torch.Tensor]]
CASES: dict[str, Callable[[], Case]] = {}


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def add(name: str, case: Callable[[], Case]) -> None:
    def seeded() -> Case:
        torch.manual_seed(5)
        model, *rest = case()
        return (model.double(), *rest)

    assert name not in CASES
    CASES[name] = seeded


def dense(layer: nn.Module | None = None, outputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), layer or nn.Tanh(), nn.Linear(3, outputs))


def layers() -> Iterator[nn.Module]:
    yield from (nn.ReLU(), nn.LeakyReLU(0.1), nn.ELU(), nn.ELU(0.5), nn.CELU(0.5), nn.SELU())
    yield from (nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softplus(2))
    yield from (nn.Tanh(), nn.Sigmoid(), nn.LogSigmoid(), nn.Softsign(), nn.Hardtanh(), nn.ReLU6())
    yield from (nn.PReLU(), nn.PReLU(3), nn.Hardswish(), nn.Tanhshrink(), nn.Threshold(0, 0))
    yield from (nn.Softmax(1), nn.LogSoftmax(1), nn.Softmin(1), nn.LayerNorm(3), nn.RMSNorm(3))
    yield from (nn.BatchNorm1d(3), nn.BatchNorm1d(3).eval(), nn.BatchNorm1d(3, affine=False))
    yield from (nn.Dropout(0.0), nn.Dropout(0.5).eval(), nn.Identity())


for number, each in enumerate(layers()):
    add(
        f"{number}: {each}", lambda each=each: (dense(each), random(6, 4), random(6, 3), F.mse_loss)
    )


class Custom(nn.Module):
    """A linear layer and any function of its outputs."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.linear(x))


def written_in_place(z: torch.Tensor) -> torch.Tensor:
    found = torch.zeros_like(z)
    found[:, 1] = z[:, 0]
    found += 1
    return found * z


W = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)


def written_out(z: torch.Tensor) -> torch.Tensor:
    found = torch.zeros_like(W)
    torch.mul(W, W, out=found)
    return found * z


FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "own leaky relu": lambda z: torch.where(z > 0, z, 0.3 * z),
    "own elu": lambda z: torch.where(z < 0, torch.expm1(z), z),
    "in place": written_in_place,
    "out": written_out,
    "powers": lambda z: (z * z + 1) ** 1.5 + (z * z + 1) ** 0.3 + 2**z + z**-2,
    "extremes": lambda z: z.amax(1, keepdim=True) + z.max() + z.min(1)[0][:, None] + z.minimum(W),
    "products": lambda z: z.prod(1, keepdim=True) + z.cumsum(1) + z.cumsum(0),
    "einsum": lambda z: torch.einsum("bi,ij->bj", z, torch.einsum("bi,bj->ij", z, z)),
    "indices": lambda z: z[[1, 0, 3, 2, 5, 4]] + z.flip(1) + z.roll(1, 0) + torch.tril(z),
    "spread": lambda z: z / z.std(0) + z.var(1, unbiased=False, keepdim=True) + z.norm(),
    "logarithms": lambda z: (z * z).log1p() + (z.exp() + 1).log2() + z.logsumexp(1, keepdim=True),
    "waves": lambda z: z.sin() + z.cos() * z.erf() + z.sinh() + (z / 9).tan() + z.erfc(),
    "bounds": lambda z: z.clamp(-0.5, 0.5) + z.clamp(min=W) + torch.logaddexp(z, 2 * z),
    "known numbers": lambda z: z * (W > 1) + z * torch.arange(3) / (W.sum() - 1),
    "stacked": lambda z: torch.stack([z, z * z]).mean(0) + torch.cat([z[:, 1:], z[:, :1]], 1),
    "checkpoint": lambda z: torch.utils.checkpoint.checkpoint(torch.tanh, z, use_reentrant=False),
    "padded": lambda z: F.pad(z, (1, 1), value=0.5)[:, 1:4] + F.pad(z, (1, 0))[:, :3],
    "transforms": lambda z: torch.vmap(torch.sin)(z) + F.normalize(z, dim=1),
}
for name, function in FUNCTIONS.items():
    add(name, lambda f=function: (Custom(f), random(6, 4), random(6, 3), F.mse_loss))


def loss_case(loss: Callable[..., torch.Tensor], target: Callable[[], torch.Tensor]) -> Case:
    return dense(), random(6, 4), target(), loss


def labels() -> torch.Tensor:
    return torch.tensor([1, 0, 2, 2, 0, 1])


def shares() -> torch.Tensor:
    return torch.softmax(random(6, 3), 1)


def bits() -> torch.Tensor:
    return (random(6, 3) > 0).double()


LOSSES: dict[str, tuple[Callable[..., torch.Tensor], Callable[[], torch.Tensor]]] = {
    "mse sum": (nn.MSELoss(reduction="sum"), lambda: random(6, 3)),
    "l1": (nn.L1Loss(), lambda: random(6, 3)),
    "smooth l1": (nn.SmoothL1Loss(beta=0.5), lambda: random(6, 3)),
    "huber": (nn.HuberLoss(delta=0.7), lambda: random(6, 3)),
    "cross entropy": (nn.CrossEntropyLoss(), labels),
    "cross entropy, weights": (nn.CrossEntropyLoss(weight=W, label_smoothing=0.1), labels),
    "cross entropy, ignored": (
        nn.CrossEntropyLoss(weight=W, ignore_index=1, label_smoothing=0.1),
        labels,
    ),
    "cross entropy, sum": (nn.CrossEntropyLoss(reduction="sum"), labels),
    "cross entropy, shares": (nn.CrossEntropyLoss(weight=W, label_smoothing=0.2), shares),
    "cross entropy, each": (
        lambda z, y: F.cross_entropy(z, y, reduction="none", ignore_index=2).square().mean(),
        labels,
    ),
    "nll": (lambda z, y: F.nll_loss(z.log_softmax(1), y, weight=W, ignore_index=0), labels),
    "bce": (lambda z, y: F.binary_cross_entropy(z.sigmoid(), y), bits),
    "bce with logits": (nn.BCEWithLogitsLoss(weight=W, pos_weight=2 * W), bits),
    "kl": (lambda z, y: F.kl_div(z.log_softmax(1), y, reduction="batchmean"), shares),
    "soft margin": (nn.SoftMarginLoss(), lambda: 2 * bits() - 1),
    "hinge": (lambda z, y: (1 - z * y).clamp(min=0).square().mean(), lambda: 2 * bits() - 1),
    "multi margin": (nn.MultiMarginLoss(), labels),
    "poisson": (nn.PoissonNLLLoss(), bits),
    "cosine": (lambda z, y: 1 - F.cosine_similarity(z, y).mean(), lambda: random(6, 3)),
}
for name, (loss, target) in LOSSES.items():
    add(name, lambda loss=loss, target=target: loss_case(loss, target))


def image(*stack: nn.Module) -> Case:
    model = nn.Sequential(*stack, nn.Flatten(), nn.LazyLinear(2)).double()
    x = random(2, 2, 8, 8)
    model(x)
    return model, x, random(2, 2), F.mse_loss


IMAGES: dict[str, Callable[[], Case]] = {
    "conv1d": lambda: image(
        nn.Flatten(2),
        nn.Conv1d(2, 3, 3, stride=2, padding=1, dilation=2),
        nn.Tanh(),
        nn.MaxPool1d(2),
        nn.AvgPool1d(3),
    ),
    "conv2d": lambda: image(
        nn.Conv2d(2, 4, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3)
    ),
    "pools": lambda: image(
        nn.Conv2d(2, 2, (2, 3), padding="same", dilation=2),
        nn.GroupNorm(1, 2),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AdaptiveAvgPool2d((2, 3)),
        nn.AdaptiveMaxPool2d((1, 2)),
    ),
    "transposed": lambda: image(
        nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"),
        nn.InstanceNorm2d(2, affine=True),
        nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.BatchNorm2d(4),
        nn.MaxPool2d(3, 2, 1),
    ),
    "upsampling": lambda: image(
        nn.Conv2d(2, 4, 3), nn.PixelShuffle(2), nn.Upsample(scale_factor=2)
    ),
    "weight norm": lambda: image(nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 1, 3))),
}
for name, make in IMAGES.items():
    add(name, make)


class LastStep(nn.Module):
    """A recurrence over a sequence, and a linear layer on its last output."""

    def __init__(self, recurrence: nn.Module, width: int = 2) -> None:
        super().__init__()
        self.recurrence = recurrence
        self.head = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.recurrence(x)[0][:, -1])


RECURRENCES: dict[str, Callable[[], nn.Module]] = {
    "rnn": lambda: LastStep(nn.RNN(3, 2, batch_first=True)),
    "rnn, two layers": lambda: LastStep(nn.RNN(3, 2, 2, nonlinearity="relu", batch_first=True)),
    "gru": lambda: LastStep(nn.GRU(3, 2, batch_first=True)),
    "lstm": lambda: LastStep(nn.LSTM(3, 2, batch_first=True)),
    "lstm, both ways": lambda: LastStep(nn.LSTM(3, 1, bidirectional=True, batch_first=True)),
}
for name, recurrence in RECURRENCES.items():
    add(name, lambda make=recurrence: (make(), random(2, 5, 3), random(2, 1), F.mse_loss))


class Attention(nn.Module):
    """Self-attention with a mask."""

    def __init__(self, mask: torch.Tensor | None, weights: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.mask, self.weights = mask, weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.attention(x, x, x, attn_mask=self.mask, need_weights=self.weights)
        return found[0]


CAUSAL = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
ATTENTIONS: dict[str, Callable[[], nn.Module]] = {
    "attention": lambda: Attention(None, True),
    "attention, mask of booleans": lambda: Attention(CAUSAL < 0, True),
    "attention, mask of infinities": lambda: Attention(CAUSAL, True),
    "attention at once": lambda: Attention(None, False),
    "attention at once, mask of booleans": lambda: Attention(CAUSAL < 0, False),
    "attention at once, mask of infinities": lambda: Attention(CAUSAL, False),
    "encoder layer": lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True),
    "encoder layer, norm first": lambda: nn.TransformerEncoderLayer(
        4, 2, 8, dropout=0.1, activation="gelu", norm_first=True, batch_first=True
    ).eval(),
}
for name, attention in ATTENTIONS.items():
    add(name, lambda make=attention: (make(), random(2, 5, 4), random(2, 5, 4), F.mse_loss))
add(
    "transformer",
    lambda: (
        nn.Transformer(2, 2, 1, 1, 4, dropout=0.0, batch_first=True),
        (random(2, 3, 2), random(2, 4, 2)),
        random(2, 4, 2),
        F.mse_loss,
    ),
)


class TiedWords(nn.Module):
    """A residual block between an embedding and its transpose: tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 3)
        self.inner = nn.Linear(3, 3)
        self.out = nn.Linear(3, 5, bias=False)
        self.out.weight = self.words.weight

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        state = self.words(words)
        return self.out((state + torch.tanh(self.inner(state))).mean(1))


class TinyGPT(nn.Module):
    """One block: causal attention, a perceptron, layer norms; 72 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(3, 2), nn.Parameter(random(4, 2))
        self.norms = nn.ModuleList(nn.LayerNorm(2) for _ in range(3))
        self.qkv, self.mix = nn.Linear(2, 6), nn.Linear(2, 2)
        self.perceptron = nn.Sequential(nn.Linear(2, 4), nn.GELU(), nn.Linear(4, 2))
        self.register_buffer("seen", torch.tril(torch.ones(4, 4)))

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        state = self.words(words) + self.places[: words.shape[1]]
        q, k, v = self.qkv(self.norms[0](state)).chunk(3, -1)
        scores = (q @ k.transpose(-2, -1)) * 2**-0.5
        shares = scores.masked_fill(self.seen == 0, float("-inf")).softmax(-1)
        state = state + self.mix(shares @ v)
        state = state + self.perceptron(self.norms[1](state))
        return self.norms[2](state) @ self.words.weight.T


def next_words(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(z.view(-1, 3), y.view(-1))


def words(count: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, count, shape)


add("tied words", lambda: (TiedWords(), words(5, 4, 3), words(5, 4), F.cross_entropy))
add("gpt", lambda: (TinyGPT(), words(3, 3, 4), words(3, 3, 4), next_words))
