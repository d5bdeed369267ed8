"""Bounds for exp, log, pi and the normal distribution, with proofs.

These take and return integers scaled by 2^p and give a lower and an upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache


def series(
    term: int, square: int, w: int, factor: Callable[[int], tuple[int, int]]
) -> tuple[int, int]:
    """Bounds for a sum of terms, each the one before times square a/b, with a, b the k-th factor.

    |a| <= b, |square a/b| <= 1/2, and no term is above 1. All is over 2^w: `square` is too small by
    less than 2, the first term is off by at most 8. A product is rounded down before a/b and after:
    if a term is off by e, the next is by at most e/2 + (2 + 1) + 1, so all are by at most 8. Once a
    term is computed as -1, 0 or 1, the true one is at most 9 in size, and so is all that follows.
    """
    total, k = term, 0
    while abs(term) > 1:
        k += 1
        a, b = factor(k)
        term = (term * square >> w) * a // b
        total += term
    error = 8 * k + 17
    return total - error, total + error


@lru_cache(maxsize=4096)
def exp_minus(x: int, p: int) -> tuple[int, int]:
    """Bounds for exp(-x / 2^p), x >= 0.

    From x / 2^p >= p + 2 on the value is below 2^-p. Else let t = x / 2^(p+s), exact in w bits,
    with t < 2^-8: exp(t) is squared s times, and the reciprocal taken, rounding outward.
    """
    if x == 0:
        return 1 << p, 1 << p
    if x >= (p + 2) << p:
        return 0, 1
    s = max(0, x.bit_length() - p) + 8
    w = p + 2 * s + 32
    lo, hi = series(1 << w, x << (w - p - s), w, lambda k: (1, k))
    for _ in range(s):
        lo, hi = lo * lo >> w, -(-hi * hi >> w)
    return (1 << p + w) // hi, -(-(1 << p + w) // lo)


def odd_series(numerator: int, denominator: int, side: int, w: int) -> tuple[int, int]:
    """Bounds for z + s z^3/3 + z^5/5 + s z^7/7 + ..., 0 <= z = numerator/denominator <= 1/3.

    With the side s = 1 that is atanh(z), with s = -1 atan(z).
    """
    z = (numerator << w) // denominator
    return series(z, z * z >> w, w, lambda k: (side * (2 * k - 1), 2 * k + 1))


@lru_cache(maxsize=64)
def log_two(p: int) -> tuple[int, int]:
    """Bounds for log 2 = 2 atanh(1/3)."""
    lo, hi = odd_series(1, 3, 1, p + 32)
    return lo >> 31, -(-hi >> 31)


@lru_cache(maxsize=4096)
def log_bounds(u: int, p: int) -> tuple[int, int]:
    """Bounds for log(u / 2^p), u > 0: u / 2^p = 2^k m, 1 <= m < 2, log m = 2 atanh((m-1)/(m+1))."""
    if u == 1 << p:
        return 0, 0
    k = u.bit_length() - 1 - p
    one, (low, high) = 1 << p + k, sorted(k * end for end in log_two(p))
    lo, hi = odd_series(u - one, u + one, 1, p + 32)
    return (lo >> 31) + low, -(-hi >> 31) + high


@lru_cache(maxsize=64)
def pi_bounds(p: int) -> tuple[int, int]:
    """Bounds for pi = 16 atan(1/5) - 4 atan(1/239) (Machin)."""
    (a, b), (c, d) = (odd_series(1, n, -1, p + 32) for n in (5, 239))
    return 16 * a - 4 * d >> 32, -(4 * c - 16 * b >> 32)


@lru_cache(maxsize=64)
def root_two_pi(p: int) -> tuple[int, int]:
    """Bounds for sqrt(2 pi)."""
    lo, hi = pi_bounds(p + 32)
    return math.isqrt(2 * lo << p + 32) >> 32, (math.isqrt(2 * hi << p + 32) + 1 >> 32) + 1


def sin_cos(x: int, p: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Bounds for the sine and the cosine of x / 2^p.

    With k the integer nearest to x / 2^p / (pi/2), r = x / 2^p - k pi/2 is known in w bits up to
    |k| times the error of pi/2, and 1, and |r| < 1. Both functions change by no more than r does.
    """
    w = p + 32 + max(0, x.bit_length() - p)
    (pi_lo, pi_hi), x = pi_bounds(w), x << w - p
    k = (2 * x + (pi_lo >> 1)) // pi_lo
    r = x - (k * pi_lo >> 1)
    square, off = r * r >> w, abs(k) * (pi_hi - pi_lo) + 1
    s = series(r, square, w, lambda j: (-1, 2 * j * (2 * j + 1)))
    c = series(1 << w, square, w, lambda j: (-1, 2 * j * (2 * j - 1)))
    for _ in range(k % 4):
        s, c = c, (-s[1], -s[0])

    def rounded(lo: int, hi: int) -> tuple[int, int]:
        lo, hi = lo - off >> w - p, -(-(hi + off) >> w - p)
        return max(lo, -1 << p), min(hi, 1 << p)

    return rounded(*s), rounded(*c)


def normal_density(x: int, p: int) -> tuple[int, int]:
    """Bounds for phi(x / 2^p) = exp(-(x/2^p)^2 / 2) / sqrt(2 pi); the exponent is exact."""
    q = 2 * p + 1
    lo, hi = exp_minus(x * x, q)
    root_lo, root_hi = root_two_pi(q)
    return (lo << p) // root_hi, -(-(hi << p) // root_lo)


@lru_cache(maxsize=4096)
def normal_distribution(x: int, p: int) -> tuple[int, int]:
    """Bounds for Phi(x / 2^p), by Phi(z) = 1/2 + phi(z) (z + z^3/3 + z^5/(3 5) + ...) for z >= 0.

    The k-th term is the one before times z^2 / (2k + 1). Once the next factor is below 1/2 the rest
    is at most the last term. For z^2 >= 2p + 4 (so z > 1), 1 - Phi(z) <= exp(-z^2/2) < 2^-p.
    """
    if x < 0:
        lo, hi = normal_distribution(-x, p)
        return (1 << p) - hi, (1 << p) - lo
    if x * x >= (p + 2) << 2 * p + 1:
        return (1 << p) - 1, 1 << p
    w, k = 3 * p + 64, 0
    square = x * x << w - 2 * p
    lo = hi = low_term = high_term = x << w - p
    while high_term > 1 or 2 * square >= (2 * k + 3) << w:
        k += 1
        low_term = (low_term * square >> w) // (2 * k + 1)
        high_term = -((-high_term * square >> w) // (2 * k + 1))
        lo, hi = lo + low_term, hi + high_term
    hi += high_term
    density_lo, density_hi = normal_density(x << w - p, w)
    half, shift = 1 << p - 1, 2 * w - p
    return half + (lo * density_lo >> shift), half - (-hi * density_hi >> shift)
