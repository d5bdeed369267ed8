import copy
import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spurious.errors import InputError
from spurious.problem import (
    Dataset,
    Loss,
    Network,
    Problem,
    parse_problem,
    point_from_data,
    point_to_data,
    problem_from_data,
    problem_to_data,
    read_problem,
    unflatten,
    write_problem,
)
from spurious.problem.json_text import MAX_BYTES

GOOD: dict[str, Any] = {
    "format": "spurious-problem/1",
    "network": {"widths": [1, 2, 1], "activation": "relu"},
    "loss": "squared",
    "data": {"x": [["5"], ["4"]], "y": [["1/3"], [0.1]]},
    "point": {
        "layers": [
            {"weight": [["1"], ["-13.5"]], "bias": ["2e-3", "0"]},
            {"weight": [["1", "1"]], "bias": ["0"]},
        ]
    },
}


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    widths = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=4)))
    leaky = draw(st.booleans())
    network = Network(
        widths, "leaky_relu" if leaky else "gelu", draw(st.fractions()) if leaky else None
    )
    losses = [Loss.SQUARED, Loss.LOGISTIC] + [Loss.CROSS_ENTROPY] * (network.outputs > 1)
    loss = draw(st.sampled_from(losses))
    targets = {
        Loss.SQUARED: st.fractions(),
        Loss.LOGISTIC: st.sampled_from([Fraction(-1), Fraction(1)]),
        Loss.CROSS_ENTROPY: st.integers(0, network.outputs - 1).map(Fraction),
    }[loss]
    columns = 1 if loss is Loss.CROSS_ENTROPY else network.outputs

    def rows(size: int, width: int, entry: st.SearchStrategy[Fraction]) -> tuple[Any, ...]:
        return tuple(tuple(draw(entry) for _ in range(width)) for _ in range(size))

    n = draw(st.integers(1, 3))
    data = Dataset(rows(n, network.inputs, st.fractions()), rows(n, columns, targets))
    count = network.parameter_count
    points = [
        unflatten(draw(st.lists(st.fractions(), min_size=count, max_size=count)), network)
        if draw(st.booleans())
        else None
        for _ in range(2)
    ]
    return Problem(network, loss, data, *points)


@given(problems())
@settings(deadline=None, print_blob=True)
def test_round_trip(problem: Problem) -> None:
    data = problem_to_data(problem)
    assert problem_from_data(data) == problem
    assert parse_problem(json.dumps(data)) == problem
    if problem.point is not None:
        assert point_from_data(point_to_data(problem.point)) == problem.point


def test_round_trip_through_a_file(tmp_path: Path) -> None:
    problem = parse_problem(json.dumps(GOOD))
    write_problem(problem, tmp_path / "problem.json")
    assert read_problem(tmp_path / "problem.json") == problem


def test_numbers_mean_what_is_written() -> None:
    problem = parse_problem(json.dumps(GOOD))
    assert problem.data.y == ((Fraction(1, 3),), (Fraction(1, 10),))
    assert problem.point is not None
    assert problem.point.layers[0].bias == (Fraction(1, 500), 0)


def test_data_from_python_keeps_binary_floats_exactly() -> None:
    data = copy.deepcopy(GOOD)
    data["data"] = {"x": np.array([[0.1], [2.0]]), "y": [[np.float32(0.5)], (3,)]}
    problem = problem_from_data(data)
    assert problem.data.x[0][0] == Fraction(3602879701896397, 2**55)


def test_byte_order_mark_is_accepted() -> None:
    assert parse_problem(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()).network.inputs == 1


def _set(*path_and_value: Any) -> Callable[[dict[str, Any]], None]:
    *path, last, value = path_and_value

    def change(data: Any) -> None:
        for key in path:
            data = data[key]
        data[last] = value

    return change


