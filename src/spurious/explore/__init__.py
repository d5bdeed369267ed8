"""The Explorer: a local web page that trains, certifies and enumerates small networks."""

from spurious.explore.app import application
from spurious.explore.server import serve

__all__ = ["application", "serve"]
