"""`spurious reproduce`: tests the paper's claims and writes the report."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated

import typer

from spurious.cli.commands import Exit
from spurious.cli.options import Data, name_data_folder
from spurious.cli.output import echo_json, note_compiling


class BudgetName(enum.StrEnum):
    """The values of `--budget`."""

    quick = "quick"
    standard = "standard"
    full = "full"


LANES = 2
"""Most claims at a time; a third would need as much memory again."""

FEW = 4
"""So many claims are tested one after the other, in this process."""


def reproduce(
    claims: Annotated[
        list[str] | None,
        typer.Argument(metavar="CLAIM", help="C1 to C14; all of them if none is named. Or: decay."),
    ] = None,
    budget: Annotated[
        BudgetName,
        typer.Option(help="How much time to spend on sweeps; the proofs are the same at each."),
    ] = BudgetName.quick,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the report.")] = Path(
        "reproduction"
    ),
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a claim, as in claims.json.")
    ] = False,
) -> Exit:
    """Test the paper's claims and write a report.

    The report has a verdict beside each value that the paper prints. The verdict on a claim is that
    of the largest budget at hand: this run, an earlier one in the same folder, or one kept with the
    package; one that disagrees is shown beside it. The report's folder gets index.html
    (open it in a browser), claims.json, certificates, figures and data. Claims that are already
    finished stay there if you interrupt it.

    Examples:
      spurious reproduce
      spurious reproduce C5 C13 --out report
      spurious reproduce C1 C2 --budget standard --data DIR
      spurious reproduce decay

    Exit status:
      0    every claim asked for was run, or is marked as not run
      1    a claim failed, or the checker rejected a certificate
      2    unknown claim, or a folder that cannot be written
      130  interrupted
    """
    from spurious.studies.claims import CLAIMS, find_claim

    name_data_folder(data)
    asked = [find_claim(name) for name in claims] if claims else list(CLAIMS)
    from spurious.cli.display import progress, show_claims  # slow to import, as the following
    from spurious.studies import Budget
    from spurious.studies import reproduce as run
    from spurious.train import cores

    names = {claim.id for claim in asked}
    lanes = min(cores(), LANES) if budget is BudgetName.quick and len(names) > FEW else 1
    if lanes > 1:
        note_compiling()
    with progress(len(names)) as (starting, finished, say):
        results = run(asked, Budget(budget.value), out, starting, finished, say, lanes)
    if as_json:
        for record in json.loads((out / "claims.json").read_text("utf-8")):
            if record["id"] in names:
                echo_json(record)
    else:
        show_claims(results, out)
    return Exit.OK if all(result.sound for result in results) else Exit.INVALID
