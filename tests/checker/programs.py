"""Small programs for the tests of section 9: written, evaluated and solved without the checker."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

mp: Any = mpmath.mp.clone()
mp.prec = 400
STEP = mp.mpf(2) ** -80
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": mp.exp, "log": mp.log, "reciprocal": lambda z: 1 / z, "sqrt": mp.sqrt, "tanh": mp.tanh,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)), "softplus": lambda z: mp.log1p(mp.exp(z)),
    "erf": mp.erf, "gelu": lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2,
    "mish": lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
    "silu": lambda z: z / (1 + mp.exp(-z)), "softsign": lambda z: z / (1 + abs(z)),
    "elu": lambda z: z if z >= 0 else mp.expm1(z), "sin": mp.sin, "cos": mp.cos,
    "relu": lambda z: max(z, mp.mpf(0)), "abs": abs,
}  # fmt: skip
SMOOTH = [name for name in FUNCTIONS if name not in ("relu", "abs")]


class Writer:
    """Writes a program operation by operation; each method returns the number of the result."""

    def __init__(self) -> None:
        self.ops: list[dict[str, Any]] = []
        self.shapes: list[tuple[int, ...]] = []

    def op(self, kind: str, /, *of: int, shape: tuple[int, ...], **keys: Any) -> int:
        self.ops.append({"op": kind, **({"of": list(of)} if of else {}), **keys})
        self.shapes.append(shape)
        return len(self.ops) - 1

    def param(self, name: str, *shape: int) -> int:
        return self.op("param", shape=shape, name=name)

    def const(self, values: Any) -> int:
        a = np.array(values, dtype=object)
        return self.op("const", shape=a.shape, values=[str(Fraction(v)) for v in a.ravel()])

    def add(self, a: int, b: int) -> int:
        return self.op("add", a, b, shape=np.broadcast_shapes(self.shapes[a], self.shapes[b]))

    def mul(self, a: int, b: int) -> int:
        return self.op("mul", a, b, shape=np.broadcast_shapes(self.shapes[a], self.shapes[b]))

    def matmul(self, a: int, b: int) -> int:
        one, other = self.shapes[a], self.shapes[b]
        batch = np.broadcast_shapes(one[:-2], other[:-2])
        return self.op("matmul", a, b, shape=(*batch, one[-2], other[-1]))

    def map(self, function: str, a: int) -> int:
        return self.op("map", a, shape=self.shapes[a], function=function)

    def sum(self, a: int, *axes: int) -> int:
        axes = axes or tuple(range(len(self.shapes[a])))
        shape = tuple(n for k, n in enumerate(self.shapes[a]) if k not in axes)
        return self.op("sum", a, shape=shape, axes=list(axes))

    def take(self, a: int, index: Any) -> int:
        i = np.array(index)
        return self.op("take", a, shape=i.shape, index=[int(k) for k in i.ravel()])

    def transpose(self, a: int) -> int:
        return self.take(a, np.arange(math.prod(self.shapes[a])).reshape(self.shapes[a]).T)

    def join(self, *parts: int) -> int:
        return self.op("join", *parts, shape=(sum(math.prod(self.shapes[a]) for a in parts),))

    def square(self, a: int) -> int:
        return self.mul(a, a)

    def minus(self, a: int, b: int) -> int:
        return self.add(a, self.mul(self.const(-1), b))

    def penalty(self, factor: str, *parts: int) -> int:
        return self.mul(self.const(factor), self.sum(self.square(self.join(*parts))))

    def problem(self, point: list[Any]) -> dict[str, Any]:
        """The problem at a flat point of rationals."""
        program = [
            {**op, "shape": list(shape)} if op["op"] in ("param", "const", "take") else dict(op)
            for op, shape in zip(self.ops, self.shapes, strict=True)
        ]
        blocks, rest = {}, [str(Fraction(v)) for v in point]
        for op in program:
            if op["op"] == "param":
                n = math.prod(op["shape"])
                blocks[op["name"]], rest = rest[:n], rest[n:]
        return {"format": "spurious-problem/2", "program": program, "point": blocks}


def loss(problem: dict[str, Any], point: list[Any]) -> Any:
    """The loss at a flat point of mpf, by NumPy's rules."""
    done: list[Any] = []
    at = 0
    for op in problem["program"]:
        of = [done[i] for i in op.get("of", [])]
        kind = op["op"]
        if kind == "param":
            n = math.prod(op["shape"])
            value = np.array([*point[at : at + n], None], dtype=object)[:-1].reshape(op["shape"])
            at += n
        elif kind == "const":
            numbers = [Fraction(v) for v in op["values"]]
            values = [mp.mpf(v.numerator) / v.denominator for v in numbers]
            value = np.array([*values, None], dtype=object)[:-1].reshape(op["shape"])
        elif kind == "map":
            f = FUNCTIONS[op["function"]]
            flat = np.array([*(f(z) for z in of[0].ravel()), None], dtype=object)[:-1]
            value = flat.reshape(of[0].shape)
        elif kind == "sum":
            value = np.sum(of[0], axis=tuple(op["axes"]))
        elif kind == "take":
            value = of[0].ravel()[op["index"]].reshape(op["shape"])
        elif kind == "join":
            value = np.concatenate([a.ravel() for a in of])
        else:
            value = {"add": np.add, "mul": np.multiply, "matmul": np.matmul}[kind](*of)
        done.append(np.asarray(value, dtype=object))
    return done[-1].item()


