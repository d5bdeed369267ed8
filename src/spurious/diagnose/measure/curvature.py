# pyright: basic
"""Extreme eigenvalues of the Hessian by the Lanczos method, without forming it.

After k products the Ritz values are the eigenvalues of a k x k tridiagonal matrix T = Q^T H Q. A
Ritz value r with vector Q s has the residual |H Q s - r Q s| = beta_k |s_k| (Parlett, *The
symmetric eigenvalue problem*, 1998, chapter 13), so some eigenvalue lies within it, H being
symmetric; and since r is a Rayleigh quotient, the smallest eigenvalue is at most the smallest r.
The basis is made orthogonal twice in every step, as rounding would undo it otherwise.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from spurious.diagnose.measure.batches import Batch
from spurious.diagnose.measure.objective import Objective, Slopes
from spurious.diagnose.measure.records import Curvature

PRODUCTS: Final = 24
"""Hessian-vector products for large models; enough for outlying eigenvalues."""

PRODUCTS_SMALL: Final = 60
"""The same for models of at most `SMALL` parameters, where they are cheap."""

SMALL: Final = 2000

CURVATURE_POINTS: Final = 256
"""Points for the Hessian, the ray and the slices."""

MOST_BYTES: Final = 1 << 30
"""Of the basis; with more parameters fewer products are made."""

MOST_KEPT: Final = 1 << 26
"""Bytes that graphs may hold to be kept from product to product."""

CONVERGED: Final = 1e-3
"""Residuals below this share of the largest Ritz value are small enough."""

DIFFERENCE: Final = 1e-3
"""Step of the difference quotient of gradients, relative to the weights' norm, where a model cannot
be differentiated twice."""

Vector = list[Tensor]


class Extremes:
    """The extreme eigenvalues with their vectors.

    Attributes:
        curvature: The numbers.
        lowest: Vector of the smallest Ritz value, shaped like the parameters, norm 1.
        highest: Of the largest.
    """

    def __init__(self, curvature: Curvature, lowest: Vector, highest: Vector) -> None:
        self.curvature, self.lowest, self.highest = curvature, lowest, highest


def hessian_extremes(objective: Objective, seed: int = 0) -> Extremes | None:
    """Runs Lanczos from a random vector; None if the model has no curvature that can be found.

    Args:
        objective: The loss as a function of the parameters, in float32 or float64.
        seed: Of the random vector.
    """
    shapes = [p.shape for p in objective.parameters]
    size = sum(p.numel() for p in objective.parameters)
    if not size:
        return None
    device = objective.parameters[0].device
    kind = objective.parameters[0].dtype
    multiply = _product(objective)
    limit = PRODUCTS_SMALL if size <= SMALL else PRODUCTS
    limit = max(2, min(limit, size, MOST_BYTES // (size * kind.itemsize)))
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(size, generator=generator, dtype=torch.float64).to(device, kind)
    q = q / q.norm()
    basis: list[Tensor] = []
    alphas: list[float] = []
    betas: list[float] = []
    images: list[Tensor] = []
    ritz, vectors = np.zeros(0), np.zeros((0, 0))
    for _ in range(limit):
        basis.append(q)
        image = multiply(_shaped(q, shapes))
        if image is None or not bool(torch.isfinite(image).all()):
            return None
        if len(images) < 2:
            images.append(image.clone())
        alphas.append(float(image @ q))
        for _ in range(2):
            for old in basis:
                image = image - (image @ old) * old
        beta = float(image.norm())
        betas.append(beta)
        ritz, vectors = np.linalg.eigh(
            np.diag(alphas) + np.diag(betas[:-1], 1) + np.diag(betas[:-1], -1)
        )
        scale = float(np.abs(ritz).max())
        ends = beta * np.abs(vectors[-1, [0, -1]])
        if beta <= 1e-7 * scale or (len(alphas) > 8 and ends.max() <= CONVERGED * scale):
            break
        q = image / beta
    scale = max(float(np.abs(ritz).max()), 1e-300)
    rounding = 0.0
    if len(images) == 2:
        rounding = abs(float(images[0] @ basis[1]) - float(images[1] @ basis[0])) / scale
    errors = betas[-1] * np.abs(vectors[-1])
    found = Curvature(
        lowest=float(ritz[0]),
        lowest_error=float(errors[0]),
        highest=float(ritz[-1]),
        highest_error=float(errors[-1]),
        ritz=ritz,
        weights=vectors[0] ** 2,
        rounding=rounding,
        points=objective.sample.size,
        products=len(alphas),
    )
    low, high = (_shaped(_combined(basis, vectors[:, k]), shapes) for k in (0, -1))
    return Extremes(found, low, high)


class _Slopes:
    """Gradients with their graphs, made once for all products if they are the same each time.

    They are made for the first product and for the second; if these are equal, nothing is drawn by
    chance, and if no buffer was changed, and the graphs are small, the second ones are kept.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.made: dict[int, list[Tensor | None]] = {}
        self.kept: dict[int, Slopes] = {}
        self.buffers = list(objective.model.buffers())
        self.versions = self._versions()
        self.bytes = 0

    def of(self, batch: Batch) -> Slopes:
        """The gradient of a batch's part of the loss, with a graph."""
        key = id(batch)
        if key in self.kept:
            return self.kept[key]
        if key not in self.made:
            found = self._measured(batch)
            self.made[key] = [None if g is None else g.detach().clone() for g in found]
            return found
        found = self.objective.slopes(batch)
        small = self.bytes * len(self.objective.sample.batches) <= MOST_KEPT
        if small and self._versions() == self.versions and _same(found, self.made[key]):
            self.kept[key] = found
        return found

    def _measured(self, batch: Batch) -> Slopes:
        """The same, noting the size of the graph."""
        total = 0

        def pack(tensor: Tensor) -> Tensor:
            nonlocal total
            total += tensor.numel() * tensor.element_size()
            return tensor

        try:
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                found = self.objective.slopes(batch)
        except RuntimeError:  # there are functions that refuse to be looked at
            self.bytes = MOST_KEPT + 1
            return self.objective.slopes(batch)
        self.bytes = max(self.bytes, total)
        return found

    def _versions(self) -> list[int]:
        return [buffer._version for buffer in self.buffers]


def _same(one: Slopes, other: list[Tensor | None]) -> bool:
    """Whether gradients are equal, number for number."""
    return all(
        g is h if g is None or h is None else torch.equal(g.detach(), h)
        for g, h in zip(one, other, strict=True)
    )


def _product(objective: Objective):
    """The product with a vector, flat; by differences of gradients if need be."""
    plain, slopes = True, _Slopes(objective)

    def multiply(vector: Vector) -> Tensor | None:
        nonlocal plain
        if plain:
            try:
                return _flat(objective.product(vector, slopes.of))
            except RuntimeError:
                plain = False
        norm = float(_flat(objective.parameters).detach().norm()) or 1.0
        step = DIFFERENCE * norm
        with objective.moved(vector, step):
            _, ahead = objective.gradient()
        with objective.moved(vector, -step):
            _, behind = objective.gradient()
        return (_flat(ahead) - _flat(behind)) / (2 * step)

    return multiply


def _flat(vector) -> Tensor:
    return torch.cat([part.detach().reshape(-1) for part in vector])


def _shaped(vector: Tensor, shapes: list[torch.Size]) -> Vector:
    parts = vector.split([shape.numel() for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _combined(basis: list[Tensor], weights: np.ndarray) -> Tensor:
    found = torch.zeros_like(basis[0])
    for vector, weight in zip(basis, weights, strict=True):
        found += float(weight) * vector
    return found / found.norm()
