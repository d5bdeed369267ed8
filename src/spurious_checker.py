"""Checks certificates about local minima of neural networks. Standard library only; one file.

    python spurious_checker.py CERTIFICATE... [--json]

A certificate (`spurious-certificate/1`, specified in docs/certificates.md) states a claim about a
point in parameter space and carries the evidence. This program searches for nothing: it evaluates
the network, follows the one rule that the certificate names, and compares. Every number is a
`fractions.Fraction`, a *softmax number* (a rational combination of 1 and of 1/(1 + sum of
exp(d_l)), section 1) or an `Interval` with outward rounding. What it trusts: Python's integers, and
the theorems in docs/mathematics.md. Whatever it cannot follow, it rejects.

Read from the top: numbers, intervals, network, exact rules, interval rules, claims, command line.
Section numbers refer to docs/certificates.md.
"""

# JSON data has no types until a rule has looked at it, so strict type checking is of no use here.
# pyright: basic
from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import Any

Json = dict[str, Any]

BITS = (128, 256, 512, 1024)
MAX_BYTES = 256 * 2**20
MAX_DIGITS = 100_000
EXP_LIMIT = 10_000


class Invalid(Exception):  # noqa: N818
    """The certificate does not hold, for the reason given."""


class BadInput(Exception):  # noqa: N818
    """The file is not a certificate at all."""


@dataclass(frozen=True)
class Result:
    """The checker's answer: whether the certificate holds, what it claims, and why not."""

    valid: bool
    claim: str
    reason: str


def need(condition: bool, reason: str) -> None:
    """Rejects the certificate unless the condition holds."""
    if not condition:
        raise Invalid(reason)


# ---------------------------------------------------------------- rationals and softmax numbers

Row = tuple[Fraction, ...]
Exact = dict[Row, Fraction]
"""A softmax number: coefficients by atom; the atom () is the number 1."""

ONE = Fraction(1)
ZERO = Fraction(0)


def rational(text: Any) -> Fraction:
    """Reads "p" or "p/q"."""
    need(isinstance(text, str) and len(text) <= 2 * MAX_DIGITS, "a rational is not a string")
    top, slash, bottom = text.partition("/")
    digits = top.removeprefix("-")
    need(digits.isascii() and digits.isdigit(), f"not a rational: {text[:40]!r}")
    if not slash:
        return Fraction(int(top))
    need(
        bottom.isascii() and bottom.isdigit() and int(bottom) > 0, f"not a rational: {text[:40]!r}"
    )
    return Fraction(int(top), int(bottom))


def number(value: Any) -> Fraction:
    """Reads a problem file's number: text such as "1/3", "-13.5", "2e-3", or a JSON integer."""
    if type(value) is int:
        return Fraction(value)
    need(isinstance(value, str) and len(value) <= MAX_DIGITS, "a number is not text or integer")
    _, _, exponent = value.lower().partition("e")
    need(len(exponent) <= 5, f"a number's exponent is out of range: {value[:40]!r}")
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise Invalid(f"not a number: {value[:40]!r}") from None


def dot(left: Sequence[Fraction], right: Sequence[Fraction]) -> Fraction:
    """The inner product."""
    return sum((a * b for a, b in zip(left, right, strict=True)), ZERO)


def rank(rows: Sequence[Row]) -> int:
    """The rank of a rational matrix, by elimination."""
    work, found = [list(row) for row in rows], 0
    for column in range(len(work[0]) if work else 0):
        pivot = next((i for i in range(found, len(work)) if work[i][column]), None)
        if pivot is None:
            continue
        work[found], work[pivot] = work[pivot], work[found]
        for i in range(found + 1, len(work)):
            factor = work[i][column] / work[found][column]
            if factor:
                work[i] = [a - factor * b for a, b in zip(work[i], work[found], strict=True)]
        found += 1
    return found


def add(total: Exact, value: Exact, factor: Fraction) -> None:
    """Total += factor * value, in place."""
    for atom, coefficient in value.items():
        total[atom] = total.get(atom, ZERO) + factor * coefficient


def combine(pairs: Sequence[tuple[Fraction, Exact]]) -> Exact:
    """The sum of factor * value."""
    total: Exact = {}
    for factor, value in pairs:
        add(total, value, factor)
    return total


def softmax_number(data: Any) -> Exact:
    """Reads a softmax number (section 1)."""
    if isinstance(data, str):
        return {(): rational(data)}
    need(isinstance(data, dict), "a softmax number is neither a string nor an object")
    total: Exact = {}
    for key, coefficient in data.items():
        atom = () if key == "1" else tuple(rational(entry) for entry in key.split(","))
        need(list(atom) == sorted(atom), f"the atom {key!r} is not sorted")
        add(total, {atom: rational(coefficient)}, ONE)
    return total


def sign(value: Exact) -> int:
    """-1, 0 or 1; 0 only if every coefficient is zero."""
    terms = {atom: c for atom, c in value.items() if c}
    if not terms:
        return 0
    if list(terms) == [()]:
        return 1 if terms[()] > 0 else -1
    for bits in BITS:
        found = enclose(terms, bits).sign()
        if found:
            return found
    raise Invalid("the sign of a softmax number could not be found")


def enclose(value: Exact, bits: int) -> Interval:
    """A softmax number in an interval."""
    total = Interval.of(ZERO, bits)
    for atom, coefficient in value.items():
        share = Interval.of(ONE, bits)
        if atom and atom[-1] > EXP_LIMIT:  # then 0 < atom < exp(-d) < 2^-d
            share = Interval(0, 1 << max(0, bits - EXP_LIMIT), bits)
        elif atom:
            below = share
            for entry in atom:
                below = below + Interval.of(entry, bits).exp()
            share = below.reciprocal()
        total = total + share * Interval.of(coefficient, bits)
    return total


# ---------------------------------------------------------------- intervals


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers between lo / 2^bits and hi / 2^bits. Operations round outward."""

    lo: int
    hi: int
    bits: int

    @staticmethod
    def of(value: Fraction, bits: int) -> Interval:
        """The smallest interval around a rational."""
        scaled = value.numerator << bits
        return Interval(scaled // value.denominator, -(-scaled // value.denominator), bits)

    @property
    def lower(self) -> Fraction:
        """The lower end."""
        return Fraction(self.lo, 1 << self.bits)

    @property
    def upper(self) -> Fraction:
        """The upper end."""
        return Fraction(self.hi, 1 << self.bits)

    def sign(self) -> int:
        """1 or -1 if all numbers have that sign, else 0."""
        return (self.lo > 0) - (self.hi < 0)

    def __add__(self, other: Interval) -> Interval:
        """The sum."""
        return Interval(self.lo + other.lo, self.hi + other.hi, self.bits)

    def __neg__(self) -> Interval:
        """The negative."""
        return Interval(-self.hi, -self.lo, self.bits)

    def __sub__(self, other: Interval) -> Interval:
        """The difference."""
        return Interval(self.lo - other.hi, self.hi - other.lo, self.bits)

    def __mul__(self, other: Interval) -> Interval:
        """The product."""
        a, b = self.lo * other.lo, self.lo * other.hi
        c, d = self.hi * other.lo, self.hi * other.hi
        return Interval(min(a, b, c, d) >> self.bits, -(-max(a, b, c, d) >> self.bits), self.bits)

    def times(self, factor: int) -> Interval:
        """The product with an integer."""
        ends = (self.lo * factor, self.hi * factor)
        return Interval(min(ends), max(ends), self.bits)

    def reciprocal(self) -> Interval:
        """One over an interval that does not contain zero."""
        if self.hi < 0:
            return -((-self).reciprocal())
        need(self.lo > 0, "a division by an interval around zero")
        one = 1 << (2 * self.bits)
        return Interval(one // self.hi, -(-one // self.lo), self.bits)

    def size(self) -> Interval:
        """The absolute value."""
        if self.lo >= 0:
            return self
        return -self if self.hi <= 0 else Interval(0, max(-self.lo, self.hi), self.bits)

    def square(self) -> Interval:
        """The square."""
        return self.size() * self.size()

    def hull(self, other: Interval) -> Interval:
        """The smallest interval around both."""
        return Interval(min(self.lo, other.lo), max(self.hi, other.hi), self.bits)

    def ends(self) -> tuple[Interval, Interval]:
        """The lower and the upper end as points."""
        return Interval(self.lo, self.lo, self.bits), Interval(self.hi, self.hi, self.bits)

    def rising(self, function: Callable[[Interval], Interval]) -> Interval:
        """The image under an increasing function that is enclosed at points."""
        low, high = self.ends()
        return Interval(function(low).lo, function(high).hi, self.bits)

    def exp(self) -> Interval:
        """The exponential, an increasing function."""
        return self.rising(exp_at)


def exp_at(x: Interval) -> Interval:
    """Exp at a point: Taylor's series at x / 2^s with |x / 2^s| <= 1/2, then s squarings.

    After the term t_n the remainder is at most 2 |t_n|, since each further term is at most half the
    one before. Below -bits the value lies in [0, 2^-bits], because e > 2.
    """
    bits = x.bits
    need(x.hi <= EXP_LIMIT << bits, "an exponential is too large")
    if x.hi <= -bits << bits:
        return Interval(0, 1, bits)
    halvings = max(0, (x.size().hi >> bits).bit_length() + 1)
    guard = bits + 2 * halvings + 16 + max(0, x.hi >> bits) * 2
    scaled = Interval(x.lo << (guard - bits), x.hi << (guard - bits), guard)
    step = Interval(scaled.lo >> halvings, -(-scaled.hi >> halvings), guard)
    total = term = Interval.of(ONE, guard)
    n = 0
    while term.size().hi > 1:
        n += 1
        raw = term * step
        term = Interval(raw.lo // n, -(-raw.hi // n), guard)
        total = total + term
    rest = 2 * term.size().hi + 2
    total = total + Interval(-rest, rest, guard)
    for _ in range(halvings):
        total = total * total
    shift = guard - bits
    return Interval(max(0, total.lo >> shift), -(-total.hi >> shift), bits)


def atanh_at(z: Interval) -> Interval:
    """The inverse hyperbolic tangent at a point with |z| <= 1/3: the odd series.

    With |z|^2 <= 1/9 the terms after z^n sum to at most |z^n| / 8.
    """
    total, power, square, n = z, z, z * z, 1
    while power.size().hi > 1:
        n += 2
        power = power * square
        total = total + Interval(power.lo // n, -(-power.hi // n), z.bits)
    rest = power.size().hi + 1
    return total + Interval(-rest, rest, z.bits)


def log_at(x: Interval) -> Interval:
    """The logarithm at a positive point: x = 2^k m, 2/3 < m < 4/3, log m = 2 atanh((m-1)/(m+1))."""
    need(x.lo > 0, "the logarithm of a number that may be zero")
    bits = x.bits + 32
    value = Fraction(x.lo, 1 << x.bits)
    k = x.lo.bit_length() - x.bits
    m = value / Fraction(2) ** k
    if 3 * m <= 2:
        k, m = k - 1, m * 2
    half = atanh_at(Interval.of((m - 1) / (m + 1), bits))
    two = atanh_at(Interval.of(Fraction(1, 3), bits))
    total = half.times(2) + two.times(2 * k)
    return Interval(total.lo >> 32, -(-total.hi >> 32), x.bits)


def softplus_at(z: Interval) -> Interval:
    """log(1 + exp(z)) at a point, as max(z, 0) + log(1 + exp(-|z|))."""
    one = Interval.of(ONE, z.bits)
    top = z if z.lo > 0 else Interval(0, 0, z.bits)
    inner = one + exp_at(-z.size())
    return top + inner.rising(log_at)


def sigmoid_at(z: Interval) -> Interval:
    """1 / (1 + exp(-z)) at a point."""
    one = Interval.of(ONE, z.bits)
    if z.lo < 0:
        return one - sigmoid_at(-z)
    return (one + exp_at(-z)).reciprocal()


def pi(bits: int) -> Interval:
    """Machin's formula, 16 atan(1/5) - 4 atan(1/239), with alternating series."""

    def atan_inverse(n: int) -> Interval:
        low = high = 0
        term, k = (1 << (bits + 32)) // n, 1
        while term:
            share = term // k
            if k % 4 == 1:
                low, high = low + share, high + share + 2
            else:
                low, high = low - share - 2, high - share
            term, k = term // (n * n), k + 2
        return Interval((low - 4) >> 32, -(-(high + 4) >> 32), bits)

    return atan_inverse(5).times(16) - atan_inverse(239).times(4)