def derivatives(problem: dict[str, Any], point: list[Any]) -> tuple[Any, Any, Any]:
    """Loss, gradient and Hessian by central differences, good to about 45 digits."""
    n, h = len(point), STEP

    def at(*moves: tuple[int, int]) -> Any:
        moved = list(point)
        for i, s in moves:
            moved[i] = moved[i] + s * h
        return loss(problem, moved)

    here = at()
    ends = [(at((i, 1)), at((i, -1))) for i in range(n)]
    hessian = mp.zeros(n)
    for i in range(n):
        hessian[i, i] = (ends[i][0] - 2 * here + ends[i][1]) / h**2
        for j in range(i):
            pairs = [at((i, s), (j, t)) * s * t for s in (1, -1) for t in (1, -1)]
            hessian[i, j] = hessian[j, i] = sum(pairs) / (4 * h**2)
    return here, mp.matrix([(a - b) / (2 * h) for a, b in ends]), hessian


def rounded(point: list[Any], bits: int = 100) -> list[Fraction]:
    return [Fraction(int(mp.nint(v * 2**bits)), 2**bits) for v in point]


def newton(problem: dict[str, Any], start: list[Any], damped: bool) -> list[Fraction]:
    """A critical point near the start; damped steps lead to a minimum."""
    point, shift = [mp.mpf(v.numerator) / v.denominator for v in map(Fraction, start)], mp.mpf(1)
    for _ in range(60):
        here, gradient, hessian = derivatives(problem, point)
        if mp.norm(gradient) < mp.mpf(10) ** -35:
            break
        shift = shift if damped and mp.norm(gradient) > mp.mpf(1) / 100 else mp.mpf(0)
        move = mp.lu_solve(hessian + shift * mp.eye(len(point)), -gradient)
        new = [a + b for a, b in zip(point, move, strict=True)]
        if not shift or loss(problem, new) < here:
            point, shift = new, shift / 3
        else:
            shift = shift * 5 + 1
    return rounded(point)


def signed(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "digest": hashlib.sha256(text.encode()).hexdigest()}


def ball(value: Any, rad: Fraction = Fraction(1, 2**60)) -> dict[str, str]:
    mid = value if isinstance(value, Fraction) else rounded([value], 80)[0]
    return {"mid": str(mid), "rad": str(rad)}


def certificate(
    problem: dict[str, Any], proof: dict[str, Any], evidence: Any = None, **claim: Any
) -> dict[str, Any]:
    fields = {
        "verdict": None, "strict": "unknown", "index": None, "eigenvalue_bound": None,
        "global": "unknown", "loss": None, "witness_loss": None, "radius": None,
    }  # fmt: skip
    return signed({
        "format": "spurious-certificate/2", "claim": {**fields, **claim}, "problem": problem,
        "proof": proof, "global_proof": evidence,
    })  # fmt: skip


# ---- valid certificates -------------------------------------------------------------------------

RADIUS = Fraction(1, 2**40)


