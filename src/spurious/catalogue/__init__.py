"""Everybody's constructions of bad local minima, each with a certificate or a reason for none."""

from spurious.catalogue.entries import ENTRIES
from spurious.catalogue.entry import Entry, Examination, Standing, Statement, examine

__all__ = ["ENTRIES", "Entry", "Examination", "Standing", "Statement", "examine"]
