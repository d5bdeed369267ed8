"""The ensemble engine: many small networks trained at once, and what each run ended in."""

from typing import TYPE_CHECKING

from spurious.late import import_late

if TYPE_CHECKING:
    from spurious.train.ensemble import cores, log_spaced, train
    from spurious.train.initialisation import INITIALISATIONS, Initialisation
    from spurious.train.optimiser import OPTIMISERS, Optimiser
    from spurious.train.outcome import Outcome, Outcomes, name_outcomes
    from spurious.train.proofs import MINIMA, ProofKind, Proved
    from spurious.train.recipe import Recipe
    from spurious.train.runs import Cancelled, Runs
    from spurious.train.starts import drawn, epoch_orders, starts
    from spurious.train.table import ENGINE_VERSION, train_and_name, train_to_ends
    from spurious.train.traps import Traps, check_traps
    from spurious.train.weights import point_weights

__all__ = [
    "ENGINE_VERSION",
    "INITIALISATIONS",
    "MINIMA",
    "OPTIMISERS",
    "Cancelled",
    "Initialisation",
    "Optimiser",
    "Outcome",
    "Outcomes",
    "ProofKind",
    "Proved",
    "Recipe",
    "Runs",
    "Traps",
    "check_traps",
    "cores",
    "drawn",
    "epoch_orders",
    "log_spaced",
    "name_outcomes",
    "point_weights",
    "starts",
    "train",
    "train_and_name",
    "train_to_ends",
]

import_late(__name__)
