"""The ensemble engine: many small networks trained at once, and what each run ended in."""

from spurious.train.ensemble import Cancelled, Runs, cores, train
from spurious.train.initialisation import INITIALISATIONS, Initialisation
from spurious.train.optimiser import OPTIMISERS, Optimiser
from spurious.train.recipe import Recipe
from spurious.train.starts import starts

__all__ = [
    "INITIALISATIONS",
    "OPTIMISERS",
    "Cancelled",
    "Initialisation",
    "Optimiser",
    "Recipe",
    "Runs",
    "cores",
    "starts",
    "train",
]
