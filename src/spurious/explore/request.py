"""What a page may ask for: strict parsing of requests into frozen values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Final

from spurious.errors import InputError
from spurious.exact.plain import inner, mean
from spurious.explore import limits
from spurious.problem import (
    Dataset,
    Loss,
    Point,
    Problem,
    dense_loss_of,
    exact,
    flatten,
    problem_from_data,
)
from spurious.problem.json_text import fields, parse_json
from spurious.problem.number import shown
from spurious.train import Initialisation, Optimiser, Recipe

SOLVED: Final = 1e-3
"""On curves a run counts as solved at this share of the best constant's loss."""


@dataclass(frozen=True, slots=True)
class EnsembleRequest:
    """An ensemble to train.

    Attributes:
        recipe: How.
        runs: Number of networks.
        seed: Seed of all of them.
    """

    recipe: Recipe
    runs: int
    seed: int


def read_train(body: bytes) -> EnsembleRequest:
    """Reads a request to train.

    Args:
        body: JSON with the keys `problem` (format spurious-problem/1), `initialisation` and
            `optimiser` (names), `step_size`, `updates`, `runs` and `seed`.

    Raises:
        InputError: It is malformed, or asks for too much.
    """
    keys = ("problem", "initialisation", "optimiser", "step_size", "updates", "runs", "seed")
    found = fields(parse_json(body, "request"), "request", keys)
    problem = _problem(found["problem"])
    step_size = exact(found["step_size"], "step_size")
    if not Fraction(1, 10**9) <= step_size <= 1000:
        raise InputError(
            f"step_size: found {shown(step_size)}, expected a number from 1e-9 to 1000"
        )
    recipe = Recipe(
        problem.network,
        problem.loss,
        problem.data,
        Initialisation(_name(found["initialisation"], "initialisation")),
        Optimiser(_name(found["optimiser"], "optimiser"), float(step_size)),
        updates=_integer(found["updates"], "updates", 1, limits.UPDATES),
        tolerance=tolerance(problem),
    )
    return EnsembleRequest(
        recipe,
        runs=_integer(found["runs"], "runs", 1, limits.RUNS),
        seed=_integer(found["seed"], "seed", 0, 2**32 - 1),
    )


def read_problem_of(body: bytes) -> Problem:
    """Reads a request that is about a problem: JSON with the key `problem`.

    Raises:
        InputError: It is malformed, or asks for too much.
    """
    return within_limits(read_any_problem_of(body))


def read_any_problem_of(body: bytes) -> Problem:
    """The same, of any size.

    Raises:
        InputError: It is malformed.
    """
    data = fields(parse_json(body, "request"), "request", ("problem",))["problem"]
    return problem_from_data(data)


def read_certify(body: bytes) -> Problem:
    """Reads a request to certify: JSON with the key `problem`, which has a point.

    Raises:
        InputError: It is malformed, or asks for too much.
    """
    problem = read_problem_of(body)
    if problem.point is None:
        raise InputError("problem.point: missing, expected the point to decide about; add it")
    return problem


def read_atlas(body: bytes) -> Problem:
    """Reads a request for an atlas: JSON with the key `problem`.

    Raises:
        InputError: It is malformed, has no atlas, or asks for too much.
    """
    from spurious.atlas import require_atlas

    problem = read_problem_of(body)
    require_atlas(dense_loss_of(problem))
    cells = most_cells(problem)
    if cells > limits.CELLS:
        raise InputError(
            f"problem: found up to {cells} activation cells, expected at most {limits.CELLS} "
            "here; take fewer points or units, or run `spurious atlas` on the problem file"
        )
    return problem


def most_cells(problem: Problem) -> int:
    """An upper bound of the number of activation cells, units unordered (docs/atlas.md)."""
    n, d, m = problem.data.size, problem.network.inputs, problem.network.hidden[0]
    chambers = 2 * sum(comb(n - 1, k) for k in range(d + 1))
    return comb(2 * chambers + m - 1, m)


def tolerance(problem: Problem) -> float | None:
    """The loss at which a run counts as solved, or None: zero training error.

    Data with two classes, -1 and 1, and more than one input are to be told apart; other data are a
    curve to be fitted, up to `SOLVED` of the best constant's loss.
    """
    targets = [row[0] for row in problem.data.y]
    if problem.loss is Loss.LOGISTIC or (problem.network.inputs > 1 and {*targets} <= {-1, 1}):
        return None
    middle = mean(targets)
    away = [target - middle for target in targets]
    return SOLVED * float(inner(away, away)) or SOLVED


def _problem(data: object) -> Problem:
    return within_limits(problem_from_data(data))


def within_limits(problem: Problem) -> Problem:
    """The problem, if it is no more than the page can show and the server will work on.

    Raises:
        InputError: It is more.
    """
    network = problem.network
    if not 1 <= network.depth <= limits.LAYERS or network.outputs != 1:
        raise InputError(
            f"network.widths: found {shown(network.widths)}, expected one to {limits.LAYERS} "
            "hidden layers and one output, such as [2, 3, 1]"
        )
    if network.inputs > limits.INPUTS or max(network.hidden) > limits.UNITS:
        raise InputError(
            f"network.widths: found {network.inputs} inputs and {max(network.hidden)} units in a "
            f"layer, expected at most {limits.INPUTS} and {limits.UNITS}"
        )
    if problem.data.size > limits.POINTS:
        raise InputError(
            f"data: found {problem.data.size} points, expected at most {limits.POINTS}"
        )
    if network.slope is not None:
        _small([network.slope], "network.slope", limits.LARGEST_DATA, limits.DATA_DENOMINATOR)
    _small(_numbers(problem.data), "data", limits.LARGEST_DATA, limits.DATA_DENOMINATOR)
    for name, point in (("point", problem.point), ("witness", problem.witness)):
        if isinstance(point, Point):
            _small(flatten(point), name, limits.LARGEST, None)
    return problem


def _numbers(data: Dataset) -> Iterable[Fraction]:
    return (value for rows in (data.x, data.y) for row in rows for value in row)


def _small(
    values: Iterable[Fraction], path: str, largest: Fraction, denominator: int | None
) -> None:
    for value in values:
        if abs(value) > largest:
            raise InputError(f"{path}: found {shown(value)}, expected at most {largest} in size")
        if denominator is not None and value.denominator > denominator:
            raise InputError(
                f"{path}: found {shown(value)}, expected a denominator of at most {denominator}; "
                "round it"
            )


def _name(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{path}: found {shown(value)}, expected a name")
    return value


def _integer(value: object, path: str, low: int, high: int) -> int:
    number = exact(value, path)
    if number.denominator != 1 or not low <= number <= high:
        raise InputError(f"{path}: found {shown(number)}, expected an integer from {low} to {high}")
    return number.numerator
