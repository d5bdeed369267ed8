"""JAX: the plain way (vmap and one compiled loop with optax), and tuned by hand.

Tuned means: networks on the last axis, the gradient written out, networks cut into blocks that fit
the cache, one thread for each core running blocks one after the other, all updates in one loop.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from peers.problem import BETA1, BETA2, EPSILON, STEP, Case

BLOCKS = (128, 512, 2048, 8192)
"""Networks in a block, from which the best is taken."""


def _act(name):
    return {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[name]


@partial(jax.jit, static_argnums=0)
def _plain(case: Case, start, updates):
    x, y = (jnp.asarray(a) for a in case.data())
    h, d = case.hidden, case.inputs
    rule = optax.adam(STEP, BETA1, BETA2, EPSILON)

    def loss(p):
        z = x @ p[: h * d].reshape(h, d).T + p[h * d : h * (d + 1)]
        f = _act(case.activation)(z) @ p[h * (d + 1) : -1] + p[-1]
        return jax.nn.softplus(-y * f).sum()

    def one(p):
        def step(_, carry):
            p, state = carry
            change, state = rule.update(jax.grad(loss)(p), state, p)
            return optax.apply_updates(p, change), state

        return jax.lax.fori_loop(0, updates, step, (p, rule.init(p)))[0]

    return jax.vmap(one)(start)


def plain(case: Case, updates: int, threads: int) -> np.ndarray:
    del threads  # XLA takes the cores of the process
    return np.asarray(_plain(case, jnp.asarray(case.start()), updates))


def _gradient(case: Case, x, y, p):
    """By hand, networks on the last axis; small data point by point, which XLA fuses best."""
    w, b, v, c = p
    relu = case.activation == "relu"

    def part(xi, yi):
        z = b + sum(w[:, k] * xi[k] for k in range(case.inputs))
        a = jnp.maximum(z, 0) if relu else jax.nn.sigmoid(z)
        f = (v * a).sum(0) + c
        g = -yi * jax.nn.sigmoid(-yi * f)
        delta = g * v * ((z > 0) if relu else a * (1 - a))
        return jnp.stack([delta * xi[k] for k in range(case.inputs)], 1), delta, g * a, g

    if case.points <= 16:
        parts = [part(x[i], y[i]) for i in range(case.points)]
        return tuple(sum(column) for column in zip(*parts, strict=True))

    def body(total, point):
        return tuple(t + q for t, q in zip(total, part(*point), strict=True)), None

    return jax.lax.scan(body, tuple(jnp.zeros_like(q) for q in p), (x, y), unroll=4)[0]


@partial(jax.jit, static_argnums=0)
def _tuned(case: Case, start, updates):
    x, y = (jnp.asarray(a) for a in case.data())

    def step(_, carry):
        p, m, v, t = carry
        g = _gradient(case, x, y, p)
        t = t + 1
        m = tuple(BETA1 * a + (1 - BETA1) * q for a, q in zip(m, g, strict=True))
        v = tuple(BETA2 * a + (1 - BETA2) * q * q for a, q in zip(v, g, strict=True))
        root = jnp.sqrt(1 - BETA2**t)
        rate, eps = STEP * root / (1 - BETA1**t), EPSILON * root
        p = tuple(a - rate * q / (jnp.sqrt(r) + eps) for a, q, r in zip(p, m, v, strict=True))
        return p, m, v, t

    zero = jax.tree.map(jnp.zeros_like, start)
    return jax.lax.fori_loop(0, updates, step, (start, zero, zero, jnp.float32(0)))[0]


def tuned(case: Case, updates: int, threads: int, block: int) -> np.ndarray:
    rows = case.start()
    pieces = [rows[i : i + block] for i in range(0, len(rows), block)]

    def work(piece):
        count = len(piece)
        if count < block:  # keeps one compiled shape
            piece = np.concatenate([piece, np.zeros((block - count, piece.shape[1]), np.float32)])
        ends = _tuned(case, tuple(jnp.asarray(a) for a in case.split(piece)), updates)
        return case.join(*jax.block_until_ready(ends))[:count]

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(work, pieces)))


def ways(case: Case) -> dict:
    blocks = [b for b in BLOCKS if b <= max(BLOCKS[0], case.networks)]
    if case.networks >= 100_000:  # small blocks are as fast as with fewer networks
        return {f"tuned, blocks of {b}": partial(tuned, block=b) for b in blocks[1:3]}
    return {
        "vmap and loop": plain,
        **{f"tuned, blocks of {b}": partial(tuned, block=b) for b in blocks},
    }
