"""Problems from arrays, JAX and PyTorch."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import spurious
from spurious.errors import InputError
from spurious.problem import (
    Loss,
    Network,
    Problem,
    ProgramProblem,
    dataset_from_arrays,
    parse_any_problem,
    problem,
    program_problem_from_data,
    program_problem_to_data,
    read_any_problem,
    write_program_problem,
)

X = [[0.0, 0.5], [1.0, -0.25], [2.0, 1.0]]
Y = [0.0, 1.0, -1.0]


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_one_problem_from_lists_arrays_and_tensors(kind) -> None:
    found = spurious.problem(kind(X), kind(Y), hidden=2, activation="tanh")
    assert isinstance(found, Problem)
    assert found.network.widths == (2, 2, 1)
    assert found.data.y == ((Fraction(0),), (Fraction(1),), (Fraction(-1),))


def test_a_penalty_makes_a_program_with_the_loss_it_says() -> None:
    point = [0.5, -1.0, 0.25, 2.0]
    found = spurious.problem(
        [[1.0], [3.0]], [1.0, 0.0], hidden=1, activation="tanh", l2=0.125, reduction="mean",
        weights=[1, 3], biases=False, point=point,
    )  # fmt: skip
    assert isinstance(found, ProgramProblem) and found.point is not None
    w, b, v, c = point
    outputs = [v * np.tanh(w * x + b) + c for x in (1.0, 3.0)]
    expected = ((outputs[0] - 1) ** 2 + 3 * outputs[1] ** 2) / 2 + 0.125 * (w * w + v * v)
    verdict = spurious.certify(found, search=False)
    assert float(verdict.loss) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loss": "absolute"}, "loss: found 'absolute', expected one of"),
        ({"reduction": "max"}, "reduction: found 'max', expected sum or mean"),
        ({"y": [0.0, 1.0]}, "data.y"),
        ({"activation": "wiggle"}, "activation"),
        ({"l2": {"nowhere": 1}}, "l2: found the block 'nowhere'"),
        ({"hidden": 2, "point": [1, 2], "l2": 1}, "point: found 2 numbers, expected 9"),
    ],
)
def test_mistakes_are_named(changes: dict, said: str) -> None:
    with pytest.raises(InputError) as error:
        spurious.problem(**{"x": X, "y": Y, "hidden": (2,), **changes})
    assert said in str(error.value) and "\n" not in str(error.value)


def test_program_files_are_read_back_exactly(tmp_path) -> None:
    found = spurious.problem(X, Y, hidden=2, activation="leaky_relu", slope="1/3", l2=0.1,
                             point=np.linspace(-1, 1, 9))  # fmt: skip
    write_program_problem(found, tmp_path / "p.json")
    again = read_any_problem(tmp_path / "p.json")
    assert isinstance(again, ProgramProblem) and again.point == found.point
    assert program_problem_to_data(again) == program_problem_to_data(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["program"].append({"op": "sum"}), "no key 'of'"),
        (lambda d: d["program"].append({"op": "spin", "of": [0]}), "op: found 'spin'"),
        (lambda d: d["program"].append({"op": "add", "of": [0]}), "found 1 operands, expected 2"),
        (lambda d: d["program"].append({"op": "map", "function": "q", "of": [0]}), "found 'q'"),
        (lambda d: d["program"].append({"op": "sum", "of": [99], "axes": []}), "operand 99"),
        (lambda d: d["point"].pop("layers[0].bias"), "layers[0].bias"),
        (lambda d: d.update(program=[]), "found none"),
        (lambda d: d.update(program=d["program"][:1]), "a scalar"),
    ],
)
def test_what_is_wrong_with_a_program_file_is_said_in_a_line(change, said: str) -> None:
    found = spurious.problem(X, Y, hidden=2, activation="tanh", l2=1, point=[0] * 9)
    data = program_problem_to_data(replace(found, dense=None))
    change(data)
    with pytest.raises(InputError) as error:
        program_problem_from_data(data)
    assert said in str(error.value) and "\n" not in str(error.value)


SIGNS = [[1], [-1], [1]]
READABLE = {
    "l2": ({"l2": Fraction(1, 100)}, {"penalty": {"l2": "1/100"}}),
    "no biases": (
        {"l2": 0.5, "biases": False, "reduction": "mean"},
        {"penalty": {"l2": "1/2", "biases": False}, "reduction": "mean"},
    ),
    "blocks": (
        {"l2": {"layers[0].weight": 2, "layers[1].bias": 0.25}, "weights": [1, 0.5, -1]},
        {
            "penalty": {"layers[0].weight": "2", "layers[1].bias": "1/4"},
            "weights": ["1", "1/2", "-1"],
        },
    ),
    "hinge": ({"loss": "hinge", "y": SIGNS}, {"loss": "hinge"}),
    "logistic": ({"loss": "logistic", "y": SIGNS, "l2": 1}, {"penalty": {"l2": "1"}}),
    "classes": (
        {"loss": "cross_entropy", "y": [0, 2, 1], "reduction": "mean", "point": [*range(15)]},
        {"reduction": "mean"},
    ),
}


@pytest.mark.parametrize("name", READABLE)
def test_dense_losses_are_files_that_people_can_read(name: str, tmp_path) -> None:
    changes, keys = READABLE[name]
    found = spurious.problem(
        **{"x": X, "y": Y, "hidden": 2, "activation": "tanh", "point": [*range(9)], **changes}
    )
    assert isinstance(found, ProgramProblem)
    found = replace(found, witness=tuple(v + 1 for v in found.point))
    write_program_problem(found, tmp_path / "p.json")
    data = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert {"program", "penalty", "reduction", "weights"} & set(data) == set(keys) - {"loss"}
    assert {**data, **keys} == data
    assert data["point"]["layers"][0]["weight"] == [["0", "1"], ["2", "3"]]
    again = read_any_problem(tmp_path / "p.json")
    assert isinstance(again, ProgramProblem)
    assert (again.point, again.witness) == (found.point, found.witness)
    assert program_problem_to_data(again) == program_problem_to_data(found)
    operations = [program_problem_to_data(replace(p, dense=None)) for p in (found, again)]
    assert operations[0] == operations[1] and "program" in operations[0]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("penalty", "1", "penalty: found '1', expected an object"),
        ("penalty", {"l2": "1", "biases": "no"}, "penalty.biases: found 'no'"),
        ("penalty", {"l2": "1", "layers[0].bias": "1"}, "unknown key 'layers[0].bias'"),
        ("penalty", {"layers[7].bias": "1"}, "found the block 'layers[7].bias'"),
        ("penalty", {"l2": "a"}, "penalty.l2: found 'a'"),
        ("reduction", "max", "reduction: found 'max', expected sum or mean"),
        ("reduction", ["mean"], "reduction: found a list of 1, expected a name"),
        ("weights", ["1"], "weights: found 1 numbers, expected 3"),
        ("loss", "absolute", "loss: found 'absolute', expected one of"),
        ("loss", "hinge", "data.y[0][0]: found 0, expected -1 or 1 for the loss hinge"),
        ("point", {"layers": []}, "point"),
        ("program", [], "unknown key 'program'"),
        ("decay", "1", "unknown key 'decay'"),
    ],
)
def test_what_is_wrong_with_a_readable_file_is_said_in_a_line(key, value, said: str) -> None:
    data = program_problem_to_data(spurious.problem(X, Y, hidden=2, l2=1, point=[0] * 9))
    with pytest.raises(InputError) as error:
        program_problem_from_data({**data, key: value})
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "logistic", "reduction": "mean"},
        {"loss": "hinge"},
        {"loss": "cross_entropy", "y": [0, 0.5, 1], "l2": 1},
    ],
)
def test_targets_that_the_loss_does_not_allow_are_refused(changes: dict) -> None:
    with pytest.raises(InputError, match=r"data\.y"):
        spurious.problem(**{"x": X, "y": Y, "hidden": 2, **changes})


def test_both_formats_are_told_apart() -> None:
    assert isinstance(parse_any_problem(open_example("c5-d1")), Problem)


def open_example(name: str) -> bytes:
    from importlib.resources import files

    return (files("spurious.problem") / "points" / f"{name}.json").read_bytes()


def test_jax_and_torch_say_the_same() -> None:
    jax = pytest.importorskip("jax")
    import jax.numpy as jnp

    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    model.double()
    x, y = torch.tensor(X).double(), torch.tensor(Y).double()[:, None]
    ours = spurious.from_torch(model, x, y, torch.nn.MSELoss(), weight_decay=0.25)
    p = {name: t.detach().numpy() for name, t in model.named_parameters()}

    def loss(p):
        f = jnp.tanh(x.numpy() @ p["0.weight"].T + p["0.bias"]) @ p["2.weight"].T + p["2.bias"]
        return ((f - y.numpy()) ** 2).mean() + 0.125 * sum((w**2).sum() for w in p.values())

    with jax.enable_x64(True):
        theirs = spurious.from_jax(loss, p)
    values = [float(spurious.certify(q, search=False).loss) for q in (ours, theirs)]
    assert values[0] == pytest.approx(values[1], rel=1e-14)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0, 1, 2], [1, 0, 1]),
        (np.arange(3), np.array([1, 0, 1])),
        (np.arange(3.0).reshape(3, 1), np.array([[1.0], [0.0], [1.0]])),
        ((0, 1, 2), np.array([True, False, True])),
    ],
)
def test_arrays_of_every_shape_are_one_problem(x, y) -> None:
    expected = problem([[0], [1], [2]], [[1], [0], [1]], hidden=(2,))
    for hidden in (2, [2], np.int64(2), np.array([2])):
        assert problem(x, y, hidden=hidden) == expected


def test_true_and_false_are_two_classes() -> None:
    made = problem([0, 1], [True, False], hidden=1, loss="logistic")
    assert made == problem([0, 1], [1, -1], hidden=1, loss="logistic")


def test_a_point_is_given_flat_or_layer_by_layer() -> None:
    layers = [(np.array([[1], [2]]), [3, 4]), ([[5, 6]], [7])]
    flat = [1, 2, 3, 4, 5, 6, 7]
    assert problem([0], [0], hidden=2, point=layers) == problem([0], [0], hidden=2, point=flat)


def test_names_and_lists_do_for_losses_and_widths() -> None:
    data = dataset_from_arrays([[0], [1]], [0, 1])
    made = Problem(Network([1, 2, 1], "relu"), "squared", data)
    assert made == Problem(Network((1, 2, 1), "relu"), Loss.SQUARED, data)
    assert made.loss is Loss.SQUARED and hash(made.network) == hash(Network((1, 2, 1), "relu"))
    assert problem([0], [0], hidden=1, activation="ReLU").network.activation == "relu"
