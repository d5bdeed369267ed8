"""The reproduction: runs the claims and writes the report's folder.

The folder is complete after every claim, so an interrupted run keeps what it has finished:
`index.html` (self-contained), `claims.json`, `certificates/`, `figures/` (SVG and PNG), `data/`,
and `sweeps/`, the rows of measured claims, which a later run goes on from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Final

from spurious.errors import InputError
from spurious.files import make_folder, write_atomically, write_json
from spurious.paper.claim import Budget, Claim, ClaimResult, Context, Finding, Status
from spurious.paper.claims import CLAIMS
from spurious.paper.findings import committed, earlier, findings_of, local_findings
from spurious.paper.record import Record, claim_record, kept_record, own_finding

__all__ = ["Job", "reproduce", "run_claim"]

FOLDERS: Final = ("certificates", "figures", "data")
SWEEPS: Final = "sweeps"


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
    the verdict of the largest budget at hand (see `spurious.paper.findings`): a smaller run into
    the same folder does not take the place of a larger one.

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
    from spurious.paper.page import SUMMARY, Page  # its templates are slow to import

    for folder in (out, *(out / name for name in FOLDERS)):
        make_folder(folder)
    known = earlier(out / SUMMARY)
    page = Page(out)
    jobs: dict[str, Job] = {}
    for claim in CLAIMS:
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
        from spurious.paper.schedule import side_by_side

        for result, record in side_by_side(jobs, lanes, starting, say):
            done(result, record)
    else:
        for job in jobs.values():
            starting(job.claim)
            done(*job.done(say))
    return tuple(results[name] for name in jobs)


@dataclass(frozen=True, slots=True)
class Job:
    """A claim to be tested.

    Attributes:
        claim: The claim.
        budget: How much to spend.
        out: The report's folder.
        others: The verdicts of other runs.
    """

    claim: Claim
    budget: Budget
    out: Path
    others: tuple[Finding, ...]

    def done(self, say: Callable[[str], None]) -> tuple[ClaimResult, Record]:
        """Tests the claim, and writes its files; the result, and its entry of `claims.json`.

        Raises:
            InputError: A file cannot be written.
        """
        result = run_claim(self.claim, Context(self.budget, self.out / SWEEPS, say))
        try:
            _write_files(result, self.out)
        except InputError:
            raise
        except Exception as error:  # a figure that cannot be drawn fails its claim, not the others
            result = _failed(self.claim, error, result.seconds)
        result = self.headed(result)
        return result, claim_record(result, self.budget)

    def headed(self, result: ClaimResult) -> ClaimResult:
        """The result with all findings, the headline first."""
        own = own_finding(result, self.budget)
        return replace(result, findings=findings_of(self.claim, own, self.others))


def run_claim(claim: Claim, context: Context) -> ClaimResult:
    """Tests one claim; one that raises says so in its result."""
    start = time.perf_counter()
    try:
        module = import_module(f"spurious.paper.c{int(claim.id[1:]):02d}")
        result: ClaimResult = module.run(context) if claim.measured else module.run()
    except Exception as error:  # whatever went wrong belongs in the report
        return _failed(claim, error, time.perf_counter() - start)
    return replace(result, seconds=time.perf_counter() - start)


def _failed(claim: Claim, error: Exception, seconds: float) -> ClaimResult:
    text = f"The test of this claim stopped: {type(error).__name__}: {error}"
    return ClaimResult(claim, Status.FAILED, explanation=(text,), seconds=seconds)


def _left_out(claim: Claim) -> ClaimResult:
    return ClaimResult(claim, Status.NOT_RUN_YET, explanation=("Not part of this run.",))


def _write_files(result: ClaimResult, out: Path) -> None:
    """Writes a claim's certificates, data and figures."""
    for proof in result.proofs:
        if proof.verdict.certificate is not None:
            write_json(out / "certificates" / f"{proof.name}.json", proof.verdict.certificate)
    for table in result.tables:
        value = {"columns": table.columns, "rows": table.rows}
        write_json(out / "data" / f"{table.name}.json", value)
    if not result.pictures:
        return
    from spurious.figures import png_bytes, svg_text

    for picture in result.pictures:
        write_atomically(out / "figures" / f"{picture.name}.svg", svg_text(picture.figure))
        write_atomically(out / "figures" / f"{picture.name}.png", png_bytes(picture.figure))