def normal_density(z: Interval) -> Interval:
    """exp(-z^2/2) / sqrt(2 pi)."""
    square = z.square()
    half = Interval(square.lo // 2, -(-square.hi // 2), z.bits)
    area = pi(z.bits).times(2)
    root = Interval(isqrt(area.lo << z.bits), isqrt(area.hi << z.bits) + 1, z.bits)
    return (-half).exp() * root.reciprocal()


def normal_at(z: Interval) -> Interval:
    """The normal distribution function at a point.

    For 0 <= z <= 32: 1/2 + density(z) (z + z^3/3 + z^5/(3 5) + ...); once z^2 < n/2 the terms after
    t_n sum to at most t_n. Beyond, 1 - exp(-z^2/2) <= value <= 1.
    """
    one, bits = Interval.of(ONE, z.bits), z.bits
    if z.lo < 0:
        return one - normal_at(-z)
    if z.lo >> bits >= 32:
        square = z.square()
        tail = (-Interval(square.lo // 2, -(-square.hi // 2), bits)).exp()
        return Interval((one - tail).lo, one.hi, bits)
    guard = bits + 1024
    wide = Interval(z.lo << 1024, z.hi << 1024, guard)
    square, term, total, n = wide.square(), wide, wide, 1
    while term.hi > 1 or square.hi * 2 >= n << guard:
        n += 2
        raw = term * square
        term = Interval(raw.lo // n, -(-raw.hi // n), guard)
        total = total + term
    total = Interval(total.lo, total.hi + term.hi + 1, guard)
    product = normal_density(wide) * total
    half = 1 << (bits - 1)
    return Interval((product.lo >> 1024) + half, -(-product.hi >> 1024) + half, bits)


def share(differences: Sequence[Interval]) -> Interval:
    """1 / (sum of exp(d)); below 2^-bits if some d > bits, because e > 2."""
    bits = differences[0].bits
    if any(d.lo > bits << bits for d in differences):
        return Interval(0, 1, bits)
    return total_of([d.exp() for d in differences], bits).reciprocal()


# ---------------------------------------------------------------- activations on intervals

Jet = tuple[Interval, Interval, Interval]
"""Value, first and second derivative."""


def sigmoid(z: Interval) -> Jet:
    """Section 3."""
    one = Interval.of(ONE, z.bits)
    s = z.rising(sigmoid_at)
    first = s * (one - s)
    return s, first, first * (one - s.times(2))


def tanh(z: Interval) -> Jet:
    """Tanh z = 2 sigmoid(2z) - 1."""
    one = Interval.of(ONE, z.bits)
    t = z.times(2).rising(sigmoid_at).times(2) - one
    first = one - t.square()
    return t, first, (t * first).times(-2)


def softplus(z: Interval) -> Jet:
    """Its derivative is the sigmoid."""
    s, first, _ = sigmoid(z)
    return z.rising(softplus_at), s, first


def softsign(z: Interval) -> Jet:
    """Z / (1 + |z|); the second derivative jumps at 0, where both sides are covered."""
    inverse = (Interval.of(ONE, z.bits) + z.size()).reciprocal()
    bend = (inverse * inverse * inverse).times(2)
    side = z.sign()
    second = -bend if side > 0 else bend if side < 0 else bend.hull(-bend)
    value = z.rising(lambda at: at * (Interval.of(ONE, z.bits) + at.size()).reciprocal())
    return value, inverse * inverse, second


def gelu(z: Interval) -> Jet:
    """Z times the normal distribution function."""
    share, density = z.rising(normal_at), normal_density(z)
    two = Interval.of(Fraction(2), z.bits)
    return z * share, share + z * density, density * (two - z.square())


def silu(z: Interval) -> Jet:
    """Z sigmoid(z)."""
    s, first, second = sigmoid(z)
    return z * s, s + z * first, first.times(2) + z * second


def elu(z: Interval) -> Jet:
    """Z for z >= 0, exp(z) - 1 below; at 0 the second derivative covers both sides."""
    one, zero = Interval.of(ONE, z.bits), Interval(0, 0, z.bits)
    if z.sign() > 0:
        return z, one, zero
    below = Interval(min(z.lo, 0), min(z.hi, 0), z.bits).exp()
    value = z.rising(lambda at: at if at.lo >= 0 else at.exp() - one)
    return value, below, below if z.sign() < 0 else below.hull(zero)


SMOOTH = {
    "sigmoid": sigmoid, "tanh": tanh, "softplus": softplus, "softsign": softsign,
    "gelu": gelu, "silu": silu, "elu": elu,
}  # fmt: skip

LINEAR = {"relu": ZERO, "abs": -ONE, "identity": ONE}
"""Slope below zero; above it is 1."""


def known_jet(activation: str, below: Fraction | None, z: Fraction) -> tuple[Fraction, Fraction]:
    """Value and derivative where both are rational (5.3, last item)."""
    if below is not None:
        need(z != 0 or below == 1, "a unit is on its kink")
        slope = ONE if z > 0 else below
        return z * slope, slope
    if activation == "softsign":
        return z / (1 + abs(z)), 1 / (1 + abs(z)) ** 2
    if activation == "elu" and z >= 0:
        return z, ONE
    half = Fraction(1, 2)
    table = {
        "sigmoid": (half, half / 2), "tanh": (ZERO, ONE), "gelu": (ZERO, half), "silu": (ZERO, half)
    }  # fmt: skip
    need(z == 0 and activation in table, "an activation value is not known to be rational")
    return table[activation]


# ---------------------------------------------------------------- problem and network

Layers = tuple[tuple[Row, ...], ...]
"""For each layer one row a unit: its incoming weights, then its bias."""


@dataclass(frozen=True)
class Problem:
    """A problem file (section 3), with `x` already extended by a 1."""

    widths: tuple[int, ...]
    activation: str
    below: Fraction | None
    loss: str
    x: tuple[Row, ...]
    y: tuple[Row, ...]
    point: Layers
    groups: tuple[int, ...]

    @property
    def shallow(self) -> bool:
        """Whether there is exactly one hidden layer."""
        return len(self.widths) == 3

    @property
    def rational_outputs(self) -> bool:
        """Whether outputs at rational points are rational."""
        return self.below is not None

    @property
    def kinked(self) -> bool:
        """Whether the activation bends at 0."""
        return self.below is not None and self.below != 1


def keys(data: Any, required: str, optional: str = "") -> Json:
    """The object, if it has exactly the required keys and maybe the optional ones."""
    need(isinstance(data, dict), f"an object with the keys {required} is missing")
    wanted, allowed = set(required.split()), set(required.split()) | set(optional.split())
    need(wanted <= set(data) <= allowed, f"expected the keys {required}, found {sorted(data)[:12]}")
    return data


def rows(data: Any, width: int | None, read: Callable[[Any], Fraction]) -> tuple[Row, ...]:
    """A rectangular matrix with at least one row."""
    need(
        isinstance(data, list) and len(data) > 0 and all(isinstance(r, list) for r in data),
        "no matrix",
    )
    matrix = tuple(tuple(read(entry) for entry in row) for row in data)
    width = len(matrix[0]) if width is None else width
    need(all(len(row) == width for row in matrix) and width > 0, "a matrix has a wrong width")
    return matrix


def layers(data: Any, widths: Sequence[int], read: Callable[[Any], Fraction] = rational) -> Layers:
    """A point of the network's shape."""
    listed = keys(data, "layers")["layers"]
    need(isinstance(listed, list) and len(listed) == len(widths) - 1, "wrong number of layers")
    result: list[tuple[Row, ...]] = []
    for layer, wide, high in zip(listed, widths[:-1], widths[1:], strict=True):
        parts = keys(layer, "weight bias")
        weight = rows(parts["weight"], wide, read)
        (bias,) = rows([parts["bias"]], high, read)
        need(len(weight) == high, "a layer has a wrong number of units")
        result.append(tuple((*row, b) for row, b in zip(weight, bias, strict=True)))
    return tuple(result)


def read_problem(data: Any) -> Problem:
    """Reads the embedded problem."""
    parts = keys(data, "format network loss data point", "witness")
    need(parts["format"] == "spurious-problem/1", "unknown problem format")
    network = keys(parts["network"], "widths activation", "slope")
    widths, activation, loss = network["widths"], network["activation"], parts["loss"]
    need(
        isinstance(widths, list)
        and len(widths) >= 2
        and all(type(w) is int and w > 0 for w in widths),
        "the widths are not at least two positive integers",
    )
    need(isinstance(activation, str), "the activation is not a name")
    below = LINEAR.get(activation)
    if activation == "leaky_relu":
        below = number(network.get("slope"))
    else:
        need("slope" not in network, "only leaky_relu has a slope")
        need(below is not None or activation in SMOOTH, "unknown activation")
    if len(widths) == 2:
        below = ONE
    need(loss in ("squared", "logistic", "cross_entropy"), "unknown loss")
    both = keys(parts["data"], "x y")
    x = rows(both["x"], widths[0], number)
    y = rows(both["y"], 1 if loss == "cross_entropy" else widths[-1], number)
    need(len(x) == len(y), "x and y have different lengths")
    if loss == "logistic":
        need(all(abs(v) == 1 for row in y for v in row), "a logistic label is not -1 or 1")
    if loss == "cross_entropy":
        need(widths[-1] > 1, "cross entropy needs two outputs")
        need(all(v.denominator == 1 and 0 <= v < widths[-1] for (v,) in y), "a label is no class")
    point = layers(parts["point"], widths, number)
    groups = tuple(x.index(row) for row in x)
    extended = tuple((*row, ONE) for row in x)
    return Problem(tuple(widths), activation, below, loss, extended, y, point, groups)


def act(z: Fraction, below: Fraction) -> Fraction:
    """A homogeneous activation."""
    return z if z >= 0 else below * z


@dataclass(frozen=True)
class Values:
    """A homogeneous network at a point: pre-activations [layer][i], last input, outputs, g."""

    hidden: list[list[Row]]
    features: list[Row]
    outputs: list[Row]
    g: list[list[Exact]]


def evaluate(problem: Problem, point: Layers) -> Values:
    """Exact evaluation, and the exact derivative of the loss (section 4)."""
    need(problem.below is not None, "this rule needs a homogeneous activation")
    below = problem.below or ZERO
    states = list(problem.x)
    hidden: list[list[Row]] = []
    for layer in point[:-1]:
        hidden.append([tuple(dot(row, state) for row in layer) for state in states])
        states = [(*(act(z, below) for z in zs), ONE) for zs in hidden[-1]]
    outputs = [tuple(dot(row, state) for row in point[-1]) for state in states]
    g = [loss_slope(problem.loss, f, y) for f, y in zip(outputs, problem.y, strict=True)]
    return Values(hidden, states, outputs, g)


def loss_slope(loss: str, outputs: Row, target: Row) -> list[Exact]:
    """The values g at one point (section 4)."""
    if loss == "squared":
        return [{(): 2 * (f - y)} for f, y in zip(outputs, target, strict=True)]
    if loss == "logistic":
        result: list[Exact] = []
        for f, y in zip(outputs, target, strict=True):
            m = y * f
            if m == 0:
                result.append({(): -y / 2})
            else:
                result.append({(m,): -y} if m > 0 else {(): -y, (-m,): y})
        return result
    top = max(outputs)
    shares: list[Exact] = [{} for _ in outputs]
    for k, own in enumerate(outputs):
        if own != top:
            others = sorted(f - own for i, f in enumerate(outputs) if i != k)
            shares[k] = {tuple(others): ONE}
    equal = Fraction(sum(f == top for f in outputs))
    rest = combine([(ONE / equal, {(): ONE})] + [(-ONE / equal, share) for share in shares])
    slopes = [
        dict(share) if own != top else dict(rest)
        for share, own in zip(shares, outputs, strict=True)
    ]
    add(slopes[int(target[0])], {(): ONE}, -ONE)
    return slopes


def weighted(
    values: Values, points: Sequence[int], vectors: Sequence[Row], output: int
) -> list[Exact]:
    """The vector sum of g_ik vectors_i over the points."""
    totals: list[Exact] = [{} for _ in vectors[0]]
    for i in points:
        for total, entry in zip(totals, vectors[i], strict=True):
            if entry:
                add(total, values.g[i][output], entry)
    return totals


def zero(vector: Sequence[Exact]) -> bool:
    """Whether all entries are exactly zero."""
    return all(sign(entry) == 0 for entry in vector)


def sums_vanish(
    problem: Problem, values: Values, points: Sequence[int], vectors: Sequence[Row]
) -> bool:
    """Whether the weighted sum vanishes for every output."""
    return all(zero(weighted(values, points, vectors, k)) for k in range(problem.widths[-1]))


def members(names: Sequence[Any]) -> dict[Any, list[int]]:
    """Indices by name."""
    result: dict[Any, list[int]] = {}
    for i, name in enumerate(names):
        result.setdefault(name, []).append(i)
    return result


# ---------------------------------------------------------------- what a rule establishes


@dataclass(frozen=True)
class Established:
    """What a rule proves beyond the verdict; the claim has to say the same."""

    loss: Callable[[int], Interval] | Fraction
    strict: str = "unknown"
    strict_up_to_rescaling: str = "unknown"
    flat_dimension: int | None = None
    eigenvalue_bound: Fraction | None = None
    radius: Fraction | None = None
    valley_limit: Callable[[int], Interval] | Fraction | None = None
    exact_point: Layers | None = None


@dataclass(frozen=True)
class Case:
    """A certificate being checked."""

    problem: Problem
    verdict: str
    claim: dict[str, Any]
    proof: dict[str, Any]

    def rule_point(self) -> Layers:
        """Where the rules 5.1 to 5.2 apply: the problem's point, or the exact one nearby."""
        if self.verdict == "local_minimum":
            need("point" not in self.proof, "a local minimum carries no other point")
            return self.problem.point
        need(self.verdict == "local_minimum_nearby", "the rule does not prove this verdict")
        return layers(self.proof.get("point"), self.problem.widths)

    def minimum(self, point: Layers, **flatness: Any) -> Established:
        """A minimum at an exact point."""
        nearby = self.verdict == "local_minimum_nearby"
        return Established(
            loss=loss_at(self.problem, point),
            radius=distance(point, self.problem.point) if nearby else None,
            exact_point=point,
            **flatness,
        )

    def proof_keys(self, required: str) -> None:
        """The proof has the rule's keys, with "point" if the minimum is nearby and exact."""
        keys(self.proof, f"rule {required}", "point")


def parameters(point: Layers) -> Iterator[Fraction]:
    """All parameters, one after the other."""
    return (value for layer in point for row in layer for value in row)


def distance(left: Layers, right: Layers) -> Fraction:
    """The largest difference of a parameter."""
    return max(abs(a - b) for a, b in zip(parameters(left), parameters(right), strict=True))


def loss_at(problem: Problem, point: Layers) -> Callable[[int], Interval] | Fraction:
    """The loss at a point: a rational for the squared loss of rational outputs, else intervals."""
    if problem.rational_outputs:
        values = evaluate(problem, point)
        if problem.loss == "squared":
            return sum((g[()] ** 2 / 4 for row in values.g for g in row), ZERO)
        return lambda bits: loss_of(
            problem, [[Interval.of(f, bits) for f in row] for row in values.outputs]
        )
    return lambda bits: loss_of(problem, sweep(problem, point, bits).outputs)


def loss_of(problem: Problem, outputs: Sequence[Sequence[Interval]]) -> Interval:
    """The loss of enclosed outputs."""
    bits = outputs[0][0].bits
    total = Interval(0, 0, bits)
    for f, y in zip(outputs, problem.y, strict=True):
        if problem.loss == "cross_entropy":
            label, top = f[int(y[0])], max(f, key=lambda value: value.hi)
            inside = [(other - top).exp() for other in f]
            total = total + total_of(inside, bits).rising(log_at) + top - label
            continue
        for value, target in zip(f, y, strict=True):
            if problem.loss == "squared":
                total = total + (value - Interval.of(target, bits)).square()
            else:
                total = total + (-value * Interval.of(target, bits)).rising(softplus_at)
    return total


def total_of(values: Sequence[Interval], bits: int) -> Interval:
    """The sum."""
    total = Interval(0, 0, bits)
    for value in values:
        total = total + value
    return total


def general_flatness(problem: Problem) -> dict[str, Any]:
    """5.4: a homogeneous network with hidden units has no strict minimum."""
    return {"strict": "no"} if problem.rational_outputs and len(problem.widths) > 2 else {}


# ---------------------------------------------------------------- exact rules for minima


def is_pointwise_optimum(problem: Problem, point: Layers) -> bool:
    """Whether over every group of equal inputs the g_ik sum to zero."""
    values = evaluate(problem, point)
    ones = [(ONE,)] * len(problem.x)
    return all(sums_vanish(problem, values, g, ones) for g in members(problem.groups).values())


def classwise_optimum(case: Case) -> Established:
    """5.2: affine maps on every activation pattern, constants where a layer is dead."""
    case.proof_keys("")
    problem, point = case.problem, case.rule_point()
    values = evaluate(problem, point)
    ones = [(ONE,)] * len(problem.x)
    for name, points in members(classes(problem, values)).items():
        if name == "loose":
            for group in {problem.groups[i] for i in points}:
                equal = [i for i, g in enumerate(problem.groups) if g == group]
                need(sums_vanish(problem, values, equal, ones), "a point on a kink pulls")
        else:
            vectors = ones if isinstance(name, int) else problem.x
            need(sums_vanish(problem, values, points, vectors), "a class of points pulls")
    return case.minimum(point, **general_flatness(problem))


def classes(problem: Problem, values: Values) -> list[Any]:
    """5.2: the last dead layer, or the signs, or loose."""
    names: list[Any] = []
    for i in range(len(problem.x)):
        zs = [layer[i] for layer in values.hidden]
        dead = [n for n, layer in enumerate(zs) if all(z < 0 for z in layer)]
        if problem.activation == "relu" and dead:
            names.append(dead[-1])
        elif not problem.kinked:
            names.append(())
        elif all(z for layer in zs for z in layer):
            names.append(tuple(z > 0 for layer in zs for z in layer))
        else:
            names.append("loose")
    return names


@dataclass(frozen=True)
class Unit:
    """lin_jk, and C_rk by group, of one hidden unit (5.1)."""

    linear: list[list[Exact]]
    kinks: dict[int, list[Exact]]


def unit_derivative(problem: Problem, values: Values, j: int) -> Unit:
    """5.1."""
    q = problem.below or ZERO
    half = (1 + q) / 2
    slopes = [ONE if z[j] > 0 else q if z[j] < 0 else half for z in values.hidden[0]]
    scaled = [tuple(s * entry for entry in x) for s, x in zip(slopes, problem.x, strict=True)]
    everything = range(len(problem.x))
    outputs = range(problem.widths[-1])
    kinks: dict[int, list[Exact]] = {}
    for i in everything:
        if problem.kinked and values.hidden[0][i][j] == 0:
            sums = kinks.setdefault(problem.groups[i], [{} for _ in outputs])
            for k in outputs:
                add(sums[k], values.g[i][k], (1 - q) / 2)
    return Unit([weighted(values, everything, scaled, k) for k in outputs], kinks)


def one_sided_derivatives(case: Case) -> Established:
    """5.1: no direction of any hidden unit descends, kinks included."""
    problem = case.problem
    case.proof_keys("units epsilon" if problem.widths[-1] > 1 else "units")
    need(problem.shallow, "the rule needs exactly one hidden layer")
    point = case.rule_point()
    values = evaluate(problem, point)
    ones = [(ONE,)] * len(problem.x)
    need(sums_vanish(problem, values, range(len(ones)), ones), "the output bias pulls")
    listed = case.proof["units"]
    need(isinstance(listed, list) and len(listed) == problem.widths[1], "one list a unit")
    for j, trees in enumerate(listed):
        outgoing = tuple(row[j] for row in point[1])
        unit = unit_derivative(problem, values, j)
        need(isinstance(trees, list), "the trees of a unit are not a list")
        if not any(outgoing):
            need(trees == [], "a unit with zero output weights needs no tree")
            need(all(zero(row) for row in unit.linear), f"unit {j} pulls")
            need(all(zero(row) for row in unit.kinks.values()), f"unit {j} pulls at a kink")
            continue
        vectors = test_vectors(outgoing, case.proof)
        need(len(trees) == len(vectors), "one tree a test vector")
        for vector, tree in zip(vectors, trees, strict=True):
            linear = [combine(list(zip(vector, column, strict=True)))
                      for column in zip(*unit.linear, strict=True)]  # fmt: skip
            bends = {r: combine(list(zip(vector, c, strict=True))) for r, c in unit.kinks.items()}
            check_tree(problem.x, linear, bends, tree, {})
    return case.minimum(point, **shallow_flatness(problem, point, values))


def test_vectors(outgoing: Row, proof: dict[str, Any]) -> list[Row]:
    """5.1: the sign of v_j, or V_j +- epsilon e_k."""
    if len(outgoing) == 1:
        return [(ONE if outgoing[0] > 0 else -ONE,)]
    epsilon = rational(proof["epsilon"])
    need(epsilon > 0, "epsilon is not positive")
    return [
        tuple(v + step if i == k else v for i, v in enumerate(outgoing))
        for k in range(len(outgoing))
        for step in (epsilon, -epsilon)
    ]


def check_tree(
    x: Sequence[Row], linear: list[Exact], bends: dict[int, Exact], tree: Any, signs: dict[int, int]
) -> None:
    """5.1: l.u + sum of c_r |u.x_r| >= 0 on the cone of the signs assumed so far."""
    need(isinstance(tree, dict), "a tree is not an object")
    if "split" in tree:
        r = keys(tree, "split plus minus")["split"]
        need(type(r) is int and r in bends and r not in signs, "a split at the wrong group")
        need(sign(bends[r]) < 0, "a split where the function is convex")
        check_tree(x, linear, bends, tree["plus"], {**signs, r: 1})
        check_tree(x, linear, bends, tree["minus"], {**signs, r: -1})
        return
    parts = keys(tree, "", "dominated tau mu")
    total = [dict(entry) for entry in linear]

    def move(value: Exact, factor: Fraction, row: Row) -> None:
        for entry, component in zip(total, row, strict=True):
            if component:
                add(entry, value, factor * component)

    for s, side in signs.items():
        move(bends[s], Fraction(side), x[s])
    dominated = by_group(parts.get("dominated", {}))
    need(not set(dominated) & set(signs), "a group is both split and dominated")
    for r, c in bends.items():
        need(sign(c) >= 0 or r in signs or r in dominated, f"group {r} is not accounted for")
    for r, multipliers in dominated.items():
        need(r in bends and sign(bends[r]) < 0, "a dominated group is convex")
        m = {s: rational(value) for s, value in by_group(multipliers).items()}
        need(set(m) <= set(signs), "a multiplier for a group that is not split")
        reach = tuple(sum((m[s] * signs[s] * x[s][k] for s in m), ZERO) for k in range(len(x[0])))
        need(reach == x[r], f"the multipliers of group {r} do not give its input")
        for s, value in m.items():
            move(bends[r], abs(value) * signs[s], x[s])
    for r, value in by_group(parts.get("tau", {})).items():
        tau = softmax_number(value)
        need(r in bends and sign(bends[r]) >= 0, "tau at the wrong group")
        need(sign(combine([(ONE, bends[r]), (-ONE, tau)])) >= 0, "tau is too large")
        need(sign(combine([(ONE, bends[r]), (ONE, tau)])) >= 0, "tau is too small")
        move(tau, ONE, x[r])
    for s, value in by_group(parts.get("mu", {})).items():
        mu = softmax_number(value)
        need(s in signs and sign(mu) >= 0, "mu is negative or at the wrong group")
        move(mu, Fraction(-signs[s]), x[s])
    need(zero(total), "the multipliers do not balance")


def by_group(data: Any) -> dict[int, Any]:
    """An object whose keys are indices."""
    need(isinstance(data, dict), "multipliers are not an object")
    need(all(key.isascii() and key.isdigit() for key in data), "a key is not an index")
    need(len({int(key) for key in data}) == len(data), "an index occurs twice")
    return {int(key): value for key, value in data.items()}


def shallow_flatness(problem: Problem, point: Layers, values: Values) -> dict[str, Any]:
    """5.1, last paragraph."""
    if problem.widths[-1] > 1 or problem.loss == "cross_entropy":
        return {"strict": "no"}
    weights = point[1][0][:-1]
    if not all(weights):
        return {"strict": "no", "strict_up_to_rescaling": "no"}
    q = problem.below or ZERO
    width, hidden = len(problem.x[0]), len(weights)
    free: list[Row] = []
    design: list[Row] = []
    held: list[Row] = []
    for i, x in enumerate(problem.x):
        zs = values.hidden[0][i]
        slopes = [(ONE if z >= 0 else q) * (1 if v > 0 else -1)
                  for z, v in zip(zs, weights, strict=True)]  # fmt: skip
        row = (*(s * entry for s in slopes for entry in x), ONE)
        design.append(row)
        if not problem.kinked or all(zs):
            free.append(row)
        for j, z in enumerate(zs):
            if problem.kinked and z == 0:
                held.append((ZERO,) * (j * width) + x + (ZERO,) * ((hidden - j - 1) * width + 1))
    size = hidden * width + 1
    upper, lower = size - rank(free), size - rank(design + held)
    not_yes = "no" if lower > 0 else "unknown"
    return {
        "strict": "no",
        "strict_up_to_rescaling": "yes" if upper == 0 else not_yes,
        "flat_dimension": upper + hidden if upper == lower else None,
    }


def constant_output(case: Case) -> Established:
    """5.4: a dead layer, and an output bias whose best value is enclosed."""
    keys(case.proof, "rule radius")
    problem = case.problem
    need(case.verdict == "local_minimum_nearby", "the rule proves a minimum nearby")
    need(problem.loss != "cross_entropy", "the loss does not separate")
    values = evaluate(problem, problem.point)
    names = classes(problem, values)
    need(isinstance(names[0], int) and len(set(names)) == 1, "no single dead class")
    radius = rational(case.proof["radius"])
    need(radius > 0, "the radius is not positive")

    def pull(k: int, shift: Fraction) -> Exact:
        slopes = [loss_slope(problem.loss, (values.outputs[0][k] + shift,), (y[k],))[0]
                  for y in problem.y]  # fmt: skip
        return combine([(ONE, slope) for slope in slopes])

    outputs = range(problem.widths[-1])
    for k in outputs:
        need(sign(pull(k, -radius)) < 0 < sign(pull(k, radius)), f"output {k} is not enclosed")
    at_point = loss_at(problem, problem.point)

    def loss(bits: int) -> Interval:
        top = Interval.of(at_point, bits) if isinstance(at_point, Fraction) else at_point(bits)
        slopes = total_of([enclose(pull(k, ZERO), bits).size() for k in outputs], bits)
        return top.hull(top - slopes * Interval.of(radius, bits))

    return Established(loss=loss, radius=radius, **general_flatness(problem))


# ---------------------------------------------------------------- derivatives in intervals


@dataclass(frozen=True)
class Sweep:
    """A network over a box of parameters, on all data.

    `hidden` are the pre-activations [i][layer][unit], `outputs` f [i][k], `first` the derivatives
    of the loss along each direction, `second` its second derivatives along each pair of directions.
    """

    hidden: list[list[list[Interval]]]
    outputs: list[list[Interval]]
    first: list[Interval]
    second: list[list[Interval]]


def sweep(
    problem: Problem,
    point: Layers,
    bits: int,
    directions: Sequence[Layers] = (),
    radius: Fraction = ZERO,
    order: int = 2,
) -> Sweep:
    """Carries values and derivatives forward through the network (section 6.1 and 6.3).

    The box is the point +- radius times the absolute values of the directions. Along directions p,
    q: dz_p = T_p a + W da_p and ddz_pq = T_p da_q + T_q da_p + W dda_pq; then da_p = act' dz_p and
    dda_pq = act'' dz_p dz_q + act' ddz_pq.
    """
    zero = Interval(0, 0, bits)
    turns = [
        [[[Interval.of(v, bits) for v in row] for row in layer] for layer in d] for d in directions
    ]
    around = Interval.of(radius, bits)
    spread = Interval(-around.hi, around.hi, bits)
    layers_ = [[[Interval.of(v, bits) for v in row] for row in layer] for layer in point]
    for turn in turns if radius else ():
        for layer, moves in zip(layers_, turn, strict=True):
            for row, move in zip(layer, moves, strict=True):
                row[:] = [
                    v + t * spread if t.lo or t.hi else v for v, t in zip(row, move, strict=True)
                ]
    size = range(len(directions))
    first, second = [zero for _ in size], [[zero for _ in size] for _ in size]
    all_hidden: list[list[list[Interval]]] = []
    all_outputs: list[list[Interval]] = []
    for x, y in zip(problem.x, problem.y, strict=True):
        a = [Interval.of(v, bits) for v in x]
        da = [[zero] * len(a) for _ in size]
        dda = {(p, q): [zero] * len(a) for p in size for q in size if p <= q and order > 1}
        hidden: list[list[Interval]] = []
        for level, layer in enumerate(layers_):
            z = [along(row, a) for row in layer]
            dz = [
                [along(t, a) + along(w, da[p]) for w, t in zip(layer, turns[p][level], strict=True)]
                for p in size
            ]
            ddz = {
                (p, q): [
                    along(t, da[q]) + along(u, da[p]) + along(w, bend)
                    for w, t, u in zip(layer, turns[p][level], turns[q][level], strict=True)
                ]
                for (p, q), bend in dda.items()
            }
            if level == len(layers_) - 1:
                g, curvature = output_slopes(problem.loss, z, y)
                for p in size:
                    first[p] = first[p] + along(g, dz[p])
                for (p, q), bend in ddz.items():
                    bent = along([along(row, dz[p]) for row in curvature], dz[q]) + along(g, bend)
                    second[p][q] = second[q][p] = second[q][p] + bent
                all_outputs.append(z)
                break
            hidden.append(z)
            jets = [activation(problem, value) for value in z]
            a = [*(jet[0] for jet in jets), Interval.of(ONE, bits)]
            da = [
                [*(scaled(jet[1], r) for jet, r in zip(jets, rates, strict=True)), zero]
                for rates in dz
            ]
            dda = {(p, q): [*(scaled(scaled(jet[2], dz[p][j]), dz[q][j]) + scaled(jet[1], bend[j])
                              for j, jet in enumerate(jets)), zero]
                   for (p, q), bend in ddz.items()}  # fmt: skip
        all_hidden.append(hidden)
    return Sweep(all_hidden, all_outputs, first, second)


def scaled(a: Interval, b: Interval) -> Interval:
    """The product, quick where a factor is exactly zero."""
    return a * b if (a.lo or a.hi) and (b.lo or b.hi) else Interval(0, 0, a.bits)


def along(left: Sequence[Interval], right: Sequence[Interval]) -> Interval:
    """The inner product."""
    return total_of([scaled(a, b) for a, b in zip(left, right, strict=True)], left[0].bits)


def activation(problem: Problem, z: Interval) -> Jet:
    """The activation with two derivatives; a piecewise linear one off its kink only."""
    if problem.below is None:
        return SMOOTH[problem.activation](z)
    one = Interval.of(ONE, z.bits)
    need(z.sign() != 0 or not problem.kinked, "a unit may be on its kink")
    slope = one if z.sign() > 0 else Interval.of(problem.below, z.bits)
    return z * slope, slope, Interval(0, 0, z.bits)


def output_slopes(
    loss: str, f: list[Interval], y: Row
) -> tuple[list[Interval], list[list[Interval]]]:
    """First and second derivative of the loss in the outputs at one point."""
    bits, size = f[0].bits, range(len(f))
    one, zero = Interval.of(ONE, bits), Interval(0, 0, bits)
    if loss == "cross_entropy":
        p = [share([other - own for other in f]) for own in f]
        first = [p[k] - one if k == int(y[0]) else p[k] for k in size]
        return first, [[p[k] * ((one if k == m else zero) - p[m]) for m in size] for k in size]
    labels = [Interval.of(v, bits) for v in y]
    if loss == "squared":
        first = [(value - label).times(2) for value, label in zip(f, labels, strict=True)]
        own = [one.times(2) for _ in size]
    else:
        shares = [(-(label * v)).rising(sigmoid_at) for v, label in zip(f, labels, strict=True)]
        first = [-(label * s) for s, label in zip(shares, labels, strict=True)]
        own = [s * (one - s) for s in shares]
    return first, [[own[k] if k == m else zero for m in size] for k in size]


def unit_directions(problem: Problem, free: Sequence[int]) -> list[Layers]:
    """The directions of single parameters."""
    where = positions(problem.widths)
    return [
        tuple(
            tuple(
                tuple(ONE if (level, j, k) == where[p] else ZERO for k in range(wide + 1))
                for j in range(high)
            )
            for level, (wide, high) in enumerate(pairwise(problem.widths))
        )
        for p in free
    ]


def positions(widths: Sequence[int]) -> list[tuple[int, int, int]]:
    """(layer, unit, incoming) of every parameter index; the bias comes after the weights."""
    result: list[tuple[int, int, int]] = []
    for level, (wide, high) in enumerate(pairwise(widths)):
        result += [(level, j, k) for j in range(high) for k in range(wide)]
        result += [(level, j, wide) for j in range(high)]
    return result


def definite(matrix: list[list[Interval]], bound: Fraction, transform: tuple[Row, ...]) -> bool:
    """Whether S (H - bound I) S^T is strictly diagonally dominant with positive diagonal."""
    size = range(len(matrix))
    bits = matrix[0][0].bits
    s = [[Interval.of(entry, bits) for entry in row] for row in transform]
    shift = Interval.of(bound, bits)
    shifted = [[matrix[i][j] - shift if i == j else matrix[i][j] for j in size] for i in size]
    half = [[total_of([s[i][m] * shifted[m][j] for m in size], bits) for j in size] for i in size]
    for i in size:
        row = [total_of([half[i][m] * s[j][m] for m in size], bits) for j in size]
        others = total_of([row[j].size() for j in size if j != i], bits)
        if (row[i] - others).sign() <= 0:
            return False
    return True


def strongly_convex(
    case: Case,
    size: int,
    hessian: Callable[[int], list[list[Interval]]],
    gradient: Callable[[int], list[Interval]] | None,
) -> tuple[Fraction, Fraction]:
    """Theorem 5: lambda and r, if the Hessian and (unless it is zero) the gradient allow them."""
    radius, bound = rational(case.proof["radius"]), rational(case.claim["eigenvalue_bound"])
    need(radius > 0 and bound > 0, "the radius or the eigenvalue bound is not positive")
    transform = rows(case.proof["transform"], size, rational)
    need(len(transform) == size, "the transform has a wrong size")
    for bits in BITS:
        if not definite(hessian(bits), bound, transform):
            continue
        if gradient is None:
            return bound, radius
        square = total_of([g.square() for g in gradient(bits)], bits)
        if 4 * square.upper < (bound * radius) ** 2:
            return bound, radius
    raise Invalid("the loss is not shown to be strongly convex with a small gradient")


def below_centre(
    loss: Callable[[int], Interval], gradient: Callable[[int], list[Interval]], bound: Fraction
) -> Callable[[int], Interval]:
    """Theorem 5: the minimum's loss lies in [L - |gradient|^2 / (2 lambda), L]."""

    def enclosure(bits: int) -> Interval:
        top = loss(bits)
        square = total_of([g.square() for g in gradient(bits)], bits)
        return top.hull(top - Interval.of(square.upper / (2 * bound), bits))

    return enclosure


def convex_ball(case: Case) -> Established:
    """5.3: strong convexity on a box, and a minimum inside or at its centre."""
    keys(case.proof, "rule centre radius fixed transform")
    problem = case.problem
    centre = layers(case.proof["centre"], problem.widths)
    count = len(positions(problem.widths))
    fixed = case.proof["fixed"]
    need(
        isinstance(fixed, list) and all(type(p) is int for p in fixed),
        "fixed is no list of indices",
    )
    need(
        fixed == sorted(set(fixed)) and all(0 <= p < count for p in fixed),
        "fixed is not increasing",
    )
    free = [p for p in range(count) if p not in set(fixed)]
    need(bool(free), "no parameter is free")
    directions, size = unit_directions(problem, free), rational(case.proof["radius"])
    smooth = problem.below is None or len(problem.widths) == 2
    dead = 0 if smooth else check_slice(problem, centre, set(fixed), directions, size)
    need(not smooth or not fixed, "with a smooth activation nothing is fixed")
    exact = case.verdict == "local_minimum"
    need(exact or case.verdict == "local_minimum_nearby", "the rule does not prove this verdict")
    if exact:
        need(centre == problem.point, "the centre is not the point")
        slopes = exact_gradient(problem, centre)
        need(zero([slopes[p] for p in free]), "the gradient is not exactly zero")

    def gradient(bits: int) -> list[Interval]:
        return sweep(problem, centre, bits, directions, order=1).first

    def hessian(bits: int) -> list[list[Interval]]:
        return sweep(problem, centre, bits, directions, size).second

    bound, radius = strongly_convex(case, len(free), hessian, None if exact else gradient)
    at = loss_at(problem, centre)
    as_interval = (lambda bits: Interval.of(at, bits)) if isinstance(at, Fraction) else at
    return Established(
        loss=at if exact else below_centre(as_interval, gradient, bound),
        strict="yes" if smooth else "no",
        strict_up_to_rescaling="no" if dead else "yes",
        flat_dimension=len(fixed),
        eigenvalue_bound=bound,
        radius=None if exact else distance(centre, problem.point) + radius,
        exact_point=centre if exact else None,
    )


def check_slice(
    problem: Problem, centre: Layers, fixed: set[int], directions: list[Layers], radius: Fraction
) -> int:
    """5.3: what is fixed is dead or removes one rescaling each. Returns how many units are dead."""
    box = sweep(problem, centre, 256, directions, radius, order=1).hidden
    signs = [[[z.sign() for z in layer] for layer in point] for point in box]
    dead = {
        (level, j)
        for level in range(len(centre) - 1)
        for j in range(problem.widths[level + 1])
        if problem.activation == "relu" and all(point[level][j] < 0 for point in signs)
    }
    gauges: set[tuple[int, int]] = set()
    for index, (level, j, k) in enumerate(positions(problem.widths)):
        into_dead = (level, j) in dead
        out_of_dead = k < problem.widths[level] and (level - 1, k) in dead
        if into_dead or out_of_dead:
            need(index in fixed, "a parameter of a dead unit is not fixed")
        elif index in fixed:
            need(level < len(centre) - 1, "an output weight is fixed")
            need((level, j) not in gauges, "a unit has two fixed parameters")
            need(centre[level][j][k] != 0, "a fixed parameter is zero")
            gauges.add((level, j))
    return len(dead)


def exact_gradient(problem: Problem, point: Layers) -> list[Exact]:
    """The gradient where all activation values and slopes are rational (5.3)."""
    total: list[Exact] = [{} for _ in positions(problem.widths)]
    for x, y in zip(problem.x, problem.y, strict=True):
        states, slants = [x], list[list[Fraction]]()
        for layer in point[:-1]:
            jets = [
                known_jet(problem.activation, problem.below, dot(row, states[-1])) for row in layer
            ]
            states.append((*(value for value, _ in jets), ONE))
            slants.append([slant for _, slant in jets])
        outputs = tuple(dot(row, states[-1]) for row in point[-1])
        deltas = [loss_slope(problem.loss, outputs, y)]
        for level in range(len(point) - 1, 0, -1):
            deltas.insert(0, [
                combine([(row[j] * slant, d) for row, d in zip(point[level], deltas[0],
                strict=True)]) for j, slant in enumerate(slants[level - 1])
            ])  # fmt: skip
        for p, (level, j, k) in enumerate(positions(problem.widths)):
            add(total[p], deltas[level][j], states[level][k])
    return total


@dataclass(frozen=True)
class Face:
    """5.5: live units with held groups and bases, in the order of the coordinates."""

    held: dict[int, tuple[int, ...]]
    bases: dict[int, tuple[Row, ...]] = field(default_factory=dict[int, tuple[Row, ...]])


def kinked_ball(case: Case) -> Established:
    """5.5: a minimum with some data exactly on kinks, under the logistic loss."""
    keys(case.proof, "rule centre radius units transform")
    problem, radius = case.problem, rational(case.proof["radius"])
    centre = layers(case.proof["centre"], problem.widths)
    need(case.verdict == "local_minimum_nearby" and problem.loss == "logistic", "wrong rule")
    need(problem.shallow and problem.widths[-1] == 1 and problem.kinked, "wrong network")
    need(centre[1][0][:-1] == problem.point[1][0][:-1], "the output weights have moved")
    need(radius > 0, "the radius is not positive")
    values = evaluate(problem, centre)
    face = read_face(problem, centre, values, case.proof["units"])
    q = problem.below or ZERO
    design: list[Row] = []
    for i, x in enumerate(problem.x):
        entries: list[Fraction] = []
        for j, basis in face.bases.items():
            z, v = values.hidden[0][i][j], centre[1][0][j]
            if problem.groups[i] in face.held[j]:
                entries += [ZERO] * len(basis)
                continue
            steps = [dot(move, x) for move in basis]
            need(abs(z) > radius * sum(map(abs, steps)), "a unit may bend at a free point")
            entries += [v * (ONE if z > 0 else q) * step for step in steps]
        design.append((*entries, ONE))
    size = len(design[0])

    def shares(bits: int, spread: Fraction) -> list[Interval]:
        result: list[Interval] = []
        for f, y, row in zip(values.outputs, problem.y, design, strict=True):
            reach = spread * sum(map(abs, row))
            ends = [Interval.of(-y[0] * (f[0] + step), bits) for step in (-reach, reach)]
            result.append(ends[0].hull(ends[1]).rising(sigmoid_at))
        return result

    def gradient(bits: int) -> list[Interval]:
        pulls = [
            s * Interval.of(-y[0], bits) for s, y in zip(shares(bits, ZERO), problem.y, strict=True)
        ]
        return [along(pulls, [Interval.of(row[p], bits) for row in design]) for p in range(size)]

    def hessian(bits: int) -> list[list[Interval]]:
        one = Interval.of(ONE, bits)
        own = [s * (one - s) for s in shares(bits, radius)]
        return [
            [
                along(own, [Interval.of(row[p] * row[m], bits) for row in design])
                for m in range(size)
            ]
            for p in range(size)
        ]

    bound, _ = strongly_convex(case, size, hessian, gradient)
    for j, groups in face.held.items():
        if groups:
            check_held(problem, centre, values, j, groups, lambda bits: shares(bits, radius))
    at = loss_at(problem, centre)
    need(not isinstance(at, Fraction), "the loss is not logistic")
    widest = max([ONE, *(sum(abs(move[k]) for move in basis) for basis in face.bases.values()
                         for k in range(len(problem.x[0])))])  # fmt: skip
    dead = problem.widths[1] - len(face.held)
    return Established(
        loss=below_centre(at, gradient, bound),  # type: ignore[arg-type]
        strict="no",
        strict_up_to_rescaling="no" if dead else "yes",
        flat_dimension=len(face.held) + dead * (problem.widths[0] + 2),
        eigenvalue_bound=bound,
        radius=distance(centre, problem.point) + radius * widest,
    )


def read_face(problem: Problem, centre: Layers, values: Values, listed: Any) -> Face:
    """5.5, first item."""
    need(isinstance(listed, list) and len(listed) == problem.widths[1], "one entry a unit")
    face = Face({})
    for j, entry in enumerate(listed):
        zs = [z[j] for z in values.hidden[0]]
        if entry is None:
            need(problem.below == 0 and all(z < 0 for z in zs), "a unit is not dead")
            continue
        parts = keys(entry, "held basis")
        groups = parts["held"]
        need(isinstance(groups, list) and all(type(r) is int for r in groups), "held is no list")
        need(groups == sorted(set(groups)) and set(groups) <= set(problem.groups), "no such group")
        need(all(zs[r] == 0 for r in groups), "a held input is not on the kink")
        normals = [problem.x[r] for r in groups]
        need(rank(normals) == len(normals), "the held inputs are dependent")
        width = len(problem.x[0])
        basis = rows(parts["basis"], width, rational) if len(groups) < width else ()
        need(len(basis) == width - len(groups), "a basis has a wrong size")
        need(len(basis) > 0 or parts["basis"] == [], "a basis where nothing can move")
        need(all(dot(move, x) == 0 for move in basis for x in normals), "a move leaves the kink")
        need(centre[1][0][j] != 0, "a live unit has no output weight")
        face.held[j] = tuple(groups)
        face.bases[j] = basis
    return face


def check_held(
    problem: Problem,
    centre: Layers,
    values: Values,
    j: int,
    groups: tuple[int, ...],
    shares: Callable[[int], list[Interval]],
) -> None:
    """5.5: |tau_r| < sign(v_j) C_jr over the whole box."""
    q = problem.below or ZERO
    slopes: list[Fraction] = []
    for i, z in enumerate(values.hidden[0]):
        on_kink = problem.groups[i] in groups
        slopes.append((1 + q) / 2 if on_kink else ONE if z[j] > 0 else q)
    normals = [problem.x[r] for r in groups]
    duals = solve([[dot(a, b) for b in normals] for a in normals], normals)
    side = ONE if centre[1][0][j] > 0 else -ONE
    for bits in BITS:
        g = [
            share * Interval.of(-y[0], bits)
            for share, y in zip(shares(bits), problem.y, strict=True)
        ]
        ok = True
        for r, dual in zip(groups, duals, strict=True):
            pairs = zip(slopes, problem.x, strict=True)
            tau = along(g, [Interval.of(slope * dot(dual, x), bits) for slope, x in pairs])
            own = [side * (1 - q) / 2 if group == r else ZERO for group in problem.groups]
            bend = along(g, [Interval.of(factor, bits) for factor in own])
            ok = ok and (bend - tau.size()).sign() > 0
        if ok:
            return
    raise Invalid(f"unit {j} may descend off its kinks")


def solve(matrix: list[list[Fraction]], right: Sequence[Row]) -> list[Row]:
    """The solution of a regular linear system with several right-hand sides (as rows)."""
    work = [[*row, *b] for row, b in zip(matrix, right, strict=True)]
    for column in range(len(work)):
        pivot = next((i for i in range(column, len(work)) if work[i][column]), None)
        need(pivot is not None, "a singular matrix")
        work[column], work[pivot or column] = work[pivot or column], work[column]
        work[column] = [entry / work[column][column] for entry in work[column]]
        for i in range(len(work)):
            if i != column:
                factor = work[i][column]
                work[i] = [a - factor * b for a, b in zip(work[i], work[column], strict=True)]
    return [tuple(row[len(work) :]) for row in work]


# ---------------------------------------------------------------- rules for refutations


def refuted(case: Case, **found: Any) -> Established:
    """A refutation: it establishes nothing about strictness."""
    need(case.verdict == "not_local_minimum", "the rule does not prove this verdict")
    return Established(loss=loss_at(case.problem, case.problem.point), **found)


def descent_direction(case: Case) -> Established:
    """6.1: a negative one-sided derivative."""
    keys(case.proof, "rule direction")
    problem, point = case.problem, case.problem.point
    direction = layers(case.proof["direction"], problem.widths)
    if problem.below is None:
        slopes = (sweep(problem, point, bits, [direction], order=1).first[0] for bits in BITS)
        need(
            any(slope.sign() < 0 for slope in slopes), "the loss does not fall along the direction"
        )
        return refuted(case)
    values, q = evaluate(problem, point), problem.below
    total: Exact = {}
    for i, x in enumerate(problem.x):
        state, rate = x, (ZERO,) * len(x)
        for level, (layer, turn) in enumerate(zip(point, direction, strict=True)):
            rates = tuple(
                dot(m, state) + dot(row, rate) for row, m in zip(layer, turn, strict=True)
            )
            if level == len(point) - 1:
                for g, step in zip(values.g[i], rates, strict=True):
                    add(total, g, step)
                break
            zs = values.hidden[level][i]
            rate = (*(r if z > 0 else q * r if z < 0 else act(r, q)
                      for z, r in zip(zs, rates, strict=True)), ZERO)  # fmt: skip
            state = (*(act(z, q) for z in zs), ONE)
    need(sign(total) < 0, "the loss does not fall along the direction")
    return refuted(case)


def zero_output_weight(case: Case) -> Established:
    """6.2: a unit without output weight that would be useful if turned a little."""
    keys(case.proof, "rule unit output direction")
    problem = case.problem
    need(problem.shallow, "the rule needs exactly one hidden layer")
    values = evaluate(problem, problem.point)
    j, k = case.proof["unit"], case.proof["output"]
    need(type(j) is int and 0 <= j < problem.widths[1], "no such unit")
    need(type(k) is int and 0 <= k < problem.widths[2], "no such output")
    need(not any(row[j] for row in problem.point[1]), "the unit has an output weight")
    (direction,) = rows([case.proof["direction"]], len(problem.x[0]), rational)
    unit = unit_derivative(problem, values, j)
    terms = list(zip(direction, unit.linear[k], strict=True))
    terms += [(abs(dot(direction, problem.x[r])), c[k]) for r, c in unit.kinks.items()]
    need(sign(combine(terms)) != 0, "the unit would change nothing")
    return refuted(case)


def negative_curvature(case: Case) -> Established:
    """6.3: a negative second derivative along a line."""
    keys(case.proof, "rule direction")
    problem = case.problem
    direction = layers(case.proof["direction"], problem.widths)
    if problem.activation in ("softsign", "elu") and problem.below is None:
        hidden = sweep(problem, problem.point, BITS[1]).hidden
        need(all(z.sign() for p in hidden for layer in p for z in layer), "no second derivative")
    bends = (sweep(problem, problem.point, bits, [direction]).second[0][0] for bits in BITS)
    need(any(bend.sign() < 0 for bend in bends), "the second derivative is not negative")
    return refuted(case)


def valley_to_infinity(case: Case) -> Established:
    """6.4: a ray of the last layer along which no margin falls and some rise."""
    keys(case.proof, "rule direction")
    problem, width = case.problem, case.problem.widths[-2]
    need(problem.loss != "squared", "the squared loss has no such valley")
    (turn,) = layers({"layers": [case.proof["direction"]]}, (width, problem.widths[-1]))
    if problem.below is None:
        for bits in BITS:
            rates = ray_rates(problem, turn, bits)
            margins = [m for r, y in zip(rates, problem.y, strict=True)
                       for m in interval_margins(problem.loss, r, y)]  # fmt: skip
            if all(margin.sign() > 0 for margin in margins):
                return refuted(case, valley_limit=ZERO)
        raise Invalid("some margin does not rise along the ray")
    values = evaluate(problem, problem.point)
    staying: list[list[bool]] = []
    rising = False
    for state, y in zip(values.features, problem.y, strict=True):
        rates = [dot(row, state) for row in turn]
        if problem.loss == "logistic":
            margins = [v * r for v, r in zip(y, rates, strict=True)]
        else:
            margins = [rates[int(y[0])] - r for r in rates]
        need(min(margins) >= 0, "a margin falls along the ray")
        rising = rising or max(margins) > 0
        staying.append([margin == 0 for margin in margins])
    need(rising, "no margin rises along the ray")

    def limit(bits: int) -> Interval:
        total = Interval(0, 0, bits)
        for f, y, stays in zip(values.outputs, problem.y, staying, strict=True):
            if problem.loss == "logistic":
                for value, target, stay in zip(f, y, stays, strict=True):
                    if stay:
                        total = total + Interval.of(-target * value, bits).rising(softplus_at)
            else:
                own = f[int(y[0])]
                parts = [
                    Interval.of(v - own, bits).exp() for v, s in zip(f, stays, strict=True) if s
                ]
                total = total + total_of(parts, bits).rising(log_at)
        return total

    if problem.loss == "logistic":
        gone = not any(stay for row in staying for stay in row)
    else:
        gone = all(sum(row) == 1 for row in staying)
    return refuted(case, valley_limit=ZERO if gone else limit)


def ray_rates(problem: Problem, turn: tuple[Row, ...], bits: int) -> list[list[Interval]]:
    """How fast the outputs of a smooth network move when its last layer moves."""
    return sweep(problem, (*problem.point[:-1], turn), bits).outputs


def interval_margins(loss: str, rates: list[Interval], y: Row) -> list[Interval]:
    """How fast the margins of one point rise."""
    if loss == "logistic":
        return [r if v > 0 else -r for r, v in zip(rates, y, strict=True)]
    label = int(y[0])
    return [rates[label] - r for k, r in enumerate(rates) if k != label]


RULES: dict[str, Callable[[Case], Established]] = {
    "one_sided_derivatives": one_sided_derivatives,
    "classwise_optimum": classwise_optimum,
    "convex_ball": convex_ball,
    "constant_output": constant_output,
    "kinked_ball": kinked_ball,
    "descent_direction": descent_direction,
    "zero_output_weight": zero_output_weight,
    "negative_curvature": negative_curvature,
    "valley_to_infinity": valley_to_infinity,
}


# ---------------------------------------------------------------- the claim


def read_ball(data: Any, name: str) -> tuple[Fraction, Fraction]:
    """Midpoint and radius of a ball (section 1)."""
    parts = keys(data, "mid rad")
    middle, radius = rational(parts["mid"]), rational(parts["rad"])
    need(radius >= 0, f"{name}: the radius is negative")
    return middle, radius


def check_ball(data: Any, truth: Callable[[int], Interval] | Fraction, name: str) -> None:
    """Section 1: exact where the truth is rational, else around our enclosure and not too wide."""
    middle, radius = read_ball(data, name)
    if isinstance(truth, Fraction):
        need(radius == 0 and middle == truth, f"{name} is {truth}, not as claimed")
        return
    need(radius <= max(ONE, abs(middle)) / 2**20, f"{name} is claimed too loosely")
    for bits in BITS:
        found = truth(bits)
        if middle - radius <= found.lower and found.upper <= middle + radius:
            return
        need(
            found.upper >= middle - radius and found.lower <= middle + radius,
            f"{name} is not as claimed",
        )
    raise Invalid(f"{name} is not shown to be as claimed")


def check_claim(case: Case, found: Established) -> None:
    """Every field of the claim is what the rule establishes."""
    claim = case.claim
    for name in ("strict", "strict_up_to_rescaling"):
        need(claim[name] == getattr(found, name), f"{name} is not as claimed")
    flat = claim["flat_dimension"]
    need(flat is None or type(flat) is int, "flat_dimension is neither an integer nor null")
    need(flat == found.flat_dimension, "flat_dimension is not as claimed")
    if found.eigenvalue_bound is None:
        need(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue bound")
    if found.radius is None:
        need(claim["radius"] is None, "the rule gives no radius")
    else:
        need(rational(claim["radius"]) >= found.radius, "the radius is too small")
        need(rational(claim["radius"]) <= 2 * found.radius, "the radius is claimed too loosely")
    check_ball(claim["loss"], found.loss, "loss")
    if found.valley_limit is None:
        need(claim["valley_limit"] is None, "the rule gives no valley limit")
    else:
        check_ball(claim["valley_limit"], found.valley_limit, "valley_limit")


def check_optimality(case: Case, found: Established, proof: Any) -> None:
    """Section 7: whether the point is a global minimum."""
    answer, problem, claim = case.claim["global"], case.problem, case.claim
    if answer == "unknown":
        need(proof is None and claim["witness_loss"] is None, "a proof of nothing")
        return
    need(isinstance(proof, dict) and isinstance(proof.get("rule"), str), "global is not proved")
    if answer == "no" and proof["rule"] == "witness":
        keys(proof, "rule point")
        better = loss_at(problem, layers(proof["point"], problem.widths))
        check_ball(claim["witness_loss"], better, "witness_loss")
        need(less(better, found.loss), "the witness is not better")
        return
    keys(proof, "rule")
    need(claim["witness_loss"] is None, "a witness loss without a witness")
    if answer == "no":
        need(proof["rule"] == "not_local_minimum", "unknown rule for global")
        need(case.verdict == "not_local_minimum", "the point may be a local minimum")
        return
    need(answer == "yes" and found.exact_point is not None, "global is not proved")
    point = found.exact_point or problem.point
    if proof["rule"] == "pointwise_optimum":
        need(is_pointwise_optimum(problem, point), "some function may do better")
        return
    need(proof["rule"] == "affine_optimum" and problem.below is not None, "unknown rule for global")
    need(problem.below == 1, "the network is not affine")
    everything = range(len(problem.x))
    vectors = problem.x
    need(
        sums_vanish(problem, evaluate(problem, point), everything, vectors),
        "an affine map is better",
    )


def less(
    left: Callable[[int], Interval] | Fraction, right: Callable[[int], Interval] | Fraction
) -> bool:
    """Whether one loss is certainly smaller than another."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left < right
    for bits in BITS[:3]:
        a = Interval.of(left, bits) if isinstance(left, Fraction) else left(bits)
        b = Interval.of(right, bits) if isinstance(right, Fraction) else right(bits)
        if a.hi < b.lo:
            return True
    return False


CLAIM = (
    "verdict strict strict_up_to_rescaling flat_dimension eigenvalue_bound global loss "
    "witness_loss radius valley_limit"
)


def verify(certificate: dict[str, Any]) -> None:
    """Checks a whole certificate.

    Raises:
        Invalid: it does not hold, or cannot be followed.
    """
    parts = keys(certificate, "format claim problem proof global_proof digest")
    rest = {key: value for key, value in parts.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    need(
        hashlib.sha256(text.encode("ascii")).hexdigest() == parts["digest"],
        "the digest does not match",
    )
    claim = keys(parts["claim"], CLAIM)
    problem = read_problem(parts["problem"])
    need(isinstance(parts["proof"], dict), "the proof is not an object")
    rule = parts["proof"].get("rule")
    need(isinstance(rule, str) and rule in RULES, "unknown rule")
    verdicts = ("local_minimum", "not_local_minimum", "local_minimum_nearby")
    need(claim["verdict"] in verdicts, "unknown verdict")
    case = Case(problem, claim["verdict"], claim, parts["proof"])
    found = RULES[rule](case)
    check_claim(case, found)
    check_optimality(case, found, parts["global_proof"])


def check(certificate: Any) -> Result:
    """Checks a certificate given as JSON data (as read by `json.load`)."""
    sys.set_int_max_str_digits(MAX_DIGITS)
    text = "no claim"
    try:
        need(isinstance(certificate, dict), "not an object")
        text = describe(certificate.get("claim"))
        need(certificate.get("format") == "spurious-certificate/1", "not a spurious-certificate/1")
        verify(certificate)
    except Invalid as error:
        return Result(False, text, str(error))
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        return Result(False, text, f"malformed: {type(error).__name__}: {error}")
    return Result(True, text, "every step holds")


def describe(claim: Any) -> str:
    """The claim in one sentence."""
    if not isinstance(claim, dict):
        return "no claim"
    names = {
        "local_minimum": "local minimum",
        "not_local_minimum": "not a local minimum",
        "local_minimum_nearby": "a local minimum is nearby",
    }
    parts = [names.get(str(claim.get("verdict")), "unknown verdict")]
    if claim.get("radius") is not None:
        parts[0] += f" (within {shown(claim['radius'])})"
    if claim.get("strict") == "yes":
        parts.append("strict")
    elif claim.get("strict_up_to_rescaling") == "yes":
        parts.append("strict up to rescaling")
    parts.append(
        {"yes": "global", "no": "not global"}.get(str(claim.get("global")), "global unknown")
    )
    for key, words in (
        ("loss", "loss"), ("witness_loss", "a better point has loss"), ("valley_limit", "valley to")
    ):  # fmt: skip
        ball = claim.get(key)
        if isinstance(ball, dict):
            parts.append(f"{words} {shown(ball.get('mid'))}")
    return ", ".join(parts)


def shown(text: Any) -> str:
    """A rational, briefly."""
    try:
        value = rational(text)
        return str(text) if len(str(text)) <= 12 else f"{float(value):.10g}"
    except (Invalid, ValueError, OverflowError):
        return "?"


# ---------------------------------------------------------------- files and command line


def load(path: str) -> dict[str, Any]:
    """Reads a certificate file.

    Raises:
        BadInput: it cannot be read, or is no certificate.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise BadInput("a key occurs twice in one object")
        return dict(pairs)

    def refuse(text: str) -> Any:
        raise BadInput(f"{text[:40]} is not an exact number; write it as text")

    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise BadInput(f"the file is larger than {MAX_BYTES} bytes")
        text = Path(path).read_text(encoding="utf-8")
        data = json.loads(text, object_pairs_hook=unique, parse_constant=refuse, parse_float=refuse)
    except OSError as error:
        raise BadInput(f"cannot read it: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {str(error).splitlines()[0]}") from None
    if not isinstance(data, dict) or data.get("format") != "spurious-certificate/1":
        raise BadInput("not a spurious-certificate/1 object")
    return data


def check_file(path: str) -> Result:
    """Checks a certificate file.

    Raises:
        BadInput: it cannot be read, or is no certificate.
    """
    return check(load(path))


def answers(paths: Sequence[str]) -> Iterator[tuple[str, Result | BadInput, float]]:
    """Each file with its result and the seconds it took."""
    for path in paths:
        start = time.perf_counter()
        try:
            answer: Result | BadInput = check_file(path)
        except BadInput as error:
            answer = error
        yield path, answer, time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> int:
    """The command line: 0 if all are valid, 1 if one is not, 2 if one is no certificate."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    paths = [a for a in arguments if a != "--json"]
    if not paths or any(a.startswith("-") for a in paths):
        print("usage: spurious_checker.py CERTIFICATE... [--json]", file=sys.stderr)
        return 2
    status = 0
    for path, answer, seconds in answers(paths):
        if isinstance(answer, BadInput):
            status = 2
            print(f"{path}: {answer}", file=sys.stderr)
            row = {"file": path, "valid": False, "claim": None, "reason": str(answer)}
        else:
            status = max(status, 0 if answer.valid else 1)
            row = {
                "file": path,
                "valid": answer.valid,
                "claim": answer.claim,
                "reason": answer.reason,
            }
            if not as_json:
                word = "valid" if answer.valid else "INVALID"
                reason = "" if answer.valid else f" ({answer.reason})"
                print(f"{path}: {word}: {answer.claim}{reason}")
        if as_json:
            print(json.dumps(row | {"seconds": round(seconds, 4)}))
    return status


if __name__ == "__main__":
    sys.exit(main())
