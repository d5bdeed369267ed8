"""Every local minimum of the hinge loss: least losses of cells, and the strata that keep them."""

from spurious.atlas.hinge.listing import HingeList, hinge_list, hinge_strata

__all__ = ["HingeList", "hinge_list", "hinge_strata"]
