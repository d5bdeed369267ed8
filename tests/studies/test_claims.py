"""The claims that are tested so far: what they prove, and that nothing is taken for granted."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import spurious_checker
from spurious.certify import certify
from spurious.errors import InputError
from spurious.problem import Problem, dataset
from spurious.proof import Claim, Undecided, Verdict, refusal
from spurious.studies import (
    CLAIMS,
    Budget,
    ClaimResult,
    Context,
    Status,
    certified,
    complete_lists,
    dead_basins,
    deadlocks,
    find_claim,
    random_starts,
    region_traps,
    run_claim,
)
from spurious.verdict import Decision

MEASURED = ("C1", "C2", "C3", "C4", "C8", "C9", "C10", "C14")
"""Claims about rates, which test_large.py, test_measured.py and test_probabilities.py test."""

TESTED = [claim.id for claim in CLAIMS if claim.id not in MEASURED]
CONTEXT = Context(Budget.QUICK, Path("never-written"))
EXPECTED = {
    "C5": Status.PROVED,
    "C6": Status.PROVED_WITH_CORRECTION,
    "C7": Status.PROVED,
    "C11": Status.PROVED,
    "C12": Status.PROVED,
    "C13": Status.PROVED_PART_REFUTED,
}


ONCE = (
    (complete_lists, "atlas"),
    (dead_basins, "dead_shares"),
    (deadlocks, "ending_at"),
    (region_traps, "measure_reach"),
    (region_traps, "measure_shares"),
)
"""What a claim is given before anything is certified; the same each time that it is tested here."""


@pytest.fixture(scope="module", autouse=True)
def few_runs() -> Iterator[None]:
    """What is only measured is measured on few runs; it touches no verdict."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region_traps, "RUNS", 40)
        patch.setattr(region_traps, "NEAR_RUNS", 20)
        patch.setattr(dead_basins, "RUNS", 8)
        patch.setattr(random_starts, "RUNS", 200)
        patch.setattr(random_starts, "FEWER", 40)
        for module, name in ONCE:
            patch.setattr(module, name, cache(getattr(module, name)))
        yield


@cache
def result_of(name: str) -> ClaimResult:
    result = run_claim(find_claim(name), CONTEXT)
    assert result.status is not Status.FAILED, result.explanation
    return result


def measured(name: str, quantity: str) -> str:
    (row,) = [row for row in result_of(name).rows if row.quantity == quantity]
    return row.measured


def test_random_starts_that_end_at_the_bad_minimum() -> None:
    """The gradient by differences; and a wide interval covers the printed share."""
    data = dataset("deadlock10").data
    loss = random_starts._loss_of(data)
    theta = np.random.default_rng(0).standard_normal(9)
    _, gradient = loss(theta)
    for k in range(9):
        step = np.eye(9)[k] * 1e-6
        up, down = (loss(theta + s)[0] for s in (step, -step))
        assert gradient[k] == pytest.approx((up - down) / 2e-6, abs=1e-6)
    share = float(
        measured("C13", "standard normal starts from which BFGS ends there").split("%")[0]
    )
    assert 3 < share < 30


def test_every_claim_is_there_once() -> None:
    assert [claim.id for claim in CLAIMS] == [f"C{k}" for k in range(1, 15)]
    assert EXPECTED.keys() == set(TESTED)


@pytest.mark.parametrize("name", TESTED)
def test_status(name: str) -> None:
    assert result_of(name).status is EXPECTED[name]


@pytest.mark.parametrize("name", TESTED)
def test_every_certificate_is_valid(name: str) -> None:
    result = result_of(name)
    assert result.points
    for point in result.points:
        assert point.verdict.certificate is not None, (point.name, point.verdict.reason)
        assert spurious_checker.check(dict(point.verdict.certificate)).valid
    assert result.sound


@pytest.mark.parametrize("name", TESTED)
def test_names_of_files_do_not_clash(name: str) -> None:
    result = result_of(name)
    for parts in (result.points, result.pictures, result.tables):
        names = [part.name for part in parts]
        assert len(set(names)) == len(names)
        assert all(part.startswith(f"c{int(name[1:]):02d}-") for part in names)


def test_printed_values() -> None:
    assert measured("C5", "loss") == "18"
    assert measured("C5", "dimension of the manifold of equal loss") == "1"
    assert measured("C6", "loss of the perfect fit, as printed") == "29"
    assert measured("C6", "loss of the perfect fit, corrected") == "0"
    assert measured("C6", "claimed minimum, as printed") == "not a local minimum"
    assert "8/3" in measured("C6", "claimed minimum is suboptimal, corrected")
    assert "1/6" in measured("C7", "the second point is better")
    assert measured("C13", "total log loss, 10 points").startswith("5.7773784490")
    assert measured("C13", "points classified right") == "4 of 10"
    assert "3 of 7" in measured("C13", "7 points: loss, classified right")


def test_the_ten_point_conjecture_is_refuted_with_seven() -> None:
    (row,) = [row for row in result_of("C13").rows if row.status is Status.REFUTED]
    assert row.measured.startswith("at most 7 (certified), at least 6 (a proof")
    assert "have not read" in " ".join(result_of("C13").explanation)


def undecided(problem: Problem) -> Verdict:
    loss = certify(problem, search=False).loss
    return Undecided("too hard", claim=Claim(Decision.UNDECIDED, loss))


@pytest.mark.parametrize("name", TESTED)
def test_an_undecided_point_never_counts_as_proved(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certified, "certify", undecided)
    assert run_claim(find_claim(name), CONTEXT).status is Status.DIFFERS


@pytest.mark.parametrize("name", TESTED)
def test_a_rejected_certificate_never_counts_as_proved(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(_: object) -> SimpleNamespace:
        return SimpleNamespace(valid=False, reason="rejected", claim=None)

    monkeypatch.setattr(refusal, "spurious_checker", SimpleNamespace(check=reject))
    result = run_claim(find_claim(name), CONTEXT)
    assert result.status is Status.FAILED and not result.sound
    assert "the checker refuses the proof" in result.explanation[0]


@pytest.mark.parametrize("text", ["C5", "c5", "C05", " c5 "])
def test_names_of_claims(text: str) -> None:
    assert find_claim(text).id == "C5"


@pytest.mark.parametrize("text", ["", "C", "C0", "C15", "5", "X5", "C5.0", "C\N{SUPERSCRIPT TWO}"])
def test_unknown_claims(text: str) -> None:
    with pytest.raises(InputError, match="expected one of C1 to C14"):
        find_claim(text)
