"""How much one page may ask of this machine."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

POINTS: Final = 40
"""Most data points."""

INPUTS: Final = 2
"""Most inputs: what a page can draw."""

LAYERS: Final = 3
"""Most hidden layers."""

UNITS: Final = 8
"""Most units of a hidden layer."""

RUNS: Final = 400
"""Most runs of an ensemble."""

UPDATES: Final = 100_000
"""Most updates of a run."""

LARGEST_DATA: Final = Fraction(1000)
"""Largest size of an input or target."""

DATA_DENOMINATOR: Final = 10**6
"""Largest denominator of an input or target."""

LARGEST: Final = Fraction(10**12)
"""Largest size of a parameter."""

CELLS: Final = 500_000
"""Most activation cells, by their upper bound, of a problem whose atlas is tried."""

FAMILIES: Final = 60
"""Most families of minima that are sent, lowest loss first."""

BODY_BYTES: Final = 64 * 2**10
"""Longest body of a request."""

READ_SECONDS: Final = 10.0
"""Longest time for a body to arrive."""

TRAIN_SECONDS: Final = 60.0
"""Longest training, naming of outcomes included."""

CERTIFY_SECONDS: Final = 30.0
"""Longest decision about a point; then its process is killed."""

ATLAS_SECONDS: Final = 60.0
"""Longest enumeration; then its process is killed."""

WORKER_BYTES: Final = 3 * 2**30
"""Most address space of a worker process."""

TRAININGS: Final = 2
"""Ensembles in training at once."""

WORKERS: Final = 2
"""Worker processes at once."""

WAIT_SECONDS: Final = 10.0
"""How long a request waits for its turn before it is refused."""

CONNECTIONS: Final = 32
"""Most connections at once."""
