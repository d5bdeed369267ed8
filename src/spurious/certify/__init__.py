"""Decides local minimality and suboptimality of a point, with a certificate."""

from spurious.certify.decide import certify
from spurious.certify.refusal import RefusedCertificateWarning

__all__ = ["RefusedCertificateWarning", "certify"]
