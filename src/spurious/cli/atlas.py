"""`spurious atlas` and `spurious global`: every local minimum, and the lowest, of a network."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from spurious.cli.commands import Exit
from spurious.cli.options import CELLS, COUNT, AsJson, Seed, Source, affordable, cells, fraction
from spurious.cli.output import echo_json, echo_note, note_compiling
from spurious.cli.sources import found_dense, naming
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.problem import DenseLoss, Penalty


class LossName(enum.StrEnum):
    """The losses that have an atlas."""

    squared = "squared"
    logistic = "logistic"
    hinge = "hinge"


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

OfLoss = Annotated[
    LossName | None, typer.Option("--loss", help="Default: squared, or the problem file's.")
]
Decay = Annotated[
    str | None,
    typer.Option(
        "--l2",
        metavar="P/Q",
        help="Add this times the sum of the squares of the parameters to the loss (PyTorch's "
        "weight_decay is twice this); default: the problem file's penalty, else none.",
    ),
]
FreeBiases = Annotated[
    bool,
    typer.Option(
        "--free-biases",
        help="No penalty on biases; default: as the problem file says, else they decay, too.",
    ),
]

STARTS = 2_000
NO_COST = "none"


def atlas(
    source: Source,
    hidden: Hidden = None,
    activation: Activation = None,
    slope: Slope = None,
    loss: OfLoss = None,
    l2: Decay = None,
    free_biases: FreeBiases = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write atlas.json, minima.parquet, certificates and a picture there. "
            "An interrupted run goes on from there, if it is one without decay or hinge loss.",
        ),
    ] = None,
    starts: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=COUNT,
            metavar="N",
            help=f"Random starts that measure the basins; default {STARTS:,} with --out, else 0; "
            "not with the hinge loss.",
        ),
    ] = None,
    spread: Annotated[
        float, typer.Option(metavar="S", help="Standard deviation of all starting parameters.")
    ] = 5.0,
    seed: Seed = 0,
    workers: Annotated[
        int, typer.Option(min=0, metavar="N", help="Processes; default: one for each core.")
    ] = 0,
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
    falls for ever at infinity is told apart; labels are -1 and 1. With the hinge loss (labels -1
    and 1) minima of one loss have many outputs; those of the point are given.

    With --l2, or a file with a penalty, it is the penalised loss whose minima are listed, in
    intervals, and the first is the global optimum: see docs/atlas.md, "With weight decay"; with
    --free-biases weights alone decay.

    Example:
      spurious atlas d1 --hidden 1
      spurious atlas xor --hidden 2 --out xor-atlas
      spurious atlas xor --hidden 2 --loss hinge
      spurious atlas xor --hidden 2 --l2 1/100
      spurious atlas xor --hidden 2 --l2 1/100 --free-biases

    Exit status:
      0    the list is complete
      2    the dataset, file or network cannot be used
      3    some fitted vectors, or cells, were left undecided; they are named
      130  interrupted
    """
    problem = _asked(source, hidden, activation, slope, loss, l2, free_biases)
    if problem.network.depth == 1:
        affordable("activation cells, by --hidden and the data", cells(problem), most_cells)
    if not spread > 0:
        raise InputError(f"--spread: found {spread}, expected a positive number")
    if not problem.penalty.free_of_cost(problem.network):
        from spurious.cli.atlas_penalised import penalised_atlas_command

        return penalised_atlas_command(source, problem, out, starts, spread, seed, as_json)
    from spurious.atlas import atlas as enumerate_minima  # slow to import
    from spurious.cli.atlas_display import reporting, show_atlas, write_atlas
    from spurious.files import make_folder
    from spurious.train import cores

    if out is not None:
        make_folder(out)
    usual = 0 if out is None or problem.loss == "hinge" else STARTS
    count = usual if starts is None else starts
    if count and problem.loss == "hinge":
        raise InputError(
            f"--starts: found {count}, but minima of the hinge loss are not told apart by their "
            "outputs, so no basins are measured; use 0"
        )
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
    loss: OfLoss = None,
    l2: Decay = None,
    free_biases: FreeBiases = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the certificate there.")
    ] = None,
    as_json: AsJson = False,
) -> Exit:
    """Find the global optimum of a network with one hidden layer, and prove it.

    The certificate says `global: yes`; `spurious check` accepts it after checking that its
    multipliers bound the loss from below on every activation cell. That is for the squared and the
    hinge loss; the logistic loss is proved with weight decay only.

    Example:
      spurious global d1 --hidden 2 --out certificates
      spurious global xor --hidden 1 --loss hinge

    Exit status:
      0    found and proved
      2    the dataset, file or network cannot be used
      130  interrupted
    """
    problem = _asked(source, hidden, activation, slope, loss, l2, free_biases)
    if not problem.penalty.free_of_cost(problem.network):
        from spurious.cli.atlas_penalised import penalised_optimum_command

        return penalised_optimum_command(source, problem, out, as_json)
    from spurious.atlas import optimum  # slow to import
    from spurious.cli.atlas_display import optimum_file, reporting, show_optimum
    from spurious.files import make_folder, write_json
    from spurious.problem import any_problem_to_data, problem_at

    if out is not None:
        make_folder(out)
    with naming(source), reporting() as report:
        found = optimum(problem, progress=report)
    target: Path | None = None
    if out is not None:
        target = optimum_file(out, source, problem.network.hidden[0])
        write_json(target, found.verdict.certificate)
    if as_json:
        echo_json(
            {
                "problem": any_problem_to_data(problem_at(problem)),
                "loss": str(found.loss),
                "point": any_problem_to_data(found.problem)["point"],
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


def _asked(
    source: str,
    hidden: int | None,
    activation: str | None,
    slope: str | None,
    loss: LossName | None,
    l2: str | None,
    free_biases: bool,
) -> DenseLoss:
    """The loss that a dataset's name or a file stands for, as options change it.

    Raises:
        InputError: It stands for none, or options contradict it.
    """
    from spurious.problem import BuiltIn, DenseLoss, Network, Penalty, dense_loss_of

    found = found_dense(source)
    base = None if isinstance(found, BuiltIn) else dense_loss_of(found)
    data = found.data
    if base is None or not base.network.depth:
        if hidden is None:
            what = f"the dataset {source} needs it" if base is None else f"{source} has none"
            raise InputError(f"--hidden: missing, but {what}; try --hidden 2")
    elif hidden is None:
        if base.network.depth > 1:
            return base
        hidden = base.network.hidden[0]
    name = activation or (base.network.activation if base else "relu")
    below: Fraction | None = None
    if name == "leaky_relu":
        kept = base.network.slope if base and base.network.activation == name else None
        below = Fraction(1, 100) if kept is None else kept
        below = fraction("--slope", slope) if slope else below
    elif slope:
        raise InputError(f"--slope: found {slope}, but {name} has none; leave it out")
    network = Network((data.inputs, hidden, len(data.y[0])), name, below)
    penalty = _penalty(l2, free_biases, base.penalty if base else Penalty())
    if base is None:
        return DenseLoss(network, loss.value if loss else "squared", data, penalty)
    asked = replace(base, network=network, loss=loss.value if loss else base.loss, penalty=penalty)
    _note_replaced(source, base, asked)
    return asked


def _penalty(l2: str | None, free_biases: bool, kept: Penalty) -> Penalty:
    """The penalty of a file, as options change it.

    Raises:
        InputError: The biases of no penalty are to be free, or those of one with a cost by block.
    """
    from spurious.problem import Penalty

    asked = Penalty(fraction("--l2", l2), kept.biases) if l2 else kept
    if not free_biases:
        return asked
    if not asked.l2:
        raise InputError("--free-biases: found no weight decay; add --l2, or leave it out")
    if isinstance(asked.l2, Mapping):
        raise InputError(
            "--free-biases: found a penalty that names its blocks; leave out the biases there"
        )
    return replace(asked, biases=False)


def _note_replaced(source: str, file: DenseLoss, asked: DenseLoss) -> None:
    """Says which parts of a problem file the options have replaced."""
    for option, found, instead in (
        ("--hidden", file.network.hidden, asked.network.hidden),
        ("--activation", file.network.activation, asked.network.activation),
        ("--slope", file.network.slope, asked.network.slope),
        ("--loss", file.loss, asked.loss),
        ("the penalty", _cost(file.penalty), _cost(asked.penalty)),
    ):
        if found != instead and found not in ((), None, NO_COST):
            echo_note(f"{option} {_shown(instead)} replaces {_shown(found)} of {source}")


def _shown(value: object) -> str:
    return (
        ",".join(map(str, cast(tuple[int, ...], value))) if isinstance(value, tuple) else str(value)
    )


def _cost(penalty: Penalty) -> str:
    """A penalty in words."""
    if isinstance(penalty.l2, Mapping):
        return "that of single blocks"
    if not penalty.l2:
        return NO_COST
    return f"{penalty.l2} of all parameters" if penalty.biases else f"{penalty.l2} of weights"
