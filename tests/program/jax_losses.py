"""Losses written in JAX: each a function of a pytree, and parameters to try it at."""

import jax
import jax.numpy as jnp
import numpy as np

RNG = np.random.default_rng(0)


def array(*shape: int, scale: float = 0.7) -> jax.Array:
    with jax.enable_x64(True):
        return jnp.asarray(scale * RNG.normal(size=shape), jnp.float64)


X, Y = array(6, 3), array(6, 2)
LABELS = jnp.array([0, 2, 1, 1, 0, 2])
SEQUENCE = array(2, 7, 3)

ACTIVATIONS = {
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "elu_half": lambda x: jax.nn.elu(x, 0.5),
    "selu": jax.nn.selu,
    "celu": jax.nn.celu,
    "silu": jax.nn.silu,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "log_sigmoid": jax.nn.log_sigmoid,
    "relu6": jax.nn.relu6,
    "hard_tanh": jax.nn.hard_tanh,
    "mish": jax.nn.mish,
    "abs": jnp.abs,
    "sin": jnp.sin,
    "arctan": jnp.arctan,
    "cos": jnp.cos,
    "square": jnp.square,
    "cube": lambda x: x**3,
    "inverse_square": lambda x: (2 + x * x) ** -2,
    "where": lambda x: jnp.where(x > 0.125, x, 0.25 * x + 0.09375),
    "clip": lambda x: jnp.clip(x, -0.5, 0.75),
    "power": lambda x: (1 + x * x) ** 1.5,
    "other_power": lambda x: (1 + x * x) ** 0.3,
    "rsqrt": lambda x: jax.lax.rsqrt(1 + x * x),
    "sinh": jnp.sinh,
    "erf": jax.scipy.special.erf,
    "logaddexp": lambda x: jnp.logaddexp(x, 1 - x),
    "log1p": lambda x: jnp.log1p(x * x) + jnp.expm1(x),
}


def perceptron(activation):
    def loss(p):
        h = activation(X @ p["w"] + p["b"])
        return jnp.mean((h @ p["v"] - Y) ** 2)

    return loss, {"w": array(3, 4), "b": array(4), "v": array(4, 2)}


def attention():
    def loss(p):
        q, k, v = (SEQUENCE @ p[name] for name in ("q", "k", "v"))
        scores = jnp.einsum("bqd,bkd->bqk", q, k) / jnp.sqrt(3.0)
        mask = jnp.tril(jnp.ones((7, 7), bool))
        shares = jax.nn.softmax(jnp.where(mask, scores, -1e9), axis=-1)
        return jnp.mean((shares @ v) ** 2) + 0.01 * sum(jnp.sum(w * w) for w in p.values())

    return loss, {name: array(3, 3) for name in ("q", "k", "v")}


def many_heads():
    def loss(p):
        q, k, v = (SEQUENCE @ p[name] for name in ("q", "k", "v"))
        split = (t.reshape(2, 7, 2, 2).transpose(0, 2, 1, 3) for t in (q, k, v))
        q, k, v = split
        shares = jax.nn.softmax(q @ k.swapaxes(-1, -2), axis=-1)
        out = (shares @ v).transpose(0, 2, 1, 3).reshape(2, 7, 4) @ p["o"]
        return jnp.sum((out - SEQUENCE) ** 2)

    return loss, {"q": array(3, 4), "k": array(3, 4), "v": array(3, 4), "o": array(4, 3)}


def convolution(stride=1, padding="SAME", groups=1, dilation=1):
    def loss(p):
        x = SEQUENCE.transpose(0, 2, 1)[:, : 2 if groups == 2 else 3]
        h = jax.lax.conv_general_dilated(
            x, p["k"], (stride,), padding, feature_group_count=groups, rhs_dilation=(dilation,)
        )
        h = jax.nn.tanh(h)
        pooled = jax.lax.reduce_window(h, 0.0, jax.lax.add, (1, 1, 2), (1, 1, 2), "VALID") / 2
        return jnp.sum(pooled**2) + jnp.mean(h)

    return loss, {"k": array(4, 1 if groups == 2 else 3, 3)}