def minimum(writer: Writer, start: list[Any]) -> dict[str, Any]:
    """A minimum near the start, with nine tenths of its least eigenvalue as the bound."""
    problem = writer.problem(start)
    centre = newton(problem, start, damped=True)
    point = [mp.mpf(v.numerator) / v.denominator for v in centre]
    value, _, hessian = derivatives(problem, point)
    least = min(mp.eigsy(hessian, eigvals_only=True))
    assert least > 0
    problem = writer.problem([Fraction(round(v * 10**20), 10**20) for v in centre])
    proof = {"rule": "strongly_convex", "centre": [str(v) for v in centre], "radius": str(RADIUS)}
    return certificate(
        problem, proof, verdict="local_minimum_nearby", strict="yes",
        eigenvalue_bound=str(rounded([least * 9 / 10], 20)[0]), loss=ball(value),
        radius=str(RADIUS * 3 / 2),
    )  # fmt: skip


def saddle(writer: Writer, start: list[Any], index: int) -> dict[str, Any]:
    problem = writer.problem(start)
    centre = newton(problem, start, damped=False)
    point = [mp.mpf(v.numerator) / v.denominator for v in centre]
    value, _, hessian = derivatives(problem, point)
    inverse, n = mp.inverse(hessian), len(centre)
    rows = [[str(rounded([inverse[i, j]], 50)[0]) for j in range(n)] for i in range(n)]
    problem = writer.problem([Fraction(round(v * 10**20), 10**20) for v in centre])
    proof = {
        "rule": "krawczyk", "centre": [str(v) for v in centre], "radius": str(RADIUS),
        "preconditioner": rows,
    }  # fmt: skip
    return certificate(
        problem, proof, {"rule": "not_local_minimum"}, verdict="saddle_nearby", index=index,
        loss=ball(value), radius=str(RADIUS * 3 / 2), **{"global": "no"},
    )  # fmt: skip


def network(activation: str, widths: list[int], data: int, seed: int) -> tuple[Writer, list[Any]]:
    """Squared loss of a network, with a penalty; rounded Gaussian data and start."""
    rng = random.Random(seed)

    def gauss(*shape: int) -> Any:
        flat = [Fraction(round(rng.gauss(0, 1) * 100), 100) for _ in range(math.prod(shape))]
        return np.array(flat, dtype=object).reshape(shape)

    w = Writer()
    a, blocks = w.const(gauss(data, widths[0])), list[int]()
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        blocks += [w.param(f"w{layer}", outputs, inputs), w.param(f"b{layer}", outputs)]
        a = w.add(w.matmul(a, w.transpose(blocks[-2])), blocks[-1])
        a = w.map(activation, a) if layer < len(widths) - 2 else a
    error = w.minus(a, w.const(gauss(data, widths[-1])))
    w.add(w.sum(w.square(error)), w.penalty("1/5", *blocks))
    return w, list(gauss(sum(math.prod(w.shapes[b]) for b in blocks)))


def tanh_regression() -> dict[str, Any]:
    return minimum(*network("tanh", [1, 2, 1], 5, 3))


def cross_entropy() -> dict[str, Any]:
    w = Writer()
    x = w.const([["1", "-1/2"], ["0", "2"], ["-1", "1/3"], ["3/2", "1"]])
    weight, bias = w.param("weight", 2, 3), w.param("bias", 3)
    f = w.add(w.matmul(x, weight), bias)
    logs = w.sum(w.map("log", w.sum(w.map("exp", f), 1)))
    right = w.sum(w.take(f, [0, 4, 8, 10]))
    w.add(w.minus(logs, right), w.penalty("1/10", weight, bias))
    return minimum(w, [Fraction(0)] * 9)


def layer_norm() -> dict[str, Any]:
    """Rows of x W less their mean, over the root of their variance plus 1/10, times a scale."""
    w = Writer()
    x = w.const([["1", "-1/2"], ["0", "2"], ["-1", "1/3"]])
    weight, scale = w.param("weight", 2, 3), w.param("scale", 3)
    z = w.matmul(x, weight)
    third, column = w.const("1/3"), np.array([[0], [1], [2]])
    centred = w.minus(z, w.take(w.mul(third, w.sum(z, 1)), column))
    variance = w.mul(third, w.sum(w.square(centred), 1))
    root = w.map("sqrt", w.add(variance, w.const("1/10")))
    normal = w.mul(w.mul(centred, w.take(w.map("reciprocal", root), column)), scale)
    error = w.minus(normal, w.const([["1", "0", "-1"], ["0", "1", "0"], ["-1", "0", "2"]]))
    w.add(w.sum(w.square(error)), w.penalty("1/5", weight, scale))
    return minimum(w, [Fraction(k, 7) for k in (3, -2, 5, 1, 4, -6, 2, 3, 5)])


