# pyright: basic
"""Compilation of the functions that Python calls: once, then from the cache on disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from numba import config, njit

from spurious.files import private_folder

Function = TypeVar("Function", bound=Callable[..., Any])


def _sources() -> str:
    """A hash of this package's source files."""
    digest = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES = _sources()


def _cached(function: Callable[..., Any]) -> Any:
    """Numba's dispatcher with a cache on disk, wherever there is a folder for it.

    If neither the installation nor the home can be written, as in containers, that is a folder of
    this user alone among the temporary files; if not even that, nothing is kept.
    """
    for folder in ("", private_folder("numba")):
        if folder:
            setattr(config, "CACHE_DIR", folder)  # noqa: B010  (not known to type checkers)
        with suppress(RuntimeError, OSError):
            return njit(function, nogil=True, cache=True)
    return njit(function, nogil=True)


def compiled(function: Function) -> Function:
    """Compiles a function, which then runs without Python's global lock.

    Numba's cache looks at the age of the function's own file only, so that a change in a file it
    uses, or an upgrade, could leave old code in use. Here the key has a hash of all sources.
    """
    dispatcher: Any = _cached(function)
    kept = dispatcher._cache
    plain = getattr(kept, "_index_key", None)
    if plain is None:  # nothing is kept
        return dispatcher

    def key(signature: Any, codegen: Any) -> tuple[Any, ...]:
        return (*plain(signature, codegen), _SOURCES)

    kept._index_key = key
    return dispatcher


def is_cached(function: Any) -> bool:
    """Whether the cache on disk has code of a compiled function, made from these sources."""
    try:
        found = function._cache._cache_file._load_index()
    except (AttributeError, OSError, ValueError):
        return False
    return any(key[-1] == _SOURCES for key in found)
