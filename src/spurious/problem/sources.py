"""Problems as people name them: by a value, a file, or a built-in dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from spurious.errors import InputError
from spurious.problem.bundled import bundled, bundled_names
from spurious.problem.datasets import DATASETS, dataset
from spurious.problem.dense_loss import DenseLoss
from spurious.problem.loss import Loss
from spurious.problem.network import Network
from spurious.problem.point import unflatten
from spurious.problem.problem import Problem
from spurious.problem.program_files import read_any_problem
from spurious.problem.program_problem import FlatPoint, ProgramProblem

Named: TypeAlias = str | os.PathLike[str]
"""A file's path, or the name of a dataset or of a bundled problem."""


def problem_of(given: Problem | ProgramProblem | Named) -> Problem | ProgramProblem:
    """A problem, or the one in a file.

    Args:
        given: A problem, the path of a problem file, or the name of a bundled one, such as "c5-d1".

    Raises:
        InputError: It is a dataset's name, or the file cannot be used.
    """
    if isinstance(given, Problem | ProgramProblem):
        return given
    path = Path(given)
    if path.suffix or path.exists():
        return read_any_problem(path)
    if str(given) in bundled_names():
        return bundled(str(given))
    if str(given) in DATASETS:
        raise InputError(
            f"{given}: found the name of a dataset, which has no network and no point; expected a "
            f"problem file, or spurious.problem(*spurious.dataset({str(given)!r}).arrays, ...)"
        )
    raise InputError(
        f"{given}: found no such file, expected a problem file, or one of "
        f"{', '.join(bundled_names())}"
    )


def dense_loss_of(
    given: Problem | ProgramProblem | DenseLoss | Named, hidden: int | None = None
) -> DenseLoss:
    """The loss of a problem, a file or a dataset, which has to be a dense network's.

    Args:
        given: A problem or a loss, the path of a problem file, or a dataset's name, which stands
            for a relu network with squared loss.
        hidden: Units of its hidden layer: for datasets, and problems without a hidden layer.

    Raises:
        InputError: The file cannot be used, holds a program, or the number of units is missing or
            is another than the problem's.
    """
    if isinstance(given, str) and given in DATASETS and not Path(given).exists():
        if hidden is None:
            raise InputError(f"hidden: missing, but the dataset {given} needs it; try hidden=2")
        data = dataset(given).data
        return DenseLoss(Network((data.inputs, hidden, len(data.y[0])), "relu"), "squared", data)
    loss = given if isinstance(given, DenseLoss) else problem_of(given).dense
    if loss is None:
        name = "problem" if isinstance(given, ProgramProblem) else str(given)
        raise InputError(f"{name}: found a program, expected a dense network")
    if hidden is not None and loss.network.hidden != (hidden,):
        raise InputError(
            f"hidden: found {hidden}, but the problem has a network of its own, "
            f"{list(loss.network.widths)}; leave hidden out"
        )
    return loss


def problem_at(loss: DenseLoss, point: FlatPoint | None = None) -> Problem | ProgramProblem:
    """A dense loss with a point as a problem: of format 1 if it is one of those.

    Args:
        loss: The loss.
        point: The point in question, shape (P,).
    """
    if not loss.is_plain:
        return ProgramProblem(loss.program(), point, dense=loss)
    there = None if point is None else unflatten(point, loss.network)
    return Problem(loss.network, Loss(loss.loss), loss.data, there)
