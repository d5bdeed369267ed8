"""The summary of a report for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spurious.diagnose.conclusion import Conclusion, Outcome, Tried
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.show.diagnosis import Diagnosis

if TYPE_CHECKING:
    from spurious.diagnose.measure.start_probability import StartProbability

STYLES: Final = {
    Outcome.SYMPTOM: "yellow",
    Outcome.STUCK: "yellow",
    Outcome.UNKNOWN: "",
    Outcome.LEARNT: "green",
    Outcome.LEARNING: "green",
}
WORSE: Final = -0.01
"""A copy whose loss is a hundredth above the constant's is worse."""
OPEN: Final = frozenset({Outcome.SYMPTOM, Outcome.STUCK, Outcome.UNKNOWN})
COLOURS = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def summary(report: Diagnosis) -> Iterator[RenderableType]:
    """What it comes to, the findings, and the numbers they rest on."""
    concluded = report.conclusion
    if report.problems:
        yield Text(f"{len(report.problems)} of {len(report.findings)} findings are problems.")
    if concluded.outcome is not Outcome.CAUSE:
        yield Text(concluded.text, style=STYLES[concluded.outcome])
    for found in report.findings:
        yield _row(found)
    if concluded.outcome in OPEN:
        yield from _left_open(concluded)
    yield Text("; ".join(facts(report)), style="dim")
    if report.start is not None:
        yield Text(start_text(report.start), style="dim")
    for note in report.measurements.notes:
        yield Text(f"Note: {note}", style="dim")


def _left_open(found: Conclusion) -> Iterator[RenderableType]:
    """What was tried, and what was not looked at, where the cause was not found."""
    if found.tried:
        yield Text("Tried on copies; share of the constant's loss that they won:")
        table = Table.grid(padding=(0, 2))
        for one in found.tried:
            table.add_row("", Text(won(one), justify="right"), one.change)
        yield table
    for one in found.unseen:
        yield Text(f"Not looked at: {one}.")


def won(found: Tried) -> str:
    """The share that a copy won, as it is written."""
    if found.won is None:
        return "NaN"
    return "worse" if found.won < WORSE else f"{max(found.won, 0.0):.0%}"


def _row(found: Finding) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=8)
    table.add_column()
    layer = f" in {found.layer}" if found.layer is not None else ""
    head = Text(f"{found.kind}{layer}", style="bold")
    table.add_row(Text(found.severity.name.lower(), style=COLOURS[found.severity]), head)
    table.add_row("", found.explanation)
    if found.code:
        table.add_row("", Text(found.code, style="cyan"))
    if found.remedies:
        table.add_row("", Text("try: " + ", ".join(found.remedies), style="dim"))
    return table


def facts(report: Diagnosis) -> list[str]:
    """The loss and what it is compared with, the curvature, the exact verdict."""
    seen = report.measurements
    landscape = seen.landscape
    parts = [f"loss {landscape.loss:.4g}"]
    if landscape.constant_loss is not None:
        parts.append(f"best constant {landscape.constant_loss:.4g}")
    if landscape.linear_loss is not None:
        parts.append(f"best linear {landscape.linear_loss:.4g}")
    if landscape.gradient_noise > 0:
        ratio = landscape.gradient_norm / landscape.gradient_noise
        parts.append(f"gradient {ratio:.2g} of its noise in a batch")
    if seen.curvature is not None:
        low, high = seen.curvature.lowest, seen.curvature.highest
        parts.append(f"Hessian eigenvalues {low:.3g} to {high:.3g}")
    if report.verdict is not None:
        parts.append(f"exact verdict {report.verdict.decision}")
    return parts


def start_text(start: StartProbability) -> str:
    """One sentence on how probable a constant start is."""
    return (
        f"Of {start.runs} networks drawn with these layers' own means and spreads {start.own} are "
        f"constant on {start.points} of the points; with PyTorch's default start {start.default} "
        f"are (proved: at least a share of {start.default_bound:.2g})."
    )