def saddle_one() -> dict[str, Any]:
    """(u v - 1)^2 + (u^2 + v^2) / 10 + u / 7: near 0 the eigenvalues are about -9/5 and 11/5."""
    w = Writer()
    u, v = w.param("u"), w.param("v")
    fit = w.square(w.add(w.mul(u, v), w.const(-1)))
    w.add(w.add(fit, w.penalty("1/10", u, v)), w.mul(w.const("1/7"), u))
    return saddle(w, [0, 0], 1)


def saddle_two() -> dict[str, Any]:
    """cos a + cos b + c^2 + c exp(a) / 10."""
    w = Writer()
    a, c = w.param("ab", 2), w.param("c")
    mixed = w.mul(w.const("1/10"), w.mul(c, w.map("exp", w.take(a, 0))))
    w.add(w.add(w.sum(w.map("cos", a)), w.square(c)), mixed)
    return saddle(w, [Fraction(1, 20), 0, 0], 2)


def saddle_without_diagonal() -> dict[str, Any]:
    """sin(u) v: the Hessian is (0 1; 1 0), which has no L D L^T."""
    w = Writer()
    u, v = w.param("u"), w.param("v")
    w.mul(w.map("sin", u), v)
    return saddle(w, [0, 0], 1)


def exact_minimum() -> dict[str, Any]:
    """sum of (softsign(a x) b - y)^2 + |a, b| penalties about a point that fits exactly."""
    w = Writer()
    a, b = w.param("a"), w.param("b")
    f = w.mul(w.map("softsign", w.mul(a, w.const(["1", "-2", "3"]))), b)
    w.sum(w.square(w.minus(f, w.const(["1", "-4/3", "3/2"]))))
    problem = w.problem([1, 2])
    proof = {"rule": "strongly_convex", "centre": ["1", "2"], "radius": str(RADIUS)}
    least = min(mp.eigsy(derivatives(problem, [mp.mpf(1), mp.mpf(2)])[2], eigvals_only=True))
    return certificate(
        problem, proof, verdict="local_minimum", strict="yes", loss=ball(Fraction(0), Fraction(0)),
        eigenvalue_bound=str(rounded([least / 2], 20)[0]),
    )  # fmt: skip


def dead_unit() -> dict[str, Any]:
    """sum of (v relu(w x + b) + c - y)^2: the unit is off, c is the mean target."""
    w = Writer()
    z = w.add(w.mul(w.param("w"), w.const([1, 2])), w.param("b"))
    f = w.add(w.mul(w.param("v"), w.map("relu", z)), w.param("c"))
    w.sum(w.square(w.minus(f, w.const([1, 3]))))
    proof = {
        "rule": "idle_parameters", "centre": ["1", "-5", "2", "2"], "radius": "1/8",
        "idle": [0, 1, 2],
    }  # fmt: skip
    return certificate(
        w.problem([1, -5, 2, 2]), proof, {"rule": "witness", "point": ["2", "0", "1", "-1"]},
        verdict="local_minimum", strict="no", flat_dimension=3, eigenvalue_bound="7/2",
        loss=ball(Fraction(2), Fraction(0)), witness_loss=ball(Fraction(0), Fraction(0)),
        **{"global": "no"},
    )  # fmt: skip


def constant_loss() -> dict[str, Any]:
    """(relu(w) + 1)^2 at w = -1: nothing has an effect, and nothing is better."""
    w = Writer()
    w.square(w.add(w.map("relu", w.param("w")), w.const(1)))
    proof = {"rule": "idle_parameters", "centre": ["-1"], "radius": "1/8", "idle": [0]}
    return certificate(
        w.problem([-1]), proof, verdict="local_minimum", strict="no", flat_dimension=1,
        loss=ball(Fraction(1), Fraction(0)),
    )  # fmt: skip


def descent_at_a_kink() -> dict[str, Any]:
    """(relu(w x) - 1)^2 at w = 0 with x = 1 and -1: -2 along either direction."""
    w = Writer()
    z = w.map("relu", w.mul(w.param("w"), w.const([1, -1])))
    w.sum(w.square(w.add(z, w.const(-1))))
    proof = {"rule": "descent_direction", "direction": ["1/3"]}
    return certificate(
        w.problem([0]), proof, {"rule": "witness", "point": ["1"]}, verdict="not_local_minimum",
        loss=ball(Fraction(2), Fraction(0)), witness_loss=ball(Fraction(1), Fraction(0)),
        **{"global": "no"},
    )  # fmt: skip


