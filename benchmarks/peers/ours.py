"""This package's engine, with what a user calls: chunks, compaction and snapshots included."""

import numpy as np
from peers.problem import Case

from spurious.train import train


def run(case: Case, updates: int, threads: int) -> np.ndarray:
    """Trains and returns the parameters (N, P)."""
    return train(case.recipe(updates), 1, 0, case.networks, threads=threads).parameters
