"""PyTorch: one network after another, batched, and batched with torch.compile."""

from functools import partial

import numpy as np
import torch
from peers.problem import BETA1, BETA2, EPSILON, STEP, Case

BLOCKS = (1024, 8192)
"""Networks in a block, from which the best is taken."""


def _act(name):
    return {"relu": torch.relu, "sigmoid": torch.sigmoid}[name]


def single(case: Case, updates: int, threads: int) -> np.ndarray:
    """A torch.nn.Sequential and torch.optim.Adam for each network."""
    del threads
    x, y = (torch.from_numpy(a) for a in case.data())
    layer = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}[case.activation]
    ends = []
    for row in torch.from_numpy(case.start()):
        model = torch.nn.Sequential(
            torch.nn.Linear(case.inputs, case.hidden), layer(), torch.nn.Linear(case.hidden, 1)
        )
        torch.nn.utils.vector_to_parameters(row.clone(), model.parameters())
        rule = torch.optim.Adam(model.parameters(), STEP, (BETA1, BETA2), EPSILON)
        for _ in range(updates):
            rule.zero_grad()
            torch.nn.functional.softplus(-y * model(x)[:, 0]).sum().backward()
            rule.step()
        ends.append(torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy())
    return np.stack(ends)


def _step(name: str, x, y, p, m, v, rate: torch.Tensor, eps: torch.Tensor):
    """One update, gradient by hand, networks on the last axis."""
    w, b, out, c = p
    z = (w[:, :, None] * x.T[None, :, :, None]).sum(1) + b[:, None]
    a = _act(name)(z)
    f = (out[:, None] * a).sum(0) + c
    g = -y[:, None] * torch.sigmoid(-y[:, None] * f)
    delta = g * out[:, None] * ((z > 0) if name == "relu" else a * (1 - a))
    grads = (
        (delta[:, None] * x.T[None, :, :, None]).sum(2),
        delta.sum(1),
        (g * a).sum(1),
        g.sum(0),
    )
    m = [BETA1 * s + (1 - BETA1) * q for s, q in zip(m, grads, strict=True)]
    v = [BETA2 * s + (1 - BETA2) * q * q for s, q in zip(v, grads, strict=True)]
    p = [s - rate * q / (r.sqrt() + eps) for s, q, r in zip(p, m, v, strict=True)]
    return p, m, v


_COMPILED = {}


def _chosen(case: Case, compiled: bool):
    if not compiled:
        return _step
    key = (case.activation, case.hidden, case.points)
    if key not in _COMPILED:
        torch._dynamo.reset()
        _COMPILED.clear()
        _COMPILED[key] = torch.compile(_step)
    return _COMPILED[key]


def batched(case: Case, updates: int, threads: int, block: int, compiled: bool) -> np.ndarray:
    torch.set_num_threads(threads)
    x, y = (torch.from_numpy(a) for a in case.data())
    rows, ends = case.start(), []
    step = _chosen(case, compiled)
    with torch.no_grad():
        for first in range(0, len(rows), block):
            p = [torch.from_numpy(a) for a in case.split(rows[first : first + block])]
            m, v = ([torch.zeros_like(q) for q in p] for _ in range(2))
            for t in range(1, updates + 1):
                root = (1 - BETA2**t) ** 0.5
                rate, eps = STEP * root / (1 - BETA1**t), EPSILON * root
                p, m, v = step(
                    case.activation, x, y, p, m, v, torch.tensor(rate), torch.tensor(eps)
                )
            ends.append(case.join(*(q.numpy() for q in p)))
    return np.concatenate(ends)


def ways(case: Case) -> dict:
    biggest = 2**31 // (16 * case.hidden * case.points)  # temporaries within 2 GB
    blocks = [b for b in BLOCKS if b <= max(BLOCKS[0], min(case.networks, biggest))]
    if case.networks >= 100_000:
        return {"compiled, blocks of 8192": partial(batched, block=8192, compiled=True)}
    return {
        "one after another": single,
        **{
            f"{'compiled' if compiled else 'batched'}, blocks of {b}": partial(
                batched, block=b, compiled=compiled
            )
            for compiled in (False, True)
            for b in blocks
        },
    }
