"""Bad minima and saddles of the architectures: proved anew, and of the losses that they say."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from spurious import Answer, Decision, certify
from spurious.catalogue.architectures import ARCHITECTURES
from spurious.problem import ProgramProblem, program_problem_to_data, read_any_problem
from spurious_checker import check

FOLDER = Path(str(files("spurious.catalogue") / "programs"))
RESULTS = {
    record["name"]: record
    for record in json.loads(
        (Path(__file__).parents[2] / "docs" / "results" / "architectures.json").read_text()
    )
}
NAMES = [architecture.name for architecture in ARCHITECTURES]


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_minimum_is_proved_and_checked(name: str) -> None:
    problem = read_any_problem(FOLDER / f"{name}-minimum.json")
    verdict = certify(problem, search=False)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY, verdict.reason
    assert verdict.strict is Answer.YES and verdict.is_global is Answer.NO
    assert float(verdict.loss) == pytest.approx(RESULTS[name]["minima"][-1], rel=1e-9)
    assert check(dict(verdict.certificate)).valid


@pytest.mark.parametrize("name", NAMES)
def test_a_saddle_is_proved_with_its_index(name: str) -> None:
    problem = read_any_problem(FOLDER / f"{name}-saddle.json")
    verdict = certify(problem, search=False)
    assert verdict.decision is Decision.SADDLE_NEARBY, verdict.reason
    assert [float(verdict.loss), verdict.index] == pytest.approx(RESULTS[name]["saddles"][0])


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=NAMES)
def test_the_files_hold_the_losses_of_the_catalogue(architecture) -> None:
    jax = pytest.importorskip("jax")
    from spurious.program.jax import from_jax

    loss, shapes = architecture.build()
    rng = np.random.default_rng(3)
    with jax.enable_x64(True):
        at = {name: np.asarray(rng.normal(size=shape)) for name, shape in shapes.items()}
        program, _ = from_jax(loss, at)
    data = program_problem_to_data(ProgramProblem(program))
    kept = json.loads((FOLDER / f"{architecture.name}-minimum.json").read_text())
    assert data["program"] == kept["program"]


def test_none_has_more_than_a_hundred_parameters() -> None:
    assert all(0 < record["parameters"] <= 100 for record in RESULTS.values())
    assert set(RESULTS) == set(NAMES)
