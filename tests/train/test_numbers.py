"""Random numbers, packs and their functions."""

import numpy as np
import pytest
from numba import njit
from scipy.stats import kstest, norm, uniform

from spurious.problem import Loss, Network, dataset
from spurious.train import Initialisation, Optimiser, Recipe, starts
from spurious.train.exp_log import exp_of_negative, log_of_one_plus
from spurious.train.pack import (
    LANES,
    above,
    absolute,
    below,
    choose,
    fma,
    load,
    pointer,
    root,
    spread,
    store,
)
from spurious.train.philox import draw_order, uniforms, words


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (2**32 - 1, 2**32 - 1),
            (2**32 - 1,) * 4,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_philox(key, counter, expected) -> None:
    """The test vectors of the authors' library Random123."""
    seed, network = key[0] | key[1] << 32, counter[2] | counter[3] << 32
    found = words(*(np.uint64(v) for v in (seed, network, counter[1], counter[0])))
    assert tuple(map(int, found)) == expected


def test_uniform_numbers_depend_on_the_network_only() -> None:
    whole, part = np.empty((10, 7)), np.empty((3, 7))
    uniforms(np.uint64(5), 100, whole)
    uniforms(np.uint64(5), 104, part)
    assert (whole[4:7] == part).all()
    assert len(set(whole.ravel())) == whole.size
    assert ((whole > 0) & (whole < 1)).all()


def test_orders_are_fair_permutations() -> None:
    order = np.zeros((5, 20_000), np.int64)
    draw_order(np.uint64(1), np.arange(20_000), 0, order)
    assert (np.sort(order, axis=0) == np.arange(5)[:, None]).all()
    counts = np.array([(order == point).sum(axis=1) for point in range(5)])
    assert np.abs(counts / 20_000 - 0.2).max() < 0.015
    again = np.zeros((5, 20_000), np.int64)
    draw_order(np.uint64(1), np.arange(20_000), 1, again)
    assert (order != again).any(axis=0).mean() > 0.98


def recipe(initialisation: Initialisation, widths: tuple[int, ...] = (5, 7, 2)) -> Recipe:
    data = dataset("xor").data
    x = tuple((*row, *row, row[0])[: widths[0]] for row in data.x)
    y = tuple(row * widths[-1] for row in data.y)
    kind = type(data)
    return Recipe(
        Network(widths, "relu"), Loss.LOGISTIC, kind(x, y), initialisation, Optimiser("gd", 0.1), 0
    )


