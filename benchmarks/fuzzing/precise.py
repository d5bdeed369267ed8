"""Networks, losses and gradients in mpmath with as many digits as asked for.

Derivatives of saturated activations and losses are computed without cancellation, so that even
10^-17372 keeps its leading digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from mpmath.ctx_mp import MPContext

from fuzzing.case import HOMOGENEOUS, Case, layers

Row = list[Any]


@cache
def context(digits: int) -> Any:
    """Arithmetic with this many digits."""
    made = MPContext()
    made.dps = digits
    return made


def real(ctx: Any, value: Fraction) -> Any:
    """A rational number, rounded."""
    return ctx.mpf(value.numerator) / value.denominator


@dataclass(frozen=True)
class Forward:
    """What a pass over the network leaves: values[l][i] are the inputs of layer l at point i."""

    values: list[list[Row]]
    hidden: list[list[Row]]
    outputs: list[Row]
    network: list[tuple[list[Row], Row]]


def forward(case: Case, ctx: Any, point: Sequence[Any]) -> Forward:
    """Evaluate the network at all data points; the point's entries are numbers of `ctx`."""
    network = layers(point, case.widths)
    act = _activation(case, ctx)
    rows = [[real(ctx, v) for v in row] for row in case.x]
    values, hidden = [rows], []
    for index, (weight, bias) in enumerate(network):
        rows = [[ctx.fdot(r, row) + c for r, c in zip(weight, bias, strict=True)] for row in rows]
        if index == len(network) - 1:
            break
        hidden.append(rows)
        rows = [[act(z)[0] for z in row] for row in rows]
        values.append(rows)
    return Forward(values, hidden, rows, network)


