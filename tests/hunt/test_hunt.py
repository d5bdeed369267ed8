"""The hunt: its unknowns, its derivatives, its finds, its journal."""

from fractions import Fraction
from pathlib import Path

import jax
import numpy as np
import pytest

import spurious_checker
from spurious.certify import certify
from spurious.errors import InputError
from spurious.hunt import HuntProgress, Request, hunt, rounds
from spurious.hunt import search as hunting
from spurious.hunt.anatomy import anatomy
from spurious.hunt.ascent import compiled
from spurious.hunt.finish import point_from
from spurious.hunt.layout import layout
from spurious.problem import Dataset, Loss, Network, Problem, dataset, flatten
from spurious.train import Initialisation, Optimiser, Recipe
from spurious.train.polish import hessians
from spurious.train.scalar import model
from spurious.verdict import Answer, Decision

SIGMOID = Network((2, 2, 1), "sigmoid")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunting, "STARTS", 48)
    monkeypatch.setattr(hunting, "STEPS", 1_000)


def parts(request: Request, on_diagonal: int = 0, steps: int = 0):
    """Six starts on the set of critical points, after so many steps of the climb."""
    plan = layout(request, on_diagonal)
    generator = np.random.default_rng(0)
    u = 2 * generator.standard_normal((6, plan.basis.shape[1]))
    labels = generator.choice([-1.0, 1.0], (6, request.points))[:, plan.groups]
    with jax.enable_x64(True):
        engine = compiled(request, on_diagonal)
        at = engine.begin(u, labels)
        if steps:  # what is dear is to compile it
            at = engine.climb(at, 0.9, 0.0, steps)
        eigenvalue, gradient = map(np.asarray, engine.measure(at))
    full = plan.offset + np.asarray(at.u) @ plan.basis.T
    n, d = request.points, request.network.inputs
    x = full[:, : n * d].reshape(-1, n, d)
    y = labels if request.loss is Loss.LOGISTIC else full[:, n * d : n * d + n]
    return x, y, full[:, n * d + n : -n], eigenvalue, gradient


def exact(x: np.ndarray, y: np.ndarray) -> Dataset:
    return Dataset(
        tuple(tuple(Fraction(float(v)) for v in row) for row in x),
        tuple((Fraction(float(v)),) for v in y),
    )


def test_climbers_stay_on_critical_points_of_the_real_loss() -> None:
    network = Network((2, 2, 1), "gelu")
    request = Request(9, network, Loss.LOGISTIC, "absolute")
    x, y, theta, eigenvalue, gradient = parts(request, steps=20)
    settled = np.flatnonzero(gradient < 1e-8)
    assert len(settled) >= 2
    for k in settled:
        data = exact(x[k], y[k])
        recipe = Recipe(
            network,
            Loss.LOGISTIC,
            data,
            Initialisation("pytorch"),
            Optimiser("gd", 0.1),
            1,
        )
        found = np.empty((1, 9, 9))
        hessians(theta[k][None].copy(), found, model(recipe))
        lowest = np.linalg.eigvalsh(found[0])[0]
        assert lowest == pytest.approx(eigenvalue[k], abs=1e-4 * (1 + np.abs(found).max()))


@pytest.mark.parametrize(
    ("widths", "loss"), [((1, 3, 1), Loss.SQUARED), ((1, 2, 2, 1), Loss.LOGISTIC)]
)
def test_relative_eigenvalues_lie_between_minus_1_and_1(
    widths: tuple[int, ...], loss: Loss
) -> None:
    *_, eigenvalue, _ = parts(Request(9, Network(widths, "tanh"), loss))
    assert (np.abs(eigenvalue) <= 1 + 1e-6).all()


def test_symmetric_points_come_in_mirrored_pairs() -> None:
    x, y, theta, *_ = parts(Request(7, SIGMOID, Loss.LOGISTIC, "symmetric"), 1)
    for left, right in ((0, 1), (2, 3), (4, 5)):
        np.testing.assert_allclose(x[:, left], x[:, right, ::-1])
        np.testing.assert_array_equal(y[:, left], y[:, right])
    np.testing.assert_allclose(x[:, 6, 0], x[:, 6, 1])
    np.testing.assert_allclose(theta[:, 6], theta[:, 7])
    np.testing.assert_array_equal(theta[:, :6], np.tile([1, 0, 0, 1, 0, 0], (6, 1)))


def test_parameters_become_the_same_point() -> None:
    network = Network((2, 3, 2, 1), "tanh")
    theta = np.random.default_rng(0).standard_normal(network.parameter_count)
    assert [float(v) for v in flatten(point_from(theta, network))] == theta.tolist()


