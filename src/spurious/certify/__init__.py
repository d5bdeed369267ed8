"""Decides local minimality and suboptimality of a point, with a certificate."""

from spurious.certify.critical_points import CriticalPoint, certified_minima, certified_saddles
from spurious.certify.decide import certify

__all__ = ["CriticalPoint", "certified_minima", "certified_saddles", "certify"]
