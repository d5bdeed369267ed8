"""Arguments that name a built-in dataset or a problem file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.problem import BuiltIn, Dataset, Problem

__all__ = ["data_of", "found_source"]


def found_source(source: str) -> BuiltIn | Problem:
    """The dataset, or the problem, that an argument names.

    Raises:
        InputError: It names neither, or the file cannot be used.
    """
    from spurious.problem import DATASETS, dataset, read_problem

    if source in DATASETS:
        return dataset(source)
    if Path(source).suffix == "" and not Path(source).exists():
        raise InputError(
            f"{source}: found neither a dataset nor a file of this name, expected one of "
            f"{', '.join(DATASETS)}, or a problem file"
        )
    return read_problem(source)


def data_of(source: str) -> Dataset:
    """The data alone.

    Raises:
        InputError: The argument names none.
    """
    return found_source(source).data
