"""Decides local minimality and suboptimality of a point, with a certificate."""

from spurious.certify.decide import certify

__all__ = ["certify"]
