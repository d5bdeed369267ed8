"""What people see: Rich tables without boxes, which survive pipes and narrow terminals."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from spurious.cli.consoles import answers, messages, show_facts
from spurious.cli.output import check_command
from spurious.proof import (
    Verdict,
    about_text,
    exact_text,
    interval_text,
    unfinished_text,
    verdict_text,
)
from spurious.verdict import Answer, Decision

if TYPE_CHECKING:
    from spurious.catalogue import Examination
    from spurious.problem import BuiltIn
    from spurious.studies import Claim, ClaimResult

_LABELS: Final = 14
_CONVERGED: Final = Fraction(1, 10**6)
"""Below this slope training has stopped for all that a user can tell."""
_GOOD, _BAD, _OPEN = "bold green", "bold red", "bold yellow"
_STYLES = {
    Decision.LOCAL_MINIMUM: _GOOD,
    Decision.LOCAL_MINIMUM_NEARBY: _GOOD,
    Decision.SADDLE_NEARBY: _BAD,
    Decision.NOT_LOCAL_MINIMUM: _BAD,
    Decision.UNDECIDED: _OPEN,
}
_CLAIM_STYLES = {
    "refuted": _BAD,
    "differs": _BAD,
    "failed": _BAD,
    "proved with correction": _OPEN,
    "proved, a part refuted": _OPEN,
    "proved in part": _OPEN,
    "reproduced in part": _OPEN,
}


def show_verdict(file: str, verdict: Verdict, certificate: Path | None) -> None:
    """Prints the decision about a file."""
    console = answers()
    console.print(Text(file, style="bold"), soft_wrap=True)
    show_facts(console, dict(_verdict_facts(verdict)))
    if certificate is not None:
        command = check_command(certificate)
        for label, value in (("certificate", str(certificate)), ("to check it", command)):
            line = Text.assemble((f"  {label:<{_LABELS}}  ", "dim"), value)
            console.print(line, soft_wrap=True)
    console.print()


def _verdict_facts(verdict: Verdict) -> Iterator[tuple[str, str | Text]]:
    if verdict.unfinished is not None:
        yield "training", f"has only stopped; {unfinished_text(verdict.unfinished)}"
    elif verdict.slope is not None and abs(verdict.slope) < _CONVERGED:
        slope = about_text(abs(verdict.slope))
        yield "training", f"has converged here to {slope}; no minimum nearby was proved"
    yield "verdict", Text(verdict_text(verdict.claim), style=_STYLES[verdict.decision])
    if verdict.loss is not None:
        yield "loss", interval_text(verdict.loss)
    yield "global minimum", _global_text(verdict)
    if verdict.decision is not Decision.UNDECIDED:
        yield "strict", _strict_text(verdict)
    if verdict.eigenvalue_bound is not None:
        yield "curvature", f"Hessian eigenvalues >= {exact_text(verdict.eigenvalue_bound)}"
    if verdict.decrease is not None and verdict.decrease_radius is not None:
        gained, within = about_text(verdict.decrease), about_text(verdict.decrease_radius)
        yield "to be gained", f"at least {gained}, within {within} of the point"
    if verdict.valley_limit is not None:
        yield "valley", f"the loss falls for ever, to {interval_text(verdict.valley_limit)}"
    yield "method", verdict.method.replace("_", " ")
    yield "reason", verdict.reason
    yield "time", _seconds(verdict.seconds)


def show_check(file: str, valid: bool, claim: str, reason: str, seconds: float) -> None:
    """Prints what the checker says of a certificate."""
    console = answers()
    answer = Text("valid  " if valid else "invalid", style=_GOOD if valid else _BAD)
    console.print(answer, Text(file), soft_wrap=True)
    facts = {"claim": claim, "reason": reason, "time": _seconds(seconds)}
    show_facts(console, {label: text for label, text in facts.items() if text})
    console.print()


def show_datasets(found: Sequence[BuiltIn]) -> None:
    """Prints the built-in datasets."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("name", "points", "inputs", "loss", "what it is"):
        number, wraps = name in ("points", "inputs"), name == "what it is"
        table.add_column(name, justify="right" if number else "left", no_wrap=not wraps)
    for entry in found:
        sizes = str(entry.data.size), str(entry.data.inputs)
        table.add_row(entry.name, *sizes, str(entry.loss), Text(entry.description))
    answers().print(table)


