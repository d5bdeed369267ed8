"""`spurious atlas` and `spurious global` from the outside."""

import json
from fractions import Fraction

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import spurious_checker
from spurious.cli.app import app
from spurious.problem import Loss, Network, Problem, dataset_from_arrays, problem_to_data


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_a_table_for_people():
    result = run("atlas", "d1", "--hidden", 1)
    assert result.exit_code == 0
    assert "20 cells, 6 families" in result.stdout
    assert "75/4" in result.stdout
    assert "on kinks only" in result.stdout


def test_json_for_programs():
    result = run("atlas", "xor", "--hidden", 2, "--json")
    data = json.loads(result.stdout)
    assert data["cells"] == 406
    assert [m["loss"] for m in data["minima"]] == ["0", "0", "2", "8/3", "4", "4", "4"]
    for minimum in data["minima"]:
        keys = {"loss", "dimension", "dead_units", "differentiable", "cells", "point", "orbit"}
        assert keys <= set(minimum)


@pytest.mark.parametrize("command", ["atlas", "global"])
def test_a_slope_of_0_in_a_file_is_kept(command, tmp_path):
    relu, leaky = (tmp_path / f"{name}.json" for name in ("relu", "leaky"))
    data = dataset_from_arrays([[0], [1], [2]], [1, 0, 1])
    for path, network in (
        (relu, Network((1, 1, 1), "relu")),
        (leaky, Network((1, 1, 1), "leaky_relu", Fraction(0))),
    ):
        path.write_text(json.dumps(problem_to_data(Problem(network, Loss.SQUARED, data))))
    known, found = run(command, relu, "--json"), run(command, leaky, "--json")
    assert not found.stderr
    losses = [
        [m["loss"] for m in data.get("minima", [data])]
        for data in (json.loads(known.stdout), json.loads(found.stdout))
    ]
    assert losses[0] == losses[1]


def test_files(tmp_path):
    result = run("atlas", "d1", "--hidden", 2, "--out", tmp_path, "--starts", 200)
    assert result.exit_code == 0, result.output
    data = json.loads((tmp_path / "atlas.json").read_text())
    table = pq.read_table(tmp_path / "minima.parquet").to_pydict()
    assert table["loss"] == [m["loss"] for m in data["minima"]]
    assert sum(m["basin"] for m in data["minima"]) == pytest.approx(1)
    for minimum in data["minima"]:
        checked = spurious_checker.check_file(tmp_path / minimum["certificate"])
        assert checked.valid
        assert ("not global" in checked.claim) is not minimum["global"]
    assert (tmp_path / "atlas.png").stat().st_size > 10_000
    assert (tmp_path / "atlas.svg").read_text().startswith("<?xml")


def test_files_of_an_empty_list(tmp_path):
    data = dataset_from_arrays([[0], [1]], [[1], [1]])
    problem = Problem(Network((1, 1, 1), "relu"), Loss.LOGISTIC, data)
    (tmp_path / "one-class.json").write_text(json.dumps(problem_to_data(problem)))
    result = run("atlas", tmp_path / "one-class.json", "--out", tmp_path, "--starts", 0)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "atlas.json").read_text())["minima"] == []
    assert "atlas.png" not in result.stdout and not (tmp_path / "atlas.png").exists()


def test_a_global_optimum_with_a_certificate(tmp_path):
    result = run("global", "d1", "--hidden", 2, "--out", tmp_path, "--json")
    data = json.loads(result.stdout)
    assert data["loss"] == "1/14"
    assert spurious_checker.check_file(data["certificate"]).valid


