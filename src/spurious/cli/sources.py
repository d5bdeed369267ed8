"""Arguments that name a built-in dataset or a problem file."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spurious.cli.output import echo_note, with_name
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.problem import BuiltIn, Dataset, DenseLoss, Loss, Problem


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


def found_dense(source: str) -> BuiltIn | Problem | DenseLoss:
    """The same, of files that may have a penalty, or weights of points, too.

    Raises:
        InputError: It names neither, the file cannot be used, or holds a program of its own.
    """
    from spurious.problem import DATASETS, ProgramProblem, read_any_problem

    if source in DATASETS or not Path(source).exists():
        return found_source(source)
    found = read_any_problem(source)
    if not isinstance(found, ProgramProblem):
        return found
    if found.dense is None:
        raise InputError(f"{source}: found a program of its own, expected a dense network")
    return found.dense


@contextmanager
def naming(source: str) -> Generator[None]:
    """Puts the argument in front of what is found wrong with it.

    Raises:
        InputError: Something is wrong.
    """
    try:
        yield
    except InputError as error:
        raise InputError(with_name(source, error)) from None


def data_of(source: str, loss: Loss | None = None) -> Dataset:
    """The data alone.

    Args:
        source: A dataset's name or a problem file.
        loss: What the command is about; a file's other loss is then not passed over in silence.

    Raises:
        InputError: The argument names none.
    """
    from spurious.problem import Problem

    found = found_source(source)
    if isinstance(found, Problem) and loss not in (None, found.loss):
        echo_note(f"the loss here is {loss}, not {found.loss} as in {source}")
    return found.data
