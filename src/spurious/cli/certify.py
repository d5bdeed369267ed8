"""`spurious certify`: decides about the points of problem files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spurious.cli.commands import Exit, worst
from spurious.cli.options import AsJsonLines
from spurious.cli.output import echo_error, echo_json
from spurious.errors import SpuriousError

if TYPE_CHECKING:
    from spurious.problem import Problem, ProgramProblem
    from spurious.proof import Verdict


def certify(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Problem files, or names of bundled ones, as c5-d1; - reads one from stdin.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write certificates there, as NAME.certificate.json."),
    ] = None,
    as_json: AsJsonLines = False,
) -> Exit:
    """Decide about the point in a problem file.

    Is it a local minimum of the loss, and is there a better point? A problem file names a network,
    a loss, data and a point, and perhaps a witness: another point believed to be better. Numbers
    mean exactly what is written.

    Examples:
      spurious certify c5-d1
      spurious certify problem.json --out certificates

    Exit status:
      0    every file was decided
      2    a file could not be used
      3    a file was left undecided
      130  interrupted
    """
    from spurious.files import make_folder

    if out is not None:
        make_folder(out)
    names = _names(files)
    return worst([_certify_file(file, names[i], out, as_json) for i, file in enumerate(files)])


def _certify_file(file: str, name: str, out: Path | None, as_json: bool) -> Exit:
    """Decides about one file and prints the answer."""
    from spurious.files import write_json
    from spurious.verdict import Decision

    target = None if out is None else out / f"{name}.certificate.json"
    try:
        problem = _read(file)
        from spurious.certify import certify as decide  # slow to import

        verdict = decide(problem)
        if verdict.certificate is None:
            target = None
        if target is not None:
            write_json(target, verdict.certificate)
    except SpuriousError as error:
        echo_error(file, error, as_json)
        return Exit.BAD_INPUT
    if as_json:
        echo_json(_record(file, verdict, target))
    else:
        from spurious.cli.display import show_verdict

        show_verdict(file, verdict, target)
    return Exit.UNDECIDED if verdict.decision is Decision.UNDECIDED else Exit.OK


def _read(file: str) -> Problem | ProgramProblem:
    from spurious.problem import parse_any_problem, problem_of

    if file == "-":
        return parse_any_problem(sys.stdin.buffer.read(), "-")
    return problem_of(file)


def _record(file: str, verdict: Verdict, target: Path | None) -> dict[str, object]:
    """What `--json` prints about a file."""
    written = {"certificate": None if target is None else str(target)}
    return {"file": file, **verdict.to_dict(), **written}


def _names(files: list[str]) -> list[str]:
    """A name for each file's certificate, no two equal even where case is ignored."""
    used: set[str] = set()
    names: list[str] = []
    for file in files:
        stem = "stdin" if file == "-" else Path(file).stem
        name, number = stem, 2
        while name.casefold() in used:
            name, number = f"{stem}-{number}", number + 1
        used.add(name.casefold())
        names.append(name)
    return names
