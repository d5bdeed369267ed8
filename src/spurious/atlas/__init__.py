"""Every local minimum of a shallow network with piecewise linear activation, exactly."""

from spurious.atlas.atlas import Atlas, UndecidedFit, atlas, enumerate_strata, require_atlas
from spurious.atlas.decay.atlas import PenalisedAtlas, PenalisedFamily, penalised_atlas
from spurious.atlas.files import atlas_to_data
from spurious.atlas.minima import Family
from spurious.atlas.optimum import Optimum, optimum

__all__ = [
    "Atlas",
    "Family",
    "Optimum",
    "PenalisedAtlas",
    "PenalisedFamily",
    "UndecidedFit",
    "atlas",
    "atlas_to_data",
    "enumerate_strata",
    "optimum",
    "penalised_atlas",
    "require_atlas",
]