def _drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop("format"), "top level: found no key 'format', expected one; add it"),
        (_drop("network"), "top level: found no key 'network'"),
        (_drop("loss"), "top level: found no key 'loss'"),
        (_drop("data"), "top level: found no key 'data'"),
        (_drop("network", "widths"), "network: found no key 'widths'"),
        (_drop("point", "layers", 0, "bias"), "point.layers[0]: found no key 'bias'"),
        (_set("format", "x/2"), "format: found 'x/2', expected \"spurious-problem/1\""),
        (_set("extra", 1), "top level: found the unknown key 'extra', expected only format,"),
        (_set("network", "bias", 1), "network: found the unknown key 'bias', expected only"),
        (_set("point", "layers", 1, "w", 1), "point.layers[1]: found the unknown key 'w'"),
        (_set("loss", "hinge"), "loss: found 'hinge', expected one of squared, logistic,"),
        (_set("loss", ["squared"]), "loss: found a list of 1, expected one of squared,"),
        (_set("network", []), "network: found a list of 0, expected an object with the keys"),
        (_set("network", "activation", "step"), "network.activation: found 'step', expected"),
        (_set("network", "activation", 3), "network.activation: found '3', expected one of"),
        (_set("network", "activation", None), "network.activation: found null, expected a name"),
        (_set("network", "slope", "0.1"), "network.slope: found 1/10, expected no slope for relu"),
        (_set("network", "activation", "leaky_relu"), "network.slope: found nothing, expected"),
        (_set("network", "widths", 3), "network.widths: found '3', expected a list of integers"),
        (_set("network", "widths", [1, "2", 1]), "network.widths[1]: found the text '2'"),
        (_set("network", "widths", [1, 2.5, 1]), "network.widths[1]: found 5/2, expected an int"),
        (_set("network", "widths", [1, True, 1]), "network.widths[1]: found true, expected"),
        (_set("network", "widths", [1, 0, 1]), "network.widths[1]: found 0, expected an integer"),
        (_set("network", "widths", [2, 2, 1]), "data.x: found points of 1 inputs, expected 2"),
        (_set("network", "widths", [1, 3, 1]), "point.layers[0].weight: found shape (2, 1)"),
        (_set("data", "x", 0, ["5", "6"]), "data.x[1]: found a row of 1 numbers, expected 2"),
        (_set("data", "x", []), "data.x: found no rows, expected at least 1"),
        (_set("data", "x", 0, "5"), "data.x[0]: found '5', expected a list of numbers"),
        (_set("data", "x", 0, 0, True), "data.x[0][0]: found true, expected a finite number"),
        (_set("data", "x", 0, 0, None), "data.x[0][0]: found null, expected a finite number"),
        (_set("data", "x", 0, 0, float("nan")), "data.x[0][0]: found 'NaN', expected a finite"),
        (_set("data", "x", 0, 0, float("inf")), "data.x[0][0]: found 'Infinity', expected a fin"),
        (_set("data", "x", 0, 0, "1e999999999"), "data.x[0][0]: found a number too long"),
        (_set("data", "x", 0, 0, "1/0"), "data.x[0][0]: found a denominator of 0"),
        (_set("data", "y", [["1"]]), "data.y: found 1 rows, expected 2"),
        (_set("loss", "logistic"), "data.y[0][0]: found 1/3, expected -1 or 1"),
        (_set("loss", "cross_entropy"), "network.widths[2]: found 1 output, expected at least 2"),
        (_set("point", None), "point: found null, expected an object with the keys layers"),
        (_set("point", "layers", {}), "point.layers: found an object, expected a list of layers"),
        (_set("point", "layers", []), "point.layers: found a list of 0, expected a tuple of at"),
        (_set("witness", {"layers": [3]}), "witness.layers[0]: found '3', expected an object"),
        (
            _set("point", "layers", 0, "weight", 1, ["1", "2", "3"]),
            "point.layers[0].weight[1]: found a row of 3 numbers, expected 1 as in the first row; "
            "make the rows equally long",
        ),
        (
            _set("point", "layers", 0, "bias", ["1"]),
            "point.layers[0].bias: found 1 numbers, expected 2, one for each row of weight",
        ),
        (
            _set("point", "layers", 1, "weight", [["1"]]),
            "point.layers[1].weight: found 1 columns, expected 2",
        ),
    ],
)
def test_bad_fields(change: Callable[[dict[str, Any]], None], message: str) -> None:
    data = copy.deepcopy(GOOD)
    change(data)
    assert f"p.json: {message}" in _message(json.dumps(data))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.json: found an empty text, expected a JSON object"),
        (" \n", "p.json: found an empty text"),
        ("{", "p.json: line 1, column 2: found text that is not JSON"),
        ("[1,]", "found text that is not JSON"),
        (b"\xff\xfe{}", "p.json: found a byte that is not UTF-8 at position 0"),
        ("[]", "top level: found a list of 0, expected an object with the keys format"),
        ("3", "top level: found '3', expected an object"),
        ("[" * 10**6, "p.json: found brackets nested too deeply"),
        ('{"a":' * 10**6, "p.json: found brackets nested too deeply"),
        ('{"format": 1, "format": 2}', "top level: found the key 'format' twice, expected it once"),
        (" " * (MAX_BYTES + 1), "p.json: found more than 16 MiB, expected at most that"),
    ],
    ids=range(11),
)
def test_bad_text(text: str | bytes, message: str) -> None:
    assert message in _message(text)


def test_a_key_written_twice_deep_inside_is_named_by_its_path() -> None:
    text = json.dumps(GOOD).replace('"bias": ["0"]', '"bias": ["0"], "bias": ["1"]')
    assert "point.layers[1]: found the key 'bias' twice" in _message(text)


def test_json_numbers_of_absurd_size() -> None:
    for number in ("1e999999999", "9" * 10**6):
        text = json.dumps(GOOD).replace("0.1", number)
        assert "data.y[1][0]: found a number too long to handle" in _message(text)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
@settings(deadline=None, print_blob=True)
def test_any_json_at_any_field_gives_a_problem_or_one_clear_line(value: object) -> None:
    for path in (
        ("format",), ("network",), ("network", "widths"), ("network", "widths", 0), ("loss",),
        ("data", "x"), ("data", "x", 0, 0), ("point", "layers"), ("point", "layers", 0, "bias"),
    ):  # fmt: skip
        data = copy.deepcopy(GOOD)
        _set(*path, value)(data)
        try:
            parse_problem(json.dumps(data))
        except InputError as error:
            assert str(error).isprintable()
            assert "expected" in str(error)


@given(st.binary(max_size=40))
@settings(deadline=None, print_blob=True)
def test_any_bytes_give_one_clear_line(text: bytes) -> None:
    assert "expected" in _message(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.json", "found no such file, expected a problem file"),
        (tmp_path, "found a directory, expected a problem file"),
        (tmp_path / ("x" * 1000), "cannot be read (File name too long)"),
        ("a\0b", "cannot be read (embedded null byte)"),
    ) if os.name == "posix" else ():  # fmt: skip
        with pytest.raises(InputError) as caught:
            read_problem(path)
        assert message in str(caught.value)
        assert str(caught.value).isprintable()


def test_a_huge_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(InputError, match="found more than 16 MiB"):
        read_problem(path)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be written \(.*\); choose another path"):
        write_problem(parse_problem(json.dumps(GOOD)), tmp_path / "no" / "folder.json")


def _message(text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse_problem(text, "p.json")
    assert str(caught.value).isprintable()
    return str(caught.value)
