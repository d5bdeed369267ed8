"""Decides local minimality and suboptimality of a point, with a certificate."""

from spurious.certify.decide import RefusedCertificateWarning, certify

__all__ = ["RefusedCertificateWarning", "certify"]
