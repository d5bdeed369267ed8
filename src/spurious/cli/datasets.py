"""`spurious datasets`: lists the built-in data, shows and exports one."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spurious.cli.commands import Exit
from spurious.cli.output import echo_json
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.problem import BuiltIn


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of them; default: list all.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the points of NAME: .csv or .json."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON objects, one a line, instead of text.")
    ] = False,
) -> Exit:
    """List the built-in datasets, or show and export one.

    In Python, spurious.dataset("d1") returns one of them.

    Examples:
      spurious datasets
      spurious datasets xor
      spurious datasets xor --out xor.csv

    Exit status:
      0    shown
      2    there is no such dataset, or the file cannot be written
    """
    from spurious.problem import dataset
    from spurious.problem import datasets as all_of_them

    if name is None:
        if out is not None:
            raise InputError(f"--out: found {out}, but no dataset is named; try xor --out {out}")
        return _list(all_of_them(), as_json)
    found = dataset(name)
    if out is not None:
        _export(found, out)
    if as_json:
        echo_json(_record(found) | _points(found))
    elif out is None:
        from spurious.cli.display import show_dataset

        show_dataset(found)
    else:
        typer.echo(str(out))
    return Exit.OK


def _list(found: tuple[BuiltIn, ...], as_json: bool) -> Exit:
    if as_json:
        for entry in found:
            echo_json(_record(entry))
    else:
        from spurious.cli.display import show_datasets

        show_datasets(found)
    return Exit.OK


def _record(entry: BuiltIn) -> dict[str, Any]:
    return {
        "name": entry.name,
        "points": entry.data.size,
        "inputs": entry.data.inputs,
        "loss": str(entry.loss),
        "description": entry.description,
        "citation": entry.citation,
    }


def _points(entry: BuiltIn) -> dict[str, Any]:
    """The points, as the `data` of a problem file has them."""
    x, y = ([[str(value) for value in row] for row in rows] for rows in entry.arrays)
    return {"data": {"x": x, "y": y}}


def _export(entry: BuiltIn, out: Path) -> None:
    """Writes the points; numbers of a CSV file are fractions where decimals would round.

    Raises:
        InputError: The file's name ends otherwise, or it cannot be written.
    """
    from spurious.files import write_atomically, write_json

    data = _points(entry)["data"]
    if out.suffix == ".json":
        write_json(out, data)
        return
    if out.suffix != ".csv":
        raise InputError(f"--out: found {out}, expected a name that ends in .csv or .json")
    text = io.StringIO()
    writer = csv.writer(text)
    columns = [f"x{k + 1}" for k in range(entry.data.inputs)]
    writer.writerow([*columns, *(f"y{k + 1}" for k in range(len(data["y"][0])))])
    writer.writerows([*x, *y] for x, y in zip(data["x"], data["y"], strict=True))
    write_atomically(out, text.getvalue())
