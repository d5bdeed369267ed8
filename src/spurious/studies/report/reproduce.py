"""The reproduction: runs the claims and writes the report's folder.

The folder is complete after every claim, so an interrupted run keeps what it has finished:
`index.html` (self-contained), `claims.json`, `certificates/`, `figures/` (SVG and PNG), `data/`,
and `sweeps/`, the rows of measured claims, which a later run goes on from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from spurious.files import make_folder
from spurious.studies.claims import CLAIMS, EXTRA
from spurious.studies.report.claim import Budget, Claim, ClaimResult, Status
from spurious.studies.report.findings import committed, earlier, local_findings
from spurious.studies.report.job import Job
from spurious.studies.report.record import Record, claim_record, kept_record

FOLDERS: Final = ("certificates", "figures", "data")


def _ignore(_: object) -> None:
    """Reports nothing."""


def reproduce(
    claims: Sequence[Claim],
    budget: Budget,
    out: Path,
    starting: Callable[[Claim], None] = _ignore,
    finished: Callable[[ClaimResult], None] = _ignore,
    say: Callable[[str], None] = _ignore,
    lanes: int = 1,
) -> tuple[ClaimResult, ...]:
    """Tests claims and writes the report.

    Claims left out appear in it as an earlier run into the same folder left them, else as not run.
    A claim that raises is reported as failed and does not stop the others. A claim's headline is
    the verdict of the largest budget at hand (see `findings.py`): a smaller run into the same
    folder does not take the place of a larger one.

    Args:
        claims: Which to test.
        budget: How much time to spend.
        out: The report's folder.
        starting: Called before each claim.
        finished: Called after each claim, when its files are written.
        say: Called with a line on what a long claim is doing.
        lanes: How many claims at a time, each in a process of its own; with 1 they are tested in
            this process, in the paper's order. It changes no result.

    Returns:
        The results of the claims asked for, in the paper's order. With more than one lane they
        have no pictures, which are in the folder.

    Raises:
        InputError: The folder cannot be written.
    """
    from spurious.studies.report.page import SUMMARY, Page  # its templates are slow to import

    for folder in (out, *(out / name for name in FOLDERS)):
        make_folder(folder)
    known = earlier(out / SUMMARY)
    page = Page(out)
    jobs: dict[str, Job] = {}
    for claim in (*CLAIMS, *(extra for extra in EXTRA if extra in claims or extra.id in known)):
        before = local_findings(known[claim.id]) if claim.id in known else ()
        job = Job(claim, budget, out, (*before, *committed().get(claim.id, ())))
        kept = kept_record(claim, known[claim.id], out) if claim.id in known else None
        page.put(kept or claim_record(job.headed(_left_out(claim)), budget))
        if claim in claims:
            jobs[claim.id] = job
    results: dict[str, ClaimResult] = {}

    def done(result: ClaimResult, record: Record) -> None:
        results[result.claim.id] = result
        page.put(record)
        page.write()
        finished(result)

    if lanes > 1:
        from spurious.studies.report.schedule import side_by_side

        for result, record in side_by_side(jobs, lanes, starting, say):
            done(result, record)
    else:
        for job in jobs.values():
            starting(job.claim)
            done(*job.done(say))
    return tuple(results[name] for name in jobs)


def _left_out(claim: Claim) -> ClaimResult:
    return ClaimResult(claim, Status.NOT_RUN_YET, explanation=("Not part of this run.",))
