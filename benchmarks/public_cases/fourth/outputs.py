"""Fourth set: outputs, losses and targets. Written down, with what names each cause, before any was
run or diagnosed; a name that is no kind of finding says what the right one would be called.

Three more did not reproduce and were left out: `lower_half_chopped`
(mikesj-public/convolutional_autoencoder#9), an autoencoder of standardised images that ends in a
relu, explains 0.61 and its twin 0.92; `boxes_in_pixels` (kuangliu/torchcv#30,
Zzh-tju/DIoU-SSD-pytorch#5), boxes in pixels of 300, explains 0.62 and its twin 0.98;
`rents_by_sigmoid` (BrainJS/brain.js#195), rents near 1,700, is stuck, but its twin is, too, after
12,000 updates.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits, masks, one_hot
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_balanced,
    classes_right,
    collector,
    explained,
    keras,
    keras_binary,
    keras_crossentropy,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("stackoverflow 58887284", "output_range", "wrong_output_activation")
def values_below_zero(seed: int, mended: bool) -> Program:
    """One sigmoid for -1 / (exp(10 x) + 1), Adam 0.01; the answer takes the minus away."""
    torch.manual_seed(seed)
    x = torch.linspace(-1, 1, 111)[:, None]
    y = -1 / ((10 * x).exp() + 1)
    model = keras(nn.Sequential(nn.Linear(1, 1), nn.Sigmoid()))
    score = explained(y, -1.0 if mended else 1.0)
    return Program(model, x, -y if mended else y, nn.MSELoss(), adam(model, 1e-2), 32, 2000, score)


def segmenter(*last: nn.Module) -> nn.Sequential:
    """A score for each pixel."""
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1),
                         nn.ReLU(), nn.Conv2d(8, 1, 1), *last)  # fmt: skip


@case("s9xie/hed#61, MontaEllis/Pytorch-Medical-Segmentation#8", "labels_outside_loss",
      "target_scale")  # fmt: skip
def masks_of_255(seed: int, mended: bool) -> Program:
    """Masks as they are in the file, 0 and 255, in `BCEWithLogitsLoss`: the loss is negative."""
    x, y = masks(seed, 0.3)
    model = segmenter()
    return Program(model, x, y if mended else 255 * y, nn.BCEWithLogitsLoss(), adam(model, 1e-2),
                   12, 300, sides_right(y, 0.0))  # fmt: skip


@case("akirasosa/mobile-semantic-segmentation#24, sraashis/easytorch#38", "gradient_sign_flipped",
      "wrong_loss")  # fmt: skip
def dice_itself(seed: int, mended: bool) -> Program:
    """The loss is the Dice coefficient, and not 1 minus it."""
    x, y = masks(seed, 0.3)
    model = segmenter(nn.Sigmoid())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        dice = (2 * (outputs * targets).sum() + 1) / (outputs.sum() + targets.sum() + 1)
        return 1 - dice if mended else dice

    return Program(model, x, y, loss, adam(model, 1e-2), 12, 300, sides_right(y, 0.5))


@case("www.dtcms.com/a/394596.html", "output_range", "wrong_output_activation")
def relu_for_logits(seed: int, mended: bool) -> Program:
    """A relu behind the scores of pixels, which go to `BCEWithLogitsLoss`: it stays at 0.693."""
    x, y = masks(seed, 0.1)
    model = segmenter(*([] if mended else [nn.ReLU()]))
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 12, 300,
                   sides_right(y, 0.0))  # fmt: skip


@case("keras-team/keras#741, keras-team/keras#2166", "wrong_output_activation", "output_range",
      "wrong_loss")  # fmt: skip
def many_labels_by_softmax(seed: int, mended: bool) -> Program:
    """Seven labels of which several hold: a softmax and the cross entropy of exclusive classes."""
    torch.manual_seed(seed)
    x = torch.randn(500, 10)
    y = (x @ torch.randn(10, 7) > 0).float()
    model = keras(chain([10, 32, 7], nn.ReLU, nn.Sigmoid() if mended else nn.Softmax(dim=1)))
    loss = keras_binary if mended else keras_crossentropy
    return Program(model, x, y, loss, adam(model), 32, 600, sides_right(y, 0.5))


@case("discuss.pytorch.org/t/50431", "broadcast_targets")
def column_of_outputs(seed: int, mended: bool) -> Program:
    """5 a + 3 b, a and b of spread 100, RMSprop: outputs (100, 1), targets (100,). With weights
    that were replaced by a vector, outputs are (100,), and it works.
    """
    torch.manual_seed(seed)
    x = 100 * torch.randn(2000, 2)
    y = 5 * x[:, 0] + 3 * x[:, 1] + torch.randn(2000)
    model = nn.Linear(2, 1, bias=False)
    if mended:
        model.weight = nn.Parameter(torch.tensor([2.0, 3.0]))
    rule = torch.optim.RMSprop(model.parameters(), lr=1e-2)
    return Program(model, x, y, nn.MSELoss(), rule, 100, 600, explained(y))


@case("discuss.pytorch.org/t/145203", "class_weights_reversed", "class_imbalance",
      "probabilities_to_logits_loss")  # fmt: skip
def one_in_six(seed: int, mended: bool) -> Program:
    """16 in 100 are positive; their weight is 0.16, the others' 0.84, and a sigmoid comes before
    `BCEWithLogitsLoss`. The answer: no sigmoid, and `pos_weight`.
    """
    torch.manual_seed(seed)
    y = (torch.rand(600) < 0.16).float()
    x = torch.randn(600, 6) + y[:, None] * torch.tensor([1.0, -0.8, 0.6, 0.0, 0.0, 0.0])
    model = chain([6, 16, 2], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        z = outputs[:, 1] - outputs[:, 0]
        if mended:
            return F.binary_cross_entropy_with_logits(z, targets, pos_weight=torch.tensor(5.25))
        weight = torch.tensor([0.84, 0.16])[targets.long()]
        return F.binary_cross_entropy_with_logits(z.sigmoid(), targets, weight)

    return Program(model, x, y, loss, adam(model), 32, 800, classes_balanced(y.long()))


@case("mkocabas/focal-loss-keras#17, mkocabas/focal-loss-keras#24", "not_finite")
def focal_without_epsilon(seed: int, mended: bool) -> Program:
    """The focal loss takes logarithms of probabilities that are 0 by rounding: NaN."""
    x, which = blobs(seed, 2, 400)
    y = which[:, None].float()
    model = keras(chain([4, 24, 1], nn.ReLU, nn.Sigmoid()))
    epsilon = 1e-7 if mended else 0.0

    def loss(p: Tensor, targets: Tensor) -> Tensor:
        ones, zeros = torch.where(targets == 1, p, 1.0), torch.where(targets == 0, p, 0.0)
        positive = 0.25 * (1 - ones) ** 2 * (ones + epsilon).log()
        negative = 0.75 * zeros**2 * (1 - zeros + epsilon).log()
        return -(positive + negative).mean()

    return Program(model, 10 * x, y, loss, adam(model), 32, 600, sides_right(y, 0.5))


@case("NaJaeMin92/pytorch-DANN#7, illiterate/BertClassifier#2, "
      "bowang-lab/Transformer-GCN-QA#32", "probabilities_to_logits_loss")  # fmt: skip
def softmax_in_the_classifier(seed: int, mended: bool) -> Program:
    """The classifier ends in a softmax, and `CrossEntropyLoss` has its own."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                          nn.Linear(72, 32), nn.ReLU(), nn.Linear(32, 10),
                          *([] if mended else [nn.Softmax(dim=1)]))  # fmt: skip
    return Program(model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(),
                   sgd(model, 0.01, momentum=0.9), 64, 300, classes_right(y))  # fmt: skip


