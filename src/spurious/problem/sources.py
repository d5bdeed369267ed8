"""Problems as people name them: by a value, a file, or a built-in dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from spurious.errors import InputError
from spurious.problem.bundled import bundled, bundled_names
from spurious.problem.datasets import DATASETS, dataset
from spurious.problem.loss import Loss
from spurious.problem.network import Network
from spurious.problem.problem import Problem
from spurious.problem.program_files import read_any_problem
from spurious.problem.program_problem import ProgramProblem

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


def dense_problem_of(given: Problem | Named, hidden: int | None) -> Problem:
    """A problem, or that of a file or a dataset.

    Args:
        given: A problem, the path of a problem file, or a dataset's name, which stands for a relu
            network with squared loss.
        hidden: Units of its hidden layer: for datasets, and problems without a hidden layer.

    Raises:
        InputError: The file cannot be used, holds a program, or the number of units is missing or
            is another than the problem's.
    """
    if isinstance(given, str) and given in DATASETS and not Path(given).exists():
        if hidden is None:
            raise InputError(f"hidden: missing, but the dataset {given} needs it; try hidden=2")
        data = dataset(given).data
        network = Network((data.inputs, hidden, len(data.y[0])), "relu")
        return Problem(network, Loss.SQUARED, data)
    problem = problem_of(given)
    if not isinstance(problem, Problem):
        name = "problem" if isinstance(given, ProgramProblem) else str(given)
        if problem.dense is not None and problem.dense.penalty.l2:
            raise InputError(
                f"{name}: found a loss with weight decay, expected one without; "
                "spurious.penalised_atlas lists its minima"
            )
        raise InputError(f"{name}: found a program, expected a dense network")
    if hidden is not None and problem.network.hidden != (hidden,):
        raise InputError(
            f"hidden: found {hidden}, but the problem has a network of its own, "
            f"{list(problem.network.widths)}; leave hidden out"
        )
    return problem
