"""Certificates derived with pencil and paper, one at least for every rule.

Nothing here uses the prover. The `convex_ball` and `kinked_ball` evidence comes from a few lines of
Newton's method in floats, made exact by `Fraction`; whether it is good enough is for the checker.
"""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

F = Fraction
Cert = dict[str, Any]


def seal(certificate: Cert) -> Cert:
    """A copy with the right digest."""
    rest = {k: v for k, v in certificate.items() if k != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    rest = json.loads(text)  # no two parts of it are one object in memory
    return {**rest, "digest": hashlib.sha256(text.encode()).hexdigest()}


def text(x: Any) -> Any:
    """Numbers become strings, in lists too."""
    return [text(v) for v in x] if isinstance(x, list | tuple) else str(Fraction(x))


def point(*layers: tuple[list[list[Any]], list[Any]]) -> dict[str, Any]:
    return {"layers": [{"weight": text(w), "bias": text(b)} for w, b in layers]}


def ball(mid: Any, rad: Any = 0) -> dict[str, str]:
    return {"mid": str(Fraction(mid)), "rad": str(Fraction(rad))}


def problem(widths: list[int], activation: str, loss: str, x: Any, y: Any, at: Any) -> Cert:
    network: dict[str, Any] = {"widths": widths, "activation": activation}
    if activation == "leaky_relu":
        network["slope"] = "1/10"
    return {
        "format": "spurious-problem/1",
        "network": network,
        "loss": loss,
        "data": {"x": text(x), "y": text(y)},
        "point": at,
    }


def certificate(pb: Cert, proof: Cert, better: Cert | None = None, **claim: Any) -> Cert:
    base = {
        "verdict": "local_minimum",
        "strict": "unknown",
        "strict_up_to_rescaling": "unknown",
        "flat_dimension": None,
        "eigenvalue_bound": None,
        "global": "unknown",
        "loss": None,
        "witness_loss": None,
        "radius": None,
        "valley_limit": None,
    }
    return seal(
        {
            "format": "spurious-certificate/1",
            "claim": {**base, **claim},
            "problem": pb,
            "proof": proof,
            "global_proof": better,
        }
    )


def column(*values: Any) -> list[list[Any]]:
    return [[v] for v in values]


REFUTED = {"rule": "not_local_minimum"}
POINTWISE = {"rule": "pointwise_optimum"}
HALF_BALL = F(1, 2**60)


def log_ball(n: int, times: int = 1) -> dict[str, str]:
    """A ball around times * log(n)."""
    with localcontext(prec=60):
        return ball(times * Fraction(Decimal(n).ln()), F(1, 10**50))


# ---- 5.1 ----------------------------------------------------------------------------------------


def one_kink() -> Cert:
    """A relu unit on its kink at x = 0, two equal inputs there; phi(u) = -u_b/2 + 2 max(0, u_b)."""
    x, y = [0, 1, 0, 2, -1], ["-1/2", "3/2", "-1/2", "7/4", "3/4"]
    at = point(([[1]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1], "relu", "squared", column(*x), column(*y), at)
    proof = {"rule": "one_sided_derivatives", "units": [[{"tau": {"0": "-1/2"}}]]}
    claim = {"strict": "no", "strict_up_to_rescaling": "yes", "flat_dimension": 1}
    return certificate(pb, proof, loss=ball("11/8"), **claim)


def split_tree() -> Cert:
    """A unit at the origin, all on the kink: phi = max(0,b-w) + max(0,b+w) - 2 max(0,b)."""
    at = point(([[0]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1], "relu", "squared", column(-1, 0, 1), column("-1/2", 1, "-1/2"), at)
    tree = {
        "split": 1,
        "plus": {"tau": {"0": "1/2", "2": "1/2"}},
        "minus": {"tau": {"0": "-1/2", "2": "-1/2"}},
    }
    proof = {"rule": "one_sided_derivatives", "units": [[tree]]}
    return certificate(pb, proof, loss=ball("3/2"), strict="no")


def dominated_tree() -> Cert:
    """Three concave kinks, one dominated: g = (1, -1/2, -1, -1/2, 1) on x = -2..2."""
    at = point(([[0]], [0]), ([[1]], [0]))
    y = ["-1/2", "1/4", "1/2", "1/4", "-1/2"]
    pb = problem([1, 1, 1], "relu", "squared", column(-2, -1, 0, 1, 2), column(*y), at)

    def leaf(m1: str, m3: str, t0: str, t4: str, mu: bool) -> Cert:
        node: Cert = {"dominated": {"2": {"1": m1, "3": m3}}, "tau": {"0": t0, "4": t4}}
        return {**node, "mu": {"1": "1/2", "3": "1/2"}} if mu else node

    h, n = "1/2", "-1/2"
    tree = {
        "split": 1,
        "plus": {"split": 3, "plus": leaf(h, h, h, h, False), "minus": leaf(h, n, h, n, True)},
        "minus": {"split": 3, "plus": leaf(n, h, n, h, True), "minus": leaf(n, n, n, n, False)},
    }
    proof = {"rule": "one_sided_derivatives", "units": [[tree]]}
    return certificate(pb, proof, loss=ball("7/8"), strict="no")


def two_outputs() -> Cert:
    """The kink of `one_kink` with a second output that fits and that the unit does not feed."""
    x, y = [0, 1, 2, -1], [["-1", 5], ["3/2", 5], ["7/4", 5], ["3/4", 5]]
    at = point(([[1]], [0]), ([[1], [0]], [0, 5]))
    pb = problem([1, 1, 2], "relu", "squared", column(*x), y, at)
    trees = [{"tau": {"0": t}} for t in ("-3/4", "-1/4", "-1/2", "-1/2")]
    proof = {"rule": "one_sided_derivatives", "epsilon": "1/2", "units": [trees]}
    return certificate(pb, proof, loss=ball("15/8"), strict="no")


def logistic_kink() -> Cert:
    """`split_tree` with the logistic loss at f = 0; multipliers as softmax numbers, 1/(1+e^0)."""
    at = point(([[0]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1], "relu", "logistic", column(-1, 0, 1, 0), column(-1, 1, -1, 1), at)
    low, high = {"0": "-1/2"}, {"0": "1", "1": "-1/4", "3": "0"}
    tree = {
        "split": 1,
        "plus": {"tau": {"0": high, "2": "1/4"}},
        "minus": {"tau": {"0": low, "2": "-1/4"}},
    }
    proof = {"rule": "one_sided_derivatives", "units": [[tree]]}
    return certificate(pb, proof, loss=log_ball(2, 4), strict="no")


def zero_weight_minimum() -> Cert:
    """A unit with output weight 0 over data that cancel at equal inputs."""
    at = point(([[1], [3]], [0, 1]), ([[0, 0]], [0]))
    pb = problem([1, 2, 1], "abs", "squared", column(0, 0, 1, 1), column(1, -1, 2, -2), at)
    proof = {"rule": "one_sided_derivatives", "units": [[], []]}
    claim: Cert = {"strict": "no", "strict_up_to_rescaling": "no", "global": "yes"}
    return certificate(pb, proof, POINTWISE, loss=ball(10), **claim)


def nearby_point() -> Cert:
    """`one_kink` seen from a point whose bias is off by 1/100; an inexact witness of loss 11/8."""
    cert = one_kink()
    cert["proof"]["point"] = cert["problem"]["point"]
    cert["problem"]["point"] = point(([[1]], ["1/100"]), ([[1]], [0]))
    cert["claim"].update(verdict="local_minimum_nearby", radius="1/100")
    return seal(cert)


# ---- 5.2, 5.4 -----------------------------------------------------------------------------------


def dead_pair(c: Any = 1) -> Cert:
    at = point(([[0]], [-1]), ([[1]], [c]))
    return problem([1, 1, 1], "relu", "squared", column(0, 1), column(0, 2), at)


def dead_layer() -> Cert:
    """A dead unit and the mean of the targets; a line through both points is better."""
    better = {"rule": "witness", "point": point(([[2]], [0]), ([[1]], ["1/10"]))}
    claim: Cert = {"strict": "no", "global": "no", "witness_loss": ball("1/50")}
    return certificate(dead_pair(), {"rule": "classwise_optimum"}, better, loss=ball(2), **claim)


def deep_classes() -> Cert:
    """One dead point (layer 0), one loose pair that cancels, one class of two that cancels."""
    x, y = [-5, 0, 0, 2, 2], [0, 4, -4, 3, 1]
    at = point(([[1]], [0]), ([[1]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1, 1], "relu", "squared", column(*x), column(*y), at)
    proof = {"rule": "classwise_optimum"}
    claim: Cert = {"strict": "no", "global": "yes"}
    return certificate(pb, proof, POINTWISE, loss=ball(34), **claim)


def labels_without_hidden_layer() -> Cert:
    """Three classes at one input: p = 1/3 each is best; loss 3 log 3."""
    at = point(([[0], [0], [0]], [0, 0, 0]))
    pb = problem([1, 3], "tanh", "cross_entropy", column(1, 1, 1), column(0, 1, 2), at)
    return certificate(
        pb, {"rule": "classwise_optimum"}, {"rule": "affine_optimum"}, loss=log_ball(3, 3),
        **{"global": "yes"},
    )  # fmt: skip


def identity_network() -> Cert:
    """Least squares by a linear network with w = 0."""
    at = point(([[0]], [0]), ([[1]], ["1/3"]))
    pb = problem([1, 1, 1], "identity", "squared", column(0, 1, 2), column(0, 1, 0), at)
    claim: Cert = {"strict": "no", "global": "yes"}
    rule = {"rule": "classwise_optimum"}
    return certificate(pb, rule, {"rule": "affine_optimum"}, loss=ball("2/3"), **claim)


def soft_fit() -> Cert:
    """f = softsign(x) from two equal units; the two points at x = 1 want 1 and 0, mean 1/2."""
    at = point(([[1], [1]], [0, 0]), ([["1/2", "1/2"]], [0]))
    pb = problem([1, 2, 1], "softsign", "squared", [[0], [1], [1], [-2]],
                 [[0], [1], [0], ["-2/3"]], at)  # fmt: skip
    best = {"rule": "pointwise_optimum"}
    return certificate(pb, best, best, loss=ball("1/2", F(1, 10**25)), **{"global": "yes"})


def constant_squared() -> Cert:
    """The output bias is 2^-40 above the mean."""
    pb = dead_pair(1 + F(1, 2**40))
    proof = {"rule": "constant_output", "radius": str(F(1, 2**39))}
    claim: Cert = {"verdict": "local_minimum_nearby", "strict": "no", "radius": str(F(1, 2**39))}
    return certificate(pb, proof, loss=ball(2), **claim)


def constant_logistic() -> Cert:
    """Two labels 1, one -1: the best constant is log 2; loss 3 log 3 - 2 log 2."""
    at = point(([[0]], [-1]), ([[1]], ["0.69314718055994530942"]))
    pb = problem([1, 1, 1], "relu", "logistic", column(0, 1, 2), column(1, 1, -1), at)
    proof = {"rule": "constant_output", "radius": "1/1000000000000000000"}
    with localcontext(prec=60):
        loss = Fraction(3 * Decimal(3).ln() - 2 * Decimal(2).ln())
    claim: Cert = {"verdict": "local_minimum_nearby", "strict": "no", "radius": proof["radius"]}
    return certificate(pb, proof, loss=ball(loss, F(1, 10**30)), **claim)


# ---- 5.7 ----------------------------------------------------------------------------------------

CORNERS = [[1, 0], [0, 1], ["1/2", "1/2"]]
SPREAD = {"2": {"0": "1/3", "1": "1/3"}}


def constant_exact() -> Cert:
    """One softsign unit at -1, where it bends up; M = [[1, -1], [-1, 1]]/6 on a line, so rank 1."""
    at = point(([[0, 0]], [-1]), ([[1]], ["5/6"]))
    pb = problem([2, 1, 1], "softsign", "squared", CORNERS, column(0, 0, 1), at)
    proof = {"rule": "constant_units", "transport": None}
    flat = {"strict": "no", "strict_up_to_rescaling": "no", "flat_dimension": 3}
    return certificate(pb, proof, loss=ball("2/3"), **flat)


def constant_spread() -> Cert:
    """Mass 1/3 from the midpoint to each end; the bias is 2^-40 off 1/3 - 3 tanh(-1)."""
    off = 1 / F(3) + 3 * F(Decimal("0.761594155955764888119458282604793590")) + F(1, 2**40)
    at = point(([[1, 1], [0, 0]], [-2, -1]), ([[1, 2]], [off]))
    pb = problem([2, 2, 1], "tanh", "squared", CORNERS, column(0, 0, 1), at)
    proof = {"rule": "constant_units", "transport": SPREAD, "radius": str(F(1, 2**39))}
    width = {"verdict": "local_minimum_nearby", "radius": proof["radius"]}
    return certificate(
        pb, proof, loss=ball("2/3"), strict="no", strict_up_to_rescaling="no", **width
    )


def constant_logistic_units() -> Cert:
    """Two labels -1 around one label 1: F = -log 2, loss 3 log 3 - 2 log 2; softplus(0) = log 2."""
    at = point(([[0]], [0]), ([[1]], ["-1.386294361119890618834"]))
    pb = problem([1, 1, 1], "softplus", "logistic", column(-1, 0, 1), column(-1, 1, -1), at)
    proof = {"rule": "constant_units", "transport": None, "radius": str(F(1, 10**20))}
    with localcontext(prec=60):
        loss = Fraction(3 * Decimal(3).ln() - 2 * Decimal(2).ln())
    claim: Cert = {
        "verdict": "local_minimum_nearby", "radius": str(F(1, 10**20)), "flat_dimension": 2,
        "strict": "no", "strict_up_to_rescaling": "no",
    }  # fmt: skip
    return certificate(pb, proof, loss=ball(loss, F(1, 10**50)), **claim)


def constant_beside() -> Cert:
    """`constant_exact` with a fourth point that has the mean target, so that M is singular."""
    at = point(([[0, 0]], [-1]), ([[1]], ["5/6"]))
    x, y = [*CORNERS, [5, 7]], column(0, 0, 1, "1/3")
    pb = problem([2, 1, 1], "softsign", "squared", x, y, at)
    proof = {"rule": "constant_units", "transport": SPREAD}
    claim = {"strict": "no", "strict_up_to_rescaling": "no"}
    return certificate(pb, proof, loss=ball("2/3"), **claim)


# ---- 5.3, 5.5 -----------------------------------------------------------------------------------


def inverse_cholesky(h: list[list[float]]) -> list[list[str]]:
    """S with S H S^T near 1, rounded to 30 bits."""
    n = len(h)
    low = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = h[i][j] - sum(low[i][k] * low[j][k] for k in range(j))
            low[i][j] = math.sqrt(rest) if i == j else rest / low[j][j]
    s = [[0.0] * n for _ in range(n)]
    for c in range(n):
        for i in range(n):
            rest = float(i == c) - sum(low[i][k] * s[k][c] for k in range(i))
            s[i][c] = rest / low[i][i]
    return [[str(Fraction(round(v * 2**30), 2**30)) for v in row] for row in s]


def safe_bound(s: list[list[str]]) -> Fraction:
    """Below half the least eigenvalue: trace(H^-1) is the square sum of S."""
    total = sum(Fraction(v) ** 2 for row in s for v in row)
    return Fraction(1, 2 * math.ceil(total))


def regression() -> Cert:
    """No hidden layer: H = diag(4, 6), exactly critical."""
    at = point(([[0]], [1]))
    pb = problem([1, 1], "identity", "squared", column(-1, 0, 1), column(0, 3, 0), at)
    proof = {
        "rule": "convex_ball", "centre": at, "radius": "1/10", "fixed": [],
        "transform": text([[1, 0], [0, 1]]),
    }  # fmt: skip
    claim: Cert = {
        "strict": "yes", "strict_up_to_rescaling": "yes", "flat_dimension": 0,
        "eigenvalue_bound": "3", "global": "yes",
    }  # fmt: skip
    return certificate(pb, proof, {"rule": "affine_optimum"}, loss=ball(6, 0), **claim)


def act(name: str, z: float) -> tuple[float, float, float]:
    """Floats of act, act', act''."""
    s = 1 / (1 + math.exp(-z))
    if name == "sigmoid":
        return s, s * (1 - s), s * (1 - s) * (1 - 2 * s)
    if name == "tanh":
        t = math.tanh(z)
        return t, 1 - t * t, -2 * t * (1 - t * t)
    if name == "softplus":
        return math.log1p(math.exp(z)), s, s * (1 - s)
    if name == "silu":
        return z * s, s + z * s * (1 - s), s * (1 - s) * (2 + z * (1 - 2 * s))
    if name == "mish":
        t = math.tanh(math.log1p(math.exp(z)))
        u, first = (1 - t * t) * s, s * (1 - s)
        return z * t, t + z * u, 2 * u + z * (1 - t * t) * (first - 2 * t * s * s)
    if name == "gelu":
        cdf, pdf = (1 + math.erf(z / 2**0.5)) / 2, math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return z * cdf, cdf + z * pdf, pdf * (2 - z * z)
    if name == "softsign":
        a = 1 + abs(z)
        return z / a, 1 / a**2, -2 * math.copysign(1, z) / a**3
    if name == "elu":
        return (z, 1.0, 0.0) if z > 0 else (math.expm1(z), math.exp(z), math.exp(z))
    return max(z, 0.0), float(z > 0), 0.0


def solve(h: list[list[float]], g: list[float]) -> list[float]:
    """Gaussian elimination with pivots."""
    rows = [[*r, v] for r, v in zip(h, g, strict=True)]
    n = len(rows)
    for c in range(n):
        best = max(range(c, n), key=lambda r: abs(rows[r][c]))
        rows[c], rows[best] = rows[best], rows[c]
        for r in range(n):
            if r != c:
                f = rows[r][c] / rows[c][c]
                rows[r] = [a - f * b for a, b in zip(rows[r], rows[c], strict=True)]
    return [rows[c][n] / rows[c][c] for c in range(n)]


def one_unit(name: str, t: list[float], xs: list[float], ys: list[float], bent: float = 1.0) -> Any:
    """Gradient and Hessian of the squared loss of v act(w x + b) + c; bent = 0: Gauss-Newton."""
    g, h = [0.0] * 4, [[0.0] * 4 for _ in range(4)]
    w, b, v, c = t
    for x, y in zip(xs, ys, strict=True):
        a0, a1, a2 = act(name, w * x + b)
        e = v * a0 + c - y
        df = [v * a1 * x, v * a1, a0, 1.0]
        d2 = [[0.0] * 4 for _ in range(4)]
        d2[0][0], d2[0][1], d2[1][0], d2[1][1] = v * a2 * x * x, v * a2 * x, v * a2 * x, v * a2
        d2[0][2] = d2[2][0] = a1 * x
        d2[1][2] = d2[2][1] = a1
        for i in range(4):
            g[i] += 2 * e * df[i]
            for j in range(4):
                h[i][j] += 2 * df[i] * df[j] + 2 * e * d2[i][j] * bent
    return g, h


def smooth_ball(name: str) -> Cert:
    """One unit, six points that it nearly fits; Newton in floats, then a box of radius 1e-9."""
    xs, ys = [-2.5, -1.25, -0.5, 0.75, 1.5, 3.0], []
    start = [1.0, 0.25, 2.0, -0.5]
    for k, x in enumerate(xs):
        value = 2 * act(name, x + 0.25)[0] - 0.5
        ys.append(round(value * 64 + (-1) ** k * 0.4) / 64)
    t = start
    for turn in range(60):
        g, h = one_unit(name, t, xs, ys, float(turn > 40))
        t = [a - d for a, d in zip(t, solve(h, g), strict=True)]
    return ball_certificate(name, t, xs, ys, [0, 1, 2, 3])


def ball_certificate(
    name: str, t: list[float], xs: list[float], ys: list[float], free: list[int]
) -> Cert:
    w, b, v, c = (Fraction(a) for a in t)
    _, h = one_unit(name, t, xs, ys)
    s = inverse_cholesky([[h[i][j] for j in free] for i in free])
    at = point(([[w]], [b]), ([[v]], [c]))
    near = point(([[w]], [b]), ([[v]], [c + F(1, 2**40)]))
    pb = problem([1, 1, 1], name, "squared", column(*xs), column(*ys), near)
    fixed = [p for p in range(4) if p not in free]
    proof = {
        "rule": "convex_ball", "centre": at, "radius": "1/1000000000", "fixed": fixed,
        "transform": s,
    }  # fmt: skip
    loss = sum((t[2] * act(name, t[0] * x + t[1])[0] + t[3] - y) ** 2
               for x, y in zip(xs, ys, strict=True))  # fmt: skip
    claim: Cert = {
        "verdict": "local_minimum_nearby", "strict": "no" if fixed else "yes",
        "strict_up_to_rescaling": "yes", "flat_dimension": len(fixed),
        "eigenvalue_bound": str(safe_bound(s)), "radius": str(F(1, 10**9) + F(1, 2**40)),
    }  # fmt: skip
    return certificate(pb, proof, loss=ball(loss, F(1, 2**22)), **claim)


def relu_ball() -> Cert:
    """Off the kinks; w is held at 1, which takes the rescaling away."""
    xs, ys = [-2.0, -1.0, 1.0, 2.0, 3.0], [0.25, -0.25, 1.0, 3.0, 3.0]
    t = [1.0, 0.5, 1.0, 0.0]
    for _ in range(30):
        g, h = one_unit("relu", t, xs, ys)
        step = solve([[h[i][j] for j in (1, 2, 3)] for i in (1, 2, 3)], g[1:])
        t = [t[0], *(a - d for a, d in zip(t[1:], step, strict=True))]
    return ball_certificate("relu", t, xs, ys, [1, 2, 3])


def dead_unit_ball() -> Cert:
    """A perfect fit by one live unit, exactly critical, beside a dead one; parameter 0 is held."""
    at = point(([[1], [1]], ["1/2", -9]), ([[1, 7]], [0]))
    y = [0, 0, "3/2", "5/2", "7/2"]
    pb = problem([1, 2, 1], "relu", "squared", column(-2, -1, 1, 2, 3), column(*y), at)
    rows = [[0.0, 0.0, 1.0]] * 2 + [[1.0, x + 0.5, 1.0] for x in (1, 2, 3)]
    h = [[2 * sum(r[i] * r[j] for r in rows) for j in range(3)] for i in range(3)]
    s = inverse_cholesky(h)
    proof = {
        "rule": "convex_ball", "centre": at, "radius": "1/1000", "fixed": [0, 1, 3, 5],
        "transform": s,
    }  # fmt: skip
    claim: Cert = {
        "strict": "no", "strict_up_to_rescaling": "no", "flat_dimension": 4,
        "eigenvalue_bound": str(safe_bound(s) / 4), "global": "yes",
    }  # fmt: skip
    return certificate(pb, proof, POINTWISE, loss=ball(0), **claim)


def twins() -> Cert:
    """Two tanh units at a minimum of one, shares 1/4 and 3/4; B is positive definite, v > 0."""
    xs, ys = [-3.0, -2.0, -1.5, -1.0, 0.0, 0.5, 2.5], [0.9, -6.0, 3.5, -2.1, 0.2, 0.4, 1.0]
    ys = [round(y * 64) / 64 for y in ys]
    t = [1.0, 0.02, 1.0, 0.0]
    for _ in range(30):
        g, h = one_unit("tanh", t, xs, ys)
        t = [a - d for a, d in zip(t, solve(h, g), strict=True)]
    w, b, v, c = (Fraction(a) for a in t)
    bend = [
        [h[i][j] - gauss for j, gauss in enumerate(row)]
        for i, row in enumerate(gauss_newton(t, xs))
    ]
    s, form = inverse_cholesky(h), [[bend[i][j] / t[2] for j in (0, 1)] for i in (0, 1)]
    near = point(([[w], [w]], [b, b]), ([[v / 4, v * 3 / 4]], [c + F(1, 2**40)]))
    pb = problem([1, 2, 1], "tanh", "squared", column(*xs), column(*ys), near)
    proof = {
        "rule": "twin_units", "centre": point(([[w]], [b]), ([[v]], [c])),
        "radius": "1/1000000000", "transform": s, "bends": [inverse_cholesky(form)],
    }  # fmt: skip
    loss = sum((t[2] * math.tanh(t[0] * x + t[1]) + t[3] - y) ** 2
               for x, y in zip(xs, ys, strict=True))  # fmt: skip
    claim: Cert = {
        "verdict": "local_minimum_nearby", "strict": "no", "strict_up_to_rescaling": "no",
        "flat_dimension": 1, "eigenvalue_bound": str(safe_bound(s)),
        "radius": str(F(1, 10**9) + F(1, 2**40)),
    }  # fmt: skip
    return certificate(pb, proof, loss=ball(loss, F(1, 2**22)), **claim)


def gauss_newton(t: list[float], xs: list[float]) -> list[list[float]]:
    """2 J^T J of a tanh unit."""
    rows = []
    for x in xs:
        a0, a1, _ = act("tanh", t[0] * x + t[1])
        rows.append([t[2] * a1 * x, t[2] * a1, a0, 1.0])
    return [[2 * sum(r[i] * r[j] for r in rows) for j in range(4)] for i in range(4)]


def exact_triplets(
    shares: tuple[Any, ...] = (2, "-1/2", "-1/2"), fitted: tuple[Any, ...] = ()
) -> Cert:
    """Three softsign units at a rational point, w = v = 1, b = c = 0, exactly critical.

    g solves sum g (1, act, act', act' x) = 0 and B = -diag(1, 1) / 64; y = f - g/2. With one
    positive share the form of the parting is negative too. More points may be `fitted` exactly.
    """
    xs = [F(a) for a in (-6, -3, -2, -1, 1, 2, 3, 5)]
    columns = []
    for x in xs:
        z = 1 + abs(x)
        bent = (2 if x < 0 else -2) / z**3
        columns.append([F(1), x / z, 1 / z**2, x / z**2, bent * x * x, bent * x, bent])
    gram: Any = [[sum(c[i] * c[j] for c in columns) for j in range(7)] for i in range(7)]
    wanted: Any = [F(0)] * 4 + [F(-1, 64), F(0), F(-1, 64)]
    weights: Any = solve(gram, wanted)
    g = [sum(a * b for a, b in zip(c, weights, strict=True)) for c in columns]
    ys = [c[1] - a / 2 for c, a in zip(columns, g, strict=True)]
    xs, ys = [*xs, *map(F, fitted)], [*ys, *(F(a) / (1 + abs(F(a))) for a in fitted)]
    t = [1.0, 0.0, 1.0, 0.0]
    _, h = one_unit("softsign", t, [float(x) for x in xs], [float(y) for y in ys])
    s = inverse_cholesky(h)
    at = point(([[1]] * 3, [0] * 3), ([list(shares)], [0]))
    pb = problem([1, 3, 1], "softsign", "squared", column(*xs), column(*ys), at)
    proof = {
        "rule": "twin_units", "centre": point(([[1]], [0]), ([[1]], [0])),
        "radius": "1/1000000000", "transform": s, "bends": [text([[3, 0], [0, 3]])],
    }  # fmt: skip
    claim: Cert = {
        "strict": "no", "strict_up_to_rescaling": "no", "flat_dimension": 2,
        "eigenvalue_bound": str(safe_bound(s)),
    }  # fmt: skip
    loss = sum(a * a for a in g) / 4
    mid = F(round(loss * 10**60), 10**60)
    return certificate(pb, proof, loss=ball(mid, F(1, 10**30)), **claim)


def kinked_ball() -> Cert:
    """One unit held on its kink at x = 0, logistic loss; Newton's method in w and c."""
    xs = [1, 1, 1, 3, 3, 3, 0, 0, 0, -1, -1, -1]
    ys = [1, 1, -1, 1, 1, -1, -1, -1, 1, 1, 1, -1]
    w, c = 1.0, 0.0
    for _ in range(60):
        g, h = [0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]]
        for x, y in zip(xs, ys, strict=True):
            df, f = [float(max(x, 0)), 1.0], w * max(x, 0) + c
            p = 1 / (1 + math.exp(y * f))
            for i in range(2):
                g[i] -= y * p * df[i]
                for j in range(2):
                    h[i][j] += p * (1 - p) * df[i] * df[j]
        step = solve(h, g)
        w, c = w - step[0], c - step[1]
    s = inverse_cholesky(h)
    at = point(([[Fraction(w)]], [0]), ([[1]], [Fraction(c)]))
    pb = problem([1, 1, 1], "relu", "logistic", column(*xs), column(*ys), at)
    proof = {
        "rule": "kinked_ball", "centre": at, "radius": "1/1000000000",
        "units": [{"held": [6], "basis": [["1", "0"]]}], "transform": s,
    }  # fmt: skip
    loss = sum(math.log1p(math.exp(-y * (w * max(x, 0) + c))) for x, y in zip(xs, ys, strict=True))
    claim: Cert = {
        "verdict": "local_minimum_nearby", "strict": "no", "strict_up_to_rescaling": "yes",
        "flat_dimension": 1, "eigenvalue_bound": str(safe_bound(s)), "radius": "1/1000000000",
    }  # fmt: skip
    return certificate(pb, proof, loss=ball(loss, F(1, 2**22)), **claim)


def held_at_zero() -> Cert:
    """A relu unit on its kink at x = 0, w = v = 1, b = c = 0, and v is kept.

    Free are w, b, c: f = w x + b + c for x > 0, c for x <= 0. With g = (2, -2, 1, -1)/4 at 0, 1, 2,
    -1 the sums of g x and g over x > 0 are 0 and -1/4, that of all g is 0; so mu = 1/4, D = 1/2.
    The preconditioner is the inverse of the Hessian, bordered by the derivative of z = b.
    """
    at = point(([[1]], [0]), ([[1]], [0]))
    ys = column("-1/4", "5/4", "15/8", "1/8")
    pb = problem([1, 1, 1], "relu", "squared", column(0, 1, 2, -1), ys, at)
    form = [[10, 6, 6, 0], [6, 4, 4, 1], [6, 4, 8, 0], [0, 1, 0, 0]]
    proof = {
        "rule": "kinked", "centre": at, "radius": "1/1000000000", "free": [0, 1, 3],
        "multipliers": ["1/4"], "preconditioner": text(inverse(form)),
    }  # fmt: skip
    claim: Cert = {
        "verdict": "local_minimum_nearby", "strict": "no", "strict_up_to_rescaling": "yes",
        "flat_dimension": 1, "radius": "1/1000000000",
    }  # fmt: skip
    return certificate(pb, proof, loss=ball("5/32", F(1, 2**22)), **claim)


def always_on() -> Cert:
    """A relu unit that is on at all data, w = v = 1, b = 5, c = -5: f = x, affine.

    g = (1, -2, 1)/4 at 0, 1, 2 is orthogonal to 1 and x. Free are w and c. Nothing changes along
    (w, b, -v), a rescaling, and (b: 1, c: -v), a shift of the bias.
    """
    at = point(([[1]], [5]), ([[1]], [-5]))
    pb = problem([1, 1, 1], "relu", "squared", column(0, 1, 2), column("-1/8", "5/4", "15/8"), at)
    proof = {
        "rule": "constant_rank", "centre": at, "radius": "1/1000000000", "free": [0, 3],
        "multipliers": [], "preconditioner": text(inverse([[10, 6], [6, 6]])),
        "fields": [
            [summand(0, [0], "1"), summand(1, [1], "1"), summand(2, [2], "-1")],
            [summand(1, [], "1"), summand(3, [2], "-1")],
        ],
    }  # fmt: skip
    claim: Cert = {
        "verdict": "local_minimum_nearby", "strict": "no", "strict_up_to_rescaling": "no",
        "flat_dimension": 2, "radius": "1/1000000000",
    }  # fmt: skip
    return certificate(pb, proof, loss=ball("3/32", F(1, 2**22)), **claim)


def summand(parameter: int, factors: list[int], coefficient: str) -> Cert:
    return {"parameter": parameter, "factors": factors, "coefficient": coefficient}


def inverse(matrix: list[list[int]]) -> list[list[Fraction]]:
    size = range(len(matrix))
    exact: Any = [[F(v) for v in row] for row in matrix]
    columns: Any = [solve(exact, [F(k == j) for k in size]) for j in size]
    return [[columns[j][i] for j in size] for i in size]


# ---- 6 ------------------------------------------------------------------------------------------


def refutation(pb: Cert, proof: Cert, loss: Cert, **claim: Any) -> Cert:
    more = {"verdict": "not_local_minimum", "global": "no"}
    return certificate(pb, proof, REFUTED, loss=loss, **more, **claim)


def descent() -> Cert:
    """At the kink of a relu unit f = max(0, t) falls only to one side; softmax numbers decide."""
    at = point(([[1]], [0]), ([[1]], ["1/2"]))
    pb = problem([1, 1, 1], "relu", "logistic", column(0, -3), column(1, -1), at)
    proof = {"rule": "descent_direction", "direction": point(([[0]], [1]), ([[0]], [0]))}
    with localcontext(prec=60):
        m = Decimal("0.5")
        loss = Fraction((1 + (-m).exp()).ln() + (1 + m.exp()).ln())
    return refutation(pb, proof, ball(loss, F(1, 10**50)))


def smooth_descent() -> Cert:
    """The gradient of a tanh unit: f = 0, target 1, along the output bias."""
    at = point(([[1]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1], "tanh", "squared", column(0), column(1), at)
    proof = {"rule": "descent_direction", "direction": point(([[0]], [0]), ([[0]], [1]))}
    return refutation(pb, proof, ball(1, HALF_BALL))


def psi() -> Cert:
    """A unit without output weight that could be used."""
    at = point(([[1]], [0]), ([[0], [0]], [0, 0]))
    pb = problem([1, 1, 2], "relu", "squared", column(1), [[0, 1]], at)
    proof = {"rule": "zero_output_weight", "unit": 0, "output": 1, "direction": ["1", "0"]}
    return refutation(pb, proof, ball(1))


def saddle(name: str = "tanh") -> Cert:
    """v act(w x) at zero, targets x = 1 and -1: the loss is 2 (1 - t^2)^2 to second order."""
    at = point(([[0]], [0]), ([[0]], [0]))
    pb = problem([1, 1, 1], name, "squared", column(1, -1), column(1, -1), at)
    proof = {"rule": "negative_curvature", "direction": point(([[1]], [0]), ([[1]], [0]))}
    return refutation(pb, proof, ball(2))


def valley() -> Cert:
    """Logistic regression on one point that it can push, and one at x = 0 that stays."""
    at = point(([[0]], [0]))
    pb = problem([1, 1], "relu", "logistic", column(1, 0), column(1, 1), at)
    proof = {
        "rule": "valley_to_infinity", "direction": {"weight": [["1"]], "bias": ["0"]},
    }  # fmt: skip
    return refutation(pb, proof, log_ball(2, 2), valley_limit=log_ball(2))


def class_valley() -> Cert:
    """Three classes, label 0: class 1 is pushed away, class 2 moves along and stays."""
    at = point(([[0], [0], [0]], [0, 0, 0]))
    pb = problem([1, 3], "relu", "cross_entropy", column(1), column(0), at)
    proof = {
        "rule": "valley_to_infinity",
        "direction": {"weight": [["1"], ["0"], ["1"]], "bias": ["0", "0", "0"]},
    }
    return refutation(pb, proof, log_ball(3), valley_limit=log_ball(2))


def ray(pb: Cert, loss: Cert, limit: Cert, direction: list[Any], **more: Any) -> Cert:
    """A valley of section 9.11: the certificate is of format 2."""
    keys = ("verdict", "strict", "eigenvalue_bound", "global", "loss", "witness_loss", "radius")
    proof = {"rule": "monotone_valley", "direction": text(direction), **more}
    data = refutation(pb, proof, loss)
    claim = {**{k: data["claim"][k] for k in keys}, "index": None, "valley_limit": limit}
    return seal({**data, "format": "spurious-certificate/2", "claim": claim})


def step_unit() -> Cert:
    """A tanh unit that becomes a step, but keeps its value at 0; it falls short of both targets.

    The limits are 1 and -1, so the loss is 1 + 1 + 25 in the end; now it is 2 (2 - tanh 1)^2 + 25.
    """
    at = point(([[1]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1], "tanh", "squared", column(1, -1, 0), column(2, -2, 5), at)
    with localcontext(prec=50):
        square = Decimal(2).exp()
        loss = 2 * (2 - (square - 1) / (square + 1)) ** 2 + 25
    return ray(pb, ball(F(loss), F(1, 10**40)), ball(27, F(1, 10**40)), [1, 0, 0, 0])


def split_pair() -> Cert:
    """Two relu units with kinks on either side of x = 0, where they add up to 1 + r.

    w = (1, 0), u = (0, 1), T = 2, C = 4: the outputs are 0, 1 + r and 6, the targets 0, 0 and 6.
    """
    at = point(([[1], [1]], [F(1, 2), F(-1, 2)]), ([[4, 0]], [0]))
    pb = problem([1, 2, 1], "relu", "squared", column(-1, 0, 1), column(0, 0, 6), at)
    pair = {"layer": 0, "units": [0, 1], "factor": "1"}
    curve = [point(([[0], [1]], [1, 0]), ([[4, 2]], [0]))]
    proof = {"rule": "merging_valley", "pairs": [pair], "curve": curve}
    return refutation(pb, proof, ball(4), valley_limit=ball(1, F(1, 10**30)))


def slope_of_a_unit() -> Cert:
    """Two tanh units whose difference 8 tanh(sqrt(r)/8)/sqrt(r) grows to 1; the target is 2."""
    at = point(([[F(1, 8)], [F(-1, 8)]], [0, 0]), ([[4, -4]], [0]))
    pb = problem([1, 2, 1], "tanh", "squared", column(1), column(2), at)
    pair = {"layer": 0, "units": [0, 1], "factor": "1"}
    curve = [point(([[F(1, 4)], [0]], [0, 0]), ([[0, 4]], [0]))]
    proof = {"rule": "merging_valley", "pairs": [pair], "curve": curve}
    with localcontext(prec=50):
        e = Decimal("0.25").exp()
        loss = (2 - 8 * (e - 1) / (e + 1)) ** 2
    return refutation(pb, proof, ball(F(loss), F(1, 10**40)), valley_limit=ball(1, F(1, 10**30)))


def sharp_unit() -> Cert:
    """A gelu unit at x = 1 that becomes a relu, 1 there; the target is 2."""
    at = point(([[1]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1], "gelu", "squared", column(1, 0), column(2, 3), at)
    share = F("0.841344746068542948585232545632")  # Phi(1)
    loss = ball((2 - share) ** 2 + 9, F(1, 10**29))
    return ray(pb, loss, ball(10, F(1, 10**30)), [0, 0, 0, 0], gates=["1"])


CASES = {
    "one kink": one_kink(),
    "split tree": split_tree(),
    "dominated tree": dominated_tree(),
    "two outputs": two_outputs(),
    "logistic kink": logistic_kink(),
    "zero weight minimum": zero_weight_minimum(),
    "nearby point": nearby_point(),
    "dead layer": dead_layer(),
    "deep classes": deep_classes(),
    "labels without hidden layer": labels_without_hidden_layer(),
    "identity network": identity_network(),
    "soft fit": soft_fit(),
    "constant squared": constant_squared(),
    "constant logistic": constant_logistic(),
    "constant exact": constant_exact(),
    "constant spread": constant_spread(),
    "constant logistic units": constant_logistic_units(),
    "constant beside": constant_beside(),
    "regression": regression(),
    **{
        f"{name} ball": smooth_ball(name)
        for name in ("sigmoid", "tanh", "softplus", "softsign", "gelu", "silu", "elu", "mish")
    },
    "relu ball": relu_ball(),
    "dead unit ball": dead_unit_ball(),
    "twins": twins(),
    "exact triplets": exact_triplets(),
    "kinked ball": kinked_ball(),
    "held at zero": held_at_zero(),
    "always on": always_on(),
    "descent": descent(),
    "smooth descent": smooth_descent(),
    "psi": psi(),
    "tanh saddle": saddle(),
    "identity saddle": saddle("identity"),
    "valley": valley(),
    "class valley": class_valley(),
    "step unit": step_unit(),
    "split pair": split_pair(),
    "slope of a unit": slope_of_a_unit(),
    "sharp unit": sharp_unit(),
}
