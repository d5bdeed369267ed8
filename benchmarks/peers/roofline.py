"""How fast this machine could do the operations of one update, from microbenchmarks.

Four resources work side by side: arithmetic, divisions and roots, loads, stores. Each one's time
per pack of networks is measured on its own, from registers or the first-level cache. An update
takes at least as long as the resource it needs most of; that is the limit.
"""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numba import njit
from peers.problem import Case

from spurious.train.pack import LANES, above, choose, fma, load, pointer, root, spread, store

ROUNDS = 100_000


@njit
def _arithmetic(array, rounds):
    """12 operations a round, as they occur: fused multiply-adds, sums, comparisons with choices."""
    rows = pointer(array)
    a, b, c, d = load(rows, 0), load(rows, 1), load(rows, 2), load(rows, 3)
    e, f = load(rows, 4), load(rows, 5)
    zero = spread(a, 0.0)
    for _ in range(rounds):
        a, c, e = fma(a, b, d), fma(c, b, d), fma(e, b, d)
        a, c, e = fma(a, b, f), fma(c, b, f), fma(e, b, f)
        a, c = a + d, c + d
        a = choose(above(a, zero), a, d)
        c = choose(above(c, zero), c, d)
    store(rows, 0, a + c + e)


@njit
def _division(array, rounds):
    """2 divisions and 2 roots a round."""
    rows = pointer(array)
    a, b, c, d = load(rows, 0), load(rows, 1), load(rows, 2), load(rows, 3)
    for _ in range(rounds):
        a, b = a / d, b / d
        a, c = root(a), root(c)
    store(rows, 0, a + b + c)


@njit
def _loads(array, rounds):
    """8 loads a round, each with an addition, which runs beside it."""
    rows = pointer(array)
    a, b = load(rows, 0), load(rows, 1)
    for k in range(rounds):
        i = 8 * (k & 1)
        a, b = a + load(rows, i), b + load(rows, i + 1)
        a, b = a + load(rows, i + 2), b + load(rows, i + 3)
        a, b = a + load(rows, i + 4), b + load(rows, i + 5)
        a, b = a + load(rows, i + 6), b + load(rows, i + 7)
    store(rows, 0, a + b)


@njit
def _stores(array, rounds):
    """8 stores a round, of a value that changes."""
    rows = pointer(array)
    a, b = load(rows, 0), load(rows, 1)
    for k in range(rounds):
        i = 8 * (k & 7)
        a = a + b
        for r in range(8):
            store(rows, i + r, a)


@dataclass(frozen=True)
class Machine:
    """Nanoseconds for one pack of float32 on one core."""

    arithmetic: float
    division: float
    load: float
    store: float


def measure_machine() -> Machine:
    """The best of several runs of each microbenchmark."""
    found = []
    for kernel, count in ((_arithmetic, 12), (_division, 4), (_loads, 8), (_stores, 8)):
        flat = np.zeros(64 * LANES["float32"] + 16, np.float32)
        offset = (-flat.ctypes.data % 64) // 4
        array = flat[offset : offset + 64 * LANES["float32"]].reshape(64, -1)
        array[:] = 1.0
        kernel(array, 10)
        best = np.inf
        for _ in range(7):
            begin = perf_counter()
            kernel(array, ROUNDS)
            best = min(best, perf_counter() - begin)
        found.append(best / ROUNDS / count * 1e9)
    return Machine(*found)


def limit(case: Case, machine: Machine) -> tuple[float, str]:
    """Most network-updates per second on one core, and what limits them.

    Counted per point: each unit's preactivation (d), relu (1) or sigmoid (exp 16, 5 more and a
    division), output (1), delta (1 + 2), its gradients (d + 2); the loss's derivative (exp 16, 12
    more and a division). Per parameter and update: 7 and a division and a root; loads of the
    parameter (twice), its gradient and two moments; stores of all but the first. Values between the
    passes: one store and two loads for each unit and point.
    """
    h, d, n, p = case.hidden, case.inputs, case.points, case.parameters
    smooth = case.activation == "sigmoid"
    arithmetic = n * (h * (2 * d + 6 + (21 if smooth else 1)) + 28 + 1) + 7 * p
    division = n * (1 + (h if smooth else 0)) + 2 * p
    times = {
        "arithmetic": arithmetic * machine.arithmetic,
        "division and root": division * machine.division,
        "loads": (5 * p + 2 * h * n) * machine.load,
        "stores": (4 * p + h * n) * machine.store,
    }
    worst = max(times, key=lambda name: times[name])
    return LANES["float32"] / times[worst] * 1e9, worst
