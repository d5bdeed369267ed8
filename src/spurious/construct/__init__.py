"""Constructions: datasets, points and starts with proven traps, one file for each."""

from typing import TYPE_CHECKING

from spurious.late import import_late

if TYPE_CHECKING:
    from spurious.construct.dead_basin import (
        STANDARD_STARTS,
        DeadDistance,
        DeadShare,
        dead_distance,
        dead_shares,
    )
    from spurious.construct.dead_layer import DeadLayer, dead_layer
    from spurious.construct.depth_kills import Block, ConstantShare, constant_bound, constant_share
    from spurious.construct.initial_regions import InitialRegions, initial_regions
    from spurious.construct.region_trap import RegionTrap, region_trap
    from spurious.construct.shift_probability import (
        SIGMA_RULES,
        ProbabilityBounds,
        dead_probability,
        drawn_dead,
        same_sign_probability,
        sigma,
        smallest_mean,
    )
    from spurious.construct.shifted_start import ShiftedStart, shifted_start_data
    from spurious.construct.trap_basin import TrapReach, TrapShares, trap_reach, trap_shares

__all__ = [
    "SIGMA_RULES",
    "STANDARD_STARTS",
    "Block",
    "ConstantShare",
    "DeadDistance",
    "DeadLayer",
    "DeadShare",
    "InitialRegions",
    "ProbabilityBounds",
    "RegionTrap",
    "ShiftedStart",
    "TrapReach",
    "TrapShares",
    "constant_bound",
    "constant_share",
    "dead_distance",
    "dead_layer",
    "dead_probability",
    "dead_shares",
    "drawn_dead",
    "initial_regions",
    "region_trap",
    "same_sign_probability",
    "shifted_start_data",
    "sigma",
    "smallest_mean",
    "trap_reach",
    "trap_shares",
]

import_late(__name__)
