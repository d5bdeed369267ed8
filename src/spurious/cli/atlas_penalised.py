"""`spurious atlas` and `spurious global` of a loss with weight decay."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from spurious.atlas.atlas import KINDS
from spurious.cli.atlas_display import WIDE, Report, loss_text, optimum_file, reporting
from spurious.cli.commands import Exit
from spurious.cli.consoles import answers
from spurious.cli.output import check_command, echo_json, note_compiling
from spurious.cli.sources import naming
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.atlas.decay.atlas import PenalisedAtlas, PenalisedFamily
    from spurious.atlas.decay.basins import DecayBasins
    from spurious.problem import DenseLoss
    from spurious.proof import Verdict

NARROW = Fraction(1, 10**9)
"""The least loss counts as proved if it is known to this, against 1 + the loss."""


def penalised_atlas_command(
    source: str,
    loss: DenseLoss,
    out: Path | None,
    starts: int | None,
    spread: float,
    seed: int,
    as_json: bool,
) -> Exit:
    """Lists all minima of a loss with weight decay.

    Raises:
        InputError: The loss is of another kind.
    """
    from spurious.atlas.decay.atlas import penalised_atlas
    from spurious.atlas.decay.files import penalised_atlas_to_data
    from spurious.files import make_folder, write_json

    if out is not None:
        make_folder(out)
    with naming(source), reporting() as report:
        found = penalised_atlas(loss, progress=report)
        basins = _basins(found, starts, spread, seed, report) if starts else None
        data = penalised_atlas_to_data(found, basins)
        if out is not None:
            _certified(found, data, out, report)
            write_json(out / "atlas.json", data)
    if as_json:
        echo_json(data)
    else:
        _show(found, basins, out)
    return Exit.OK if found.complete else Exit.UNDECIDED


def penalised_optimum_command(
    source: str, loss: DenseLoss, out: Path | None, as_json: bool
) -> Exit:
    """Finds the global minimum of a loss with weight decay.

    Raises:
        InputError: The loss is of another kind.
    """
    from spurious.atlas.decay.atlas import penalised_atlas
    from spurious.atlas.decay.files import penalised_atlas_to_data
    from spurious.certify import certify
    from spurious.files import make_folder, write_json

    if out is not None:
        make_folder(out)
    with naming(source), reporting() as report:
        found = penalised_atlas(loss, progress=report)
        if not found.minima:
            raise InputError("found no cell that could be decided, so no minimum")
        best = found.minima[0]
        verdict = certify(found.problem(best), search=False)
    target = None
    if out is not None and verdict.certificate is not None and verdict.claim.is_minimum:
        target = optimum_file(out, source, loss.network.hidden[0])
        write_json(target, verdict.certificate)
    record = penalised_atlas_to_data(found)
    if as_json:
        echo_json({
            "problem": record["problem"],
            **record["minima"][0],
            "cells": found.cells,
            "solved": found.solved,
            "undecided": record["undecided"],
            "certificate": None if target is None else str(target),
        })  # fmt: skip
    else:
        _show_optimum(found, best, verdict, target)
    return Exit.OK if _is_proved(found) else Exit.UNDECIDED


def _is_proved(found: PenalisedAtlas) -> bool:
    """Whether the least loss is known to a billionth."""
    least = found.least_loss
    return least is not None and least.rad <= NARROW * (1 + abs(least.mid))


def _basins(
    found: PenalisedAtlas, starts: int, spread: float, seed: int, report: Report
) -> DecayBasins:
    from spurious.atlas.decay.basins import measure_decay_basins
    from spurious.train import cores

    note_compiling()
    return measure_decay_basins(
        found,
        starts,
        seed,
        spread=spread,
        threads=cores(),
        progress=lambda done: report("random starts", done, starts),
    )


def _certified(found: PenalisedAtlas, data: dict[str, Any], out: Path, report: Report) -> None:
    """Certifies a point of each family and writes what the checker accepts."""
    from spurious.certify import certify
    from spurious.files import make_folder, write_json

    make_folder(out / "certificates")
    for k, family in enumerate(found.minima, start=1):
        report("certificates", k, len(found.minima))
        verdict = certify(found.problem(family), search=False)
        name = f"certificates/{k:04d}.json"
        proved = verdict.certificate is not None and verdict.claim.is_minimum
        data["minima"][k - 1]["certificate"] = name if proved else None
        if proved:
            write_json(out / name, verdict.certificate)


def _show(found: PenalisedAtlas, basins: DecayBasins | None, out: Path | None) -> None:
    console = answers(WIDE)
    console.print(
        f"{loss_text(found.loss)} with decay: {found.families:,} families of local minima"
        + (f" ({len(found.minima)} up to symmetry)" if found.symmetries > 1 else "")
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("loss", "units at work", "on kinks", "dimension", "parts", "alike"):
        table.add_column(heading, justify="right")
    table.add_column("kind")
    if basins is not None:
        table.add_column("basin", justify="right")
    for k, family in enumerate(found.minima):
        kind = KINDS[found.is_global(family)]
        row = [
            f"{float(family.loss.mid):.10g}",
            str(family.directions),
            str(family.kinks),
            *("?" if v is None else str(v) for v in (family.dimension, family.parts)),
            str(family.orbit),
            Text(kind, style="bold green" if kind == "global" else ""),
        ]
        if basins is not None:
            share = basins.hits[k] / basins.runs
            row.append(f"{100 * share:.2f}%" if share else "never")
        table.add_row(*row)
    console.print(table)
    console.print(
        f"{found.solved:,} convex programs solved, {found.visited:,} of {found.cells:,} sets of "
        f"regions looked at; {'complete' if found.complete else 'not complete'}"
    )
    if basins is not None:
        resting, unknown = sum(basins.resting.values()), sum(basins.unknown.values())
        console.print(
            f"{sum(basins.hits):,} of {basins.runs:,} random starts ended in a family above, "
            f"{resting:,} with a unit at zero that could leave (no minimum), {unknown:,} elsewhere"
        )
    for cell in found.undecided[:20]:
        at = "" if cell.loss is None else f"loss {float(cell.loss.mid):.10g}: "
        console.print(f"undecided: {at}{cell.reason}")
    if len(found.undecided) > 20:
        console.print(f"... and {len(found.undecided) - 20} more undecided cells")
    if out is not None:
        console.print(f"written to {out}: atlas.json, certificates")


def _show_optimum(
    found: PenalisedAtlas, best: PenalisedFamily, verdict: Verdict, target: Path | None
) -> None:
    console = answers(WIDE)
    proved, loss = _is_proved(found), found.least_loss or best.loss
    console.print(
        Text.assemble(
            f"{loss_text(found.loss)} with decay: "
            f"{'global minimum' if proved else 'lowest known minimum'}, loss ",
            (f"{float(loss.mid):.12g}", "bold green" if proved else ""),
            f" within {float(loss.rad):.1g}",
        )
    )
    console.print(
        f"{'proved' if proved else 'not proved'} by {found.solved:,} convex programs for "
        f"{found.cells:,} sets of regions"
    )
    console.print(f"the point: {verdict.reason}", soft_wrap=True)
    if target is not None:
        console.print(f"certificate  {target}", soft_wrap=True)
        console.print(f"to check it  {check_command(target)}", soft_wrap=True)
