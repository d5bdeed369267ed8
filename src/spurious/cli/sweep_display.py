"""What people see of sweeps: a live table while it runs, a summary after."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import typer
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from spurious.cli.consoles import answers, messages, now_and_then, show_facts
from spurious.sweep import (
    AXES,
    BOUNDED,
    CERTIFIED,
    Plan,
    Standing,
    Store,
    Summary,
    clopper_pearson,
    proof_lines,
)
from spurious.sweep import Progress as SweepProgress
from spurious.train import Outcome

COLUMNS: Final = {
    Outcome.FINITE_LOCAL_MINIMUM: "minimum",
    Outcome.VALLEY_TO_INFINITY: "valley",
    Outcome.DEAD: "dead",
    Outcome.SADDLE_OR_PLATEAU: "plateau",
    Outcome.HELD_BY_DECAY: "held",
    Outcome.STILL_DESCENDING: "descending",
    Outcome.DIVERGED: "diverged",
}
"""Headings of the outcomes other than solved."""

PROOFS: Final = {
    "certify: minimum / none / open": CERTIFIED,
    "bound: minimum / none": BOUNDED,
    "unknown (old store)": (Standing.UNKNOWN_MINIMUM, Standing.UNKNOWN),
}
"""Headings of what is proved, which the names of outcomes do not say; and what is counted there."""

SHOWN: Final = 30
"""Cells in the live table; a longer sweep shows those that moved last."""

WIDE: Final = 160
"""Columns of a table where there is no terminal."""

WIDE_ENOUGH: Final = 130
"""Columns of a terminal below which tables are abridged."""

PLAIN_SECONDS: Final = 2.0
"""How often a line is printed where there is no terminal."""


@contextmanager
def live(plan: Plan) -> Generator[tuple[Callable[[SweepProgress], None], Callable[[str], None]]]:
    """Reports a running sweep on stderr: a table on a terminal, else a line now and then.

    Yields:
        What to call with every progress, and with lines on what large networks are doing.
    """
    console = messages(WIDE)
    cells = {cell.labels: Counter[str]() for cell in plan.cells}
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} runs"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
    )
    task = bar.add_task(plan.name, total=plan.total, rate="")
    began = said = time.monotonic()

    def rate(progress: SweepProgress) -> str:
        seconds = time.monotonic() - began
        made = progress.runs - progress.found
        return f"{made / seconds:,.0f} runs/s" if made and seconds > 0 else ""

    def left(progress: SweepProgress) -> str:
        made, todo = progress.runs - progress.found, progress.total - progress.runs
        if not made or not todo:
            return ""
        return f"about {timedelta(seconds=round((time.monotonic() - began) * todo / made))} left"

    if not console.is_terminal:

        def line(progress: SweepProgress) -> None:
            nonlocal said
            if progress.failure and progress.shard is not None:
                console.print(Text(f"shard {progress.shard.name} failed: {progress.failure}"))
            done = progress.runs == progress.total
            if done or progress.shard is None or time.monotonic() - said > PLAIN_SECONDS:
                said = time.monotonic()
                text = f"{progress.runs:,} of {progress.total:,} runs"
                parts = plan.name, text, rate(progress), left(progress)
                console.print(Text("  ".join(filter(None, parts))))

        say = now_and_then(console, PLAIN_SECONDS)
        yield line, lambda text: say(f"{plan.name}  {text}")
        return

    with Live(bar, console=console, refresh_per_second=4, transient=True) as display:

        def update(progress: SweepProgress) -> None:
            bar.update(task, completed=progress.runs, rate=rate(progress))
            if progress.shard is not None:
                labels = progress.shard.cell.labels
                cells[labels] = cells.pop(labels) + Counter(progress.outcomes)
            moved = [(k, v) for k, v in cells.items() if v][-SHOWN:]
            summary = [Summary(labels, counts) for labels, counts in moved]
            table = _table(summary, console.width < WIDE_ENOUGH)
            display.update(Group(table, bar) if summary else bar)

        def describe(text: str) -> None:
            bar.update(task, description=text)

        yield update, describe


def show_summaries(found: Sequence[Summary], as_json: bool) -> None:
    """Prints every cell's outcomes, with the interval of the solved rate."""
    if not as_json:
        console = answers(WIDE)
        console.print(_table(found, console.width < WIDE_ENOUGH))
        return
    for summary in found:
        rates = {
            str(outcome): {
                "count": summary.counts[outcome],
                "interval": [rate.low, rate.high],
            }
            for outcome in Outcome
            for rate in [summary.rate(outcome)]
        }
        cell = dict(zip(AXES, summary.labels, strict=True))
        proofs = {str(kind): summary.proofs[kind] for kind in Standing}
        line = {**cell, "runs": summary.total, "outcomes": rates, "proofs": proofs}
        typer.echo(json.dumps(line))


