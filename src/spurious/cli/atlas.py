"""`spurious atlas` and `spurious global`: every local minimum, and the lowest, of a network."""

from __future__ import annotations

import enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from spurious.cli.commands import Exit
from spurious.cli.limits import CELLS, cells
from spurious.cli.options import COUNT, AsJson, Seed, Source, affordable, fraction
from spurious.cli.output import echo_json, echo_note, note_compiling
from spurious.cli.sources import found_source, naming
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.problem import Problem


class LossName(enum.StrEnum):
    """The losses that have an atlas."""

    squared = "squared"
    logistic = "logistic"


Hidden = Annotated[
    int | None,
    typer.Option(min=1, metavar="M", help="Hidden units; needed with a dataset."),
]
Activation = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="relu (default), leaky_relu, abs or identity."),
]
Slope = Annotated[
    str | None, typer.Option(metavar="P/Q", help="Slope of leaky_relu below 0; default 1/100.")
]

STARTS = 2_000


def atlas(
    source: Source,
    hidden: Hidden = None,
    activation: Activation = None,
    slope: Slope = None,
    loss: Annotated[
        LossName | None, typer.Option(help="Default: squared, or the problem file's.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write atlas.json, minima.parquet, certificates and a picture there. "
            "An interrupted run goes on from there.",
        ),
    ] = None,
    starts: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=COUNT,
            metavar="N",
            help=f"Random starts that measure the basins; default {STARTS:,} with --out, else 0.",
        ),
    ] = None,
    spread: Annotated[
        float, typer.Option(metavar="S", help="Standard deviation of all starting parameters.")
    ] = 5.0,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; default: one for each core.")] = 0,
    most_cells: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Refuse networks with more activation cells: they take hours."
        ),
    ] = CELLS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the atlas as one JSON object.")
    ] = False,
) -> Exit:
    """List every local minimum of a network with one hidden layer, exactly.

    For an activation that is linear on either side of 0 (relu, leaky_relu, abs), all local minima
    are found, those on kinks included: families, connected up to the order of the hidden units,
    with their loss as a fraction, dimension, dead units and an exact point. One of each orbit of
    symmetries of the data is listed. With the squared loss the first is the global optimum, unless
    a lower loss is undecided. With the logistic loss, losses are enclosed in intervals, and what
    falls for ever at infinity is told apart; labels are -1 and 1.

    Example:
      spurious atlas d1 --hidden 1
      spurious atlas xor --hidden 2 --out xor-atlas

    Exit status:
      0    the list is complete
      2    the dataset, file or network cannot be used
      3    some fitted vectors were left undecided; they are named
      130  interrupted
    """
    problem = _problem(source, hidden, activation, slope, loss)
    if problem.network.depth == 1:
        affordable("activation cells, by --hidden and the data", cells(problem), most_cells)
    if not spread > 0:
        raise InputError(f"--spread: found {spread}, expected a positive number")
    from spurious.atlas import atlas as enumerate_minima  # slow to import
    from spurious.cli.atlas_display import reporting, show_atlas, write_atlas
    from spurious.files import make_folder
    from spurious.train import cores

    if out is not None:
        make_folder(out)
    count = starts if starts is not None else STARTS if out is not None else 0
    with naming(source), reporting() as report:
        found = enumerate_minima(
            problem,
            workers=workers or cores(),
            journal=None if out is None else out / "journal.jsonl",
            progress=report,
        )
        basins = None
        if count:
            from spurious.atlas.basins import measure_basins

            note_compiling()
            basins = measure_basins(
                found,
                count,
                seed,
                spread=spread,
                threads=workers or cores(),
                progress=lambda done: report("random starts", done, count),
            )
        data = write_atlas(found, basins, out, report)
    if as_json:
        echo_json(data)
    else:
        show_atlas(found, basins, out)
    return Exit.OK if found.complete else Exit.UNDECIDED


def global_(
    source: Source,
    hidden: Hidden = None,
    activation: Activation = None,
    slope: Slope = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the certificate there.")
    ] = None,
    as_json: AsJson = False,
) -> Exit:
    """Find the global optimum of a network with one hidden layer, and prove it.

    The certificate says `global: yes`; `spurious check` accepts it after checking that its
    multipliers bound the loss from below on every activation cell.

    Example:
      spurious global d1 --hidden 2 --out certificates

    Exit status:
      0    found and proved
      2    the dataset, file or network cannot be used
      130  interrupted
    """
    problem = _problem(source, hidden, activation, slope, None)
    from spurious.atlas import optimum  # slow to import
    from spurious.cli.atlas_display import reporting, show_optimum
    from spurious.files import make_folder, write_json
    from spurious.problem import point_to_data, problem_to_data

    if out is not None:
        make_folder(out)
    with naming(source), reporting() as report:
        found = optimum(problem, progress=report)
    target: Path | None = None
    if out is not None:
        stem = Path(source).stem
        target = out / f"{stem}-{problem.network.hidden[0]}-global.certificate.json"
        write_json(target, found.verdict.certificate)
    if as_json:
        point = found.problem.point
        echo_json(
            {
                "problem": problem_to_data(problem),
                "loss": str(found.loss),
                "point": None if point is None else point_to_data(point),
                "multipliers": found.multipliers,
                "cells": found.cells,
                "solved": found.solved,
                "seconds": round(found.seconds, 3),
                "certificate": None if target is None else str(target),
            }
        )
    else:
        show_optimum(found, target)
    return Exit.OK


def _problem(
    source: str,
    hidden: int | None,
    activation: str | None,
    slope: str | None,
    loss: LossName | None,
) -> Problem:
    """The problem that a dataset's name or a file stands for.

    Raises:
        InputError: It stands for none, or options contradict it.
    """
    from spurious.problem import BuiltIn, Loss, Network, Problem

    found = found_source(source)
    base = None if isinstance(found, BuiltIn) else found
    data = found.data
    if base is None or not base.network.depth:
        if hidden is None:
            what = f"the dataset {source} needs it" if base is None else f"{source} has none"
            raise InputError(f"--hidden: missing, but {what}; try --hidden 2")
    elif hidden is None:
        if base.network.depth > 1:
            return Problem(base.network, base.loss, data)
        hidden = base.network.hidden[0]
    name = activation or (base.network.activation if base else "relu")
    below: Fraction | None = None
    if name == "leaky_relu":
        kept = base.network.slope if base and base.network.activation == name else None
        below = fraction("--slope", slope) if slope else kept or Fraction(1, 100)
    elif slope:
        raise InputError(f"--slope: found {slope}, but {name} has none; leave it out")
    network = Network((data.inputs, hidden, len(data.y[0])), name, below)
    chosen = Loss(loss.value) if loss else base.loss if base else Loss.SQUARED
    problem = Problem(network, chosen, data)
    if base is not None:
        _note_replaced(source, base, problem)
    return problem


def _note_replaced(source: str, file: Problem, asked: Problem) -> None:
    """Says which parts of a problem file the options have replaced."""
    for option, found, instead in (
        ("--hidden", file.network.hidden, asked.network.hidden),
        ("--activation", file.network.activation, asked.network.activation),
        ("--slope", file.network.slope, asked.network.slope),
        ("--loss", file.loss, asked.loss),
    ):
        if found != instead and found not in ((), None):
            echo_note(f"{option} {_shown(instead)} replaces {_shown(found)} of {source}")


def _shown(value: object) -> str:
    return (
        ",".join(map(str, cast(tuple[int, ...], value))) if isinstance(value, tuple) else str(value)
    )