def negative_curvature() -> dict[str, Any]:
    """cos(u + 2 v) + tanh(v)^2 at 0: curvature -1 along u, -4 + 2 along v."""
    w = Writer()
    u, v = w.param("u"), w.param("v")
    wave = w.map("cos", w.add(u, w.mul(w.const(2), v)))
    w.add(wave, w.square(w.map("tanh", v)))
    proof = {"rule": "negative_curvature", "direction": ["1", "1/5"]}
    return certificate(
        w.problem([0, 0]), proof, {"rule": "not_local_minimum"}, verdict="not_local_minimum",
        loss=ball(Fraction(1)), **{"global": "no"},
    )  # fmt: skip


FIT_INPUTS = ("-1", "1/2", "2", "1/2")
FIT_TARGETS = ("1", "1/3", "-1", "2/3")


def fit_writer(
    targets: tuple[str, ...] = FIT_TARGETS, factors: tuple[str, ...] = ("1", "1", "1", "1")
) -> tuple[Writer, int]:
    """A 1-3-1 tanh network on four points, two with equal inputs; also the outputs' step."""
    w = Writer()
    x = w.const([[v] for v in FIT_INPUTS])
    hidden, bias = w.param("w0", 3, 1), w.param("b0", 3)
    a = w.map("tanh", w.add(w.matmul(x, w.transpose(hidden)), bias))
    f = w.add(w.matmul(a, w.transpose(w.param("w1", 1, 3))), w.param("b1", 1))
    squares = w.square(w.minus(f, w.const([[v] for v in targets])))
    w.sum(w.mul(squares, w.const([[v] for v in factors])))
    return w, f


def perfect_fit() -> dict[str, Any]:
    """The output weights solve f = t; the point with two targets keeps a loss of 1/18."""
    w, outputs = fit_writer()
    below, shift, offset = ("1", "-1/2", "2"), ("1/4", "1", "0"), Fraction(1, 5)
    numbers = [[mp.mpf(v.numerator) / v.denominator for v in map(Fraction, row)]
               for row in (below, shift, FIT_INPUTS[:3], ("1", "1/2", "-1"))]  # fmt: skip
    units = list(zip(*numbers[:2], strict=True))
    features = mp.matrix([[mp.tanh(a * x + b) for a, b in units] for x in numbers[2]])
    inverse = mp.inverse(features)
    best = inverse * mp.matrix([y - mp.mpf(1) / 5 for y in numbers[3]])
    centre = [*map(Fraction, below + shift), *rounded(list(best)), offset]
    rows = [[str(rounded([inverse[i, j]], 60)[0]) for j in range(3)] for i in range(3)]
    problem = w.problem([Fraction(round(v * 10**20), 10**20) for v in centre])
    proof = {
        "rule": "interpolation", "outputs": [outputs], "centre": [str(v) for v in centre],
        "radius": str(RADIUS), "parameters": [6, 7, 8], "preconditioner": rows,
    }  # fmt: skip
    return certificate(
        problem, proof, {"rule": "best_outputs"}, verdict="local_minimum_nearby", strict="no",
        flat_dimension=7, loss=ball(Fraction(1, 18), Fraction(0)), radius=str(RADIUS * 3 / 2),
        **{"global": "yes"},
    )  # fmt: skip


def falling_ray() -> dict[str, Any]:
    """log(1 + exp(-w x)) at x = 1, 2 and 0: along w the limit is log 2."""
    w = Writer()
    w.sum(w.map("softplus", w.mul(w.param("w"), w.const(["-1", "-2", "0"]))))
    return certificate(
        w.problem([0]), {"rule": "monotone_valley", "direction": ["1"]},
        verdict="not_local_minimum", loss=ball(3 * mp.log(2)), valley_limit=ball(mp.log(2)),
    )  # fmt: skip


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    f.__name__: f
    for f in (
        tanh_regression, cross_entropy, layer_norm, exact_minimum, saddle_one, saddle_two,
        saddle_without_diagonal, descent_at_a_kink, negative_curvature, perfect_fit,
        dead_unit, constant_loss, falling_ray,
    )
}  # fmt: skip
