import json
from typing import Any

import pytest

from spurious.errors import InputError
from spurious.explore.request import most_cells, read_atlas, read_certify, read_train

PROBLEM: dict[str, Any] = {
    "format": "spurious-problem/1",
    "network": {"widths": [1, 2, 1], "activation": "relu"},
    "loss": "squared",
    "data": {"x": [["0"], ["1"], ["2"]], "y": [["0"], ["0"], ["3"]]},
}
ASKED: dict[str, Any] = {
    "problem": PROBLEM,
    "initialisation": "pytorch",
    "optimiser": "adam",
    "step_size": "0.01",
    "updates": 100,
    "runs": 10,
    "seed": 1,
}


def body(**changes: object) -> bytes:
    return json.dumps(ASKED | changes).encode()


def problem(**changes: object) -> dict[str, Any]:
    return PROBLEM | changes


def test_a_request_to_train() -> None:
    asked = read_train(body())
    assert (asked.runs, asked.seed, asked.recipe.updates) == (10, 1, 100)
    assert asked.recipe.tolerance == pytest.approx(1e-3 * 6)  # the mean is 1
    classes = problem(
        network={"widths": [2, 2, 1], "activation": "tanh"},
        loss="logistic",
        data={"x": [[0, 0], [1, 1]], "y": [[1], [-1]]},
    )
    assert read_train(body(problem=classes)).recipe.tolerance is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"runs": 401}, "runs: found 401, expected an integer from 1 to 400"),
        ({"runs": 1.5}, "runs: found 3/2, expected an integer"),
        ({"runs": True}, "runs: found true, expected a finite number"),
        ({"updates": 10**6}, "updates: found 1000000, expected an integer from 1 to 100000"),
        ({"seed": -1}, "seed: found -1"),
        ({"step_size": "1e-99"}, "step_size: found a number of many digits, expected"),
        ({"step_size": float("nan")}, "step_size: found 'NaN', expected a finite number"),
        ({"optimiser": "lion"}, "optimiser.name: found 'lion', expected one of gd"),
        ({"optimiser": ["adam"]}, "optimiser: found a list of 1, expected a name"),
        ({"initialisation": "zeros"}, "initialisation.name: found 'zeros'"),
        ({"more": 1}, "request: found the unknown key 'more'"),
        ({"problem": 7}, "problem: top level: found '7', expected an object"),
        (
            {"problem": problem(network={"widths": [1, 9, 1], "activation": "relu"})},
            "found 1 inputs and 9 units in a layer, expected at most 2 and 8",
        ),
        (
            {"problem": problem(network={"widths": [1, 2, 2, 2, 2, 1], "activation": "relu"})},
            "expected one to 3 hidden layers and one output",
        ),
        (
            {"problem": problem(data={"x": [[k] for k in range(41)], "y": [[0]] * 41})},
            "data: found 41 points, expected at most 40",
        ),
        (
            {"problem": problem(data={"x": [["1e9"], [1]], "y": [[0], [1]]})},
            "data: found 1000000000, expected at most 1000 in size",
        ),
        (
            {"problem": problem(data={"x": [["1/3000000"], [1]], "y": [[0], [1]]})},
            "data: found 1/3000000, expected a denominator of at most 1000000",
        ),
        (
            {
                "problem": problem(
                    network={"widths": [1, 1, 1], "activation": "leaky_relu", "slope": "1e-3000"}
                )
            },
            "network.slope: found a number of many digits",
        ),
    ],
)
def test_requests_that_are_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_train(body(**changes))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 60_000, b"\xff", b'{"a":1,"a":2}', b"null"])
def test_text_that_is_no_request(text: bytes) -> None:
    for read in (read_train, read_certify, read_atlas):
        with pytest.raises(InputError):
            read(text)


def test_certify_needs_a_point_of_bounded_size() -> None:
    with pytest.raises(InputError, match=r"problem\.point: missing"):
        read_certify(json.dumps({"problem": PROBLEM}).encode())
    layers = [{"weight": [["1e99"], [1]], "bias": [0, 0]}, {"weight": [[1, 1]], "bias": [0]}]
    with pytest.raises(InputError, match="point: found a number of many digits, expected at most"):
        read_certify(json.dumps({"problem": problem(point={"layers": layers})}).encode())


def test_an_atlas_that_is_too_large() -> None:
    many = problem(
        network={"widths": [1, 8, 1], "activation": "relu"},
        data={"x": [[k] for k in range(20)], "y": [[k % 2] for k in range(20)]},
    )
    with pytest.raises(InputError, match="activation cells, expected at most 500000 here"):
        read_atlas(json.dumps({"problem": many}).encode())
    smooth = problem(network={"widths": [1, 2, 1], "activation": "tanh"})
    with pytest.raises(InputError, match="an atlas needs an activation"):
        read_atlas(json.dumps({"problem": smooth}).encode())


def test_the_bound_on_cells_holds() -> None:
    from spurious.atlas import atlas

    asked = read_atlas(json.dumps({"problem": PROBLEM}).encode())
    assert atlas(asked).cells <= most_cells(asked)
