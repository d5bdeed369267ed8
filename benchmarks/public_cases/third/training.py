"""Third set: data, steps and loops. Written down, with what names each cause, before any was
diagnosed; a name that is no kind of finding says what the right one would be called.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits
from public_cases.loops import first_batch, gradients_kept, in_order, scheduled
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    neighbours_right,
    sgd,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("Deci-AI/super-gradients#416", "unshuffled_data")
def sorted_by_class(seed: int, mended: bool) -> Program:
    """The loader does not shuffle, and the data lie class by class: only the last is known."""
    torch.manual_seed(seed)
    x, y = digits(512)
    order = y.argsort(stable=True)
    x, y = x[order], y[order]
    model = chain([64, 32, 10], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1, momentum=0.9), 32, 320,
                   classes_right(y), usual if mended else in_order)  # fmt: skip


@case("leohsuofnthu/Pytorch-IterativeFCN#7, ZhaoJ9014/face.evoLVe#39", "same_batch")
def always_the_first_batch(seed: int, mended: bool) -> Program:
    """`next(iter(loader))` in the loop, without shuffling, is the first batch each time."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 8, 400, classes_right(y),
                   usual if mended else first_batch)  # fmt: skip


@case("pytorch/pytorch#47175, yueliu1999/HSAN#6, LoreGoetschalckx/GANalyze#7", "missing_zero_grad")
def gradients_add_up(seed: int, mended: bool) -> Program:
    """`zero_grad` was forgotten; the model does not converge."""
    x, y = curve(seed, 300)
    model = chain([3, 32, 1], nn.Tanh)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.05), 32, 1200, explained(y),
                   usual if mended else gradients_kept)  # fmt: skip


@case("leftthomas/SRGAN#94, pytorch/tutorials#640", "step_too_small", "too_few_updates",
      "schedule_to_zero")  # fmt: skip
def schedule_by_batch(seed: int, mended: bool) -> Program:
    """A tenth of the step every five epochs, but the scheduler is stepped with each batch."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    rule = sgd(model, 0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(rule, 5, gamma=0.1)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 160, classes_right(y),
                   lambda p: scheduled(p, schedule, by_epoch=mended))  # fmt: skip


@case("ClementPinard/SfmLearner-Pytorch#5, pytorch/pytorch#3814", "too_few_updates",
      "optimiser_never_steps")  # fmt: skip
def schedule_without_steps(seed: int, mended: bool) -> Program:
    """`scheduler.step()` in place of `optimizer.step()`: nothing is ever updated."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    rule = adam(model)
    schedule = torch.optim.lr_scheduler.StepLR(rule, 10, gamma=0.5)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 320, classes_right(y),
                   lambda p: scheduled(p, schedule, by_epoch=True, steps_too=mended))  # fmt: skip


class Next(nn.Module):
    """A small language model without attention: the next word after three words."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, 16)
        self.inner = nn.GRU(16, 32, batch_first=True)
        self.head = nn.Linear(32, words)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0][:, -1])


@case("Morizeyao/GPT2-Chinese#60", "step_too_small", "too_few_updates")
def warm_up_without_end(seed: int, mended: bool) -> Program:
    """The step grows over 2,000 updates, and there are 150 in all."""
    torch.manual_seed(seed)
    x = torch.randint(0, 12, (400, 3))
    y = (x[:, 1] + 3) % 12
    model = Next(12)
    rule = adam(model, 5e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        rule, lambda k: 1.0 if mended else min(1.0, (k + 1) / 2000)
    )
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 150, classes_right(y),
                   lambda p: scheduled(p, schedule))  # fmt: skip


@case("pkmital/pycadl#5, 4uiiurz1/pytorch-nested-unet#62", "unscaled_inputs")
def divided_twice(seed: int, mended: bool) -> Program:
    """Images between 0 and 1 are divided by 255 once more."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    return Program(model, x if mended else x / 255, y, nn.CrossEntropyLoss(),
                   sgd(model, 0.1, momentum=0.9), 32, 400, classes_right(y))  # fmt: skip


def hardest_triplets(outputs: Tensor, labels: Tensor) -> Tensor:
    """For each point its farthest mate and its nearest stranger; a margin of 1/2."""
    apart = (outputs[:, None] - outputs[None]).pow(2).sum(2).clamp(min=1e-12).sqrt()
    same = labels[:, None] == labels[None]
    mate = (apart * same).max(1)[0]
    stranger = (apart + 1e6 * same).min(1)[0]
    return (mate - stranger + 0.5).clamp(min=0).mean()


@case("omoindrot/tensorflow-triplet-loss#6, #18, #38, xiaolonw/caffe-video_triplet#8",
      "step_too_large")  # fmt: skip
def triplets_collapse(seed: int, mended: bool) -> Program:
    """All embeddings become one point, the loss its margin; a smaller step is the answer."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 64, 64, 8], nn.ReLU)
    return Program(model, x, y, hardest_triplets, adam(model, 1e-3 if mended else 0.1), 64, 400,
                   neighbours_right(y))  # fmt: skip


@case("jax-ml/jax#3113, apache/singa#333", "step_too_large", "wrong_loss")
def summed_over_the_batch(seed: int, mended: bool) -> Program:
    """The loss is the sum over a batch that was made larger; it explodes."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 64, 64, 10], nn.ReLU)
    loss = nn.CrossEntropyLoss(reduction="mean" if mended else "sum")
    return Program(model, x, y, loss, sgd(model, 0.1), 256, 400, classes_right(y))


@case("discuss.pytorch.org/t/43814", "step_too_large")
def units_switched_off(seed: int, mended: bool) -> Program:
    """Adam's step is far too large: relus are off for good, and the loss stays at 2.30."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(),
                          nn.Flatten(), nn.Linear(128, 32), nn.ReLU(),
                          nn.Linear(32, 10))  # fmt: skip
    return Program(model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(),
                   adam(model, 2e-3 if mended else 0.1), 64, 300, classes_right(y))  # fmt: skip
