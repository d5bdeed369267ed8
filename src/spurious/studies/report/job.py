"""One claim of a reproduction: tested, its files written, its entry of `claims.json` made."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from spurious.errors import InputError
from spurious.files import write_json
from spurious.proof import RefusedCertificateWarning
from spurious.studies.index import STUDIES
from spurious.studies.report.claim import Budget, Claim, ClaimResult, Context, Finding, Status
from spurious.studies.report.findings import findings_of
from spurious.studies.report.record import Record, claim_record, own_finding

SWEEPS: Final = "sweeps"
"""The folder of a report that holds its sweeps."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claim to be tested.

    Attributes:
        claim: The claim.
        budget: How much time to spend.
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
    """Tests one claim; one that raises, or whose certificate the checker refuses, says so."""
    start = time.perf_counter()
    (study,) = (study for study in STUDIES if study.claim == claim)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RefusedCertificateWarning)
            result = study.run(context)
    except Exception as error:  # whatever went wrong belongs in the report
        return _failed(claim, error, time.perf_counter() - start)
    return replace(result, seconds=time.perf_counter() - start)


def _failed(claim: Claim, error: Exception, seconds: float) -> ClaimResult:
    text = f"The test of this claim stopped: {type(error).__name__}: {error}"
    return ClaimResult(claim, Status.FAILED, explanation=(text,), seconds=seconds)


def _write_files(result: ClaimResult, out: Path) -> None:
    """Writes a claim's certificates, data and figures."""
    for point in result.points:
        if point.valid:
            write_json(out / "certificates" / f"{point.name}.json", point.verdict.certificate)
    for table in result.tables:
        value = {"columns": table.columns, "rows": table.rows}
        write_json(out / "data" / f"{table.name}.json", value)
    if not result.pictures:
        return
    from spurious.figures import write_figure

    for picture in result.pictures:
        write_figure(picture.figure, out / "figures", picture.name)
