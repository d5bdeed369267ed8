"""Decides local minimality and suboptimality of a point, with a certificate."""

from spurious.certify.check import Check, check
from spurious.certify.decide import certify
from spurious.certify.programs import CriticalPoint, certified_minima, certified_saddles
from spurious.certify.refusal import RefusedCertificateWarning

__all__ = [
    "Check",
    "CriticalPoint",
    "RefusedCertificateWarning",
    "certified_minima",
    "certified_saddles",
    "certify",
    "check",
]