def image():
    pictures = array(2, 5, 6, 2)

    def loss(p):
        h = jax.lax.conv_general_dilated(
            pictures, p["k"], (2, 1), ((1, 1), (0, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return jnp.sum(jnp.tanh(h).mean(axis=(1, 2)) ** 2)

    return loss, {"k": array(3, 2, 2, 3)}


def constants():
    """What depends on data alone: comparisons, signs, maxima, branches."""

    def loss(p):
        scaled = X / jnp.max(jnp.abs(X)) * jnp.sign(X[0]) + jnp.maximum(X, 0.1) + X.min(axis=0)
        kept = jnp.where(scaled > 0.5, scaled, 2.0) * (jnp.arange(3) % 2 == 0)
        folded = jax.lax.switch(1, [jnp.sin, jnp.cos], p)
        scalar = jnp.where(p[0] > 0, jnp.zeros(3), jnp.zeros(3)) + jnp.where(p[0] > 0, p[0], 0.0)
        return jnp.sum((kept @ p) ** 2) + jnp.sum(folded * scalar)

    return loss, array(3)


def max_pooling():
    def loss(p):
        h = jnp.tanh(SEQUENCE @ p["w"])
        return jnp.sum(h.max(axis=1) ** 2)

    return loss, {"w": array(3, 2)}


def max_pooling_and_softmax():
    def loss(p):
        h = jnp.tanh(SEQUENCE @ p["w"]).max(axis=1)
        pooled = jax.nn.relu(SEQUENCE @ p["w"]).max(axis=(1, 2))
        shares = jax.nn.softmax(h @ p["v"], axis=-1)
        return jnp.mean(jax.nn.logsumexp(h, axis=-1)) + jnp.sum(shares**2) + jnp.sum(pooled)

    return loss, {"w": array(3, 2), "v": array(2, 3)}


def recurrence():
    def loss(p):
        def cell(h, x):
            z = jax.nn.sigmoid(x @ p["wz"] + h @ p["uz"])
            r = jax.nn.sigmoid(x @ p["wr"] + h @ p["ur"])
            n = jnp.tanh(x @ p["wn"] + (r * h) @ p["un"])
            h = (1 - z) * n + z * h
            return h, h.sum()

        last, sums = jax.lax.scan(cell, jnp.zeros((2, 4)), SEQUENCE.transpose(1, 0, 2))
        return jnp.sum((last @ p["o"] - 1.0) ** 2) + jnp.mean(sums**2)

    shapes = {"w": (3, 4), "u": (4, 4)}
    weights = {a + b: array(*shapes[a]) for a in "wu" for b in "zrn"}
    return loss, weights | {"o": array(4, 1)}


def loops():
    def loss(p):
        grown = jax.lax.fori_loop(0, 3, lambda i, c: jnp.tanh(c @ p + X[i]), X[0])
        back = jax.lax.scan(lambda c, x: (c + x @ p, c), X[0], X, reverse=True)[1]
        return jnp.sum(grown**2) + jnp.sum(back[0] ** 2)

    return loss, array(3, 3)


def layer_norm():
    def loss(p):
        h = X @ p["w"]
        centred = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-5)
        return jnp.sum((centred * p["g"] + p["b"] - 1) ** 4)

    return loss, {"w": array(3, 4), "g": array(4), "b": array(4)}


def residual():
    def block(h, w):
        return h + jax.nn.silu(h @ w)

    def loss(p):
        h = X
        for w in p:
            h = jax.checkpoint(block)(h, w)
        return jnp.mean((h - 1) ** 2)

    return loss, [array(3, 3), array(3, 3)]


def cross_entropy(scale=1.0):
    def loss(p):
        logits = scale * (jnp.tanh(X @ p["w"]) @ p["v"])
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(6), LABELS])

    return loss, {"w": array(3, 4), "v": array(4, 3)}


