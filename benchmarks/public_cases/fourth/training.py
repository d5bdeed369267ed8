"""Fourth set: data, optimisers, loops and adversaries. Written down, with what names each cause,
before any was run or diagnosed; a name that is no kind of finding says what the right one would be
called.

One more did not reproduce and was left out: `judge_with_a_sigmoid` (soumith/ganhacks#67, #36), a
generator before a discriminator that is sure of itself, learns through a sigmoid as its twin does
without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.loops import accumulated, first_batch, one_update_an_epoch, scheduled
from public_cases.models import Read
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    update,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("chuanyangjin/fast-DiT#4, minar09/cp-vton-plus#8, "
      "NoahVl/Explaining-In-Style-Reproducibility-Study#9", "shuffled_targets",
      "targets_shuffled")  # fmt: skip
def listed_in_another_order(seed: int, mended: bool) -> Program:
    """Images and labels are files that were listed in different orders: 1, 2, 3 and 1, 10, 100."""
    torch.manual_seed(seed)
    x, y = digits(512)
    listed = torch.tensor(sorted(range(512), key=str))
    model = chain([64, 16, 10], nn.ReLU)
    return Program(model, x, y if mended else y[listed], nn.CrossEntropyLoss(), adam(model), 32,
                   400, classes_right(y))  # fmt: skip


@case("Atcold/NYU-DLSP20#851", "same_batch")
def generator_of_one_batch(seed: int, mended: bool) -> Program:
    """Which of two signs came first; the index of the batch is not used, and all are the same."""
    torch.manual_seed(seed)
    words = torch.randint(2, 6, (512, 10))
    places = torch.stack([torch.randperm(10)[:2].sort()[0] for _ in range(512)])
    signs = torch.randint(0, 2, (512, 2))
    words.scatter_(1, places, signs)
    x, y = F.one_hot(words, 6).float(), 2 * signs[:, 0] + signs[:, 1]
    model = Read(nn.LSTM(6, 24, batch_first=True), nn.Linear(24, 4))
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 32, 500,
                   classes_right(y), usual if mended else first_batch)  # fmt: skip


@case("ziqi-jin/finetune-anything#57", "gradient_sign_flipped", "negative_step")
def step_below_zero(seed: int, mended: bool) -> Program:
    """The step falls along a line from its 50th update on, as if updates were epochs, and goes on
    below 0: the loss explodes.
    """
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    rule = torch.optim.AdamW(model.parameters(), lr=2e-3)
    kept = 200 if mended else 50
    schedule = torch.optim.lr_scheduler.LambdaLR(
        rule, lambda k: 1 - max(0, k + 1 - kept) / (kept + 1)
    )
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 64, 400, classes_right(y),
                   lambda p: scheduled(p, schedule))  # fmt: skip


@case("DeepReinforcementLearning/DeepReinforcementLearningInAction#13, "
      "XinyiYS/Gradient-Driven-Rewards-to-Guarantee-Fairness-in-Collaborative-Machine-Learning#3",
      "too_few_updates", "steps_once_an_epoch")  # fmt: skip
def step_behind_the_loop(seed: int, mended: bool) -> Program:
    """`step` is not indented: the optimiser is called once an epoch, and not with each batch."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-3), 16, 640,
                   classes_right(y), usual if mended else one_update_an_epoch)  # fmt: skip


@case("huggingface/transformers#2995", "optimiser_never_steps", "too_few_updates")
def more_pieces_than_batches(seed: int, mended: bool) -> Program:
    """Gradients of 16 batches are added up before a step, an epoch has 8, and the count starts anew
    with each epoch. The answer steps at the end of an epoch at the latest.
    """
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 64, 640,
                   classes_right(y), lambda p: accumulated(p, 8 if mended else 16))  # fmt: skip


