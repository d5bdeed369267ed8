"""Linear algebra in floats on one thread: on small matrices, threads wait for each other."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController  # pyright: ignore[reportMissingTypeStubs]


@contextmanager
def one_thread() -> Generator[None]:
    """The BLAS of NumPy and SciPy has one thread inside, and afterwards as many as before.

    A BLAS that is first loaded inside is not limited. Where several Python threads ask, the first
    one decides for all of them.
    """
    with _libraries("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries(_scipy_is_loaded: bool) -> Any:
    """What is loaded: SciPy has a BLAS of its own, and finding them takes milliseconds."""
    return ThreadpoolController()
