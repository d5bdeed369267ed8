"""Known verdicts: the paper's problems, and one problem for each corner of the theory."""

from dataclasses import replace
from fractions import Fraction

import pytest

from spurious import Answer, Decision, InputError, certify
from spurious.problem import Dataset, Loss, Network, Problem, unflatten
from spurious.problem import problem as front_door
from spurious.problem.bundled import bundled
from spurious_checker import check


def problem(
    widths: tuple[int, ...], activation: str, loss: str, x: str, y: str, point: str
) -> Problem:
    """A problem from short texts: rows separated by commas, parameters in flat order."""
    network = Network(widths, activation)

    def table(text: str) -> tuple[tuple[Fraction, ...], ...]:
        return tuple(tuple(Fraction(v) for v in row.split()) for row in text.split(","))

    return Problem(
        network,
        Loss(loss),
        Dataset(table(x), table(y)),
        unflatten([Fraction(v) for v in point.split()], network),
    )


@pytest.mark.parametrize(
    ("name", "decision", "loss", "is_global"),
    [
        ("c5-d1", "local_minimum", "18", "no"),
        ("c6-d2-as-printed", "not_local_minimum", "23/3", "no"),
        ("c6-d2-corrected", "local_minimum", "8/3", "no"),
        ("c7-d3", "local_minimum", "2/3", "no"),
    ],
)
def test_the_papers_relu_points(name: str, decision: str, loss: str, is_global: str) -> None:
    verdict = certify(bundled(name))
    assert verdict.decision == decision
    assert verdict.loss is not None and verdict.loss.exact
    assert verdict.loss.mid == Fraction(loss)
    assert verdict.is_global == is_global


@pytest.mark.parametrize(
    ("name", "loss", "eigenvalue"),
    [
        ("c13-deadlock-10-points", 5.777378449063, 1.310e-3),
        ("c13-deadlock-9-points", 5.8808, 4.64e-3),
        ("c13-deadlock-8-points", 5.4294, 2.22e-3),
        ("c13-deadlock-7-points", 3.2105457456, 3.362e-3),
        ("sigmoid-squared-6-points", 0.2499, 6e-4),
        ("sigmoid-squared-1d-7-points", 0.2501, 2e-4),
    ],
)
def test_the_sigmoid_deadlocks(name: str, loss: float, eigenvalue: float) -> None:
    verdict = certify(bundled(name))
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert verdict.strict is Answer.YES
    assert verdict.is_global is Answer.NO
    assert verdict.radius is not None and verdict.radius < Fraction(1, 10**12)
    assert float(verdict.loss) == pytest.approx(loss, rel=1e-3)
    assert 0.9 * eigenvalue < float(verdict.eigenvalue_bound) < 1.1 * eigenvalue


LINE = "-1, 0, 1, 2"