@pytest.mark.parametrize(
    ("initialisation", "distributions"),
    [
        (Initialisation("glorot_uniform"), [uniform(-(0.5**0.5), 2 * 0.5**0.5)] * 1),
        (Initialisation("glorot_normal"), [norm(0, (2 / 12) ** 0.5)]),
        (Initialisation("lecun_normal"), [norm(0, 5**-0.5)]),
        (Initialisation("lecun_uniform"), [uniform(-(0.6**0.5), 2 * 0.6**0.5)]),
        (Initialisation("he_normal"), [norm(0, 0.4**0.5)]),
        (Initialisation("he_uniform"), [uniform(-(1.2**0.5), 2 * 1.2**0.5)]),
        (Initialisation("pytorch"), [uniform(-(5**-0.5), 2 * 5**-0.5)]),
        (Initialisation("normal", mean=-1.0, std=2.0), [norm(-1, 2)]),
        (Initialisation("uniform", low=1.0, high=3.0), [uniform(1, 2)]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_initial_distributions(initialisation, distributions) -> None:
    rows = starts(recipe(initialisation), 3, 0, 4000)
    weights, biases = rows[:, :35], rows[:, 35:42]
    assert kstest(weights.ravel(), distributions[0].cdf).pvalue > 1e-4
    if initialisation.bias == "drawn":
        assert kstest(biases.ravel(), distributions[0].cdf).pvalue > 1e-4
    else:
        assert (biases == 0).all()
    drawn = rows[:, :35]
    assert np.abs(np.corrcoef(drawn.T) - np.eye(35)).max() < 0.1


def test_constant_and_drawn_biases() -> None:
    constant = starts(recipe(Initialisation("he_normal", bias=0.25)), 3, 0, 5)
    assert (constant[:, 35:42] == 0.25).all() and (constant[:, -2:] == 0.25).all()
    drawn = starts(recipe(Initialisation("normal", bias="drawn")), 3, 0, 2000)
    assert kstest(drawn[:, 35:42].ravel(), norm(0, 1).cdf).pvalue > 1e-4


@njit
def _apply(kind, a, b, out):
    x, y, rows = pointer(a), pointer(b), pointer(out)
    for i in range(a.shape[0]):
        u, v = load(x, i), load(y, i)
        if kind == 0:
            store(rows, i, u + v)
        elif kind == 1:
            store(rows, i, u - v)
        elif kind == 2:
            store(rows, i, u * v)
        elif kind == 3:
            store(rows, i, u / v)
        elif kind == 4:
            store(rows, i, root(absolute(u)))
        elif kind == 5:
            store(rows, i, choose(above(u, v), u, spread(u, 2.0)))
        elif kind == 6:
            store(rows, i, choose(below(u, v), u, v))
        elif kind == 7:
            store(rows, i, exp_of_negative(u))
        else:
            store(rows, i, log_of_one_plus(u))


def blocks(values: np.ndarray, dtype: str) -> np.ndarray:
    return np.ascontiguousarray(values.astype(dtype).reshape(-1, LANES[dtype]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_packs_are_exact(dtype: str) -> None:
    rng = np.random.Generator(np.random.Philox(key=1))
    special = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 1e30, 1e-30])
    size = LANES[dtype] * 8
    a = blocks(np.resize(np.concatenate([special, rng.normal(size=size)]), size), dtype)
    b = blocks(np.roll(a, 3).ravel() + 0, dtype)
    out = np.empty_like(a)
    with np.errstate(all="ignore"):
        expected = (
            a + b,
            a - b,
            a * b,
            a / b,
            np.sqrt(np.abs(a)),
            np.where(a > b, a, 2),
            np.where(a < b, a, b),
        )
        for kind, value in enumerate(expected):
            _apply(kind, a, b, out)
            assert np.array_equal(out, value.astype(dtype), equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exp_and_log(dtype: str) -> None:
    rng = np.random.Generator(np.random.Philox(key=2))
    size = LANES[dtype] * 200
    lowest = -87.0 if dtype == "float32" else -708.0
    x = blocks(
        np.concatenate([rng.uniform(lowest, 0, size), -(rng.uniform(size=size) ** 8)]), dtype
    )
    out = np.empty_like(x)
    _apply(7, x, x, out)
    wide = np.exp(x.astype(np.longdouble))
    assert (np.abs(out - wide) / np.spacing(wide.astype(dtype))).max() < 1.1
    e = blocks(rng.uniform(size=2 * size) ** 4, dtype)
    _apply(8, e, e, out)
    wide = np.log1p(e.astype(np.longdouble))
    assert (np.abs(out - wide) / np.spacing(wide.astype(dtype))).max() < 4
    strange = blocks(np.resize([np.nan, -np.inf, -1e30, 0.0], size), dtype)
    out = np.empty_like(strange)
    _apply(7, strange, strange, out)
    assert np.isnan(out.ravel()[0]) and out.ravel()[3] == 1
    assert 0 <= out.ravel()[1] < 1e-37 and 0 <= out.ravel()[2] < 1e-37


def test_fma_rounds_once() -> None:
    @njit
    def fused(a, out):
        x = load(pointer(a), 0)
        store(pointer(out), 0, fma(x, x, spread(x, -1.0)))

    a = blocks(np.full(LANES["float64"], 1 + 2.0**-30), "float64")
    out = np.empty_like(a)
    fused(a, out)
    assert (out == 2.0**-29 + 2.0**-60).all()