def gradient(case: Case, ctx: Any, point: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Each entry of the gradient with the sum of the absolute terms it was added up from.

    At a kink of a homogeneous activation the mean of the two slopes is taken.
    """
    run = forward(case, ctx, point)
    act = _activation(case, ctx)
    g = [list(pairs) for pairs in loss_slopes(case, ctx, run.outputs)]
    parts: list[list[tuple[Any, Any]]] = []
    for index in range(len(run.network) - 1, -1, -1):
        weight, _ = run.network[index]
        above = range(len(weight))
        below = run.values[index]
        block = []
        for k in above:
            for j in range(len(weight[0])):
                block.append(
                    (
                        ctx.fsum(row[k][0] * a[j] for row, a in zip(g, below, strict=True)),
                        ctx.fsum(row[k][1] * abs(a[j]) for row, a in zip(g, below, strict=True)),
                    )
                )
        for k in above:
            block.append((ctx.fsum(row[k][0] for row in g), ctx.fsum(row[k][1] for row in g)))
        parts.append(block)
        if index:
            turned = []
            for row, zs in zip(g, run.hidden[index - 1], strict=True):
                turned.append([])
                for j, z in enumerate(zs):
                    slope = act(z)[1]
                    turned[-1].append(
                        (
                            slope * ctx.fsum(row[k][0] * weight[k][j] for k in above),
                            abs(slope) * ctx.fsum(row[k][1] * abs(weight[k][j]) for k in above),
                        )
                    )
            g = turned
    return [entry for block in reversed(parts) for entry in block]


def loss_slopes(case: Case, ctx: Any, rows: list[Row]) -> list[list[tuple[Any, Any]]]:
    """Derivatives of the loss by the outputs, each with the size of what it was subtracted from."""
    found = []
    for row, targets in zip(rows, case.y, strict=True):
        if case.loss == "squared":
            wanted = [real(ctx, t) for t in targets]
            pairs = [(2 * (f - t), 2 * (abs(f) + abs(t))) for f, t in zip(row, wanted, strict=True)]
        elif case.loss == "logistic":
            sizes = [int(t) * f for f, t in zip(row, targets, strict=True)]
            pairs = [
                (-int(t) * sigmoid(ctx, -m), sigmoid(ctx, -m))
                for m, t in zip(sizes, targets, strict=True)
            ]
        else:
            shares = _shares(ctx, row)
            label = int(targets[0])
            rest = ctx.fsum(p for k, p in enumerate(shares) if k != label)
            pairs = [
                (-rest if k == label else p, rest if k == label else p)
                for k, p in enumerate(shares)
            ]
        found.append(pairs)
    return found


def loss(case: Case, ctx: Any, rows: list[Row]) -> Any:
    """The loss at outputs of shape (n, K)."""
    total = []
    for row, targets in zip(rows, case.y, strict=True):
        if case.loss == "squared":
            total += [(f - real(ctx, t)) ** 2 for f, t in zip(row, targets, strict=True)]
        elif case.loss == "logistic":
            total += [softplus(ctx, -int(t) * f) for f, t in zip(row, targets, strict=True)]
        else:
            label = row[int(targets[0])]
            rest = [f - label for k, f in enumerate(row) if k != int(targets[0])]
            top = max([*rest, ctx.zero])
            if top == 0:
                total.append(ctx.log1p(ctx.fsum(ctx.exp(d) for d in rest)))
            else:
                total.append(
                    top + ctx.log(ctx.fsum([*(ctx.exp(d - top) for d in rest), ctx.exp(-top)]))
                )
    return ctx.fsum(total)


def change(case: Case, ctx: Any, rows: list[Row], moves: list[Row]) -> tuple[Any, Any]:
    """How much the loss changes if the outputs do, and the sum of the terms' sizes.

    Each term is accurate to nearly all digits however small it is.
    """
    terms = []
    for row, move, targets in zip(rows, moves, case.y, strict=True):
        if case.loss == "squared":
            for f, d, t in zip(row, move, targets, strict=True):
                terms += [2 * (f - real(ctx, t)) * d, d * d]
        elif case.loss == "logistic":
            for f, d, t in zip(row, move, targets, strict=True):
                sign = int(t)
                shares = [sigmoid(ctx, sign * f), sigmoid(ctx, -sign * f)]
                terms.append(_log_mean(ctx, shares, [ctx.zero, -sign * d]))
        else:
            label, shares = int(targets[0]), _shares(ctx, row)
            terms.append(_log_mean(ctx, shares, [d - move[label] for d in move]))
    return ctx.fsum(terms), ctx.fsum(abs(t) for t in terms)


def sigmoid(ctx: Any, z: Any) -> Any:
    """1 / (1 + e^-z)."""
    return 1 / (1 + ctx.exp(-z))


def softplus(ctx: Any, z: Any) -> Any:
    """The logarithm of 1 + e^z."""
    return (z if z > 0 else 0) + ctx.log1p(ctx.exp(-abs(z)))


def _log_mean(ctx: Any, shares: Row, powers: Row) -> Any:
    """The logarithm of the sum of shares times e^powers, where the shares add up to 1."""
    above = ctx.fsum(p * ctx.expm1(d) for p, d in zip(shares, powers, strict=True))
    if above > -0.5:
        return ctx.log1p(above)
    return ctx.log(ctx.fsum(p * ctx.exp(d) for p, d in zip(shares, powers, strict=True)))


def _shares(ctx: Any, row: Row) -> Row:
    return [1 / ctx.fsum(ctx.exp(other - f) for other in row) for f in row]


def _activation(case: Case, ctx: Any) -> Callable[[Any], tuple[Any, Any]]:
    if case.activation in HOMOGENEOUS:
        p, q = (real(ctx, v) for v in case.slopes)
        return lambda z: (p * z, p) if z > 0 else (q * z, q) if z < 0 else (ctx.zero, (p + q) / 2)
    act = _SMOOTH[case.activation]
    return lambda z: act(ctx, z)


def _tanh(ctx: Any, z: Any) -> tuple[Any, Any]:
    small = ctx.exp(-2 * abs(z))
    value = ctx.tanh(z) if abs(z) < 0.1 else ctx.sign(z) * (1 - small) / (1 + small)
    return value, 4 * small / (1 + small) ** 2


def _sigmoid(ctx: Any, z: Any) -> tuple[Any, Any]:
    small = ctx.exp(-abs(z))
    return (1 if z > 0 else small) / (1 + small), small / (1 + small) ** 2


def _softplus(ctx: Any, z: Any) -> tuple[Any, Any]:
    small = ctx.exp(-abs(z))
    return (z if z > 0 else 0) + ctx.log1p(small), (1 if z > 0 else small) / (1 + small)


def _softsign(ctx: Any, z: Any) -> tuple[Any, Any]:
    under = ctx.one + abs(z)
    return z / under, 1 / under**2


def _gelu(ctx: Any, z: Any) -> tuple[Any, Any]:
    below = ctx.erfc(-z / ctx.sqrt(2)) / 2
    return z * below, below + z * ctx.exp(-z * z / 2) / ctx.sqrt(2 * ctx.pi)


def _silu(ctx: Any, z: Any) -> tuple[Any, Any]:
    small = ctx.exp(-abs(z))
    on, off = (1 if z > 0 else small) / (1 + small), (small if z > 0 else 1) / (1 + small)
    return z * on, on * (1 + z * off)


def _elu(ctx: Any, z: Any) -> tuple[Any, Any]:
    return (z, ctx.one) if z >= 0 else (ctx.expm1(z), ctx.exp(z))


_SMOOTH: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "softsign": _softsign,
    "gelu": _gelu,
    "silu": _silu,
    "elu": _elu,
}
