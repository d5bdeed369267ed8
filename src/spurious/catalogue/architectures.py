# pyright: basic
"""Small losses of the architectures people use, written in JAX: what is searched for bad minima.

Data are drawn from a seed and rounded, so that they can be printed. All losses have weight decay,
which makes minima isolated. So does a head of one dimension: with more, query and key may be turned
together and nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Pytree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A loss to search.

    Attributes:
        name: Short and unique.
        title: What it is, in a line.
        build: Makes the loss, a function of a dictionary of arrays, and the shapes of these.
        drawn: Whether `build` takes the number of data points and the seed that they are drawn
            from; the catalogue's are its defaults.
    """

    name: str
    title: str
    build: Callable[..., tuple[Callable[[Pytree], Any], Mapping[str, tuple[int, ...]]]]
    drawn: bool = True


def _drawn(seed: int, *shape: int) -> np.ndarray:
    """Normal data with one decimal."""
    return np.round(np.random.Generator(np.random.Philox(key=seed)).normal(size=shape), 1)


def _decay(p: Pytree, factor: float) -> Any:
    return factor * sum((w * w).sum() for w in p.values())


def _attention(points: int = 6, seed: int = 1):
    import jax

    x, y = _drawn(seed, points, 4, 2), _drawn(seed + 1, points)

    def loss(p):
        q, k, v = (x @ p[name] for name in ("query", "key", "value"))
        shares = jax.nn.softmax(q @ k.swapaxes(-1, -2), axis=-1)
        out = (shares @ v)[:, -1, 0] + p["bias"]
        return ((out - y) ** 2).mean() + _decay(p, 0.01)

    return loss, {"query": (2, 1), "key": (2, 1), "value": (2, 1), "bias": ()}


def _convolution(points: int = 8, seed: int = 3):
    import jax
    import jax.numpy as jnp

    x, y = _drawn(seed, points, 1, 7), _drawn(seed + 1, points)

    def loss(p):
        h = jax.lax.conv_general_dilated(jnp.asarray(x), p["kernel"], (1,), "VALID")
        h = jnp.tanh(h + p["bias"][:, None]).mean(axis=2)
        return ((h @ p["readout"] - y) ** 2).mean() + _decay(p, 0.003)

    return loss, {"kernel": (2, 1, 3), "bias": (2,), "readout": (2,)}


def _recurrence(points: int = 8, seed: int = 5):
    import jax
    import jax.numpy as jnp

    x, y = _drawn(seed, points, 5), _drawn(seed + 1, points)

    def loss(p):
        def step(h, column):
            return jnp.tanh(jnp.outer(column, p["input"]) + h @ p["state"] + p["bias"]), None

        last, _ = jax.lax.scan(step, jnp.zeros((points, 2)), x.T)
        return ((last @ p["readout"] - y) ** 2).mean() + _decay(p, 0.003)

    return loss, {"input": (2,), "state": (2, 2), "bias": (2,), "readout": (2,)}


def _normalised(points: int = 12, seed: int = 7):
    import jax
    import jax.numpy as jnp

    x, labels = _drawn(seed, points, 2), np.arange(points) % 3

    def loss(p):
        h = x @ p["weight"] + p["bias"]
        h = (h - h.mean(axis=1, keepdims=True)) / jnp.sqrt(h.var(axis=1, keepdims=True) + 0.01)
        logits = jnp.tanh(h * p["scale"] + p["shift"]) @ p["readout"]
        losses = jax.nn.logsumexp(logits, axis=1) - logits[np.arange(points), labels]
        return losses.mean() + _decay(p, 0.003)

    shapes = {"weight": (2, 3), "bias": (3,), "scale": (3,), "shift": (3,), "readout": (3, 3)}
    return loss, shapes


def _residual(points: int = 8, seed: int = 8):
    import jax.numpy as jnp

    x, y = _drawn(seed, points, 2), _drawn(seed + 1, points)

    def loss(p):
        h = x
        for block in ("first", "second"):
            h = h + jnp.tanh(h @ p[f"{block}.in"] + p[f"{block}.bias"]) @ p[f"{block}.out"]
        return ((h @ p["readout"] - y) ** 2).mean() + _decay(p, 0.003)

    blocks = {"in": (2, 2), "bias": (2,), "out": (2, 2)}
    shapes = {f"{b}.{name}": s for b in ("first", "second") for name, s in blocks.items()}
    return loss, {**shapes, "readout": (2,)}


def _pinn():
    import jax
    import jax.numpy as jnp

    places = np.linspace(0, 3, 9)

    def loss(p):
        def u(t):
            return jnp.tanh(t * p["weight"] + p["bias"]) @ p["readout"]

        bend = jax.vmap(jax.grad(jax.grad(u)))(places)
        equation = (bend + jax.vmap(u)(places)) ** 2
        start = u(0.0) ** 2 + (jax.grad(u)(0.0) - 1) ** 2
        return equation.mean() + start + _decay(p, 0.001)

    return loss, {"weight": (3,), "bias": (3,), "readout": (3,)}


def _transformer():
    import jax
    import jax.numpy as jnp

    tokens = np.array([[0, 1, 2, 1], [1, 1, 0, 2], [2, 0, 1, 0], [0, 2, 2, 1], [1, 0, 0, 2]])
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    later = np.triu(np.ones((3, 3)), 1)

    def norm(h, gain):
        middle, spread = h.mean(axis=-1, keepdims=True), h.var(axis=-1, keepdims=True)
        return gain * (h - middle) / jnp.sqrt(spread + 0.01)

    def loss(p):
        h = p["tokens"][inputs] + p["places"]
        z = norm(h, p["gain.1"])
        q, k, v = (z @ p[name] for name in ("query", "key", "value"))
        scores = q @ k.swapaxes(-1, -2) - 30.0 * later
        h = h + jax.nn.softmax(scores, axis=-1) @ v
        h = h + jax.nn.gelu(norm(h, p["gain.2"]) @ p["up"], approximate=False) @ p["down"]
        logits = norm(h, p["gain.3"]) @ p["tokens"].T
        right = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
        return (jax.nn.logsumexp(logits, axis=-1) - right).mean() + _decay(p, 0.01)

    square = dict.fromkeys(("tokens", "places", "value"), (3, 3))
    gains = {f"gain.{k}": (3,) for k in (1, 2, 3)}
    heads = {"query": (3, 1), "key": (3, 1), "up": (3, 4), "down": (4, 3)}
    return loss, {**square, **heads, **gains}


ARCHITECTURES: Final = (
    Architecture("attention", "one softmax attention head on four tokens", _attention),
    Architecture("convolution", "a convolution with tanh and mean pooling", _convolution),
    Architecture("recurrence", "a tanh recurrence over five steps", _recurrence),
    Architecture("layer-norm", "layer normalisation, three classes, cross entropy", _normalised),
    Architecture("residual", "two residual blocks", _residual),
    Architecture("pinn", "a PINN for u'' = -u, u(0) = 0, u'(0) = 1", _pinn, drawn=False),
    Architecture(
        "transformer",
        "a GPT-like block: embedding, attention, MLP, tied head",
        _transformer,
        drawn=False,
    ),
)
