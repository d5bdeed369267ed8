"""What the page gives and takes: a plan of its settings for `spurious sweep`, and problem files."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from spurious.errors import InputError
from spurious.explore.curves import LEAKY_SLOPE
from spurious.explore.request import EnsembleRequest, read_any_problem_of, within_limits
from spurious.problem import BuiltIn, Dataset, Loss, Problem, exact, point_to_data
from spurious.sweep import plan_of

FILE: Final = "problem.json"
"""What a plan calls the page's problem file."""

PLACES: Final = 6
"""Decimals to which the data of an imported file are rounded."""

HEAD: Final = f"""\
# Made by the Explorer: the same runs. Save the problem file beside this plan as {FILE}, then
#     spurious sweep run PLAN --store runs
"""


def plan_text(asked: EnsembleRequest) -> str:
    """The settings as a plan, whose runs are those of the page."""
    recipe = asked.recipe
    data = BuiltIn(FILE, "the data of the page", "", Loss(recipe.loss), recipe.data)
    grid: dict[str, Any] = {
        "dataset": data,
        "hidden": [list(recipe.network.hidden)],
        "activation": recipe.network.activation,
        "slope": None if recipe.network.slope is None else str(recipe.network.slope),
        "loss": str(recipe.loss),
        "initialisation": recipe.initialisation.name,
        "optimiser": recipe.optimiser.name,
        "step_size": recipe.optimiser.step_size,
        "updates": recipe.updates,
        "tolerance": recipe.tolerance,
    }
    given = {axis: value for axis, value in grid.items() if value is not None}
    return HEAD + plan_of("explorer", [given], runs=asked.runs, seed=asked.seed).text


def read_import(body: bytes) -> dict[str, Any]:
    """A problem file as what the page holds: decimals, and its point where nothing was rounded.

    Args:
        body: JSON with the key `problem`.

    Returns:
        `inputs`, `points` (a list of `[[x, ...], y]` as decimals), `hidden`, `activation`, `loss`,
        `point` (as in problem files, or None) and `rounded`: whether data were.

    Raises:
        InputError: It is malformed, or more than the page can show.
    """
    given = read_any_problem_of(body)
    x, y = (
        tuple(tuple(round(value, PLACES) for value in row) for row in rows)
        for rows in (given.data.x, given.data.y)
    )
    problem = within_limits(replace(given, data=Dataset(x, y)))
    network = problem.network
    if network.slope not in (None, exact(LEAKY_SLOPE, "slope")):
        raise InputError(
            f"network.slope: found {network.slope}, expected {LEAKY_SLOPE}, which the page has"
        )
    rounded = problem.data != given.data
    return {
        "inputs": network.inputs,
        "points": [
            [[_decimal(value) for value in row], _decimal(target[0])]
            for row, target in zip(x, y, strict=True)
        ],
        "hidden": ",".join(map(str, network.hidden)),
        "activation": network.activation,
        "loss": str(problem.loss),
        "point": None if rounded else _point(problem),
        "rounded": rounded,
    }


def _point(problem: Problem) -> dict[str, Any] | None:
    return None if problem.point is None else point_to_data(problem.point)


def _decimal(value: Fraction) -> str:
    """A number with at most `PLACES` decimals, without trailing zeros."""
    return f"{float(value):.{PLACES}f}".rstrip("0").rstrip(".")
