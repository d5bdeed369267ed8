from fractions import Fraction
from pathlib import Path

import pytest
from tests.sweep.plans import SMALL, small

from spurious.errors import InputError
from spurious.problem import Loss, Penalty
from spurious.sweep import AXES, parse_plan, read_plan, shards_of

ROOT = Path(__file__).parents[2]


def test_the_product_of_all_axes() -> None:
    plan = small()
    assert len(plan.cells) == 2 * 2 * 2
    assert plan.total == 8 * 150
    first = dict(zip(AXES, plan.cells[0].labels, strict=True))
    assert first["dataset"] == "xor" and first["hidden"] == "2" and first["loss"] == "squared"
    assert plan.cells[0].recipe.network.widths == (2, 2, 1)
    assert plan.cells[1].recipe.optimiser.momentum == 0.8
    assert [s.count for s in shards_of(plan) if s.cell is plan.cells[0]] == [40, 40, 40, 30]


def test_a_problem_file_as_data_and_several_layers(tmp_path: Path) -> None:
    problem = tmp_path / "mine.json"
    problem.write_text(
        '{"format": "spurious-problem/1", "network": {"widths": [1, 1], "activation": "relu"},'
        '"loss": "squared", "data": {"x": [["1/3"], [2]], "y": [[1], [0]]}}'
    )
    text = SMALL.replace('["xor", "jellyfish"]', '"mine.json"').replace("[2, 3]", "[[4, 4]]")
    plan = parse_plan(text + "tolerance = 1e-3\n", "p", tmp_path)
    recipe = plan.cells[0].recipe
    assert recipe.network.widths == (1, 4, 4, 1)
    assert recipe.data.x[0][0] == Fraction(1, 3) and recipe.loss is Loss.SQUARED
    assert dict(zip(AXES, plan.cells[0].labels, strict=True))["hidden"] == "4,4"


