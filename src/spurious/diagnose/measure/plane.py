# pyright: basic
"""The linear regions and the output over the plane, for models of two inputs."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import nn

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.observe import Observer
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.measure.records import Plane

SIDE: Final = 240
"""Grid points along each input."""

ROWS: Final = 4800
"""Grid points that go through the model at once."""

MARGIN: Final = 0.25
"""How far the plane reaches beyond the data, in units of their range."""


def plane_of(model: nn.Module, sample: Sample) -> Plane | None:
    """Evaluates the model on a grid around its data; None unless it has two inputs."""
    features = sample.features
    if features is None or features.ndim != 2 or features.shape[1] != 2:
        return None
    x = features.detach().cpu().double()
    low, high = x.min(0).values, x.max(0).values
    reach = (high - low).clamp_min(1e-6) * MARGIN
    axes = [np.linspace(float(low[k] - reach[k]), float(high[k] + reach[k]), SIDE) for k in (0, 1)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    points = torch.from_numpy(grid).to(features.device, features.dtype)
    observer = Observer(model)
    with examined(model), torch.no_grad():
        for module in model.modules():
            module.training = False
        found: list[torch.Tensor] = []
        for rows in points.split(ROWS):
            try:
                with observer.batch(len(rows)):
                    output = output_tensor(model(rows))
            except Exception:
                return None  # it refuses points that are none of the data: indices, say
            if output is None or output.shape[0] != len(rows):
                return None
            found.append(output)
    region = np.zeros(len(points), dtype=np.int64)
    if observer.codes:
        codes = torch.cat(observer.codes).numpy()
        region = np.unique(codes, return_inverse=True)[1].reshape(-1)
    f = torch.cat(found).double().cpu().reshape(len(points), -1)
    value = f[:, 0] if f.shape[1] == 1 else f.argmax(1).double()
    targets = sample.targets
    labels = (
        np.zeros(len(x)) if targets is None else targets.cpu().double().reshape(len(x), -1)[:, 0]
    )
    return Plane(
        horizontal=axes[0],
        vertical=axes[1],
        region=region.reshape(SIDE, SIDE),
        output=value.numpy().reshape(SIDE, SIDE),
        x=x.numpy(),
        y=np.asarray(labels),
    )
