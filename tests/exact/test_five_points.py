"""Five points are not enough: the identities, the numbers, and the theorems themselves, sampled."""

import json
import random
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import acb, arb, arb_mat, arb_series, ctx

from spurious.exact import five_points as page
from spurious.exact.balls import precision, sign

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "small-deadlocks-lower-bound.md"
SIX = ROOT / "src" / "spurious" / "problem" / "points" / "sigmoid-squared-6-points.json"
POINTS = [Fraction(n, 7) for n in (-30, -9, -2, 1, 5, 11, 25)]
ORDER = 6


def series(centre: Fraction) -> arb_series:
    """The identity, expanded."""
    return arb_series([page.ball(centre), arb(1)])


def close(left: arb, right: arb) -> bool:
    """Overlapping balls of which both are small."""
    return bool(left.overlaps(right) and left.rad() < 1e-15 and right.rad() < 1e-15)


@pytest.fixture(autouse=True)
def bits():
    ctx.cap, before = ORDER, ctx.cap
    with precision(160):
        yield
    ctx.cap = before


@pytest.mark.parametrize("t", POINTS)
def test_derivatives_of_powers_times_tanh(t: Fraction) -> None:
    x = series(t)
    tanh = (x.exp() - 1) / (x.exp() + 1)
    for power, known in enumerate((page.g0, page.g1, page.g2)):
        f = x**power * tanh
        assert close(24 * f[4] - 2 * f[2], page.at(known, t))
    f = x * x * tanh
    assert close(6 * f[3] - f[1], page.at(page.primitive, t))
    assert close(24 * f[4] - 2 * f[2], page.at(page.g2, t))
    assert close(tanh[1], page.at(page.slope, t))
    assert close(tanh[1] - 6 * tanh[3], page.at(page.rho, t))


@pytest.mark.parametrize("t", POINTS)
def test_quotients_by_rho_as_functions_of_tanh(t: Fraction) -> None:
    y = arb_series([page.at(page.half_tanh, t), arb(1)])
    w, x = 1 - y * y, ((1 + y) / (1 - y)).log()
    first = 2 * x * y - 4 + 4 / (3 * w)
    second = 2 * x * x * y - 8 * x + 8 * x / (3 * w) - 8 * y / w - 8 * y / (3 * w * w)
    real, rho, cube = page.ball(t), page.at(page.rho, t), (3 * w * w * w)[0]
    assert close(first[0], page.at(page.g1, t) / rho)
    assert close(second[0], page.at(page.g2, t) / rho)
    assert close(2 * first[2], 32 / cube)
    assert close(2 * second[2], 64 / cube * (real - 3 * real.sinh() / 2))
    assert close((page.ball(page.C0) * second + 2 * first)[1], page.at(page.ratio_slope, t))


@pytest.mark.parametrize("t", POINTS)
def test_the_integral_of_q(t: Fraction) -> None:
    whole = acb.integral(lambda x, _: page.q(x), acb(page.ball(t)), acb(100)).real
    assert abs(whole - page.at(page.remainder, t)) < 1e-30


@pytest.mark.parametrize("gamma", [Fraction(1, 10), Fraction(3, 10), Fraction(9, 10)])
def test_the_transform_of_q(gamma: Fraction) -> None:
    whole = page.integral(page.q, gamma, 700, 700)
    assert abs(whole - page.transform(gamma)) < 1e-25


@pytest.mark.parametrize("gamma", [Fraction(1, 100), Fraction(1, 3), Fraction(2), Fraction(50)])
def test_the_mean_of_g2_on_a_half_line(gamma: Fraction) -> None:
    """Sign (f): gamma int W exp(-gamma t) <= 2 + 3 gamma."""
    length = 10 + int(60 / gamma)
    value = -acb.integral(
        lambda t, _: (-page.ball(gamma) * t).exp() * page.g2(t), acb(0), acb(length)
    ).real
    assert sign(page.ball(gamma) * value - 2 - 3 * page.ball(gamma)) == -1


def test_bounds_used_left_of_minus_ten() -> None:
    for t in range(10, 60):
        block = acb(arb(-t - 0.5, 0.5))
        for function in (page.g2, page.q, page.drift, page.surplus):
            assert abs(function(block)) < 4


