"""`spurious datasets`: lists the built-in data."""

from __future__ import annotations

from typing import Annotated

import typer

from spurious.cli.output import echo_json
from spurious.cli.statuses import Status

__all__ = ["datasets"]


def datasets(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line instead of text.")
    ] = False,
) -> Status:
    """List the built-in datasets.

    In Python, spurious.problem.dataset("d1") returns one of them.

    Example:
      spurious datasets
    """
    from spurious.problem import DATASETS, dataset

    found = [dataset(name) for name in DATASETS]
    if not as_json:
        from spurious.cli.display import show_datasets

        show_datasets(found)
        return Status.OK
    for entry in found:
        echo_json(
            {
                "name": entry.name,
                "points": entry.data.size,
                "inputs": entry.data.inputs,
                "loss": str(entry.loss),
                "description": entry.description,
                "citation": entry.citation,
            }
        )
    return Status.OK