CORNERS = {
    "no hidden layer, least squares": (
        problem((1, 1), "identity", "squared", "0, 1, 2", "0, 1, 0", "0 1/3"),
        "local_minimum", "yes",
    ),
    "no hidden layer, a slope": (
        problem((1, 1), "identity", "squared", "0, 1, 2", "0, 1, 0", "0 0.3333333"),
        "local_minimum_nearby", None,
    ),
    "perfect fit": (
        problem((1, 1, 1), "relu", "squared", LINE, "0, 0, 1, 2", "1 0 1 0"),
        "local_minimum", "yes",
    ),
    "one point": (
        problem((1, 1, 1), "relu", "squared", "3", "5", "0 0 0 5"), "local_minimum", "yes",
    ),
    "all equal targets": (
        problem((1, 2, 1), "relu", "squared", LINE, "7, 7, 7, 7", "0 0 0 0 0 0 7"),
        "local_minimum", "yes",
    ),
    "dead layer, deep": (
        problem((1, 2, 2, 1), "relu", "squared", LINE, "1, 2, 0, 5", "1 2 -9 -9 3 1 1 1 0 0 2 2 2"),
        "local_minimum", "no",
    ),
    "everything zero, useful inputs": (
        problem((1, 1, 1), "relu", "squared", LINE, "0, 1, 0, 3", "0 0 0 1"),
        "not_local_minimum", "no",
    ),
    "linear network at zero": (
        problem((1, 1, 1), "identity", "squared", LINE, "-1, 0, 1, 2", "0 0 0 1/2"),
        "not_local_minimum", "no",
    ),
    "balanced labels, everything dead": (
        problem((1, 1, 1), "relu", "logistic", "1, 2", "1, -1", "-1 -1 1 0"),
        "local_minimum", "no",
    ),
    "separable": (
        problem((1, 1, 1), "relu", "logistic", "1, -1", "1, -1", "1 0 1 0"),
        "not_local_minimum", "no",
    ),
    "saddle of a smooth network": (
        problem((1, 1, 1), "tanh", "squared", "-1, 1", "-1, 1", "0 0 0 0"),
        "not_local_minimum", "no",
    ),
    "softsign, exact perfect fit": (
        problem((1, 1, 1), "softsign", "squared", "-3, -2, -1, 1, 2, 3, 5",
                "-3/4, -2/3, -1/2, 1/2, 2/3, 3/4, 5/6", "1 0 1 0"),
        "local_minimum", "yes",
    ),
    "degenerate smooth minimum, perfect": (
        problem((1, 1, 1), "tanh", "squared", "0", "0", "0 0 0 0"), "local_minimum", "yes",
    ),
    "singular softsign perfect fit": (
        problem((1, 2, 1), "softsign", "squared", "0, 1, -2", "0, 1/2, -2/3",
                "1 1 0 0 1/2 1/2 0"),
        "local_minimum", "yes",
    ),
    "smooth saddle of the fourth order": (
        problem((1, 1, 1), "tanh", "squared", "-1, 0, 1", "1, -2, 1", "0 0 0 0"),
        "undecided", "unknown",
    ),
    "collinear least squares, exact": (
        problem((2, 1), "identity", "squared", "0 0, 1 2, 2 4", "0, 1, 0", "0 0 1/3"),
        "local_minimum", "yes",
    ),
    "collinear least squares, rounded": (
        problem((2, 1), "identity", "squared", "0 0, 1 2, 2 4", "0, 1, 0", "0 0 0.333333333333333"),
        "local_minimum_nearby", "yes",
    ),
    "off unit, huge output, log loss": (
        problem((1, 1, 1), "relu", "logistic", "0, 1", "1, 1", "-1 -5 1 40000"),
        "not_local_minimum", "no",
    ),
    "off unit, output a hair off": (
        problem((1, 1, 1), "relu", "logistic", "0, 1", "1, -1", f"-1 -5 1 1/{10**60}"),
        "local_minimum_nearby", None,
    ),
    "off unit, tiny float off, cross entropy": (
        problem((1, 1, 2), "relu", "cross_entropy", "0, 1", "0, 1", f"-1 -5 1 1 0 1/{10**60}"),
        "local_minimum_nearby", None,
    ),
    "off unit, huge output, cross entropy": (
        problem((1, 1, 2), "relu", "cross_entropy", "0, 1", "0, 0", "-1 -5 1 1 40000 0"),
        "not_local_minimum", "no",
    ),
    "a valley whose exact direction has too many digits": (
        problem((2, 3, 1), "gelu", "logistic", "-2/5 -5/2", "1", "0 86 0 0 0 0 0 0 0 0 0 0 0"),
        "not_local_minimum", "no",
    ),
    "Newton wakes a dead unit of the second layer": (
        problem((1, 1, 2, 1), "relu", "squared", "-2, -1, 1, 2, 3, 5, 6",
                "11/10, 9/10, 637/740, 163/370, 237/740, 1, -1",
                "1/100 -301/100000 -1000/37 100000 1 -11399/2 1 -1/1000000000 0"),
        # it sleeps at the minimum that is proved: near for parameters of 100,000
        "local_minimum_nearby", "no",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CORNERS)
def test_corners(name: str) -> None:
    given, decision, is_global = CORNERS[name]
    verdict = certify(given)
    assert verdict.decision == decision, verdict.reason
    assert is_global is None or verdict.is_global == is_global
    assert verdict.reason
    if verdict.certificate is not None:
        assert check(dict(verdict.certificate)).valid, check(dict(verdict.certificate)).reason
    else:
        assert verdict.decision is Decision.UNDECIDED


def test_a_printed_point_is_needed() -> None:
    with pytest.raises(InputError, match="point"):
        certify(replace(bundled("c5-d1"), point=None))


def test_verdicts_refuse_to_be_booleans() -> None:
    verdict = certify(bundled("c5-d1"))
    for value in (verdict, verdict.decision, verdict.is_global):
        with pytest.raises(TypeError):
            bool(value)


def test_it_is_deterministic() -> None:
    first, second = (certify(bundled("c5-d1")).certificate for _ in range(2))
    assert first == second


def test_numbers_out_of_range_are_undecided_not_a_crash() -> None:
    huge = problem((1, 1, 1), "sigmoid", "logistic", "1e300, -1e300", "1, -1", "1e300 1 1e300 1")
    assert certify(huge).decision in (Decision.UNDECIDED, Decision.NOT_LOCAL_MINIMUM)


@pytest.mark.parametrize(
    ("size", "loss", "decision"),
    [
        ("1e300", "logistic", Decision.NOT_LOCAL_MINIMUM),
        ("1e400", "logistic", Decision.UNDECIDED),  # beyond the largest number of bits
        ("1e300", "hinge", Decision.NOT_LOCAL_MINIMUM),
        ("1e400", "hinge", Decision.NOT_LOCAL_MINIMUM),  # exact
    ],
)
def test_losses_of_numbers_of_very_different_sizes(
    size: str, loss: str, decision: Decision
) -> None:
    """No certificate that the checker would refuse, and no warning."""
    big = Fraction(size)
    point = [([[1]], [-big]), ([[1]], ["1/3"])]
    given = front_door([big, big + 1, -big], [1, -1, 1], hidden=1, loss=loss, point=point)
    verdict = certify(given)
    assert verdict.decision is decision
    if decision is Decision.UNDECIDED:
        assert "numbers here differ too much in size" in verdict.reason
    else:
        assert verdict.loss is not None and verdict.loss.rad < Fraction(1, 10**20)


def test_a_training_run_that_ended_near_a_minimum() -> None:
    given = bundled("c5-d1")
    point = unflatten(
        [Fraction(v) for v in (1.0000003, -2.9999991, 0.9999998, 1e-7)], given.network
    )
    verdict = certify(replace(given, point=point))
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert verdict.loss is not None and verdict.loss.mid == 18
    assert verdict.radius is not None and verdict.radius < Fraction(1, 10**5)


@pytest.mark.parametrize(
    ("loss", "y", "biases", "exact"),
    [("squared", "0 2, 2 1", "1.004 1.5", "5/2"), ("logistic", "1 -1, -1 1", "0.003 0", None)],
)
def test_a_dead_layer_with_coarse_biases(loss: str, y: str, biases: str, exact: str | None) -> None:
    """The loss is that of the best constants, however far the given biases are."""
    given = problem((1, 1, 2), "relu", loss, "0, 1", y, f"0 -1 1 1 {biases}")
    verdict = certify(given)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY and verdict.loss is not None
    assert verdict.method == "constant_output"
    if exact is not None:
        assert verdict.loss.exact and verdict.loss.mid == Fraction(exact)
    assert verdict.certificate is not None and check(dict(verdict.certificate)).valid
