"""Networks that several programs share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.program import chain


class Read(nn.Module):
    """Reads sequences and takes the output at the end of the axis of time, (n, time, d)."""

    def __init__(self, inner: nn.RNNBase, head: nn.Module, last: nn.Module | None = None) -> None:
        super().__init__()
        self.inner = inner
        self.head = head
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        z = self.head(self.inner(x)[0][:, -1])
        return z if self.last is None else self.last(z)


class Variational(nn.Module):
    """An autoencoder with a Gaussian code: what it makes of points, the code's means and log
    variances. The noise is drawn in training only.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, 1)
        noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
        return self.decoder(mean + noise * (log_variance / 2).exp()), mean, log_variance


def divergence_of(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of a code from the standard Gaussian, of each entry."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp())


def images_coded() -> Variational:
    """Of images of 8 x 8, with a code of 8 numbers."""
    return Variational(chain([64, 48, 16], nn.ReLU), chain([8, 48, 64], nn.ReLU, nn.Sigmoid()))
