"""Plans of the page's settings, imported files, and whether stories show what they tell."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.explore.test_request import ASKED, PROBLEM

from spurious.errors import InputError
from spurious.explore import limits
from spurious.explore.exchange import plan_text, read_import
from spurious.explore.request import read_train
from spurious.explore.stories import ABOUT, STORIES, Story
from spurious.problem import Network, Problem, dataset, problem_to_data, write_problem
from spurious.problem.bundled import bundled
from spurious.sweep import parse_plan
from spurious.train import Outcome, name_outcomes, train


def asked_of(story: Story) -> bytes:
    found = dataset(story.dataset)
    hidden = map(int, story.hidden.split(","))
    network = Network((found.data.inputs, *hidden, 1), story.activation)
    problem = problem_to_data(Problem(network, story.loss, found.data))  # pyright: ignore
    names = ("initialisation", "optimiser", "step_size", "updates", "runs", "seed")
    return json.dumps({"problem": problem} | {n: getattr(story, n) for n in names}).encode()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_shows_what_it_tells(story: Story) -> None:
    asked = read_train(asked_of(story))
    runs = train(asked.recipe, asked.seed, 0, asked.runs, snapshots=[asked.recipe.updates // 2])
    found = name_outcomes(asked.recipe, runs, runs.snapshots[:, 0, 0])
    assert story.shows in found.outcome.tolist()


@pytest.mark.parametrize("story", [s for s in STORIES if s.point], ids=lambda story: story.name)
def test_a_storys_point_is_of_its_problem(story: Story) -> None:
    asked, problem = read_train(asked_of(story)), bundled(story.point)
    assert problem.network == asked.recipe.network
    assert (problem.data, problem.loss) == (asked.recipe.data, asked.recipe.loss)


def test_more_updates_solve_what_stood_still() -> None:
    (story,) = (s for s in STORIES if s.name == "patience")
    asked = read_train(asked_of(story).replace(b'"updates": 200', b'"updates": 20000'))
    runs = train(asked.recipe, asked.seed, 0, asked.runs)
    assert np.count_nonzero(runs.solved_at >= 0) > asked.runs / 2


def test_every_end_is_explained() -> None:
    assert set(ABOUT) == set(Outcome)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
def test_a_plan_trains_the_runs_of_the_page(activation: str, tmp_path: Path) -> None:
    slope = {"slope": "1/100"} if activation == "leaky_relu" else {}
    network = {"widths": [1, 2, 3, 1], "activation": activation, **slope}
    data = {"problem": PROBLEM | {"network": network}, "seed": 7, "step_size": "0.03"}
    asked = read_train(json.dumps(ASKED | data).encode())
    recipe = asked.recipe
    write_problem(Problem(recipe.network, recipe.loss, recipe.data), tmp_path / "problem.json")
    plan = parse_plan(plan_text(asked), "plan", tmp_path)
    (cell,) = plan.cells
    assert cell.recipe == recipe
    assert (plan.runs, plan.seed) == (asked.runs, asked.seed)


def test_an_imported_file_is_what_the_page_holds() -> None:
    problem = bundled("c5-d1")
    found = read_import(json.dumps({"problem": problem_to_data(problem)}).encode())
    assert found["points"][0] == [["5"], "2"]
    assert (found["inputs"], found["hidden"], found["loss"]) == (1, "1", "squared")
    assert not found["rounded"]
    assert found["point"]["layers"][0]["bias"] == ["-3"]


def test_what_an_import_rounds_it_says_and_gives_no_point() -> None:
    data: dict[str, Any] = {"x": [["1/3"], ["-0.12345678901"], ["2"]], "y": [["0"], ["1"], ["1"]]}
    layers = [
        {"weight": [["1"], ["1"]], "bias": ["0", "0"]},
        {"weight": [["1", "1"]], "bias": ["0"]},
    ]
    problem = PROBLEM | {"data": data, "point": {"layers": layers}}
    found = read_import(json.dumps({"problem": problem}).encode())
    assert found["rounded"] and found["point"] is None
    assert [x for (x,), _ in found["points"]] == ["0.333333", "-0.123457", "2"]
    assert Fraction(found["points"][1][0][0]).denominator <= limits.DATA_DENOMINATOR


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"widths": [1, 9, 1], "activation": "relu"}, "expected at most 2 and 8"),
        ({"widths": [1, 2, 2, 2, 2, 1], "activation": "relu"}, "one to 3 hidden layers"),
        ({"widths": [1, 2, 1], "activation": "leaky_relu", "slope": "1/5"}, "expected 1/100"),
    ],
)
def test_what_the_page_cannot_show_is_not_imported(network: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_import(json.dumps({"problem": PROBLEM | {"network": network}}).encode())