def test_a_problem_file_is_taken_with_its_network(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(
        json.dumps(
            {
                "format": "spurious-problem/1",
                "network": {"widths": [1, 1, 1], "activation": "abs"},
                "loss": "squared",
                "data": {"x": [[0], [1], [3]], "y": [[1], [0], [2]]},
            }
        )
    )
    result = run("global", path, "--json")
    assert json.loads(result.stdout)["loss"] == "0"


def save(path, loss=Loss.LOGISTIC, hidden=1):
    data = dataset_from_arrays([[0], [1], [2]], [[1], [-1], [1]])
    problem = Problem(Network((1, hidden, 1), "relu"), loss, data)
    path.write_text(json.dumps(problem_to_data(problem)))
    return path


def test_the_optimum_of_another_loss_than_the_file_s_is_not_proved(tmp_path):
    result = run("global", save(tmp_path / "p.json"))
    assert result.exit_code == 2
    assert "found logistic" in result.stderr
    assert result.stdout == ""


def test_the_optimum_of_the_loss_that_is_asked_for(tmp_path):
    found = json.loads(run("global", "xor", "--hidden", 1, "--loss", "hinge", "--json").stdout)
    assert found["problem"]["loss"] == "hinge" and found["loss"] == "2"
    decayed = run("global", "xor", "--hidden", 1, "--loss", "logistic", "--l2", "1/10")
    assert "logistic loss with decay: global minimum, loss 2.65019726042" in decayed.stdout
    path = save(tmp_path / "p.json")  # logistic, which has no proof
    other = run("global", path, "--loss", "squared")
    assert "--loss squared replaces logistic" in other.stderr
    assert "squared loss: global optimum" in other.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--loss", "logistic"], "found logistic, but a proof of the optimum needs squared or hi"),
        (["--loss", "hinge", "--l2", "1/10"], "found hinge, but an atlas with weight decay needs"),
    ],
)
def test_losses_whose_optimum_is_not_proved_are_refused_in_a_line(words, says):
    result = run("global", "xor", "--hidden", 1, *words)
    assert result.exit_code == 2 and result.stdout == ""
    assert says in result.stderr and result.stderr.count("\n") == 1


def test_what_an_option_replaces_in_a_file_is_said(tmp_path):
    path = save(tmp_path / "p.json", Loss.SQUARED)
    result = run("atlas", path, "--hidden", 2, "--activation", "abs", "--loss", "logistic")
    assert result.exit_code == 0
    for note in ("--hidden 2 replaces 1", "--activation abs replaces relu", "--loss logistic rep"):
        assert note in result.stderr
    assert result.stdout.startswith("1-2-1 abs, 3 points, logistic loss")
    same = run("global", path, "--hidden", 1)
    assert same.stderr == ""
    assert same.stdout.startswith("1-1-1 relu, 3 points, squared loss: global optimum")


