from dataclasses import replace
from fractions import Fraction

import pytest

from spurious.problem import Network, dataset
from spurious.problem.bundled import bundled, point_of, witness_of
from spurious.problem.forward import float_data, float_point, forward
from spurious.studies.classify import classified

SIZES = (10, 9, 8, 7)


@pytest.mark.parametrize("size", SIZES)
def test_agrees_with_floating_point(size: int) -> None:
    problem = bundled(f"c13-deadlock-{size}-points")
    x, y = float_data(problem.data)
    for point in (point_of(problem), witness_of(problem)):
        count = classified(problem.network, point, problem.data)
        right = (forward(problem.network, float_point(point), x) * y > 0)[:, 0]
        assert list(count.right) == right.tolist()
        assert count.decided


def test_a_wide_box_is_undecided_rather_than_wrong() -> None:
    problem = bundled("c13-deadlock-10-points")
    count = classified(problem.network, point_of(problem), problem.data, Fraction(1))
    assert not count.decided
    assert str(count) == f"at least {count.correct} of 10"


def test_any_activation_is_counted() -> None:
    problem = bundled("c13-deadlock-7-points")
    network = Network((2, 2, 1), "tanh")
    x, y = float_data(problem.data)
    count = classified(network, point_of(problem), problem.data)
    right = (forward(network, float_point(point_of(problem)), x) * y > 0)[:, 0]
    assert count.decided and list(count.right) == right.tolist()


@pytest.mark.parametrize("size", SIZES)
def test_the_bundled_points_are_on_the_built_in_data(size: int) -> None:
    problem, built_in = bundled(f"c13-deadlock-{size}-points"), dataset(f"deadlock{size}")
    assert set(zip(problem.data.x, problem.data.y, strict=True)) == set(
        zip(built_in.data.x, built_in.data.y, strict=True)
    )
    assert problem.loss is built_in.loss


@pytest.mark.parametrize(
    ("name", "data"),
    [("c5-d1", "d1"), ("c6-d2-as-printed", "d2"), ("c6-d2-corrected", "d2"), ("c7-d3", "d3")],
)
def test_the_papers_points_are_on_the_papers_data(name: str, data: str) -> None:
    assert bundled(name).data == dataset(data).data


def test_a_problem_without_point_or_witness_says_so() -> None:
    bare = replace(bundled("c7-d3"), point=None, witness=None)
    for get in (point_of, witness_of):
        with pytest.raises(ValueError, match="give it one"):
            get(bare)
