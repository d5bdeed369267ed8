"""Whether what a certificate claims is true, judged by other means than the checker's.

A network of its own in 100 digits, losses at many nearby points, differences in place of
derivatives. It can only find a claim false: a neighbourhood is sampled, not searched.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath as mp

Number = Any
"""An mpmath real."""
Rows = list[list[Any]]
Layers = list[tuple[Rows, list[Any]]]

DIGITS = 100
SCALES = (-4, -8, -14, -20)
"""Decimal logarithms of the distances at which losses are compared."""


def real(value: Any) -> Number:
    number = Fraction(str(value))
    return mp.mpf(number.numerator) / number.denominator


def reals(rows: Any) -> Rows:
    return [[real(v) for v in row] for row in rows]


def layers_of(point: Any) -> Layers:
    return [(reals(layer["weight"]), reals([layer["bias"]])[0]) for layer in point["layers"]]


def flat(layers: Layers) -> list[Number]:
    return [v for weight, bias in layers for v in [*(w for row in weight for w in row), *bias]]


def shaped(values: Sequence[Number], widths: Sequence[int]) -> Layers:
    rest, layers = list(values), Layers()
    for wide, high in pairwise(widths):
        weight = [[rest.pop(0) for _ in range(wide)] for _ in range(high)]
        layers.append((weight, [rest.pop(0) for _ in range(high)]))
    return layers


class Landscape:
    """The loss of a problem (as JSON data) at any parameters."""

    def __init__(self, problem: Any) -> None:
        self.widths = problem["network"]["widths"]
        self.activation = problem["network"]["activation"]
        self.slope = real(problem["network"].get("slope", 0))
        self.name = problem["loss"]
        self.xs, self.ys = reals(problem["data"]["x"]), reals(problem["data"]["y"])

    def act(self, z: Number) -> Number:
        name = self.activation
        if name in ("relu", "leaky_relu", "abs", "identity"):
            below = {"relu": 0, "abs": -1, "identity": 1}.get(name, self.slope)
            return z if z > 0 else below * z
        if name == "softsign":
            return z / (1 + abs(z))
        if name == "elu":
            return z if z > 0 else mp.expm1(z)
        if name == "gelu":
            return z * mp.ncdf(z)
        if name == "tanh":
            return mp.tanh(z)
        if name == "softplus":
            return mp.log1p(mp.exp(z))
        if name == "mish":
            return z * mp.tanh(mp.log1p(mp.exp(z)))
        sigmoid = 1 / (1 + mp.exp(-z))
        return z * sigmoid if name == "silu" else sigmoid

    def outputs(self, layers: Layers, x: list[Number]) -> list[Number]:
        state = x
        for level, (weight, bias) in enumerate(layers):
            state = [mp.fdot(row, state) + b for row, b in zip(weight, bias, strict=True)]
            if level < len(layers) - 1:
                state = [self.act(z) for z in state]
        return state

    def loss(self, values: Sequence[Number], widths: Sequence[int] | None = None) -> Number:
        """At parameters in flat order; `widths` if it is another network on the same data."""
        layers, total = shaped(values, widths or self.widths), mp.mpf(0)
        for x, y in zip(self.xs, self.ys, strict=True):
            f = self.outputs(layers, x)
            if self.name == "squared":
                total += sum((a - b) ** 2 for a, b in zip(f, y, strict=True))
            elif self.name == "logistic":
                total += sum(mp.log1p(mp.exp(-a * b)) for a, b in zip(f, y, strict=True))
            else:
                right = f[int(y[0])]
                total += mp.log(sum(mp.exp(a - right) for a in f))
        return total


def place(certificate: Any) -> list[Number]:
    """Where the minimum is, exactly or as near as the evidence says."""
    problem, proof = certificate["problem"], certificate["proof"]
    if certificate["claim"]["verdict"] != "local_minimum_nearby":
        return flat(layers_of(problem["point"]))
    if "point" in proof:
        return flat(layers_of(proof["point"]))
    if proof["rule"] == "interpolation":
        return [real(v) for v in proof["centre"]]
    if "centre" in proof and proof["rule"] != "twin_units":
        return flat(layers_of(proof["centre"]))
    return flat(layers_of(problem["point"]))


def minimal_loss(certificate: Any) -> tuple[Number, Number]:
    """The loss that the certificate should state, and how far off this one may be."""
    landscape = Landscape(certificate["problem"])
    rule, verdict = certificate["proof"]["rule"], certificate["claim"]["verdict"]
    if rule in ("constant_output", "constant_units") and verdict == "local_minimum_nearby":
        total = mp.mpf(0)
        for column in zip(*landscape.ys, strict=True):
            n, ones = len(column), sum(y == 1 for y in column)
            if landscape.name == "squared":
                total += sum((y - sum(column) / n) ** 2 for y in column)
            elif 0 < ones < n:
                total += sum(m * mp.log(mp.mpf(n) / m) for m in (ones, n - ones))
        return total, mp.mpf(10) ** -60
    if rule == "twin_units" and verdict == "local_minimum_nearby":
        centre = certificate["proof"]["centre"]
        widths = [landscape.widths[0], len(centre["layers"][0]["bias"]), 1]
        return landscape.loss(flat(layers_of(centre)), widths), mp.mpf(10) ** -8
    here = landscape.loss(place(certificate))
    nearly = verdict == "local_minimum_nearby" and "centre" in certificate["proof"]
    return here, mp.mpf(10) ** (-8 if nearly else -60)


def faults(certificate: Any, seed: int) -> Iterator[str]:
    """What is wrong with a claim; nothing if nothing wrong was found.

    Args:
        certificate: One that the checker accepts.
        seed: Of the points that are compared.
    """
    with mp.workdps(DIGITS):
        rng = random.Random(seed)
        claim = certificate["claim"]
        loss, tolerance = minimal_loss(certificate)
        if not within(claim["loss"], loss, tolerance):
            yield f"the loss is {mp.nstr(loss, 20)}"
        if claim["verdict"] == "not_local_minimum":
            yield from no_descent(certificate, loss)
        elif claim["verdict"] == "local_minimum":
            yield from lower_nearby(certificate, loss, rng)
        yield from no_such_curvature(certificate, rng)
        yield from too_far(certificate)
        yield from wrong_about_others(certificate, loss, rng)


def within(ball: Any, value: Number, tolerance: Number) -> bool:
    return abs(real(ball["mid"]) - value) <= real(ball["rad"]) + tolerance


def lower_nearby(certificate: Any, loss: Number, rng: random.Random) -> Iterator[str]:
    """A minimum has no lower point next to it, in random directions or along the axes."""
    landscape, at = Landscape(certificate["problem"]), place(certificate)
    size, error = len(at), mp.mpf(10) ** (10 - DIGITS)
    axes = [[(k == p) * s for k in range(size)] for p in range(size) for s in (1, -1)]
    directions = axes + [[rng.gauss(0, 1) for _ in range(size)] for _ in range(40)]
    for direction in directions:
        step = mp.mpf(10) ** rng.choice(SCALES)
        moved = [a + step * b for a, b in zip(at, direction, strict=True)]
        if landscape.loss(moved) < loss - error:
            yield f"the loss is lower {mp.nstr(step, 3)} along {direction}"


def no_descent(certificate: Any, loss: Number) -> Iterator[str]:
    """Along its own direction, a refuted point has lower ones however near."""
    landscape, proof = Landscape(certificate["problem"]), certificate["proof"]
    at = layers_of(certificate["problem"]["point"])
    if proof["rule"] == "merging_valley" or "gates" in proof:
        yield from no_valley(certificate)
        return
    ray = proof["rule"] == "monotone_valley"
    valley = ray or proof["rule"] == "valley_to_infinity"
    if proof["rule"] == "zero_output_weight":
        candidates = opened_unit(at, proof)
    else:
        if ray:
            along = reals([proof["direction"]])[0]
        else:
            way = {"layers": [proof["direction"]]} if valley else proof["direction"]
            along = flat(layers_of(way))
        along = [mp.mpf(0)] * (len(flat(at)) - len(along)) + along
        signs = (1, -1) if proof["rule"] == "negative_curvature" else (1,)
        candidates = [
            [a + s * t * b for a, b in zip(flat(at), along, strict=True)]
            for s in signs
            for t in (mp.mpf(10) ** -k for k in (18, 22, 26))
        ]
        if valley:
            far = [
                a + mp.mpf(10) ** (60 if along[0] == 0 else 20) * b
                for a, b in zip(flat(at), along, strict=True)
            ]
            if not within(certificate["claim"]["valley_limit"], landscape.loss(far), 1e-50):
                yield "the valley ends elsewhere"
    if not any(landscape.loss(values) < loss for values in candidates):
        yield "the loss does not fall along the direction"


PLACES = (1, "0.999999", "0.9", "0.6", "0.3", "0.1", "1e-2", "1e-4", "1e-8", "1e-16")
"""Along a curve, from the point towards its end."""


def no_valley(certificate: Any) -> Iterator[str]:
    """Along its curve a valley falls towards its limit."""
    landscape = Landscape(certificate["problem"])
    merging = certificate["proof"]["rule"] == "merging_valley"
    curve = merging_curve if merging else gated_curve
    at = curve(certificate, mp.mpf(1))
    given = flat(layers_of(certificate["problem"]["point"]))
    if max(abs(a - b) for a, b in zip(at, given, strict=True)) > mp.mpf(10) ** (20 - DIGITS):
        yield "the curve begins elsewhere"
    losses = [landscape.loss(curve(certificate, mp.mpf(r))) for r in PLACES]
    noise = mp.mpf(10) ** (10 - DIGITS)
    if losses[0] <= losses[4] or any(a < b - noise for a, b in pairwise(losses)):
        yield "the loss does not fall along the curve"
    limit = certificate["claim"]["valley_limit"]
    if not within(limit, losses[-1], 1e-7 * (1 + losses[-1])) or losses[-1] < (
        real(limit["mid"]) - real(limit["rad"])
    ):
        yield "the valley ends elsewhere"


def merging_curve(certificate: Any, r: Number) -> list[Number]:
    """The parameters at r on the curve of section 6.5."""
    network, proof = certificate["problem"]["network"], certificate["proof"]
    tau = r if network["activation"] in ("relu", "leaky_relu", "abs") else mp.sqrt(r)
    known = [layers_of(c) for c in proof["curve"]]
    eta = layers_of(certificate["problem"]["point"])
    pairs = [(p["layer"], *p["units"], real(p["factor"])) for p in proof["pairs"]]

    def pick(layers: Layers, m: int, unit: int) -> list[list[Any]]:
        """Lists with indices: where incoming and outgoing weights stand."""
        weight, bias = layers[m]
        return [weight[unit], bias, *layers[m + 1][0]]

    for m, j, k, s in pairs:
        row, bias, *above = pick(eta, m, j)
        other = eta[m][0][k]
        for n, (a, b) in enumerate(zip(list(row), list(other), strict=True)):
            row[n], other[n] = a - s * b, (a + s * b) / 2
        bias[j], bias[k] = bias[j] - s * bias[k], (bias[j] + s * bias[k]) / 2
        for out in above:
            out[j], out[k] = out[j] + out[k] / s, (out[j] - out[k] / s) / 2
    widths = network["widths"]
    values = [sum(c * r**n for n, c in enumerate(column)) + r ** len(known) * (end - sum(column))
              for end, *column in zip(flat(eta), *map(flat, known), strict=True)]  # fmt: skip
    found = shaped(values, widths)
    for m, j, k, s in pairs:
        row, bias, *above = pick(found, m, j)
        other = found[m][0][k]
        for n, (u, w) in enumerate(zip(list(row), list(other), strict=True)):
            row[n], other[n] = w + tau * u / 2, (w - tau * u / 2) / s
        u, w = bias[j], bias[k]
        bias[j], bias[k] = w + tau * u / 2, (w - tau * u / 2) / s
        for out in above:
            c, t = out[j], out[k]
            out[j], out[k] = t / tau + c / 2, s * (c / 2 - t / tau)
    return flat(found)


def gated_curve(certificate: Any, r: Number) -> list[Number]:
    """At t = 1/r - 1 on a ray of the gated network: incoming weights times m, outgoing over m."""
    proof, t = certificate["proof"], 1 / r - 1
    given = flat(layers_of(certificate["problem"]["point"]))
    direction, gates = reals([proof["direction"], proof["gates"]])
    moved = [a + t * b for a, b in zip(given, direction, strict=True)]
    (weight, bias), (out, last) = shaped(moved, certificate["problem"]["network"]["widths"])
    for j, gate in enumerate(gates):
        m = 1 + t * gate
        weight[j], bias[j] = [v * m for v in weight[j]], bias[j] * m
        for row in out:
            row[j] /= m
    return flat([(weight, bias), (out, last)])


def opened_unit(at: Layers, proof: Any) -> list[list[Number]]:
    """The unit turned by t u, its output weight set to t^2 or -t^2."""
    j, k, u = proof["unit"], proof["output"], reals([proof["direction"]])[0]
    found: list[list[Number]] = []
    for t in (mp.mpf(10) ** -k for k in (12, 16)):
        for s in (1, -1):
            (weight, bias), (out, last) = [([*map(list, w)], list(b)) for w, b in at]
            weight[j] = [a + t * b for a, b in zip(weight[j], u[:-1], strict=True)]
            bias[j] += t * u[-1]
            out[k][j] += s * t * t
            found.append(flat([(weight, bias), (out, last)]))
    return found


def curvature_lines(certificate: Any) -> tuple[list[Number], list[int], list[list[Number]]]:
    """Where the bound is claimed: the centre, the network's widths, the free directions."""
    proof, widths = certificate["proof"], certificate["problem"]["network"]["widths"]
    centre = flat(layers_of(proof["centre"]))
    size = len(centre)
    if proof["rule"] == "twin_units":
        widths = [widths[0], len(proof["centre"]["layers"][0]["bias"]), 1]
    if proof["rule"] != "kinked_ball":
        free = [p for p in range(size) if p not in proof.get("fixed", [])]
        return centre, widths, [[mp.mpf(k == p) for k in range(size)] for p in free]
    d, h, _ = widths
    lines: list[list[Number]] = []
    for j, unit in enumerate(proof["units"]):
        for row in reals([] if unit is None else unit["basis"]):
            line = [mp.mpf(0)] * size
            line[j * d : j * d + d], line[h * d + j] = row[:-1], row[-1]
            lines.append(line)
    return centre, widths, [*lines, [mp.mpf(0)] * (size - 1) + [mp.mpf(1)]]


