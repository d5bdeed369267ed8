"""A pytest fixture: `pytest_plugins = ["spurious.diagnose.pytest_plugin"]` in conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from spurious.diagnose.one_batch import can_overfit
from spurious.diagnose.overfit import Overfit


@pytest.fixture
def assert_can_overfit() -> Callable[..., Overfit]:
    """A function with the arguments of `can_overfit` that fails the test with the reasons."""

    def check(*args: Any, **kwargs: Any) -> Overfit:
        found = can_overfit(*args, **kwargs)
        if not found:
            pytest.fail(repr(found), pytrace=False)
        return found

    return check