def show_counts(found: Sequence[Summary]) -> None:
    """Prints what the runs are called, and, which is another thing, what is proved of them."""
    console = answers(WIDE)
    names = sum((summary.counts for summary in found), Counter[str]())
    listed = ", ".join(f"{names[o]:,} {o.replace('_', ' ')}" for o in Outcome if names[o])
    console.print(Text(f"  named by measurement: {listed}"), soft_wrap=True)
    for line in proof_lines(sum((summary.proofs for summary in found), Counter[Standing]())):
        console.print(Text(f"  {line}"), soft_wrap=True)


def show_status(store: str, manifest: Mapping[str, Any]) -> None:
    """Prints how much is done."""
    console = answers(WIDE)
    done, shards = len(manifest["parts"]), manifest["shards"]
    rows = sum(part["rows"] for part in manifest["parts"])
    size = sum(part["bytes"] for part in manifest["parts"]) / 2**20
    console.print(Text(f"{manifest['name']}  {store}", style="bold"))
    console.print(
        f"  {done} of {shards} shards, {rows:,} of {manifest['runs'] * len(manifest['cells']):,} "
        f"runs, {size:.1f} MB"
    )
    for entry in manifest["failed"]:
        console.print(Text(f"  failed  {entry['shard']}  {entry['reason']}", style="red"))


def status_record(
    store: str, manifest: Mapping[str, Any] | None, found: Sequence[Summary]
) -> dict[str, Any]:
    """The same as JSON data; a Parquet file alone has no shards."""
    names = sum((summary.counts for summary in found), Counter[str]())
    proofs = sum((summary.proofs for summary in found), Counter[Standing]())
    record: dict[str, Any] = {"store": store}
    if manifest is not None:
        record |= {
            "name": manifest["name"],
            "shards": manifest["shards"],
            "shards_done": len(manifest["parts"]),
            "failed": manifest["failed"],
            "runs": manifest["runs"] * len(manifest["cells"]),
        }
    record["runs_done"] = sum(names.values())
    record["outcomes"] = {str(outcome): names[outcome] for outcome in Outcome}
    record["proofs"] = {str(standing): proofs[standing] for standing in Standing}
    return record


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints the answer to a query: a table, or a list for each row where that is too wide."""
    console = answers(WIDE)
    told = [["" if value is None else str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *told, strict=True)]
    if sum(widths) + 2 * len(widths) > console.width:
        for row in told:
            show_facts(console, dict(zip(columns, row, strict=True)))
            console.print()
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in told:
        table.add_row(*map(Text, row))
    console.print(table)


def say_failures(failed: Mapping[str, str]) -> None:
    """Prints why shards failed."""
    for shard, reason in failed.items():
        typer.echo(f"error: shard {shard} failed: {reason}", err=True)


def say_interrupted(store: Store) -> None:
    """Prints that nothing is lost."""
    typer.echo(
        f"Interrupted. What is done is kept in {store.url}; the same command goes on.", err=True
    )


def _table(found: Sequence[Summary], narrow: bool) -> Table:
    """A row for each cell: what tells it from the others, the solved rate, failures and proofs.

    Args:
        found: The cells.
        narrow: Whether it has to fit 80 columns.
    """
    varied = [
        axis
        for axis in AXES
        if len({summary.label(axis) for summary in found}) > 1 or axis == "hidden"
    ]
    outcomes = [o for o in COLUMNS if any(summary.counts[o] for summary in found)]
    proofs = [] if narrow else [h for h in PROOFS if any(any(_of(s, h)) for s in found)]
    table = Table(box=None, padding=(0, 1 if narrow else 2, 0, 0), header_style="bold")
    labels = ["cell"] if narrow else [axis.replace("_", " ") for axis in varied]
    numbers = ["runs", "solved % (95%)" if narrow else "solved % (95% interval)"]
    numbers += [COLUMNS[outcome][: 4 if narrow else None] for outcome in outcomes]
    for heading in labels:
        table.add_column(heading, no_wrap=True)
    for heading in numbers + proofs:
        table.add_column(heading, justify="right", no_wrap=True)
    for summary in found:
        rate = clopper_pearson(summary.counts[Outcome.SOLVED], summary.total)
        cells = [str(summary.label(axis)) for axis in varied]
        cells = [" ".join(cells)] if narrow else cells
        low, high = f"{100 * rate.low:.1f}", f"{100 * rate.high:.1f}"
        interval = f"{low}-{high}" if narrow else f"{low} to {high}"
        cells += [f"{summary.total:,}", f"{100 * rate.share:.1f} ({interval})"]
        digits = 0 if narrow else 1
        cells += [f"{100 * summary.counts[o] / summary.total:.{digits}f}" for o in outcomes]
        for heading in proofs:
            counts = _of(summary, heading)
            cells.append(" / ".join(map(str, counts)) if any(counts) else "")
        table.add_row(*map(Text, cells))
    return table


def _of(summary: Summary, heading: str) -> list[int]:
    return [summary.proofs[kind] for kind in PROOFS[heading]]