def log_sum_exp():
    def loss(p):
        logits = X @ p
        picked = jnp.sum(jax.nn.one_hot(LABELS, 3) * logits, axis=1)
        return jnp.sum(jax.nn.logsumexp(logits, axis=1) - picked)

    return loss, array(3, 3)


def own_softmax():
    """The maximum subtracted without `stop_gradient`."""

    def loss(p):
        logits = X @ p
        powers = jnp.exp(logits - logits.max(axis=1, keepdims=True))
        return jnp.sum((powers / powers.sum(axis=1, keepdims=True)) ** 2)

    return loss, array(3, 3)


def physics_informed():
    points = jnp.linspace(0.0, 3.0, 7)

    def net(p, x):
        return jnp.tanh(x * p["w"] + p["b"]) @ p["v"]

    def loss(p):
        slope = jax.grad(net, 1)

        def bend(x):
            return jax.jvp(lambda t: slope(p, t), (x,), (1.0,))[1]

        residual = jax.vmap(lambda x: bend(x) + net(p, x))(points)
        return jnp.mean(residual**2) + net(p, 0.0) ** 2 + (slope(p, 0.0) - 1) ** 2

    return loss, {"w": array(4), "b": array(4), "v": array(4)}


def tied():
    def loss(p):
        code = jnp.tanh(X @ p)
        return jnp.mean((code @ p.T - X) ** 2)

    return loss, array(3, 2)


def bilinear():
    def loss(p):
        return (jnp.einsum("i,ij,j->", X[0], p["a"], p["b"]) - 1) ** 2 + jnp.linalg.norm(p["b"])

    return loss, {"a": array(3, 4), "b": array(4)}


def embedding():
    tokens = jnp.array([[0, 3, 1], [2, 2, 4]])

    def loss(p):
        h = p["table"][tokens].mean(axis=1) + jnp.take(p["table"], jnp.array([1, 0]), axis=0)
        return jnp.sum(jax.nn.softplus(h @ p["w"]))

    return loss, {"table": array(5, 3), "w": array(3, 2)}


def rearranged():
    def loss(p):
        a = jnp.pad(p, ((1, 0), (0, 2)), constant_values=0.5)[::-1, ::2]
        b = jnp.concatenate([a, jnp.roll(p, 1, axis=0)[:, :3]], axis=0)
        c = jnp.stack([b, jnp.flip(b, 1)]).at[0, 0, 0].set(2.0)
        d = jnp.cumsum(c, axis=1) + jnp.cumsum(c[:, ::-1], axis=2)
        e = jax.lax.dynamic_slice(d, (1, 2, 0), (1, 2, 3))
        return jnp.sum(jnp.sin(d)) + jnp.prod(e[0, 0]) + jnp.sum(e[0, 1] ** 2) + p.min() ** 2

    return loss, array(2, 4)


LOSSES = {
    **{name: (lambda f=f: perceptron(f)) for name, f in ACTIVATIONS.items()},
    "attention": attention,
    "many_heads": many_heads,
    "convolution": convolution,
    "convolution_strided": lambda: convolution(2, "VALID"),
    "convolution_grouped": lambda: convolution(1, ((2, 0),), 2),
    "convolution_dilated": lambda: convolution(1, "SAME", 1, 2),
    "image": image,
    "constants": constants,
    "max_pooling": max_pooling,
    "max_pooling_and_softmax": max_pooling_and_softmax,
    "recurrence": recurrence,
    "loops": loops,
    "layer_norm": layer_norm,
    "residual": residual,
    "cross_entropy": cross_entropy,
    "log_sum_exp": log_sum_exp,
    "own_softmax": own_softmax,
    "physics_informed": physics_informed,
    "tied": tied,
    "bilinear": bilinear,
    "embedding": embedding,
    "rearranged": rearranged,
}