def test_a_find_is_certified_and_the_journal_repeats_it(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    request = Request(12, SIGMOID, Loss.LOGISTIC, "relative", 2)
    seen: list[HuntProgress] = []
    found, done = hunt(request, seconds=300, journal=journal, report=seen.append)
    assert found is not None and done[-1].certified
    assert seen and seen[0].round == 0
    assert found.verdict.strict is Answer.YES and found.verdict.is_global is Answer.NO
    assert found.verdict.decision in (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)
    assert spurious_checker.check(dict(found.verdict.certificate)).valid
    for x in found.problem.data.x:
        assert all((v * 1_000).denominator == 1 for v in x)
    text = journal.read_text()
    with journal.open("a") as file:
        file.write('{"index": 99, "on_dia')
    again, repeated = hunt(request, seconds=300, journal=journal)
    assert again is not None and again.problem == found.problem
    assert len(repeated) == len(done)
    journal.write_text(text)
    with pytest.raises(InputError, match="journal of another hunt"):
        hunt(Request(11, SIGMOID, Loss.LOGISTIC), seconds=1, journal=journal)


def test_nothing_is_found_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four points are impossible (docs/small-deadlocks-lower-bound.md)."""
    monkeypatch.setattr(hunting, "STARTS", 16)
    monkeypatch.setattr(hunting, "STEPS", 400)
    journal = tmp_path / "journal.jsonl"
    request = Request(4, SIGMOID, Loss.LOGISTIC, "relative")
    found, done = hunt(request, seconds=0.1, journal=journal)
    assert found is None and done
    assert all(entry.hits == 0 for entry in done)
    _, more = hunt(request, seconds=1e-9, journal=journal)
    assert more[: len(done)] == done


def test_methods_can_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The homotopy climbs to minima, more of them the longer it climbs; nothing is proved."""
    request = Request(10, SIGMOID, Loss.LOGISTIC, "homotopy")
    (long,) = rounds(request, 1)
    monkeypatch.setattr(hunting, "STEPS", 200)
    (short,) = rounds(request, 1)
    for entry in (short, long):
        assert entry.starts == 48 and not entry.certified and entry.best is not None
        assert entry.critical > 24, "most climbers settle"
        assert 0 <= entry.hits <= entry.critical
    assert long.hits > short.hits and long.best > max(short.best, 0)


def test_anatomy_of_the_seven_points() -> None:
    problem = Problem(SIGMOID, Loss.LOGISTIC, dataset("deadlock7").data)
    with pytest.raises(InputError, match="point: missing"):
        anatomy(problem)
    from spurious.problem.bundled import bundled

    problem = bundled("c13-deadlock-7-points")
    found = anatomy(problem)
    assert found.eigenvalues[0] == pytest.approx(3.362e-3, rel=1e-3)
    middle = found.losses[:, len(found.distances) // 2]
    np.testing.assert_allclose(middle, 3.2105457456)
    assert len(found.deaths) == 7
    for death in found.deaths:
        assert (death.eigenvalue > 0).all()
        assert (death.t == 0).sum() == 1
    assert any(death.t[-1] < 1.4 for death in found.deaths)
    assert certify(problem).strict is Answer.YES


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (lambda: Request(8, Network((2, 2, 1), "relu"), Loss.LOGISTIC), "expected a smooth one"),
        (lambda: Request(2, SIGMOID, Loss.LOGISTIC), "points: found 2"),
        (lambda: Request(8, SIGMOID, Loss.CROSS_ENTROPY), "loss: found cross_entropy"),
        (lambda: Request(8, SIGMOID, Loss.LOGISTIC, "magic"), "method: found 'magic'"),
        (lambda: Request(8, Network((2, 3, 1), "tanh"), Loss.LOGISTIC, "symmetric"), "2-2-1"),
        (lambda: Request(8, Network((2, 2, 2), "tanh"), Loss.LOGISTIC), "one output"),
        (lambda: Request(8, Network((9, 9, 1), "tanh"), Loss.LOGISTIC), "parameters"),
    ],
)
def test_impossible_requests(build, line: str) -> None:
    with pytest.raises(InputError, match=line):
        build()


def test_residuals_are_scaled_to_bend_the_loss_most() -> None:
    request = Request(9, Network((1, 3, 1), "tanh"), Loss.SQUARED)
    x, y, theta, _, gradient = parts(request, steps=20)
    k = int(np.argmin(gradient))
    with jax.enable_x64(True):
        engine = compiled(request, 0)
        start = float(engine.descend(theta[k], x[k], y[k])[1])
        same, targets = hunting._scaled(engine, (x[k], y[k]), theta[k])
        lowest = float(engine.descend(theta[k], x[k], targets)[1])
        f = np.asarray(engine.predict(theta[k], x[k]))
    np.testing.assert_array_equal(same, x[k])
    assert lowest >= start
    factors = (targets - f) / (y[k] - f)
    np.testing.assert_allclose(factors, factors[0], rtol=1e-6)
