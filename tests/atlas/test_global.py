"""Whether a family is a global minimum, when the list may not be complete."""

import json
from dataclasses import replace
from fractions import Fraction
from importlib import import_module

import pytest
from matplotlib.text import Text
from typer.testing import CliRunner

from spurious import atlas
from spurious.atlas.atlas import UndecidedFit
from spurious.atlas.files import atlas_to_data, certificates
from spurious.cli.app import app
from spurious.figures import atlas_panels
from spurious.figures.style import BLACK, GREEN
from spurious.problem import Loss, Network, Problem, dataset_from_arrays, problem_to_data
from spurious.verdict import Answer


def one_unit():
    """Points on relu(x - 2): one unit fits them, and there are bad minima."""
    data = dataset_from_arrays([[v] for v in range(6)], [[max(0, v - 2)] for v in range(6)])
    return Problem(Network((1, 1, 1), "relu"), Loss.SQUARED, data)


@pytest.fixture
def few_faces(monkeypatch):
    """The perfect fit has 25 faces, the fits of the minima have fewer than 10."""
    monkeypatch.setattr(import_module("spurious.atlas.strata"), "FACE_LIMIT", 10)


def shortened(problem):
    found = atlas(problem)
    assert [item.loss for item in found.undecided] == [0]
    assert not found.complete and found.minima[0].loss > 1
    return found


@pytest.mark.usefixtures("few_faces")
def test_an_undecided_fit_below_proves_a_minimum_spurious():
    found = shortened(one_unit())
    assert [found.is_global(family) for family in found.minima] == [Answer.NO] * 5
    assert found.least_loss == 0
    assert [row["global"] for row in atlas_to_data(found)["minima"]] == [False] * 5


@pytest.mark.usefixtures("few_faces")
def test_certificates_where_the_global_minimum_is_undecided():
    proofs = certificates(shortened(one_unit()))
    assert [proof.is_global for proof in proofs] == [Answer.NO] * 5


@pytest.mark.usefixtures("few_faces")
def test_the_table_calls_none_global(tmp_path):
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(problem_to_data(one_unit())))
    result = CliRunner().invoke(app, ["atlas", str(path), "--workers", "1", "--starts", "0"])
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert sum("spurious" in line for line in lines) == 5
    assert not any("global" in line for line in lines)
    assert "undecided: loss 0: more than 10 faces" in result.stdout


@pytest.mark.usefixtures("few_faces")
def test_the_picture_has_no_green_title():
    assert GREEN not in title_colours(shortened(one_unit()))


def test_the_picture_shows_the_global_minimum_in_green():
    assert title_colours(atlas(one_unit())) == [GREEN] + 5 * [BLACK]


def title_colours(found):
    texts = atlas_panels(found, None).findobj(Text)
    return [text.get_color() for text in texts if text.get_text().startswith("loss")]


def test_the_least_loss_counts_and_ties_are_global():
    found = atlas(one_unit())
    best = found.minima[0]
    assert found.is_global(best) is Answer.YES
    for loss, answer in ((1, Answer.YES), (0, Answer.YES), (-1, Answer.NO)):
        other = replace(found, undecided=(UndecidedFit(Fraction(loss), Fraction(0), "made up"),))
        assert other.is_global(best) is answer


def test_overlapping_intervals_decide_nothing():
    data = dataset_from_arrays([[0], [1]], [[1], [-1]])
    found = atlas(Problem(Network((1, 1, 1), "relu"), Loss.LOGISTIC, data))
    (family,) = found.minima
    assert found.is_global(family) is Answer.UNKNOWN
    radius = family.loss_radius
    assert radius > 0
    for below, answer in ((2, Answer.UNKNOWN), (3, Answer.NO)):
        near = UndecidedFit(family.loss - below * radius, radius, "made up")
        assert replace(found, undecided=(near,)).is_global(family) is answer
    assert [row["global"] for row in atlas_to_data(found)["minima"]] == [None]