class Events(nn.Module):
    """A score for each moment."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LSTM(1, 16, batch_first=True)
        self.head = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0])[..., 0]


@case("discuss.pytorch.org/t/72150", "class_imbalance")
def one_moment_in_a_hundred(seed: int, mended: bool) -> Program:
    """Events in a time series, 100 moments without for one with; `pos_weight` mends it."""
    torch.manual_seed(seed)
    y = (torch.rand(200, 30) < 0.01).float()
    x = torch.randn(200, 30, 1) + 2.5 * y[..., None]
    model = Events()
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(100.0 if mended else 1.0))
    found = classes_balanced(y.long())
    return Program(model, x, y, loss, adam(model, 1e-2), 20, 300,
                   lambda f: found(torch.stack([-f, f], 1)))  # fmt: skip


@case("Trusted-AI/adversarial-robustness-toolbox#7", "one_class_targets", "constant_targets")
def labels_of_ones(seed: int, mended: bool) -> Program:
    """`to_categorical` fills its whole array with 1: all points have the same target."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = keras(chain([64, 32, 10], nn.ReLU, nn.Softmax(dim=1)))
    targets = one_hot(y) if mended else torch.ones(512, 10)
    return Program(model, x, targets, keras_crossentropy, adam(model), 32, 300, classes_right(y))


@case("yzhao062/pyod#314, aimagelab/novelty-detection#5, BIMSBbioinfo/maui#8", "output_range",
      "wrong_output_activation")  # fmt: skip
def standardised_by_sigmoid(seed: int, mended: bool) -> Program:
    """An autoencoder for measurements with long tails, standardised, and a sigmoid at its end; the
    answer ends in a linear layer.
    """
    few, _ = blobs(seed, 2, 500)
    x = (0.5 * few @ torch.randn(4, 12)).exp()
    x = (x - x.mean(0)) / x.std(0)
    model = chain([12, 24, 4, 24, 12], nn.ReLU, *([] if mended else [nn.Sigmoid()]))
    return Program(model, x, x, nn.MSELoss(), adam(model), 32, 1500, explained(x))
