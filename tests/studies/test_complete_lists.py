"""What is said of a list in which the global minimum was left undecided."""

from importlib import import_module

import pytest

from spurious import atlas
from spurious.problem import Loss, Network, Problem, dataset_from_arrays
from spurious.studies.complete_lists import MarkedPoint, complete_lists
from spurious.studies.report.claim import Status


def test_the_lowest_of_an_incomplete_list_is_not_called_global(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The perfect fit of relu(x - 2) has 25 faces."""
    monkeypatch.setattr(import_module("spurious.atlas.strata"), "FACE_LIMIT", 10)
    data = dataset_from_arrays([[v] for v in range(6)], [[max(0, v - 2)] for v in range(6)])
    found = atlas(Problem(Network((1, 1, 1), "relu"), Loss.SQUARED, data))
    assert not found.complete
    lowest = MarkedPoint("the lowest listed", found.minima[0].point)
    listed, best, marked = complete_lists("x", data, [1], {1: [lowest]}).rows
    assert listed.status is Status.MEASURED and "1 fitted vectors undecided" in listed.measured
    assert best.status is Status.PROVED and best.measured.startswith("loss 0,")
    assert marked.status is Status.MEASURED and "not the best" in marked.measured