def no_such_curvature(certificate: Any, rng: random.Random) -> Iterator[str]:
    """The smallest eigenvalue, by differences, at the centre and at corners of the box."""
    bound = certificate["claim"]["eigenvalue_bound"]
    if bound is None:
        return
    landscape, radius = Landscape(certificate["problem"]), real(certificate["proof"]["radius"])
    centre, widths, lines = curvature_lines(certificate)
    step = min(radius, mp.mpf(1)) * mp.mpf(10) ** -20
    with mp.workdps(2 * DIGITS):
        for corner in range(2):
            shifts = [radius * corner * rng.choice((-1, 1)) * mp.mpf("0.99") for _ in lines]
            at = moved(centre, lines, shifts)

            def value(*pushed: int, at: list[Number] = at) -> Number:
                along = [step * pushed.count(k) for k in range(len(lines))]
                return landscape.loss(moved(at, lines, along), widths)

            single, here, size = [value(k) for k in range(len(lines))], value(), len(lines)
            hessian = mp.matrix(size)
            for a in range(size):
                for b in range(a + 1):
                    bend = (value(a, b) - single[a] - single[b] + here) / step**2
                    hessian[a, b] = hessian[b, a] = bend
            smallest = min(mp.eigsy(hessian, eigvals_only=True))
            if smallest < real(bound) * (1 - mp.mpf(10) ** -12):
                yield f"the smallest eigenvalue is {mp.nstr(smallest, 10)}"


