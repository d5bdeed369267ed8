"""Decides local minimality and suboptimality of a point, with a certificate."""

from spurious.certify.check import Check, check
from spurious.certify.critical_points import CriticalPoint, certified_minima, certified_saddles
from spurious.certify.decide import certify

__all__ = [
    "Check",
    "CriticalPoint",
    "certified_minima",
    "certified_saddles",
    "certify",
    "check",
]
