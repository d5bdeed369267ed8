"""Small programs that use every operation, at random exact points."""

import random
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from spurious.program.build import Builder, Handle
from spurious.program.functions import (
    EXP,
    FUNCTIONS,
    LOG,
    RECIPROCAL,
    SQRT,
    TANH,
    leaky_relu,
)
from spurious.program.program import Program


def number(rng: random.Random) -> Fraction:
    return Fraction(rng.randint(-15, 15), 10) + Fraction(1, 97)


def numbers(rng: random.Random, *shape: int) -> np.ndarray:
    count = int(np.prod(shape, dtype=int))
    flat = np.empty(count, dtype=object)
    flat[:] = [number(rng) for _ in range(count)]
    return flat.reshape(shape)


def point(program: Program, seed: int) -> np.ndarray:
    return numbers(random.Random(seed), program.parameter_count)


def every_operation() -> Program:
    """Broadcasting with missing axes, batched products, repeated takes, squares of one operand."""
    rng = random.Random(7)
    b = Builder()
    w, v, s = b.param("w", (2, 3)), b.param("v", (3, 2)), b.param("s", ())
    u = b.param("u", (4, 1, 2))
    x = b.const(numbers(rng, 4, 2, 2))
    z = x @ w + v.reshape(6).take(np.array([0, 0, 5])) * s  # (4, 2, 3), broadcast from (3,)
    y = z.map(TANH) @ v  # (4, 2, 2)
    y = y * u + (u @ x).sum(1).reshape(4, 1, 2)  # broadcast along axis 1
    pairs = b.join([y, z, s])
    picked = pairs.take(np.array([[0, 3, 3], [16, 20, 40]]))
    square = picked @ picked.transpose()
    loss = (square * square).sum() + (y @ y).sum(1, 2).sum() + s * s + (w @ v @ w).sum()
    return b.program(loss + b.const(Fraction(1, 3)), outputs=y)


def softmax_layer() -> Program:
    rng = random.Random(8)
    b = Builder()
    w, q = b.param("w", (3, 3)), b.param("q", (3, 3))
    x = b.const(numbers(rng, 2, 4, 3))
    scores = (x @ q) @ (x @ w).transpose(0, 2, 1)
    powers = scores.map(EXP)
    shares = powers * powers.sum(2).reshape(2, 4, 1).map(RECIPROCAL)
    out = shares @ x
    mean = out * Fraction(1, 3)
    size = (mean * mean).sum(2) + Fraction(1, 7)
    loss = size.map(SQRT).sum() + size.map(LOG).sum()
    return b.program(loss, outputs=out)


def perceptron(function) -> Program:
    rng = random.Random(9)
    b = Builder()
    w, c, v = b.param("w", (3, 2)), b.param("c", (3,)), b.param("v", (1, 3))
    x, y = b.const(numbers(rng, 5, 2)), b.const(numbers(rng, 5, 1))
    z = x @ w.transpose() + c
    if function in (LOG, SQRT):
        z = z * z + Fraction(1, 5)
    f = z.map(function) @ v.transpose()
    return b.program(((f - y) * (f - y)).sum(), outputs=f)


def polynomial() -> Program:
    """Rational at rationals, kinks and all."""
    rng = random.Random(10)
    b = Builder()
    w, v = b.param("w", (4, 2)), b.param("v", (1, 4))
    x = b.const(numbers(rng, 3, 2))
    h = (x @ w.transpose()).map(FUNCTIONS["relu"])
    f = (h - Fraction(1, 5)).map(leaky_relu(Fraction(1, 3))) @ v.transpose() + (
        h + Fraction(1, 7)
    ).map(FUNCTIONS["softsign"]).sum()
    return b.program((f * f / 3 + f.map(FUNCTIONS["abs"])).sum() + 1 / (1 + (v * v).sum()))


PROGRAMS: Mapping[str, Callable[[], Program]] = {
    "every_operation": every_operation,
    "softmax_layer": softmax_layer,
    "polynomial": polynomial,
    **{
        name: (lambda function=function: perceptron(function))
        for name, function in FUNCTIONS.items()
    },
}


def handles(*shapes: tuple[int, ...]) -> tuple[Builder, list[Handle]]:
    b = Builder()
    return b, [b.param(f"p{i}", shape) for i, shape in enumerate(shapes)]
