"""Names of a package that are imported when they are first asked for; packages that may be missing.

Nobody waits for what he does not use: Numba alone takes half a second to import.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from spurious.errors import MissingExtraError

__all__ = ["import_late", "require"]


class _Late(ModuleType):
    """A package whose names may be those of its modules: the name then stays with the former.

    Importing a module `p.starts` would put it in the place of what `p` calls `starts`.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in self.__dict__["_homes"] and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        home = self.__dict__["_homes"].get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self.__dict__["_homes"]})


def import_late(package: str) -> None:
    """Lets a package import names when they are first asked for.

    Args:
        package: Its `__name__`. Its source imports the names under `if TYPE_CHECKING:`, where type
            checkers see them too; nothing else is imported there.
    """
    module = sys.modules[package]
    spec = module.__spec__
    source = cast(str, spec.loader.get_source(package))  # pyright: ignore
    homes = {
        alias.name: str(node.module)
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    module.__dict__["_homes"] = homes
    module.__class__ = _Late


def require(package: str = "torch", extra: str = "torch") -> None:
    """Checks that an optional package is installed.

    Args:
        package: What is imported.
        extra: The extra of spurious that brings it.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import_module(package)
    except ImportError:
        raise MissingExtraError(package, extra) from None
