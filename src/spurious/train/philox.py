"""Random numbers by counting: Philox4x32-10 for Numba.

The numbers of a network depend on the seed, the network's index, and what they are for, and on
nothing else; so a run is the same on any machine, with any number of threads, in any shard.

Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from spurious.train.compiled import compiled

START = 0
"""Stream of the initial parameters; stream e + 1 orders the points of epoch e."""

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@njit
def words(
    seed: np.uint64, network: np.uint64, stream: np.uint64, number: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four random 32-bit words: the counter is (number, stream, network), the key the seed.

    Args:
        seed: 64 bits.
        network: 64 bits.
        stream: 32 bits: what the numbers are for.
        number: 32 bits: which four words of the stream.
    """
    a, b = number & _LOW, stream & _LOW
    c, d = network & _LOW, network >> _HALF
    low, high = seed & _LOW, seed >> _HALF
    for _ in range(10):
        p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (q >> _HALF) ^ b ^ low, q & _LOW, (p >> _HALF) ^ d ^ high, p & _LOW
        low = (low + np.uint64(0x9E3779B9)) & _LOW
        high = (high + np.uint64(0xBB67AE85)) & _LOW
    return a, b, c, d


@compiled
def uniforms(seed: np.uint64, first: int, out: npt.NDArray[np.float64]) -> None:
    """Fills the start stream's uniform numbers in (0, 1), 53 bits each.

    Args:
        seed: 64 bits.
        first: Index of the first network.
        out: Written, shape (networks, numbers).
    """
    for row in range(out.shape[0]):
        network = np.uint64(first + row)
        for column in range(0, out.shape[1], 2):
            a, b, c, d = words(seed, network, np.uint64(START), np.uint64(column // 2))
            out[row, column] = (((a << _HALF) | b) >> np.uint64(11)) * 2.0**-53 + 2.0**-54
            if column + 1 < out.shape[1]:
                out[row, column + 1] = (((c << _HALF) | d) >> np.uint64(11)) * 2.0**-53 + 2.0**-54


@njit
def draw_order(
    seed: np.uint64,
    networks: npt.NDArray[np.int64],
    epoch: int,
    order: npt.NDArray[np.int64],
) -> None:
    """Writes each network's order of the points in an epoch: a Fisher-Yates shuffle.

    Place i is exchanged with place floor(w (i + 1) / 2^32), w a random word; the bias is below
    n / 2^32 for n points.

    Args:
        seed: 64 bits.
        networks: Index of each network, shape (lanes,).
        epoch: From 0.
        order: Written, shape (points, lanes).
    """
    stream = np.uint64(epoch + 1)
    for lane in range(order.shape[1]):
        for i in range(order.shape[0]):
            order[i, lane] = i
        for i in range(order.shape[0] - 1, 0, -1):
            word, _, _, _ = words(seed, np.uint64(networks[lane]), stream, np.uint64(i))
            other = np.int64((word * np.uint64(i + 1)) >> _HALF)
            order[i, lane], order[other, lane] = order[other, lane], order[i, lane]


@compiled
def write_orders(
    seed: np.uint64, networks: npt.NDArray[np.int64], epoch: int, order: npt.NDArray[np.int64]
) -> None:
    """As `draw_order`, called from Python."""
    draw_order(seed, networks, epoch, order)
