"""Decides about points of a loss that is given as a program, and looks for such points."""

from spurious.certify.programs.decide import certify_program
from spurious.certify.programs.minima import CriticalPoint, certified_minima, certified_saddles

__all__ = ["CriticalPoint", "certified_minima", "certified_saddles", "certify_program"]