def test_the_example_is_a_plan() -> None:
    plan = read_plan(ROOT / "examples" / "table1.toml")
    assert len(plan.cells) == 48 and plan.runs >= 10_000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("runs = 150", "runs = 0", "runs: found 0, expected an integer from 1"),
        ("runs = 150", "", "runs: found nothing"),
        ("seed = 3", "seed = -1", "seed: found -1"),
        ("seed = 3", "sed = 3", "sed: found an unknown key; did you mean seed?"),
        ("hidden = [2, 3]", "hiden = 2", "grid.hiden: found an unknown key; did you mean hidden?"),
        ("hidden = [2, 3]", "", "grid.hidden: found nothing"),
        ("hidden = [2, 3]", "hidden = []", "grid.hidden: found an empty list"),
        ("hidden = [2, 3]", "hidden = [2, 2]", "found the cell dataset xor, hidden 2"),
        ("hidden = [2, 3]", "hidden = [2, 0]", "grid.hidden: found 0, expected a number of units"),
        ("hidden = [2, 3]", "hidden = [65]", "widths[1]: found 65, expected at most 64"),
        ('"relu"', '"rellu"', "network.activation: found 'rellu'"),
        ('"relu"', "7", "grid.activation: found 7, expected text"),
        ('"squared"', '"huber"', "grid.loss: found 'huber', expected one of squared"),
        ('"pytorch"', '"xavier"', "initialisation.name: found 'xavier'"),
        ('"pytorch"', '{ name = "normal", sd = 1 }', "initialisation.sd: found an unknown key"),
        ('"pytorch"', '{ name = "glorot_normal", std = 1 }', "glorot_normal has none"),
        ('"adam"', '{ name = "gd", momentum = 0.9 }', "gd has none; leave it out"),
        ('"adam"', "3", "grid.optimiser: found 3, expected a name, or a table"),
        ("step_size = 0.02", "step_size = -1", "optimiser.step_size: found -1.0"),
        ("step_size = 0.02", 'step_size = "1"', "grid.step_size: found '1', expected a number"),
        ("updates = 300", "updates = 1.5", "updates: found 1.5, expected an integer"),
        ("updates = 300", "updates = 300\nbatch = 9", "batch: found 9, expected an integer from 1"),
        ('["xor", "jellyfish"]', '"xr"', "grid.dataset: found 'xr', expected one of xor"),
        ('["xor", "jellyfish"]', '"none.json"', "none.json: found no such file"),
        ('["xor", "jellyfish"]', '"d1"', "tolerance: found nothing, expected the loss"),
        (
            "step_size = 0.02",
            "step_size = 1\nl2 = -1",
            "l2: found -1, expected a number that is not",
        ),
        (
            "step_size = 0.02",
            'step_size = 1\nl2 = "x"',
            "grid.l2: found 'x', expected a number such",
        ),
        (
            "step_size = 0.02",
            "step_size = 1\nweight_decay = 1",
            "adam has none; leave it out, or give",
        ),
        ("step_size = 0.02", "step_size = 1\nbiases = true", "but nothing decays; give l2 too"),
        ("step_size = 0.02", "step_size = 1\nl2 = 1\nbiases = 1", "biases: found 1, expected true"),
        (
            '"adam"',
            '{ name = "adamw", weight_decay = 1 }',
            "give it as the grid's axis weight_decay",
        ),
        ("[grid]", "[[grid", "found no valid TOML"),
        ("[grid]", "[other]", "other: found an unknown key"),
        ("runs = 150", "runs = 10000000000", "expected at most 10000000000 in all"),
    ],
)
def test_errors_name_the_field_and_the_fix(old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(InputError) as caught:
        parse_plan(SMALL.replace(old, new), "p", Path(), "plan.toml")
    text = str(caught.value)
    assert text.startswith("plan.toml: ") and "\n" not in text
    assert message in text


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no such file"):
        read_plan(tmp_path / "none.toml")
    with pytest.raises(InputError, match="found a directory, expected a sweep plan"):
        read_plan(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"name = \xff")
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(tmp_path / "latin.toml")


def test_weight_decay_is_an_axis() -> None:
    """A penalty is a part of the loss, a number or a fraction; AdamW's decay is its own."""
    grid = SMALL.replace('["xor", "jellyfish"]', '"xor"').replace("[2, 3]", "2")
    penalised = grid.replace('optimiser = ["adam", { name = "momentum", momentum = 0.8 }]', "")
    text = penalised + 'optimiser = "gd"\nl2 = [0, "1/1000", 0.01]\nbiases = [true, false]\n'
    cells = [
        dict(zip(AXES, cell.labels, strict=True)) for cell in parse_plan(text, "p", Path()).cells
    ]
    assert [(cell["l2"], cell["biases"]) for cell in cells] == [
        (value, biases) for value in (0.0, 0.001, 0.01) for biases in (True, False)
    ]
    recipes = [cell.recipe for cell in parse_plan(text, "p", Path()).cells]
    assert recipes[3].penalty == Penalty(Fraction(1, 1000), biases=False)
    assert recipes[4].penalty == Penalty(Fraction(1, 100))
    assert len({shard.name for shard in shards_of(parse_plan(text, "p", Path()))}) == 6 * 4
    adamw = penalised + 'optimiser = "adamw"\nweight_decay = [0.1, 0.2]\nbiases = false\n'
    found = [cell.recipe.optimiser for cell in parse_plan(adamw, "p", Path()).cells]
    assert [(rule.weight_decay, rule.biases) for rule in found] == [(0.1, False), (0.2, False)]
    plain = dict(zip(AXES, small().cells[0].labels, strict=True))
    assert plain["l2"] is plain["biases"] is plain["weight_decay"] is None


def test_losses_reductions_and_weights_are_axes() -> None:
    grid = SMALL.replace('["xor", "jellyfish"]', '"xor"').replace("[2, 3]", "2")
    grid = grid.replace('loss = "squared"', 'loss = ["hinge", "logistic"]')
    assert 'loss = ["hinge"' in grid
    text = grid + (
        'reduction = ["sum", "mean"]\n'
        'weights = ["balanced", { -1 = "1/2", 1 = 3 }, [1, 0, "1/3", 2]]\n'
    )
    plan = parse_plan(text, "p", Path())
    named = [dict(zip(AXES, cell.labels, strict=True)) for cell in plan.cells]
    assert {(n["loss"], n["reduction"], n["weights"]) for n in named} == {
        (loss, reduction, weights)
        for loss in ("hinge", "logistic")
        for reduction in ("sum", "mean")
        for weights in ("balanced", "-1=1/2, 1=3", "1,0,1/3,2")
    }
    recipes = {
        (n["reduction"], n["weights"]): c.recipe for n, c in zip(named, plan.cells, strict=True)
    }
    assert recipes["mean", "-1=1/2, 1=3"].factors.tolist() == [
        (3 if row[0] > 0 else 0.5) / 4 for row in plan.cells[0].recipe.data.y
    ]
    assert recipes["sum", "balanced"].weights is None  # as many of the one as of the other
    assert recipes["sum", "1,0,1/3,2"].weights == (1, 0, Fraction(1, 3), 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('reduction = "max"', "reduction: found 'max', expected sum or mean"),
        ("weights = { 1 = 2 }", "weights of the classes 1, expected one for each of -1, 1"),
        ("weights = [[1, 2]]", "weights: found 2 numbers, expected 4"),
        ("weights = 3", "weights: found 3, expected a list"),
    ],
)
def test_weights_that_cannot_be(line: str, message: str) -> None:
    grid = SMALL.replace('["xor", "jellyfish"]', '"xor"')
    with pytest.raises(InputError, match=message):
        parse_plan(f"{grid}{line}\n", "p", Path())


def test_shards_without_later_axes_have_their_old_names() -> None:
    """Stores that were made before there were reductions and weights go on to be used."""
    first = next(iter(shards_of(small())))
    assert first.name == "27377b6d1ef408afa14ebc15bf291c01"
