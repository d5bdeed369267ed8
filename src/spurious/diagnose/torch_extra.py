"""The one line said where PyTorch, an optional extra, is not installed."""

from __future__ import annotations

from importlib import import_module

from spurious.errors import InputError


def require(module: str = "torch", extra: str = "torch") -> None:
    """Checks that an optional package is installed.

    Args:
        module: What is imported.
        extra: The extra of spurious that brings it.

    Raises:
        InputError: It is not installed; the message is the command that installs it.
    """
    try:
        import_module(module)
    except ImportError:
        raise InputError(
            f"{module}: not installed, but this needs it; pip install 'spurious[{extra}]'"
        ) from None
