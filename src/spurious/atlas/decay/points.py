"""A minimum of a list as parameters of the network, in floats."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from spurious.atlas.decay.setting import DecaySetting, Floats
from spurious.atlas.decay.walk import Proven
from spurious.problem import FlatPoint

AWAY = 2.0
"""Where a linear unit's kink is, in lengths of its weights, against the largest input."""

Unit = tuple[float, Floats, float]
"""The sign of the outgoing weight, |v| w, |v| b."""


def resting_side(setting: DecaySetting) -> int:
    """The sign of biases on whose side the activation's slope is nearer to 0."""
    high, low = map(abs, setting.loss.network.slopes)
    return 1 if high < low else -1


def point_of(
    setting: DecaySetting, minimum: Proven, hidden: int, spare_at: int | None
) -> FlatPoint:
    """Balanced parameters.

    Args:
        setting: The setting.
        minimum: The minimum.
        hidden: Number of hidden units, m.
        spare_at: Spare units are at zero with this bias; None: they share the first one's work.
    """
    bias = minimum.proposed.bias
    units = list[Unit]()
    for region, vector in zip(minimum.cell, minimum.proposed.vectors, strict=True):
        unit, constant = _unit(setting, region, vector)
        units.append(unit)
        bias += constant
    spare = hidden - len(units)
    resting = list[Unit]()
    if spare_at is not None or not units:
        resting = [(0.0, np.zeros(len(setting.origin)), float(spare_at or 0))] * spare
    elif spare:
        sign, a, beta = units[0]
        units[0:1] = [(sign, a / (spare + 1), beta / (spare + 1))] * (spare + 1)
    weight, own, outgoing, _ = map(float, setting.costs)
    rows, biases, outs = list[float](), list[float](), list[float]()
    for sign, a, beta in units:
        paid = weight * float(a @ a) + own * beta**2
        v = (paid / outgoing) ** 0.25
        rows += (a / v).tolist()
        biases.append(beta / v)
        outs.append(sign * v)
    for _, a, beta in resting:
        rows += a.tolist()
        biases.append(beta)
        outs.append(0.0)
    return tuple(Fraction(x) for x in (*rows, *biases, *outs, bias))


def _unit(setting: DecaySetting, region: int, vector: Floats) -> tuple[Unit, float]:
    """A unit that does the work of a vector, and what the output's bias has to add."""
    own, (high, low) = setting.regions[region], setting.loss.network.slopes
    a, beta, constant = vector[:-1], float(vector[-1]) / float(setting.tau.mid()), 0.0
    if own.linear:
        upper = abs(high) == own.slopes[0]
        slope = float(high if upper else low)
        a = a if slope > 0 else -a
        reach = float(np.linalg.norm(setting.float_points[:, :-1], axis=1).max())
        beta = (1 if upper else -1) * AWAY * reach * float(np.linalg.norm(a))
        constant = -slope * beta
    beta -= float(a @ np.array([float(v) for v in setting.origin]))
    return (float(own.sign), a, beta), constant
