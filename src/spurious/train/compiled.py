# pyright: basic
"""Compilation of the functions that Python calls: once, then from the cache on disk."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit

__all__ = ["compiled"]


def _sources() -> str:
    """A hash of this package's source files."""
    digest = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES = _sources()


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compiles a function, which then runs without Python's global lock.

    Numba's cache looks at the age of the function's own file only, so that a change in a file it
    uses, or an upgrade, could leave old code in use. Here the key has a hash of all sources.
    """
    dispatcher: Any = njit(function, nogil=True, cache=True)
    cache = dispatcher._cache
    plain = cache._index_key

    def key(signature: Any, codegen: Any) -> tuple[Any, ...]:
        return (*plain(signature, codegen), _SOURCES)

    cache._index_key = key
    return dispatcher