def moved(at: list[Number], lines: list[list[Number]], along: list[Number]) -> list[Number]:
    return [a + mp.fdot(along, (line[p] for line in lines)) for p, a in enumerate(at)]


def too_far(certificate: Any) -> Iterator[str]:
    """The minimum that is named lies within the radius."""
    if certificate["claim"]["verdict"] != "local_minimum_nearby":
        return
    start = flat(layers_of(certificate["problem"]["point"]))
    gap = max(abs(a - b) for a, b in zip(start, place(certificate), strict=True))
    if gap > real(certificate["claim"]["radius"]):
        yield f"the minimum is {mp.nstr(gap, 10)} away"


def wrong_about_others(certificate: Any, loss: Number, rng: random.Random) -> Iterator[str]:
    """A witness has the loss it should and less than the point; a global minimum has no better."""
    claim, landscape = certificate["claim"], Landscape(certificate["problem"])
    if claim["witness_loss"] is not None:
        found = landscape.loss(flat(layers_of(certificate["global_proof"]["point"])))
        if not within(claim["witness_loss"], found, mp.mpf(10) ** -60) or found >= loss:
            yield f"the loss of the witness is {mp.nstr(found, 20)}"
    if claim["global"] == "yes":
        size = len(place(certificate))
        for _ in range(100):
            values = [mp.mpf(rng.gauss(0, 2)) for _ in range(size)]
            if landscape.loss(values) < loss - mp.mpf(10) ** -60:
                yield f"the loss is lower at {values}"
