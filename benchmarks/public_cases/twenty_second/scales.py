"""Twenty-second set, held out: how large inputs, targets and steps are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits
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
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("github.com/sbillburg/CRNN-with-STN/issues/7", "constant_inputs")
def greys_put_among_whole_numbers(seed: int, mended: bool) -> Program:
    """Pictures between 0 and 1, which are put into an array of whole numbers, and are black. Then
    into one of fractions.
    """
    torch.manual_seed(seed)
    x, y = digits()
    x = 0.98 * x
    model = chain([64, 64, 10], nn.ReLU)
    return Program(
        model, x if mended else x.long().float(), y, nn.CrossEntropyLoss(), adam(model, 3e-3), 30,
        400, classes_right(y),
    )  # fmt: skip


@case("github.com/DLR-RM/stable-baselines3/issues/563", "unscaled_inputs")
def agent_that_sees_raw_numbers(seed: int, mended: bool) -> Program:
    """Which of four actions is rewarded, from what is seen in the units that it comes in. Then it
    is normalised.
    """
    torch.manual_seed(seed)
    seen = torch.randn(1600, 6)
    best, taken = (seen @ torch.randn(6, 4)).argmax(1), torch.randint(0, 4, (1600,))
    y = torch.stack([taken.float(), (best == taken).float()], 1)
    unit = torch.tensor([5000.0, 0.01, 20.0, 0.001, 3.0, 800.0])
    middle = torch.tensor([40000.0, 0.02, 300.0, 0.0, -5.0, 2000.0])
    x = seen if mended else middle + unit * seen
    model = chain([6, 32, 32, 4], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        done = F.log_softmax(outputs, 1).gather(1, targets[:, :1].long())[:, 0]
        return -(targets[:, 1] * done).mean()

    return Program(model, x, y, loss, adam(model, 1e-3), 40, 800, classes_right(best))


@case("github.com/yuxumin/PoinTr/issues/127", "unscaled_inputs", "target_scale")
def own_shapes_as_they_were_measured(seed: int, mended: bool) -> Program:
    """Outlines are completed; the asker's own, a tenth of all, are not normalised as the others
    are. Then they are.
    """
    torch.manual_seed(seed)
    angle = 6.283 * torch.arange(24) / 24
    wide, high, turn = 0.4 + 0.6 * torch.rand(3, 400, 1)
    ring = torch.stack([wide * (angle + 3 * turn).cos(), high * angle.sin()], 2)
    own = torch.arange(400) % 10 == 0
    if not mended:
        ring[own] = 1000.0 + 300.0 * ring[own]
    y = ring.flatten(1)
    x = ring[:, :12].flatten(1)
    model = chain([24, 64, 64, 48], nn.ReLU)
    middle = y[~own].mean(0)
    right = explained(y[~own] - middle)
    return Program(
        model,
        x,
        y,
        nn.MSELoss(),
        adam(model, 3e-3),
        40,
        600,
        lambda found: right(found[~own] - middle),
    )


@case("github.com/laoyangui/DLSN/issues/1", "unscaled_inputs", "target_scale")
def finer_pictures_up_to_255(seed: int, mended: bool) -> Program:
    """Pictures are made finer; their greys go up to 255, and training collapses. Then up to 1."""
    torch.manual_seed(seed)
    fine, _ = digits()
    scale = 1.0 if mended else 255.0
    coarse = F.avg_pool2d(fine.reshape(-1, 1, 8, 8), 2).flatten(1)
    y = scale * fine
    model = chain([16, 96, 96, 64], nn.ReLU)
    right = explained(y - y.mean(0))
    return Program(
        model, scale * coarse, y, nn.MSELoss(), sgd(model, 0.1, momentum=0.9), 30, 1200,
        lambda found: right(found - y.mean(0)),
    )  # fmt: skip


@case("github.com/xiaolonw/caffe-video_triplet/issues/8", "step_too_large")
def triplets_at_the_margin(seed: int, mended: bool) -> Program:
    """Digits by triplets of the hardest pairs; steps are large, all codes become one, and the loss
    is the margin. Then they are smaller.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 64, 64, 8], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        far = (outputs[:, None] - outputs).pow(2).sum(2).clamp_min(1e-12).sqrt()
        alike = targets[:, None] == targets
        worst = (far * alike).amax(1)
        nearest = far.masked_fill(alike, torch.inf).amin(1)
        return (worst - nearest + 0.2).relu().mean()

    return Program(
        model, x, y, loss, adam(model, 5e-4 if mended else 0.2), 40, 500, neighbours_right(y)
    )


@case("github.com/roytseng-tw/Detectron.pytorch/issues/29", "step_too_large")
def boxes_from_the_first_step_on(seed: int, mended: bool) -> Program:
    """Kinds and boxes of bright spots by gradient descent with momentum; the asker's own script has
    no warming up, and soon nothing is a number. Then the rate is lower.
    """
    torch.manual_seed(seed)
    kind = torch.arange(300) % 2
    box = torch.rand(300, 4)
    at = torch.linspace(0, 1, 12)
    spot = (
        torch.exp(-((at - box[:, :1]) ** 2) / 0.02)[:, None]
        * torch.exp(-((at - box[:, 1:2]) ** 2) / 0.02)[:, :, None]
    )
    x = (1 + 2 * kind)[:, None] * spot.flatten(1) + 0.1 * torch.randn(300, 144)
    y = torch.cat([kind[:, None].float(), box[:, :2]], 1)
    model = chain([144, 64, 64, 4], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        boxes = 20 * (outputs[:, 2:] - targets[:, 1:]).pow(2).sum(1).mean()
        return F.cross_entropy(outputs[:, :2], targets[:, 0].long()) + boxes

    right = explained(box[:, :2])
    return Program(
        model, x, y, loss, sgd(model, 0.002 if mended else 0.2, momentum=0.9), 30, 600,
        lambda found: right(found[:, 2:]),
    )  # fmt: skip
