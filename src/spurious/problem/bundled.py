"""The problem files that come with the package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from spurious.problem.files import parse_problem
from spurious.problem.point import Point
from spurious.problem.problem import Problem


def bundled_names() -> tuple[str, ...]:
    """The names of the problem files, without ending."""
    found = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def bundled(name: str) -> Problem:
    """Reads `points/<name>.json`.

    Args:
        name: File name without ending, such as "c5-d1".

    Raises:
        FileNotFoundError: There is no such file.
        InputError: The file is no valid problem.
    """
    return parse_problem((_folder() / f"{name}.json").read_bytes(), f"{name}.json")


def _folder() -> Traversable:
    return files("spurious.problem") / "points"


def point_of(problem: Problem) -> Point:
    """The problem's point.

    Raises:
        ValueError: It has none.
    """
    if problem.point is None:
        raise ValueError("the problem has no point; give it one")
    return problem.point


def witness_of(problem: Problem) -> Point:
    """The problem's witness.

    Raises:
        ValueError: It has none.
    """
    if problem.witness is None:
        raise ValueError("the problem has no witness; give it one")
    return problem.witness
