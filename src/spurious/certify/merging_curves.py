"""Curves along which units merge, and the proof that the loss falls along them: Theorem 26.

`docs/mathematics.md`, section 15. In the coordinates w, u, T, C of a pair the curve is a polynomial
of r. With kinks the weights are Laurent polynomials, and so is all that the network computes;
smooth networks with one hidden layer are enclosed over intervals of r.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeAlias

from flint import arb, arb_poly, fmpq, fmpq_poly

from spurious.certify.arithmetics import BallProgram, loss_of
from spurious.certify.subject import Subject
from spurious.certify.valleys import loss_of_outputs
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import DenseLoss, FlatPoint, Network, incoming_indices
from spurious.program import SMOOTH
from spurious.proof import Merging

PARTS = 128
"""Of [0, 1]: with more of them nothing is proved, so that a check takes little time."""

NARROWEST = Fraction(1, 2**18)
"""Parts that are not decided at this width are given up."""

Row: TypeAlias = list[fmpq_poly]
Outputs: TypeAlias = Callable[[arb], tuple[list[arb], list[arb]]]
"""Over an interval of r the outputs, point by point, and their derivatives by r."""

Higher: TypeAlias = tuple[arb, arb, arb]
"""The third, fourth and fifth derivative."""

HALF = fmpq(1, 2)


def _tanh(_: arb, first: arb, second: arb) -> Higher:
    third = 2 * first * (2 - 3 * first)
    fifth = 4 * third - 12 * (second * second + first * third)
    return third, 4 * second * (1 - 3 * first), fifth


def _sigmoid(_: arb, first: arb, second: arb) -> Higher:
    third = first * (1 - 6 * first)
    return third, second * (1 - 12 * first), third - 12 * (second * second + first * third)


def _gelu(z: arb, *_: arb) -> Higher:
    density, y = (-z * z / 2).exp() / (2 * arb.pi()).sqrt(), z * z
    bends = z * (y - 4), y * (7 - y) - 4, z * (y * (y - 11) + 18)
    return bends[0] * density, bends[1] * density, bends[2] * density


HIGHER: dict[str, Callable[[arb, arb, arb], Higher]] = {
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "gelu": _gelu,
}
"""Higher derivatives of smooth activations at z, from the first two there."""


def from_weights(network: Network, pairs: Sequence[Merging], values: FlatPoint) -> list[Fraction]:
    """The coordinates of a point, shape (P,), for tau = 1.

    Unit k of a pair has w and T in the places of its weights, unit j has u and C.
    """
    found, where = list(values), incoming_indices(network)
    for pair in pairs:
        (j, k), s = pair.units, pair.factor
        for a, b in zip(where[pair.layer][j], where[pair.layer][k], strict=True):
            one, two = found[a], s * found[b]
            found[a], found[b] = one - two, (one + two) / 2
        for row in where[pair.layer + 1]:
            one, two = found[row[j]], found[row[k]] / s
            found[row[j]], found[row[k]] = one + two, (one - two) / 2
    return found


def to_weights(
    network: Network, pairs: Sequence[Merging], tau: Fraction
) -> list[dict[int, Fraction]]:
    """Each parameter as a linear form of the coordinates, for one pair or pairs in one layer."""
    where, half = incoming_indices(network), Fraction(1, 2)
    forms = [{p: Fraction(1)} for p in range(network.parameter_count)]
    for pair in pairs:
        (j, k), s = pair.units, pair.factor
        for a, b in zip(where[pair.layer][j], where[pair.layer][k], strict=True):
            forms[a], forms[b] = {b: Fraction(1), a: tau / 2}, {b: 1 / s, a: -tau / 2 / s}
        for row in where[pair.layer + 1]:
            a, b = row[j], row[k]
            forms[a], forms[b] = {b: 1 / tau, a: half}, {b: -s / tau, a: s / 2}
    return forms


def falls_along(
    subject: Subject, pairs: Sequence[Merging], curve: Sequence[FlatPoint]
) -> arb | None:
    """The loss at the end of a curve in coordinates, if it is proved to fall all the way there.

    Args:
        subject: The network, and the point where the curve begins.
        pairs: Those that merge.
        curve: The coefficients of all powers of r, from the limit on.
    """
    problem = subject.dense
    units = [[[fmpq_poly([rational(c[p]) for c in curve]) for p in unit] for unit in layer]
             for layer in incoming_indices(problem.network)]  # fmt: skip
    kinked = problem.network.slopes if problem.network.activation not in HIGHER else None
    outputs = (
        _bent(problem, pairs, units) if kinked is None else _broken(problem, pairs, units, kinked)
    )
    if outputs is None:
        return None
    rest = BallProgram.of(subject.once(loss_of_outputs))
    places = [Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(1)]
    if not all(balls.sign(_rise(outputs, rest, _between(r, r))) == 1 for r in places):
        return None
    waiting = [(Fraction(0), Fraction(1))]
    for _ in range(PARTS):
        low, high = waiting.pop()
        sign = balls.sign(_rise(outputs, rest, _between(low, high)))
        if sign == -1 or (sign != 1 and high - low < NARROWEST):
            return None
        if sign != 1:
            middle = (low + high) / 2
            waiting += [(low, middle), (middle, high)]
        if not waiting:
            return loss_of(rest.run(outputs(arb(0))[0], order=0))
    return None


def _rise(outputs: Outputs, rest: BallProgram, r: arb) -> arb:
    """The derivative of the loss along the curve."""
    values, moves = outputs(r)
    return sum((g * v for g, v in zip(rest.gradient(values), moves, strict=True)), arb(0))


def _between(low: Fraction, high: Fraction) -> arb:
    return arb(rational((low + high) / 2), rational((high - low) / 2))


def _along(poly: fmpq_poly, r: arb) -> arb:
    return arb_poly(poly)(r)


def _broken(
    problem: DenseLoss,
    pairs: Sequence[Merging],
    units: list[list[Row]],
    slopes: tuple[Fraction, Fraction],
) -> Outputs | None:
    """Case a: the outputs as polynomials; None if a sign changes or there is no limit.

    Layer m is r^-1 times its polynomials here if units of the layer below merge.
    """
    r, layers = fmpq_poly([0, 1]), [[list(row) for row in rows] for rows in units]
    poles = [any(pair.layer == m - 1 for pair in pairs) for m in range(len(layers))]
    for m, pole in enumerate(poles):
        if pole:
            layers[m] = [[r * v for v in row] for row in layers[m]]
    for pair in pairs:
        (j, k), s = pair.units, rational(pair.factor)
        above, rows = layers[pair.layer + 1], layers[pair.layer]
        one = [w + HALF * r * u for u, w in zip(rows[j], rows[k], strict=True)]
        two = [(w - HALF * r * u) / s for u, w in zip(rows[j], rows[k], strict=True)]
        rows[j], rows[k] = one, two
        for row in above:  # these have the factor r already
            c, t = HALF * row[j], _divided(row[k], 1)
            row[j], row[k] = t + c, s * (c - t)
    found: Row = []
    p, q = (rational(slope) for slope in slopes)
    for x in problem.data.x:
        state, depth = [fmpq_poly([rational(v)]) for v in x], 0
        for m, rows in enumerate(layers):
            one = fmpq_poly([0] * depth + [1])
            z = [sum((a * b for a, b in zip(row, [*state, one], strict=True)), fmpq_poly())
                 for row in rows]  # fmt: skip
            depth += int(poles[m])
            if m < len(layers) - 1:
                signs = [_sign(v) for v in z]
                if None in signs:
                    return None
                z = [(p if sign == 1 else q) * v for sign, v in zip(signs, z, strict=True)]
            state = z
        if any(v[i] != 0 for v in state for i in range(depth)):
            return None
        found += [_divided(v, depth) for v in state]
    moves = [v.derivative() for v in found]
    return lambda place: ([_along(v, place) for v in found], [_along(v, place) for v in moves])


def _divided(poly: fmpq_poly, power: int) -> fmpq_poly:
    """A polynomial divided by a power of r, whatever is lost of it."""
    return fmpq_poly(poly.coeffs()[power:])


def _sign(poly: fmpq_poly) -> int | None:
    """The sign on (0, 1), 0 of the zero polynomial; None if it may change."""
    if poly.degree() < 0:
        return 0
    low = next(i for i, c in enumerate(poly.coeffs()) if c != 0)
    rest = arb_poly(_divided(poly, low))
    waiting, signs = [(Fraction(0), Fraction(1))], set[int]()
    for _ in range(PARTS):
        a, b = waiting.pop()
        sign = balls.sign(rest(_between(a, b)))
        if sign is None:
            middle = (a + b) / 2
            waiting += [(a, middle), (middle, b)]
        else:
            signs.add(sign)
        if len(signs) > 1:
            return None
        if not waiting:
            return signs.pop()
    return None


def _bent(problem: DenseLoss, pairs: Sequence[Merging], units: list[list[Row]]) -> Outputs:
    """Case b; a unit without a partner is one with u = T = 0."""
    hidden, top = units
    function, higher = SMOOTH[problem.network.activation], HIGHER[problem.network.activation]
    inputs = [[*map(rational, x), fmpq(1)] for x in problem.data.x]
    paired = {unit for pair in pairs for unit in pair.units}
    groups = [(pair.units[1], pair.units[0]) for pair in pairs]
    groups += [(unit, None) for unit in range(len(hidden)) if unit not in paired]  # type: ignore
    zero = fmpq_poly()

    def line(unit: int | None, x: Sequence[fmpq]) -> fmpq_poly:
        return zero if unit is None else sum(
            (v * c for v, c in zip(hidden[unit], x, strict=True)), zero
        )  # fmt: skip

    lines = [[(line(k, x), line(j, x)) for k, j in groups] for x in inputs]
    tops = [[((row[k], zero) if j is None else (row[j], row[k])) for k, j in groups] for row in top]

    def over(r: arb) -> tuple[list[arb], list[arb]]:
        root = balls.bounds(r)[1]
        values: list[arb] = []
        moves: list[arb] = []
        weights = [[(_jet(c, r), _jet(t, r)) for c, t in row] for row in tops]
        last = [_jet(row[-1], r) for row in top]
        for row in lines:
            f, df = [a for a, _ in last], [b for _, b in last]
            for n, (z, y) in enumerate(row):
                (a, da), (b, db) = _jet(z, r), _jet(y, r)
                dq = (b * b + 2 * r * b * db) / 4
                h = (arb(rational(max(root, Fraction(0)))).sqrt() * abs(b) / 2).upper()
                wide = a + arb(0, h)
                value, first, second = function.ball(a)
                _, around, turn = function.ball(wide)
                third, fourth, fifth = higher(wide, around, turn)
                q = r * b * b / 4
                bend, steep = second + q * fourth / 6, higher(a, first, second)[0] + q * fifth / 10
                rise = (first + q * third / 2) * da + bend * dq / 2
                value, first = value + q * turn / 2, first + q * third / 6
                turn = b * (bend * da + steep * dq / 6) + db * first
                for i, entries in enumerate(weights):
                    (c, dc), (t, dt) = entries[n]
                    f[i] += c * value + t * b * first
                    df[i] += dc * value + c * rise + dt * b * first + t * turn
            values += f
            moves += df
        return values, moves

    return over


def _jet(poly: fmpq_poly, r: arb) -> tuple[arb, arb]:
    return _along(poly, r), _along(poly.derivative(), r)
