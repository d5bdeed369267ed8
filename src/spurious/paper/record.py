"""A result as the data of `claims.json`."""

from __future__ import annotations

from datetime import date

from spurious.paper.claim import Budget, ClaimResult, Finding, Origin, Row
from spurious.paper.findings import head_record

__all__ = ["claim_record", "own_finding"]


def claim_record(result: ClaimResult, budget: Budget) -> dict[str, object]:
    """One entry of `claims.json`; paths are relative to the report's folder.

    `verdict`, `budget`, `printed` and `measured` are those of the headline; everything from
    `this_run` on is about this run, whose rows may be those of a smaller budget.

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
            }
            for row in result.rows
        ],
        "certificates": [
            {
                "path": f"certificates/{proof.name}.json",
                "subject": proof.subject,
                "method": proof.verdict.method,
                "valid": proof.valid,
                "check": proof.check_reason,
            }
            for proof in result.proofs
            if proof.verdict.certificate is not None
        ],
        "figures": [f"figures/{picture.name}.svg" for picture in result.pictures],
        "data": [f"data/{table.name}.json" for table in result.tables],
    }


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
