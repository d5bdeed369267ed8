"""How the tests are run: without looking for garbage all the time, and what waits long first."""

import contextlib
import gc
import importlib
import os
import signal

import pytest

# Millions of objects of torch and JAX live as long as the tests do, and to look through all of them
# again and again took a tenth of the time.
gc.set_threshold(10_000, 20, 50)

# In a fresh installation nothing is compiled to bytecode. Processes that import everything in one
# order would compile everything at the same time, each for itself; the second begins elsewhere.
if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
    for name in ("jax", "optax", "scipy.stats", "distributed", "selenium.webdriver", "onnx"):
        with contextlib.suppress(ImportError):  # tests of what is not installed are skipped
            importlib.import_module(name)

# What is started in the background ignores Ctrl-C, and so would every process that the tests start
# to press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    with contextlib.suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGINT, signal.default_int_handler)

WAITING = ("tests/sweep/test_kill.py", "tests/sweep/test_cluster.py", "tests/explore/")
"""Tests that wait for other processes; one process would have to wait for them at the end."""


def pytest_collection_finish() -> None:
    """What is there before the first test stays: nobody need look for garbage in it.

    Hypothesis looks at what holds its random numbers when it is imported, and would not see that.
    """
    import hypothesis  # noqa: F401

    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(WAITING))
