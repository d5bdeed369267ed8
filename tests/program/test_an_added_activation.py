"""What mish, the activation that was added last, needed: three files, and then it is everywhere."""

import re
from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spurious import Answer, Decision, InputError, certified_minima, certify, from_jax, problem
from spurious.problem import Loss, Network, dataset_from_arrays
from spurious.program import FUNCTIONS, NumpyArithmetic, evaluator
from spurious.program.operations import Map
from spurious.train.activations import NUMBERED, number_of
from spurious.train.ensemble import train
from spurious.train.initialisation import Initialisation
from spurious.train.optimiser import Optimiser
from spurious.train.recipe import Recipe
from spurious_checker import check

ROOT = Path(__file__).parents[2]
NAME = "mish"
FILES = {"src/spurious/program/functions.py", "src/spurious/train/activations.py",
         "checker/functions.py"}  # fmt: skip
X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
Y = np.array([[1.0], [-1.0], [-1.0], [1.0], [1.5]])


def test_three_files_name_it() -> None:
    """The shipped checker is joined from the parts of `checker/`."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("src", "checker")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".js", ".html", ".toml") and path.name != "spurious_checker.py"
        if re.search(rf"(?<![a-z]){NAME}(?![a-z])", path.read_text("utf-8"), re.IGNORECASE)
    }
    assert found == FILES


def test_the_list_in_the_docs_is_the_same() -> None:
    text = (ROOT / "docs/extending.md").read_text("utf-8")
    section = text.partition("## Add a function")[2].partition("\n## ")[0]
    lines = "\n".join(line for line in section.splitlines() if line.startswith("- "))
    assert set(re.findall(r"`([\w/]+\.py)`", lines)) == {
        name.removeprefix("src/spurious/") for name in FILES
    }


@pytest.mark.parametrize("z", [-30.0, -1.3, 0.0, 0.2, 4.0, 40.0])
def test_value_and_slope_are_those_of_jax_and_torch(z: float) -> None:
    value, slope = (float(v) for v in NumpyArithmetic().jet(FUNCTIONS[NAME], np.array(z), 1))
    with jax.enable_x64(True):
        expected = jax.value_and_grad(jax.nn.mish)(jnp.float64(z))
    assert (value, slope) == pytest.approx([float(v) for v in expected], rel=1e-12, abs=1e-15)
    torch = pytest.importorskip("torch")
    at = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    found = torch.nn.functional.mish(at)
    found.backward()
    assert (value, slope) == pytest.approx((found.item(), at.grad.item()), rel=1e-10, abs=1e-13)


def test_jax_s_and_torch_s_own_are_read_as_it() -> None:
    weights = {"w": np.array([0.5, -1.0]), "v": np.array([1.0, 0.3])}

    def loss(p: dict[str, jax.Array]) -> jax.Array:
        return (jax.nn.mish(X * p["w"]) @ p["v"]).sum()

    programs = [from_jax(loss, weights).program]
    torch = pytest.importorskip("torch")
    from spurious import from_torch

    model = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.Mish(), torch.nn.Linear(2, 1))
    data = [torch.from_numpy(a) for a in (X, Y)]
    programs.append(from_torch(model.double(), *data, torch.nn.MSELoss()).program)
    for program in programs:
        assert [o.function for o in program.operations if isinstance(o, Map)] == [FUNCTIONS[NAME]]


def test_bad_minima_of_a_program_are_proved_and_checked() -> None:
    given = problem(X, Y, hidden=1, activation=NAME, l2=0.01)
    best, *others = certified_minima(given.program, starts=12, seed=2)
    assert others and all(found.verdict.is_global is Answer.NO for found in others)
    for found in (best, others[-1]):
        assert found.verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
        assert check(dict(found.verdict.certificate)).valid


def trained(count: int = 2) -> tuple[Recipe, np.ndarray]:
    """Networks of one unit, trained by the compiled engine on five points."""
    data = dataset_from_arrays(X, Y)
    optimiser = Optimiser("gd", 0.02)
    recipe = Recipe(
        Network((1, 1, 1), NAME), Loss.SQUARED, data, Initialisation("glorot_normal"), optimiser,
        20_000, precision="float64", tolerance=0.0, stop=False,
    )  # fmt: skip
    runs = train(recipe, 5, 0, count)
    return recipe, np.asarray(runs.parameters, dtype=np.float64)


def test_trained_dense_networks_end_in_proved_minima_good_and_bad() -> None:
    _, ends = trained()
    verdicts = [certify(problem(X, Y, hidden=1, activation=NAME, point=end.tolist()))
                for end in ends[:2]]  # fmt: skip
    assert [v.decision for v in verdicts] == [Decision.LOCAL_MINIMUM_NEARBY] * 2
    assert all(check(dict(v.certificate)).valid for v in verdicts)
    assert [round(float(v.loss), 4) for v in verdicts] == [2.6751, 4.8472]
    assert verdicts[1].is_global is Answer.NO


def test_the_engine_s_gradient_is_the_program_s() -> None:
    from spurious.train.scalar import evaluated, model

    recipe, _ = trained(1)
    given = problem(X, Y, hidden=1, activation=NAME, l2=Fraction(1, 10**30))
    evaluate = evaluator(given.program, NumpyArithmetic())
    for at in np.random.default_rng(0).normal(size=(5, 4)) * 3:
        gradient = np.zeros(4)
        loss = evaluated(at, gradient, model(recipe), np.zeros((3, 2)))
        run = evaluate.run(at)
        assert loss == pytest.approx(float(run.loss), rel=1e-12)
        np.testing.assert_allclose(gradient, run.gradient, rtol=1e-10, atol=1e-12)


def test_an_activation_that_the_engine_lacks_is_refused_there() -> None:
    assert NAME in NUMBERED
    with pytest.raises(InputError, match="found sin, which the compiled engine does not train"):
        number_of("sin")
