"""`spurious catalogue`: constructions from the literature, each certified anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spurious.cli.commands import Exit
from spurious.cli.options import AsJsonLines
from spurious.cli.output import echo_json
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.catalogue import Entry, Examination


def catalogue(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Entries; default: all.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write problem files, certificates and catalogue.json."),
    ] = None,
    as_json: AsJsonLines = False,
) -> Exit:
    """List constructions of bad local minima from the literature, each certified anew.

    Every entry is built and decided when the command runs; no number is taken from the articles on
    trust. An entry is certified (the independent checker accepts its certificate), proved (in exact
    or ball arithmetic, without a certificate) or open, with the reason.

    Example:
      spurious catalogue
      spurious catalogue yun-relu --out yun

    Exit status:
      0    done
      2    there is no such entry, or a file cannot be written
      130  interrupted
    """
    from spurious.catalogue import ENTRIES, examine
    from spurious.cli.consoles import busy
    from spurious.files import make_folder, write_json

    chosen = _chosen(names or [], ENTRIES)
    if out is not None:
        make_folder(out)
    outcomes: list[Examination] = []
    for entry in chosen:
        with busy(f"certifying {entry.name}"):
            outcomes.append(examine(entry))
        if out is not None:
            _write(outcomes[-1], out)
    records = [_record(outcome) for outcome in outcomes]
    if out is not None:
        write_json(out / "catalogue.json", records)
    if as_json:
        for record in records:
            echo_json(record)
    else:
        from spurious.cli.display import show_catalogue

        show_catalogue(outcomes, out)
    return Exit.OK


def _chosen(names: list[str], entries: tuple[Entry, ...]) -> list[Entry]:
    known = {entry.name: entry for entry in entries}
    for name in names:
        if name not in known:
            raise InputError(f"NAME: found {name!r}, expected one of {', '.join(known)}")
    return [known[name] for name in names] if names else list(entries)


def _write(outcome: Examination, out: Path) -> None:
    from spurious.files import write_json
    from spurious.problem import any_problem_to_data

    if outcome.problem is None or outcome.verdict is None:
        return
    name = outcome.entry.name
    write_json(out / f"{name}.json", any_problem_to_data(outcome.problem))
    if outcome.verdict.certificate is not None:
        write_json(out / f"{name}.certificate.json", outcome.verdict.certificate)


def _record(outcome: Examination) -> dict[str, object]:
    entry, verdict = outcome.entry, outcome.verdict
    return {
        "name": entry.name,
        "title": entry.title,
        "citation": entry.citation,
        "standing": str(outcome.standing),
        "result": outcome.text,
        "verdict": None if verdict is None else str(verdict.decision),
        "global": None if verdict is None else str(verdict.is_global),
        "rule": None if verdict is None else verdict.method,
    }
