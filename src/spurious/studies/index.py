"""Every study, in the order of the claims; then what is no claim of the paper."""

from __future__ import annotations

from typing import Final

from spurious.studies import (
    constant_model,
    crowded_regions,
    dead_layer,
    deadlocks,
    decay,
    decision_surfaces,
    depth,
    mnist_initialisation,
    mnist_scaled,
    one_unit,
    shifted_start,
    table1,
    three_units,
    two_units,
    zigzag,
)

STUDIES: Final = (
    mnist_initialisation.STUDY,
    mnist_scaled.STUDY,
    table1.STUDY,
    decision_surfaces.STUDY,
    one_unit.STUDY,
    two_units.STUDY,
    three_units.STUDY,
    zigzag.STUDY,
    shifted_start.STUDY,
    depth.STUDY,
    constant_model.STUDY,
    dead_layer.STUDY,
    deadlocks.STUDY,
    crowded_regions.STUDY,
    decay.STUDY,
)
"""To add one, write its claim in `claims.py` and its file, and name it here."""