def test_every_number_is_negative_and_on_the_page() -> None:
    numbers = page.inequalities()
    assert {sign(value) for value in numbers.values()} == {-1}
    rows = re.findall(r"^\| (\d\w?) \| `(.*)` \| (-\d\.\d+) \|$", PAGE.read_text("utf-8"), re.M)
    assert {f"{number:3} {name}" for number, name, _ in rows} == set(numbers)
    for number, name, value in rows:
        assert abs(numbers[f"{number:3} {name}"] - arb(value)) < 1e-5


def test_the_numbers_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "C0", Fraction(2, 5))
    wrong = {name[:2].strip() for name, value in page.inequalities().items() if sign(value) != -1}
    assert "2" in wrong


def annihilator(nodes: Sequence[Fraction]) -> list[arb]:
    """Kills 1, z, cosh, sinh on five nodes; positive at the first."""
    z = [page.ball(node) for node in nodes]
    rows = [[arb(1)] * 5, z, [x.cosh() for x in z], [x.sinh() for x in z]]
    minors = [
        arb_mat([[row[j] for j in range(5) if j != i] for row in rows]).det() for i in range(5)
    ]
    assert len({sign(m) for m in minors}) == 1
    return [abs(m) * (-1) ** i for i, m in enumerate(minors)]


def moments(nodes: Sequence[Fraction], weights: Sequence[arb]) -> list[arb]:
    """F(1), F(1, z), F(z, z)."""
    z = [page.ball(node) for node in nodes]
    return [
        sum((a * (x / 2).tanh() * x**power for a, x in zip(weights, z, strict=True)), arb(0))
        for power in range(3)
    ]


def mass(nodes: Sequence[Fraction], weights: Sequence[arb]) -> arb:
    """R, the integral of K rho: D kills V and maps -2 log cosh(z / 2) to rho."""
    z = [page.ball(node) for node in nodes]
    return sum((-2 * a * (x / 2).cosh().log() for a, x in zip(weights, z, strict=True)), arb(0))


def kernel(nodes: Sequence[Fraction], weights: Sequence[arb], t: acb, above: int) -> acb:
    """K at t, where nodes[above] is the first node right of t."""
    gaps = [acb(page.ball(node)) - t for node in nodes[above:]]
    return sum((a * (u.sinh() - u) for a, u in zip(weights[above:], gaps, strict=True)), acb(0))


def nodes_of(generator: random.Random, kind: int) -> list[Fraction]:
    """Five different rationals: wide, tight, one-sided, clustered, or in the far limit."""
    draw: list[Callable[[], float]] = [
        lambda: generator.uniform(-6, 6),
        lambda: 0.3 + generator.uniform(-0.05, 0.05),
        lambda: generator.uniform(0, 30),
        lambda: generator.choice([-9, 1, 4]) + generator.uniform(-0.2, 0.2),
        lambda: generator.choice([-1, 1]) * 10 ** generator.uniform(-1, 2.5),
    ]
    found: set[Fraction] = set()
    while len(found) < 5:
        found.add(Fraction(draw[kind]()).limit_denominator(10_000))
    return sorted(found)


@pytest.mark.parametrize("kind", range(5))
def test_the_form_on_five_nodes_is_indefinite(kind: int) -> None:
    """Theorem B, with the affine function of section 4: F(1) > 0 >= F(z - x), after reflection."""
    generator = random.Random(kind)
    with precision(2_000):
        for _ in range(60):
            nodes = nodes_of(generator, kind)
            weights = annihilator(nodes)
            m0, m1, m2 = moments(nodes, weights)
            assert sign(m0 * m2 - m1 * m1) == -1
            if sign(m0) == -1:
                m0, m2 = -m0, -m2
            assert sign(m0) == 1
            mean = mass(nodes, weights)
            assert sign(mean) == 1
            x = arb(0) if m0 > page.ball(page.C0) * mean else -mean / m0
            assert sign(m2 - 2 * x * m1 + x * x * m0) == -1


@pytest.mark.parametrize("kind", range(4))
def test_the_kernel_is_positive_log_concave_and_gives_the_form(kind: int) -> None:
    generator = random.Random(10 + kind)
    with precision(700):
        for _ in range(3):
            nodes = nodes_of(generator, kind)
            weights = annihilator(nodes)
            step = (nodes[4] - nodes[0]) / 40
            grid = [nodes[0] + step * j for j in range(1, 40)]
            values = [
                kernel(nodes, weights, acb(page.ball(t)), sum(z <= t for z in nodes)).real
                for t in grid
            ]
            assert all(sign(value) == 1 for value in values)
            for j in range(1, len(values) - 1):
                assert sign(values[j] ** 2 - values[j - 1] * values[j + 1]) == 1
    with precision(400):
        direct = moments(nodes, weights)
        for power, g in enumerate((page.g0, page.g1, page.g2)):
            whole = sum(
                (
                    acb.integral(
                        lambda t, _, g=g, above=above: kernel(nodes, weights, t, above) * g(t),
                        acb(page.ball(nodes[above - 1])),
                        acb(page.ball(nodes[above])),
                        rel_tol=arb(2) ** -80,
                    ).real
                    for above in range(1, 5)
                ),
                arb(0),
            )
            assert abs(whole - direct[power]) < abs(direct[power]) * 1e-12


