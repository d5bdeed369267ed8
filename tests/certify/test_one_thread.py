"""One BLAS thread while small matrices are worked on, and as many as before afterwards."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import spurious
from spurious.certify.one_thread import one_thread


def threads() -> set[int]:
    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _two_threads():
    np.linalg.inv(np.eye(2))
    with threadpool_limits(2, "blas"):
        if threads() != {2}:
            pytest.skip("this BLAS has one thread only")
        yield


def test_nested_and_restored() -> None:
    with one_thread():
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_restored_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert threads() == {2}


def test_certify_leaves_no_trace() -> None:
    spurious.certify(spurious.problem([0, 1, 2], [0, 1, 0], hidden=2, point=[0.5] * 7))
    assert threads() == {2}
