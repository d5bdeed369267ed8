# pyright: basic
"""Whether a compiled program fits into the memory that is free."""

from __future__ import annotations

import os
from typing import Any

import jax

MOST = 0.8
"""Share of the free memory that a program may ask for."""


def check_fits(program: Any) -> None:
    """Compares what the compiler says that a program needs with the memory that is free.

    On a CPU this has to be asked before: Linux hands out memory that it has not, and ends the
    process that comes to use it.

    Raises:
        MemoryError: It does not fit.
    """
    found = program.memory_analysis()
    if found is None:
        return
    needed = found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes
    free = free_bytes()
    if free is not None and needed > MOST * free:
        raise MemoryError(
            f"training them together needs {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB "
            "are free"
        )


def free_bytes() -> int | None:
    """Free memory of the device that JAX uses, or None where nobody says."""
    stats = jax.devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    if jax.default_backend() != "cpu" or not hasattr(os, "sysconf"):
        return None
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    text = str(error)
    return isinstance(error, jax.errors.JaxRuntimeError) and (
        "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower()
    )