def show_dataset(found: BuiltIn) -> None:
    """Prints a built-in dataset with its points."""
    console = answers()
    console.print(Text(found.name, style="bold"))
    for line in (found.description, f"used with the loss {found.loss}", found.citation):
        console.print(Padding.indent(Text(line), 2))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    outputs = len(found.data.y[0])
    for heading in (*_numbered("x", found.data.inputs), *_numbered("y", outputs)):
        table.add_column(heading, justify="right")
    for x, y in zip(found.data.x, found.data.y, strict=True):
        table.add_row(*map(exact_text, (*x, *y)))
    console.print(Padding.indent(table, 2))


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}{k + 1}" for k in range(count)]


def show_catalogue(outcomes: Sequence[Examination], out: Path | None) -> None:
    """Prints entries of the catalogue: what they are, whose they are, what was proved."""
    console = answers()
    for outcome in outcomes:
        style = _OPEN if outcome.standing == "open" else _GOOD
        head = Text.assemble((outcome.entry.name, "bold"), "  ", (str(outcome.standing), style))
        console.print(head)
        for line in (outcome.entry.title, outcome.text):
            console.print(Padding.indent(Text(line), 2))
        console.print(Padding.indent(Text(outcome.entry.citation, style="dim"), 2))
    if out is not None:
        console.print(Text(f"\nwritten to {out}"), soft_wrap=True)


def show_claims(results: Sequence[ClaimResult], out: Path) -> None:
    """Prints the verdict on every claim, and where the report is."""
    from spurious.studies.report.findings import head_note  # nothing else here needs studies

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("claim", "verdict", "budget", "certificates", "seconds", "what it says"):
        table.add_column(name, justify="right" if name == "seconds" else "left")
    for result in results:
        head = result.findings[0]
        style = _CLAIM_STYLES.get(head.verdict, _GOOD if head.measured else "dim")
        checked = sum(point.valid for point in result.points)
        table.add_row(
            result.claim.id,
            Text(head.verdict, style=style),
            str(head.budget) if result.claim.measured else "any",
            f"{checked} of {len(result.points)} valid" if result.points else "",
            f"{result.seconds:.2f}" if result.rows else "",
            Text(result.claim.title),
        )
    console = answers()
    console.print(table)
    for result in results:
        if not result.rows and result.explanation:
            told = " ".join(result.explanation)
            console.print(Text(f"\n{result.claim.id}  {told}"), soft_wrap=True)
        if note := head_note(result.findings):
            console.print(Text(f"\n{result.claim.id}  {note}"), soft_wrap=True)
    console.print(Text(f"\nreport  {out / 'index.html'}"), soft_wrap=True)


@contextmanager
def progress(
    count: int,
) -> Generator[
    tuple[Callable[[Claim], None], Callable[[ClaimResult], None], Callable[[str], None]]
]:
    """Reports on stderr which claim runs: a live line on a terminal, else a line per claim.

    Args:
        count: How many claims will run.

    Yields:
        What to call before and after each claim, and with a line on what it is doing.
    """
    console = messages()
    done = 0

    def finished(result: ClaimResult) -> None:
        nonlocal done
        done += 1
        if not console.is_terminal:
            line = f"[{done}/{count}] {result.claim.id} {result.status}, {_seconds(result.seconds)}"
            console.print(Text(line), soft_wrap=True)

    with console.status("", spinner="line") as status:
        title = ""

        def starting(claim: Claim) -> None:
            nonlocal title
            title = f"[{done + 1}/{count}] {claim.id} {claim.title}"
            status.update(Text(title))

        def say(line: str) -> None:
            status.update(Text(f"{title}  {line}"))

        yield starting, finished, say


def _global_text(verdict: Verdict) -> str:
    if (
        verdict.is_global is Answer.NO
        and verdict.witness_loss is not None
        and not _is_fall(verdict)
    ):
        return f"no, a better point has loss {interval_text(verdict.witness_loss)}"
    return str(verdict.is_global)


def _is_fall(verdict: Verdict) -> bool:
    """Whether the better point is only the end of the refutation's step, told in its own row."""
    loss, witness = verdict.loss, verdict.witness_loss
    if loss is None or witness is None:
        return False
    return verdict.decrease == loss.lower - witness.upper


def _strict_text(verdict: Verdict) -> str:
    text = str(verdict.strict)
    if verdict.strict is not Answer.YES and verdict.strict_up_to_rescaling is Answer.YES:
        text += ", but strict up to rescaling of units"
    if verdict.flat_dimension:
        text += f"; a {verdict.flat_dimension}-dimensional family has the same loss"
    return text


def _seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 10 else f"{value:.1f} s"
