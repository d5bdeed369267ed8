"""Bounds for exp, log, pi and the normal distribution, with proofs.

These take and return integers scaled by 2^p and give a lower and an upper bound.
"""

from __future__ import annotations

import math
from functools import lru_cache


def exp_minus(x: int, p: int) -> tuple[int, int]:
    """Bounds for exp(-x / 2^p), x >= 0.

    From x / 2^p >= p + 2 on the value is below 2^-p. Else let t = x / 2^(p+s), exact in w bits,
    with t < 2^-8. A term t^k/k! is computed from the one before and rounded down twice: its error
    e_k is at most (e_(k-1) t + 1)/k + 1, so below 3. When a term becomes 0 the true one is below 3
    and the rest, at most that times t + t^2 + ..., below 1. Then square s times (exp(t)^(2^s)) and
    take the reciprocal, rounding outward.
    """
    if x == 0:
        return 1 << p, 1 << p
    if x >= (p + 2) << p:
        return 0, 1
    s = max(0, x.bit_length() - p) + 8
    w = p + 2 * s + 32
    t = x << (w - p - s)
    lo = term = 1 << w
    k = 0
    while term:
        k += 1
        term = (term * t >> w) // k
        lo += term
    hi = lo + 3 * k + 1
    for _ in range(s):
        lo, hi = lo * lo >> w, -(-hi * hi >> w)
    return (1 << p + w) // hi, -(-(1 << p + w) // lo)


def odd_series(numerator: int, denominator: int, side: int, w: int) -> tuple[int, int]:
    """Bounds for z + s z^3/3 + z^5/5 + s z^7/7 + ..., 0 <= z = numerator/denominator <= 1/3.

    With the side s = 1 that is atanh(z), with s = -1 atan(z). Powers are rounded down. The error of
    a power is at most that of the one before times z^2, and z times that of z^2 (below 1 + 2z), and
    1 for rounding, so below 3; that of a term below 4. When a power becomes 0 the true one is below
    3, and the terms from there on sum to less than 4.
    """
    power = (numerator << w) // denominator
    square = power * power >> w
    total, terms, j = 0, 0, 1
    while power:
        total, terms = total + side**terms * (power // j), terms + 1
        power, j = power * square >> w, j + 2
    error = 4 * terms + 4
    return total - error * (side < 0), total + error


@lru_cache(maxsize=64)
def log_two(p: int) -> tuple[int, int]:
    """Bounds for log 2 = 2 atanh(1/3)."""
    lo, hi = odd_series(1, 3, 1, p + 32)
    return lo >> 31, -(-hi >> 31)


def log_bounds(u: int, p: int) -> tuple[int, int]:
    """Bounds for log(u / 2^p), u > 0: with u / 2^p = 2^k m, 1 <= m < 2, and z = (m-1)/(m+1).

    log m = 2 atanh z. Below 1 it is -log(4^p / u / 2^p).
    """
    if u < 1 << p:
        lo, hi = (1 << 2 * p) // u, -(-(1 << 2 * p) // u)
        return -log_bounds(hi, p)[1], -log_bounds(lo, p)[0]
    if u == 1 << p:
        return 0, 0
    k = u.bit_length() - 1 - p
    one, (low, high) = 1 << p + k, log_two(p)
    lo, hi = odd_series(u - one, u + one, 1, p + 32)
    return (lo >> 31) + k * low, -(-hi >> 31) + k * high


@lru_cache(maxsize=64)
def pi_bounds(p: int) -> tuple[int, int]:
    """Bounds for pi = 16 atan(1/5) - 4 atan(1/239) (Machin)."""
    (a, b), (c, d) = (odd_series(1, n, -1, p + 32) for n in (5, 239))
    return 16 * a - 4 * d >> 32, -(4 * c - 16 * b >> 32)


@lru_cache(maxsize=64)
def root_two_pi(p: int) -> tuple[int, int]:
    """Bounds for sqrt(2 pi)."""
    w = p + 32
    lo, hi = pi_bounds(w)
    return math.isqrt(2 * lo << w) >> 32, (math.isqrt(2 * hi << w) + 1 >> 32) + 1


def sin_cos(x: int, p: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Bounds for the sine and the cosine of x / 2^p.

    With k the integer nearest to x / 2^p / (pi/2), r = x / 2^p - k pi/2 is known in w bits up to
    |k| times the error of pi/2, and |r| < 1. Both functions change by no more than r does. Their
    series at r alternate and each term is below half the one before, so after a term of at most 1
    (in units of 2^-w) the rest is below that. A term is computed from the one before: its error is
    at most half the sum of that one's error and 1 (for r^2), and 2 for rounding, so below 5. With
    n terms the error of the sum is below 5 n + 6.
    """
    w = p + 32 + max(0, x.bit_length() - p)
    pi_lo, pi_hi = pi_bounds(w)
    x <<= w - p
    k = (2 * x + (pi_lo >> 1)) // pi_lo
    r = x - (k * pi_lo >> 1)
    square = r * r >> w

    def series(term: int, j: int) -> tuple[int, int]:
        total, error = term, 6 + abs(k) * (pi_hi - pi_lo) + 1
        while abs(term) > 1:
            term = -(term * square >> w) // ((j + 1) * (j + 2))
            total, error, j = total + term, error + 5, j + 2
        return total, error

    (s, s_error), (c, c_error) = series(r, 1), series(1 << w, 0)
    for _ in range(k % 4):
        s, s_error, c, c_error = c, c_error, -s, s_error

    def rounded(value: int, error: int) -> tuple[int, int]:
        lo, hi = value - error >> w - p, -(error + value) >> w - p
        return max(lo, -1 << p), min(-hi, 1 << p)

    return rounded(s, s_error), rounded(c, c_error)


def normal_density(x: int, p: int) -> tuple[int, int]:
    """Bounds for phi(x / 2^p) = exp(-(x/2^p)^2 / 2) / sqrt(2 pi); the exponent is exact."""
    q = 2 * p + 1
    lo, hi = exp_minus(x * x, q)
    root_lo, root_hi = root_two_pi(q)
    return (lo << p) // root_hi, -(-(hi << p) // root_lo)


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
    w = 3 * p + 64
    square = x * x << w - 2 * p
    lo = hi = low_term = high_term = x << w - p
    k = 0
    while high_term > 1 or 2 * square >= (2 * k + 3) << w:
        k += 1
        low_term = (low_term * square >> w) // (2 * k + 1)
        high_term = -((-high_term * square >> w) // (2 * k + 1))
        lo, hi = lo + low_term, hi + high_term
    hi += high_term
    density_lo, density_hi = normal_density(x << w - p, w)
    half, shift = 1 << p - 1, 2 * w - p
    return half + (lo * density_lo >> shift), half - (-hi * density_hi >> shift)
