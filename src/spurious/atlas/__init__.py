"""Every local minimum of a shallow network with piecewise linear activation, exactly."""

from spurious.atlas.atlas import Atlas, Undecided, atlas, require_atlas
from spurious.atlas.minima import Family

__all__ = ["Atlas", "Family", "Undecided", "atlas", "require_atlas"]
