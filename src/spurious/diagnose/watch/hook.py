"""Hooks on a model that copies of it do not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Hook:
    """Calls a function; a copy of it, and what is loaded from a file of it, does nothing.

    Modules are copied and saved with their hooks: a copy is not what is watched, and whoever saves
    a model in the middle of its training must not fail for being watched.
    """

    def __init__(self, call: Callable[..., None]) -> None:
        self.call = call

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Calls it with what a hook is given."""
        self.call(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return Hook, (_nothing,)


def _nothing(*_: object, **__: object) -> None:
    """What a copy's hook does."""
