"""Decides about a point of a loss that is given as a program."""

from spurious.certify.programs.decide import certify_program

__all__ = ["certify_program"]
