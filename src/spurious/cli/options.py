"""Arguments and options that several commands have, and what is typed there as values.

What would run for hours is refused, with the limit.
"""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import pairwise
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.problem import DenseLoss

CELLS: Final = 5_000_000
"""Most activation cells of an atlas; so many take some minutes."""

COUNT: Final = 100_000_000
"""The largest number of runs, draws or starts that makes sense to type."""

Source: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="DATASET|FILE", help="A built-in dataset (`spurious datasets`) or a problem file."
    ),
]
Seed: TypeAlias = Annotated[
    int, typer.Option(min=0, metavar="N", help="Seed of all random numbers.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
AsJsonLines: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line instead of text.")
]
Data: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="SPURIOUS_DATA",
        help="Folder with MNIST's files; without it they are fetched into the user's cache.",
    ),
]


def name_data_folder(folder: Path | None) -> None:
    """Makes a folder the place where this process looks for MNIST.

    Raises:
        InputError: There is no such folder.
    """
    if folder is None:
        return
    if not folder.is_dir():
        raise InputError(f"data: found no folder {folder}, expected one with MNIST's files")
    from spurious.data import FOLDER_VARIABLE

    os.environ[FOLDER_VARIABLE] = str(folder)


def units_of(option: str, text: str) -> tuple[int, ...]:
    """`3,3,3` as numbers.

    Raises:
        InputError: It is no such list.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise InputError(f"{option}: found {text!r}, expected numbers above 0, such as 3,3,3")
    return tuple(map(int, parts))


def fraction(option: str, text: str) -> Fraction:
    """A number as it is typed: 9, 9/4, 0.1 or 1e12, exactly.

    Raises:
        InputError: It is none, or has too many digits.
    """
    from spurious.problem import exact

    return exact(text, option)


def affordable(what: str, found: int, most: int) -> None:
    """Refuses what would take for ever.

    Args:
        what: The option or quantity.
        found: What was asked for.
        most: The limit.

    Raises:
        InputError: It is above the limit.
    """
    if found > most:
        told = f"{found:,}" if found < 10**18 else "a number of many digits"
        raise InputError(f"{what}: found {told}, expected at most {most:,}; ask for less")


def parameters(widths: tuple[int, ...]) -> int:
    """How many parameters a dense network has."""
    return sum((below + 1) * above for below, above in pairwise(widths))


def cells(problem: DenseLoss) -> int:
    """An upper bound of the number of activation cells, units unordered (docs/atlas.md)."""
    n, d, m = problem.data.size, problem.network.inputs, problem.network.hidden[0]
    chambers = 2 * sum(comb(n - 1, k) for k in range(min(d, n - 1) + 1))
    return comb(2 * chambers + m - 1, m)