def test_json_names_the_problem_that_was_solved(tmp_path):
    found = json.loads(run("global", save(tmp_path / "p.json", Loss.SQUARED), "--json").stdout)
    assert found["problem"]["network"]["widths"] == [1, 1, 1]
    assert found["problem"]["loss"] == "squared"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["atlas", "nothing", "--hidden", "2"], "neither a dataset nor a file"),
        (["atlas", "d1"], "--hidden: missing"),
        (["atlas", "d1", "--hidden", "2", "--activation", "tanh"], "tanh"),
        (["atlas", "d1", "--hidden", "2", "--slope", "1/2"], "--slope"),
        (["atlas", "d1", "--hidden", "2", "--spread", "0"], "--spread"),
        (["global", "d1", "--hidden", "2", "--activation", "leaky_relu", "--slope", "x"], "slope"),
        (["global", "missing.json"], "no such file"),
        (["atlas", "d1", "--hidden", "12"], "found 141,120,525, expected at most 5,000,000"),
        (["atlas", "d1", "--hidden", "100000"], "found a number of many digits"),
        (
            ["atlas", "d1", "--hidden", "2", "--most-cells", "200"],
            "found 210, expected at most 200",
        ),
        (["global", "d1", "--hidden", "2", "--slope", "1e99999999"], "--slope"),
    ],
)
def test_bad_input_gets_one_line(words, says):
    result = run(*words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_starts_have_a_limit():
    result = run("atlas", "d1", "--hidden", 1, "--starts", 99999999999999)
    assert result.exit_code == 2
    assert "100000000" in result.stderr


def test_no_hidden_unit_is_refused():
    assert run("atlas", "d1", "--hidden", 0).exit_code == 2


def test_with_decay_it_is_the_penalised_loss():
    result = run("atlas", "xor", "--hidden", 2, "--l2", "1/100", "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["format"] == "spurious-penalised-atlas/1" and data["complete"]
    assert data["families"] == 14 and data["minima"][0]["global"] is True
    assert float(data["minima"][0]["loss"]) == pytest.approx(0.12200788826)
    best = json.loads(run("global", "xor", "--hidden", 2, "--l2", "1/100", "--json").stdout)
    assert best["loss"] == data["minima"][0]["loss"]


def penalised_file(folder, **penalty):
    problem = {
        "format": "spurious-problem/2",
        "network": {"widths": [1, 1, 1], "activation": "relu"},
        "loss": "squared",
        "data": {"x": [[5], [4], [3], [1], [-1]], "y": [[2], [1], [0], [-3], [3]]},
        "penalty": {"l2": "1/10", **penalty},
    }  # fmt: skip
    path = folder / "decayed.json"
    path.write_text(json.dumps(problem))
    return path


def test_a_file_with_a_penalty_is_never_answered_without_it(tmp_path):
    path = penalised_file(tmp_path)
    result = run("atlas", path, "--out", tmp_path / "out", "--starts", 50)
    assert result.exit_code == 0, result.output
    assert "with decay: 3 families" in result.stdout and "complete" in result.stdout
    data = json.loads((tmp_path / "out" / "atlas.json").read_text())
    named = [minimum["certificate"] for minimum in data["minima"]]
    assert named == [f"certificates/000{k}.json" for k in (1, 2, 3)]
    for name in named:  # the first touches a kink at a right angle
        assert spurious_checker.check_file(tmp_path / "out" / name).valid
    assert sum(minimum["basin"] for minimum in data["minima"]) > 0.5
    found = run("global", path, "--out", tmp_path / "best")
    assert found.exit_code == 0 and "global minimum, loss 14.4180445565" in found.stdout
    more = run("atlas", path, "--hidden", 2, "--l2", "1/5")
    assert "--hidden 2 replaces 1" in more.stderr and "1-2-1 relu" in more.stdout
    assert "the penalty 1/5 of all parameters replaces 1/10 of all parameters" in more.stderr


def test_penalties_that_have_no_list_are_refused_in_a_line(tmp_path):
    path = penalised_file(tmp_path)
    data = json.loads(path.read_text())
    data["penalty"] = {f"layers[{k}].weight": "1/10" for k in (0, 1)} | {"layers[1].bias": "1/10"}
    path.write_text(json.dumps(data))
    result = run("atlas", path)
    assert result.exit_code == 2
    assert "penalty: found 0 for the hidden biases and 1/10 for the output's" in result.stderr
    assert "Traceback" not in result.output


def test_biases_that_do_not_decay_are_told_without_dimension_and_parts(tmp_path):
    path = penalised_file(tmp_path, biases=False)
    result = run("atlas", path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "with decay: 4 families" in result.stdout and " ?      ? " in result.stdout
    data = json.loads((tmp_path / "out" / "atlas.json").read_text())
    assert data["complete"] and data["problem"]["penalty"]["biases"] is False
    assert {(m["dimension"], m["parts"]) for m in data["minima"]} == {(None, None)}
    for minimum in data["minima"]:
        assert spurious_checker.check_file(tmp_path / "out" / minimum["certificate"]).valid
    found = run("global", path, "--json")
    assert json.loads(found.stdout)["loss"] == data["minima"][0]["loss"]


def test_biases_are_freed_by_an_option(tmp_path):
    kept = json.loads(run("atlas", penalised_file(tmp_path, biases=False), "--json").stdout)
    path = penalised_file(tmp_path)
    result = run("atlas", path, "--free-biases", "--json")
    assert "1/10 of weights replaces 1/10 of all parameters" in result.stderr
    found = json.loads(result.stdout)
    assert found["problem"] == kept["problem"]
    assert [m["loss"] for m in found["minima"]] == [m["loss"] for m in kept["minima"]]
    best = run("global", "d1", "--hidden", 1, "--l2", "1/10", "--free-biases", "--json")
    assert json.loads(best.stdout)["problem"]["penalty"] == {"l2": "1/10", "biases": False}
    assert json.loads(best.stdout)["loss"] == found["minima"][0]["loss"]


def test_a_file_s_free_biases_stay_free_under_another_decay(tmp_path):
    result = run("global", penalised_file(tmp_path, biases=False), "--l2", "1/5", "--json")
    assert json.loads(result.stdout)["problem"]["penalty"] == {"l2": "1/5", "biases": False}
    assert "the penalty 1/5 of weights replaces 1/10 of weights" in result.stderr


@pytest.mark.parametrize("command", ["atlas", "global"])
def test_free_biases_without_one_decay_for_all_are_refused(command, tmp_path):
    result = run(command, "d1", "--hidden", 1, "--free-biases")
    assert result.exit_code == 2 and "--free-biases: found no weight decay" in result.stderr
    path = penalised_file(tmp_path)
    data = json.loads(path.read_text())
    data["penalty"] = {f"layers[{k}].weight": "1/10" for k in (0, 1)}
    path.write_text(json.dumps(data))
    result = run(command, path, "--free-biases")
    assert result.exit_code == 2 and "names its blocks" in result.stderr
    assert result.stderr.count("\n") == 1
