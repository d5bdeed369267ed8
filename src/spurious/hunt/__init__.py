"""The hunt for small datasets with strict bad minima of smooth networks. Needs the extra `jax`."""

from typing import TYPE_CHECKING

from spurious.late import import_late

if TYPE_CHECKING:
    from spurious.hunt.finish import Find
    from spurious.hunt.request import METHODS, Request
    from spurious.hunt.search import HuntProgress, Round, hunt, rounds

__all__ = ["METHODS", "Find", "HuntProgress", "Request", "Round", "hunt", "rounds"]

import_late(__name__)
