"""What `spurious construct` prints and writes."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from spurious.cli.consoles import answers, messages
from spurious.cli.output import echo_json
from spurious.cli.statuses import Status
from spurious.proof import Verdict, interval_text, verdict_text
from spurious.verdict import Answer, Decision

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spurious.problem import Problem

__all__ = ["Made", "busy", "deliver"]


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What was made.

    Attributes:
        title: One line.
        facts: Labels and texts for people.
        summary: The same as JSON data.
        problems: Problem files by name; those with a point are certified.
        figure: A picture.
    """

    title: str
    facts: Mapping[str, str]
    summary: Mapping[str, Any]
    problems: Mapping[str, Problem]
    figure: Figure | None


@contextmanager
def busy(what: str) -> Generator[None]:
    """Says on a terminal, on stderr, what takes a while."""
    with messages().status(what, spinner="line"):
        yield


def deliver(made: Made, out: Path | None, as_json: bool) -> Status:
    """Certifies, writes and prints.

    Raises:
        InputError: A file cannot be written.
    """
    from spurious.certify import certify
    from spurious.files import make_folder

    with busy("certifying"):
        verdicts = {
            name: certify(problem)
            for name, problem in made.problems.items()
            if problem.point is not None
        }
    summary = {**made.summary, "verdicts": {k: _record(v) for k, v in verdicts.items()}}
    files: list[str] = []
    if out is not None:
        make_folder(out)
        files = _write(made, verdicts, summary, out)
    if as_json:
        echo_json({**summary, "files": files})
    else:
        _show(made, verdicts, out, files)
    if any(v.decision is Decision.UNDECIDED for v in verdicts.values()):
        return Status.UNDECIDED
    return Status.OK


def _record(verdict: Verdict) -> dict[str, str]:
    return {
        "verdict": str(verdict.decision),
        "global": str(verdict.is_global),
        "strict": str(verdict.strict),
        "reason": verdict.reason,
    }


def _write(
    made: Made, verdicts: Mapping[str, Verdict], summary: Mapping[str, Any], out: Path
) -> list[str]:
    """Writes everything; returns the names."""
    from spurious.figures import png_bytes, svg_text
    from spurious.files import write_atomically, write_json
    from spurious.problem import problem_to_data

    files: list[str] = []
    for name, problem in made.problems.items():
        files.append(f"{name}.json")
        write_json(out / files[-1], problem_to_data(problem))
        verdict = verdicts.get(name)
        if verdict is not None and verdict.certificate is not None:
            files.append(f"{name}.certificate.json")
            write_json(out / files[-1], verdict.certificate)
    if made.figure is not None:
        for ending, content in (("svg", svg_text(made.figure)), ("png", png_bytes(made.figure))):
            files.append(f"picture.{ending}")
            write_atomically(out / files[-1], content)
    write_json(out / "summary.json", summary)
    return [*files, "summary.json"]


def _show(made: Made, verdicts: Mapping[str, Verdict], out: Path | None, files: list[str]) -> None:
    console = answers()
    console.print(Text(made.title, style="bold"), soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", min_width=14)
    table.add_column(overflow="fold")
    for label, text in made.facts.items():
        table.add_row(label, Text(text))
    for name, verdict in verdicts.items():
        table.add_row(name, Text(_verdict_text(verdict), style=_style(verdict)))
    console.print(Padding.indent(table, 2))
    if out is not None:
        console.print(Text(f"  written to {out}: {', '.join(files)}"), soft_wrap=True)
    for file in files:
        if file.endswith(".certificate.json") and out is not None:
            command = f"spurious check {shlex.quote(str(out / file))}"
            console.print(Text(f"  to check it: {command}"), soft_wrap=True)


def _verdict_text(verdict: Verdict) -> str:
    text = verdict_text(verdict.claim)
    if verdict.loss is not None:
        text += f", loss {interval_text(verdict.loss)}"
    if verdict.is_global is Answer.NO and verdict.witness_loss is not None:
        text += f"; a better point has loss {interval_text(verdict.witness_loss)}"
    elif verdict.is_global is Answer.YES:
        text += "; nothing is better"
    if verdict.decision is Decision.UNDECIDED:
        text += f": {verdict.reason}"
    return text


def _style(verdict: Verdict) -> str:
    return "bold yellow" if verdict.decision is Decision.UNDECIDED else "bold green"
