"""Asking from Python: what a question takes, and what can be done with the answer."""

import json
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import spurious
from spurious.problem import problem_to_data
from spurious.problem.bundled import bundled
from spurious.proof import Undecided
from spurious.verdict import Enclosure


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asking") / "d1.json"
    path.write_text(json.dumps(problem_to_data(bundled("c5-d1"))), "utf-8")
    return path


def test_a_file_is_as_good_as_its_problem(file: Path) -> None:
    told = spurious.certify(bundled("c5-d1"))
    assert spurious.certify(file) == spurious.certify(str(file)) == told
    assert spurious.optimum(file).loss == spurious.optimum("d1", hidden=1).loss
    assert spurious.atlas(file).families == spurious.atlas("d1", hidden=1).families


def test_names_that_do_not_say_enough(file: Path) -> None:
    with pytest.raises(spurious.InputError, match="name of a dataset, which has no network"):
        spurious.certify("xor")
    with pytest.raises(spurious.InputError, match="try hidden=2"):
        spurious.atlas("xor")
    with pytest.raises(spurious.InputError, match="network of its own"):
        spurious.atlas(file, hidden=2)
    with pytest.raises(spurious.InputError, match="no such file"):
        spurious.certify("nothing.json")


def test_a_verdict_compares_by_what_it_says(file: Path) -> None:
    told = spurious.certify(file)
    assert told == replace(told, seconds=told.seconds + 1) == pickle.loads(pickle.dumps(told))
    assert told != replace(told, reason="another")
    assert told.loss == 18 == told.loss.mid
    assert hash(told.loss) == hash(18)
    assert Enclosure(Fraction(18), Fraction(1, 9)) != 18


def test_a_verdict_as_data_and_as_a_file(file: Path, tmp_path: Path) -> None:
    told = spurious.certify(file)
    data = json.loads(json.dumps(told.to_dict()))
    assert data["verdict"] == "local_minimum" and data["loss"] == "18"
    path = tmp_path / "certificate.json"
    told.save(path)
    for certificate in (told, told.certificate, path, str(path)):
        assert spurious.check(certificate).valid
    assert "loss 18" in spurious.check(told).claim
    with pytest.raises(TypeError, match="valid"):
        bool(spurious.check(told))
    nothing = Undecided("too hard")
    for ask in (spurious.check, lambda verdict: verdict.save(path)):
        with pytest.raises(spurious.InputError, match="undecided"):
            ask(nothing)
    with pytest.raises(spurious.InputError, match=r"missing\.json"):
        spurious.check(tmp_path / "missing.json")


def test_a_false_certificate_is_told(file: Path) -> None:
    certificate = dict(spurious.certify(file).certificate, claim={})
    found = spurious.check(certificate)
    assert not found.valid and found.reason


def test_short_texts_and_tables_for_notebooks(file: Path) -> None:
    told, minima = spurious.certify(file), spurious.atlas("d1", hidden=1)
    assert repr(told).startswith("<Verdict: local minimum, loss 18, global: no")
    assert repr(bundled("c5-d1")) == ("<Problem: 1-1-1 relu, 5 points, squared loss, with a point>")
    assert repr(minima) == (
        "<Atlas: 1-1-1 relu, 5 points, squared loss: 6 families of local minima, all>"
    )
    for value in (told, minima, bundled("c5-d1"), minima.data):
        assert len(repr(value)) < 200
    assert "<td style='text-align:left'>18</td>" in told._repr_html_()
    assert minima._repr_html_().count("<tr>") == 1 + len(minima.minima)


def test_what_users_need_stands_at_the_top() -> None:
    assert [entry.name for entry in spurious.datasets()][:2] == ["xor", "jellyfish"]
    x, y = spurious.dataset("xor").arrays
    assert spurious.problem(x, y, hidden=2).data == spurious.dataset("xor").data
    assert callable(spurious.train) and callable(spurious.check)