def log_concave(generator: random.Random) -> list[tuple[float, float, float, float]]:
    """Pieces (from, to, log at from, slope) of a piecewise exponential, the slopes falling."""
    pieces = generator.randint(1, 3)
    slopes = sorted(
        (generator.choice([-1, 1, 1]) * 10 ** generator.uniform(-2.5, 0.7) for _ in range(pieces)),
        reverse=True,
    )
    lengths = [10 ** generator.uniform(-1, 1.6) for _ in range(pieces)]
    at, height = -sum(lengths) * generator.random() ** 0.5, 0.0
    found: list[tuple[float, float, float, float]] = []
    for slope, length in zip(slopes, lengths, strict=True):
        found.append((at, at + length, height, slope))
        at, height = at + length, height + slope * length
    return found


def weighted(function: page.Function, pieces: list[tuple[float, float, float, float]]) -> arb:
    """The integral of K times the function."""
    return sum(
        (
            acb.integral(
                lambda t, _, a=a, height=height, slope=slope: (
                    (height + slope * (t - a)).exp() * function(t)
                ),
                acb(a),
                acb(b),
            ).real
            for a, b, height, slope in pieces
        ),
        arb(0),
    )


def test_log_concave_weights_obey_the_inequality() -> None:
    """Theorem C, with the x of section 4."""
    generator = random.Random(5)
    seen = {True: 0, False: 0}
    while min(seen.values()) < 40:
        pieces = log_concave(generator)
        m0, m1, m2, mean = (weighted(f, pieces) for f in (page.g0, page.g1, page.g2, page.rho))
        if sign(m0) == -1:
            m0, m2 = -m0, -m2
        steep = bool(m0 > page.ball(page.C0) * mean)
        x = arb(0) if steep else -mean / m0
        assert sign(m2 - 2 * x * m1 + x * x * m0) == -1
        seen[steep] += 1


def test_the_hessian_is_the_sum_of_the_forms() -> None:
    """Section 2 at the certified minimum on six points: equations (1), (2) and (3)."""
    problem = json.loads(SIX.read_text("utf-8"))
    inner, outer = problem["point"]["layers"]
    x = np.array([[float(v) for v in row] + [1.0] for row in problem["data"]["x"]])
    y = np.array([float(row[0]) for row in problem["data"]["y"]])
    w = np.array([[float(v) for v in row] for row in inner["weight"]])
    w = np.column_stack([w, [float(v) for v in inner["bias"]]])
    v = np.array([float(value) for value in outer["weight"][0]])
    z = x @ w.T
    s = 1 / (1 + np.exp(-z))
    r = s @ v + float(outer["bias"][0]) - y
    a = r[:, None] * s * (1 - s)
    assert np.abs(r).max() > 0.01
    for k in range(2):
        assert (
            np.abs(a[:, k] @ np.column_stack([x, np.cosh(z[:, k]), np.sinh(z[:, k])])).max() < 1e-12
        )
    forms = [-v[k] * (x.T * (a[:, k] * np.tanh(z[:, k] / 2))) @ x for k in range(2)]
    positive = [int((np.linalg.eigvalsh(form) > 0).sum()) for form in forms]
    assert sum(positive) >= 2 * 4 + 2 - 6

    generator = np.random.default_rng(0)
    for _ in range(5):
        dw, dv = generator.standard_normal((2, 3)), generator.standard_normal(2)
        second = 0.0
        for i in range(6):
            for k in range(2):
                line = arb_series([arb(-z[i, k]), arb(-(dw @ x[i])[k])])
                unit = 1 / (1 + line.exp()) * arb_series([arb(v[k]), arb(dv[k])])
                second += r[i] * 2 * float(unit[2])
        assert second == pytest.approx(sum(dw[k] @ forms[k] @ dw[k] for k in range(2)), rel=1e-9)
