"""The Explorer: a local web page that trains, certifies and enumerates small networks."""

from typing import TYPE_CHECKING

from spurious.late import import_late

if TYPE_CHECKING:
    from spurious.explore.app import application
    from spurious.explore.server import serve

__all__ = ["application", "serve"]

import_late(__name__)
