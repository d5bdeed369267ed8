"""What `spurious atlas` and `spurious global` print and write."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from spurious.atlas.atlas import KINDS
from spurious.cli.consoles import answers, messages, now_and_then
from spurious.cli.output import check_command, counted
from spurious.problem import DenseLoss, dense_loss_of
from spurious.proof import exact_text
from spurious.verdict import Decision

if TYPE_CHECKING:
    from spurious.atlas import Atlas, Optimum
    from spurious.atlas.basins import Basins

WIDE: Final = 120
"""Columns where there is no terminal."""

SHOWN: Final = 60
"""Most rows of a printed table; the files have all."""

PLAIN_SECONDS: Final = 5.0
"""How often a line is printed where there is no terminal."""

Report = Callable[[str, int, int], None]


def loss_text(loss: DenseLoss) -> str:
    """Network, points and loss in words."""
    kinds = ["weighted"] if loss.weights is not None else []
    kinds += ["mean"] if loss.reduction == "mean" else []
    return (
        f"{'-'.join(map(str, loss.network.widths))} {loss.network.activation}, "
        f"{loss.data.size} points, {' '.join([*kinds, loss.loss])} loss"
    )


def optimum_file(out: Path, source: str, hidden: int) -> Path:
    """Where the certificate of a global minimum is written."""
    return out / f"{Path(source).stem}-{hidden}-global.certificate.json"


@contextmanager
def reporting() -> Generator[Report]:
    """Shows progress on stderr: bars on a terminal, else a line now and then.

    Yields:
        What to call with a heading, how much is done, and how much there is (0: unknown).
    """
    console = messages()
    if not console.is_terminal:
        say = now_and_then(console, PLAIN_SECONDS)
        yield lambda what, done, total: say(f"{what}: {_amount(done, total)}")
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    tasks: dict[str, Any] = {}
    with bar:

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total or None)
            bar.update(tasks[what], completed=done, total=total or None)

        yield report


def _amount(done: int, total: int) -> str:
    return f"{done:,} of {total:,}" if total else f"{done:,}"


def write_atlas(
    atlas: Atlas, basins: Basins | None, out: Path | None, report: Report
) -> dict[str, Any]:
    """The atlas as JSON data; with a folder also its files."""
    from spurious.atlas.files import certificates, table_bytes, with_basins
    from spurious.files import make_folder, write_atomically, write_json

    data = with_basins(atlas, basins)
    if out is None:
        return data
    from spurious.figures import atlas_panels, write_figure

    make_folder(out / "certificates")
    for k, verdict in enumerate(certificates(atlas, report), start=1):
        name = f"certificates/{k:04d}.json"
        data["minima"][k - 1]["certificate"] = None
        minimum = verdict.decision is not Decision.NOT_LOCAL_MINIMUM
        if verdict.certificate is not None and minimum:
            write_json(out / name, verdict.certificate)
            data["minima"][k - 1]["certificate"] = name
    write_json(out / "atlas.json", data)
    write_atomically(out / "minima.parquet", table_bytes(data))
    shares = None if basins is None else [count / basins.runs for count in basins.hits]
    if _drawn(atlas):
        write_figure(atlas_panels(atlas, shares), out, "atlas")
    return data


def show_atlas(atlas: Atlas, basins: Basins | None, out: Path | None) -> None:
    """Prints the list of minima."""
    console = answers(WIDE)
    console.print(
        f"{loss_text(atlas.asked)}: "
        f"{atlas.cells:,} cells, {atlas.families:,} families of local minima"
        + (f" ({len(atlas.minima)} up to symmetry)" if atlas.symmetries > 1 else "")
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("loss", ""):
        table.add_column(heading, justify="right")
    for heading in ("dimension", "dead units", "blind spots", "alike", "cells"):
        table.add_column(heading, justify="right")
    table.add_column("kind")
    if basins is not None:
        table.add_column("basin", justify="right")
    for k, family in enumerate(atlas.minima[:SHOWN]):
        exact = str(family.loss) if not family.loss_radius else ""
        kind = KINDS[atlas.is_global(family)]
        if not family.differentiable:
            kind += ", on kinks only"
        if not family.connected:
            kind += ", perhaps several"
        row = [
            exact if len(exact) < 24 else "",
            "" if exact.isdigit() and len(exact) < 24 else f"{float(family.loss):.6g}",
            str(family.dimension),
            str(family.dead_units),
            str(len(family.blind_spots)),
            str(family.orbit),
            "" if family.cells is None else f"{family.cells:,}",
            Text(kind, style="bold green" if kind.startswith("global") else ""),
        ]
        if basins is not None:
            row.append(_share(basins.hits[k], basins.runs))
        table.add_row(*row)
    console.print(table)
    if len(atlas.minima) > SHOWN:
        console.print(f"... and {len(atlas.minima) - SHOWN} more; --out or --json gives all")
    if basins is not None:
        _show_basins(console, basins)
    if atlas.regions_at_infinity:
        console.print(
            f"{atlas.regions_at_infinity} of {atlas.regions} ways to use a unit let the loss fall "
            "for ever: no local minimum uses them"
        )
    if atlas.work.unresolved:
        console.print(f"undecided: the minima of {atlas.work.unresolved} cells")
    for item in atlas.undecided:
        console.print(f"undecided: loss {exact_text(item.loss)}: {item.reason}")
    if out is not None:
        picture = ", atlas.png" if _drawn(atlas) else ""
        console.print(f"written to {out}: atlas.json, minima.parquet, certificates{picture}")


def _drawn(atlas: Atlas) -> bool:
    """Whether there is a picture: of one or two inputs, and of something."""
    return bool(atlas.minima) and atlas.network.inputs <= 2


def _share(count: int, runs: int) -> str:
    return "never" if not count else f"{100 * count / runs:.2f}%"


def _show_basins(console: Console, basins: Basins) -> None:
    hit = sum(basins.hits)
    parts = [f"{hit:,} of {basins.runs:,} random starts ended in a family above"]
    if basins.unplaced:
        parts.append(
            f"{sum(basins.unplaced.values()):,} at one of these losses, in a family that floats "
            "do not tell"
        )
    if basins.descending:
        parts.append(
            f"{sum(basins.descending.values()):,} stopped where the loss provably still falls"
        )
    if basins.unknown:
        losses = ", ".join(list(basins.unknown)[:8])
        parts.append(f"{sum(basins.unknown.values()):,} elsewhere (losses {losses})")
    never = sum(not count for count in basins.hits)
    if never:
        parts.append(f"{never} families were never hit")
    console.print("; ".join(parts))


def show_optimum(found: Optimum, certificate: Path | None) -> None:
    """Prints a global optimum."""
    console = answers(WIDE)
    console.print(
        Text.assemble(
            f"{loss_text(dense_loss_of(found.problem))}: global optimum, loss ",
            (_loss(found.loss), "bold green"),
        )
    )
    console.print(
        f"proved by {counted(found.multipliers, 'multiplier')} after solving {found.solved:,} of "
        f"{found.cells:,} cells, in {found.seconds:.2f} s"
    )
    if certificate is not None:
        console.print(f"certificate  {certificate}", soft_wrap=True)
        console.print(f"to check it  {check_command(certificate)}", soft_wrap=True)


def _loss(value: Fraction) -> str:
    text = str(value)
    short = f"{float(value):.10g}"
    return text if "/" not in text else f"{text} ~ {short}" if len(text) < 40 else f"~ {short}"