class Numbers(nn.Module):
    """A classifier that gives plain numbers, without what autograd needs."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = chain([64, 32, 10], nn.ReLU)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)
        return z if self.mended else z.detach()


@case("huggingface/torchMoji#21", "detached_loss")
def plain_numbers(seed: int, mended: bool) -> Program:
    """The model gives `outputs.data`; that `backward` complained was mended by telling the loss to
    require gradients. It stays at one number.
    """
    torch.manual_seed(seed)
    x, y = digits(512)
    model = Numbers(mended)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets).requires_grad_()

    return Program(model, x, y, loss, adam(model), 32, 300, classes_right(y))


@case("zjunlp/HVPNeT#5, webis-de/small-text#36", "optimiser_misses_parameters")
def head_in_no_group(seed: int, mended: bool) -> Program:
    """Groups of parameters with their own steps; the group of the head is made and not appended."""
    torch.manual_seed(seed)
    x, y = digits(512)
    body, head = chain([64, 48, 32], nn.ReLU, nn.ReLU()), nn.Linear(32, 10)
    groups = [{"params": list(body.parameters()), "lr": 3e-5}]
    if mended:
        groups.append({"params": list(head.parameters()), "lr": 5e-2})
    model = nn.Sequential(body, head)
    return Program(model, x, y, nn.CrossEntropyLoss(), torch.optim.AdamW(groups), 32, 400,
                   classes_right(y))  # fmt: skip


@case("LaurentMazare/ocaml-torch#36", "optimiser_misses_parameters", "optimiser_never_steps")
def optimiser_before_layers(seed: int, mended: bool) -> Program:
    """The optimiser was made of the store of parameters when no layer was in it yet."""
    torch.manual_seed(seed)
    x = torch.randn(200, 2)
    y = 10 + 2 * x[:, :1] - x[:, 1:]
    model = nn.Linear(2, 1)
    rule = torch.optim.SGD([{"params": list(model.parameters()) if mended else []}], lr=1e-2)
    return Program(model, x, y, nn.MSELoss(), rule, 20, 400, explained(y))


def against(critic: nn.Module) -> Callable[[Program], Iterator[Tensor]]:
    """A step of the critic, whose weights are clipped, before each step of the generator."""
    rule = torch.optim.RMSprop(critic.parameters(), lr=1e-3)

    def loop(program: Program) -> Iterator[Tensor]:
        for _ in range(program.steps):
            rows = torch.randperm(len(program.x))[: program.batch]
            made = program.model(program.x[rows]).detach()
            rule.zero_grad()
            (critic(made).mean() - critic(program.y[rows]).mean()).backward()
            rule.step()
            with torch.no_grad():
                for p in critic.parameters():
                    p.clamp_(-0.1, 0.1)
            yield update(program, rows)

    return loop


def middle_met(real: Tensor) -> Callable[[Tensor], float]:
    """Score of points: how much nearer to the middle of the real ones they are than 0 is."""
    middle = real.mean(0)
    return lambda made: 1 - float((made.mean(0) - middle).norm() / middle.norm())


@case("Zeleni9/pytorch-wgan#51, Zeleni9/pytorch-wgan#53", "gradient_sign_flipped", "wrong_loss")
def generator_goes_down(seed: int, mended: bool) -> Program:
    """A Wasserstein generator that goes down the critic's value of what it makes, and not up."""
    torch.manual_seed(seed)
    noise = torch.randn(400, 2)
    real = torch.tensor([2.0, -1.0]) + 0.3 * torch.randn(400, 2)
    model = chain([2, 16, 2], nn.ReLU)
    critic = chain([2, 32, 1], nn.ReLU)
    sign = -1.0 if mended else 1.0
    return Program(model, noise, real, lambda f, _: sign * critic(f).mean(),
                   torch.optim.RMSprop(model.parameters(), lr=1e-3), 64, 800, middle_met(real),
                   against(critic))  # fmt: skip


class Combined(nn.Module):
    """What a generator makes of noise, and, in the last column, what a judge says of it."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = chain([2, 16, 2], nn.ReLU)
        self.judge = chain([2, 32, 1], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        made = self.generator(x)
        return torch.cat([made, self.judge(made)], 1)


@case("eriklindernoren/Keras-GAN#22, 0b01/SimGAN-Captcha#1", "frozen_layers")
def judge_frozen_for_ever(seed: int, mended: bool) -> Program:
    """The discriminator is frozen for the generator's step, and was never thawed for its own. The
    asker thaws it before and freezes it behind.
    """
    torch.manual_seed(seed)
    noise = torch.randn(400, 2)
    real = torch.tensor([2.0, -1.0]) + 0.3 * torch.randn(400, 2)
    model = Combined()
    model.judge.requires_grad_(mended)
    met = middle_met(real)

    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        return F.softplus(-outputs[:, 2]).mean()

    def loop(program: Program) -> Iterator[Tensor]:
        for _ in range(program.steps):
            rows = torch.randperm(400)[: program.batch]
            if mended:
                program.optimiser.zero_grad()
                made = model.generator(noise[rows]).detach()
                judged = F.softplus(-model.judge(real[rows])) + F.softplus(model.judge(made))
                judged.mean().backward()
                program.optimiser.step()
            model.judge.requires_grad_(False)
            yield update(program, rows)
            model.judge.requires_grad_(mended)

    return Program(model, noise, real, loss, adam(model, 2e-3, betas=(0.5, 0.999)), 64, 1000,
                   lambda f: met(f[:, :2]), loop)  # fmt: skip
