"""What a construction gives, and the one way in which it is certified, written and printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from spurious.cli.commands import Exit
from spurious.cli.consoles import answers, busy, show_facts
from spurious.cli.output import check_command, echo_json
from spurious.proof import Verdict, interval_text, verdict_text
from spurious.verdict import Answer, Decision

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spurious.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Construction:
    """What was made.

    Attributes:
        title: One line.
        facts: Labels and texts for people.
        summary: The same as JSON data.
        problems: Problem files by name; those with a point are certified.
        pictures: By name, what draws them.
    """

    title: str
    facts: Mapping[str, str]
    summary: Mapping[str, Any]
    problems: Mapping[str, Problem] = field(default_factory=dict[str, "Problem"])
    pictures: Mapping[str, Callable[[], Figure]] = field(
        default_factory=dict[str, "Callable[[], Figure]"]
    )


def deliver(made: Construction, out: Path | None, as_json: bool) -> Exit:
    """Certifies, writes and prints.

    Raises:
        InputError: A file cannot be written.
    """
    from spurious.certify import certify

    with busy("certifying"):
        verdicts = {
            name: certify(problem)
            for name, problem in made.problems.items()
            if problem.point is not None
        }
    summary = {**made.summary, "verdicts": {k: _record(v) for k, v in verdicts.items()}}
    files = [] if out is None else _write(made, verdicts, summary, out)
    if as_json:
        echo_json({**summary, "files": files})
    else:
        _show(made, verdicts, out, files)
    undecided = any(v.decision is Decision.UNDECIDED for v in verdicts.values())
    return Exit.UNDECIDED if undecided else Exit.OK


def _record(verdict: Verdict) -> dict[str, str]:
    return {
        "verdict": str(verdict.decision),
        "global": str(verdict.is_global),
        "strict": str(verdict.strict),
        "reason": verdict.reason,
    }


def _write(
    made: Construction, verdicts: Mapping[str, Verdict], summary: Mapping[str, Any], out: Path
) -> list[str]:
    """Writes everything; returns the names."""
    from spurious.figures import write_figure
    from spurious.files import make_folder, write_json
    from spurious.problem import problem_to_data

    make_folder(out)
    files: list[str] = []
    for name, problem in made.problems.items():
        files.append(f"{name}.json")
        write_json(out / files[-1], problem_to_data(problem))
        verdict = verdicts.get(name)
        if verdict is not None and verdict.certificate is not None:
            files.append(f"{name}.certificate.json")
            write_json(out / files[-1], verdict.certificate)
    for name, draw in made.pictures.items():
        files += write_figure(draw(), out, name)
    write_json(out / "summary.json", summary)
    return [*files, "summary.json"]


def _show(
    made: Construction, verdicts: Mapping[str, Verdict], out: Path | None, files: list[str]
) -> None:
    console = answers()
    console.print(Text(made.title, style="bold"), soft_wrap=True)
    told = {name: Text(_verdict_text(v), style=_style(v)) for name, v in verdicts.items()}
    show_facts(console, {**made.facts, **told})
    if out is None:
        return
    console.print(Text(f"  written to {out}: {', '.join(files)}"), soft_wrap=True)
    for file in files:
        if file.endswith(".certificate.json"):
            console.print(Text(f"  to check it: {check_command(out / file)}"), soft_wrap=True)


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
