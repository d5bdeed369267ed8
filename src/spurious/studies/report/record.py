"""A result as the data of `claims.json`, from which the report's page is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from spurious.proof import interval_text, verdict_text
from spurious.studies.certified import CertifiedPoint
from spurious.studies.report.claim import Budget, Claim, ClaimResult, Finding, Origin, Row, Status
from spurious.studies.report.findings import committed, findings_of, head_record, local_findings

WITH_PAGE: Final = ("this_run", "points", "pictures", "rows", "explanation", "data", "seconds")
"""What the page needs of a record; reports of older versions lack some of it."""

WIDE: Final = 5
"""From this width on, in inches, a figure takes the page's whole width."""

Record = dict[str, Any]


def claim_record(result: ClaimResult, budget: Budget) -> Record:
    """One entry of `claims.json`; paths are relative to the report's folder.

    `verdict`, `budget`, `printed` and `measured` are those of the headline; everything from
    `this_run` on is about the last run of this claim, whose rows may be those of a smaller budget.

    Args:
        result: What came out, with its findings.
        budget: Which budget it was run with.
    """
    claim = result.claim
    return {
        "id": claim.id,
        "title": claim.title,
        "source": claim.source,
        "statement": claim.statement,
        **head_record(result.findings),
        "same_at_every_budget": not claim.measured,
        "this_run": {"verdict": str(result.status), "budget": str(budget)},
        "seconds": round(result.seconds, 3),
        "explanation": list(result.explanation),
        "rows": [
            {
                "part": row.heading,
                "quantity": row.quantity,
                "printed": row.printed,
                "measured": row.measured,
                "verdict": str(row.status),
                "key": row.key,
                "mark": asdict(row.mark) if row.mark else None,
            }
            for row in result.rows
        ],
        "points": [_point(point) for point in result.points],
        "certificates": [
            {
                "path": f"certificates/{point.name}.json",
                "subject": point.subject,
                "method": point.verdict.method,
                "valid": True,
                "check": "",
            }
            for point in result.points
            if point.valid
        ],
        "pictures": [
            {
                "name": picture.name,
                "caption": picture.caption,
                "wide": bool(picture.figure.get_figwidth() > WIDE),
            }
            for picture in result.pictures
        ],
        "figures": [f"figures/{picture.name}.svg" for picture in result.pictures],
        "data": [f"data/{table.name}.json" for table in result.tables],
    }


def _point(point: CertifiedPoint) -> Record:
    """What was decided about a point."""
    verdict = point.verdict
    return {
        "subject": point.subject,
        "decision": verdict_text(verdict.claim),
        "loss": None if verdict.loss is None else interval_text(verdict.loss),
        "rule": verdict.method.replace("_", " "),
        "reason": verdict.reason,
        "certificate": point.name if point.valid else None,
        "valid": point.valid,
        "check": "" if point.valid else "no certificate",
    }


def kept_record(claim: Claim, record: Mapping[str, Any], folder: Path) -> Record | None:
    """The entry of a claim that an earlier run left in a folder, for a run that leaves it out.

    Args:
        claim: The claim.
        record: Its entry in the folder's `claims.json`.
        folder: The report's folder.

    Returns:
        The entry, its headline told anew; None if it is of no use to the page: of an older
        version, without a run, or its files are gone.
    """
    try:
        local = local_findings(record)
        (own,) = [f for f in local if str(f.budget) == record["this_run"]["budget"]]
        files = [*record["figures"], *record["data"], *(c["path"] for c in record["certificates"])]
        whole = all(key in record for key in WITH_PAGE) and all("key" in r for r in record["rows"])
        if not whole or not all((folder / file).is_file() for file in files):
            return None
    except (KeyError, TypeError, ValueError):
        return None
    if own.verdict is Status.NOT_RUN_YET:
        return None
    others = [*(f for f in local if f is not own), *committed().get(claim.id, ())]
    return {**record, **head_record(findings_of(claim, own, others))}


def own_finding(result: ClaimResult, budget: Budget) -> Finding:
    """This run's verdict."""
    keys = [row for row in result.rows if row.key]
    return Finding(
        budget,
        result.status,
        "; ".join(_key_text(row, row.printed) for row in keys if row.printed),
        "; ".join(_key_text(row, row.measured) for row in keys),
        Origin.THIS_RUN,
        f"spurious reproduce {result.claim.id} --budget {budget}",
        date.today().isoformat(),
    )


def _key_text(row: Row, value: str) -> str:
    """A quantity with its value, for the summary."""
    return f"{row.quantity}: {value}"
