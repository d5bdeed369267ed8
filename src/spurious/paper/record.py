"""A result as the data of `claims.json`."""

from __future__ import annotations

from spurious.paper.claim import ClaimResult, Row

__all__ = ["claim_record", "key_text"]


def claim_record(result: ClaimResult, budget: str) -> dict[str, object]:
    """One entry of `claims.json`; paths are relative to the report's folder.

    Args:
        result: What came out.
        budget: Which budget it was run with.
    """
    claim = result.claim
    keys = [row for row in result.rows if row.key]
    return {
        "id": claim.id,
        "title": claim.title,
        "source": claim.source,
        "statement": claim.statement,
        "printed": "; ".join(key_text(row, row.printed) for row in keys if row.printed),
        "measured": "; ".join(key_text(row, row.measured) for row in keys),
        "verdict": str(result.status),
        "budget": budget,
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


def key_text(row: Row, value: str) -> str:
    """A quantity with its value, for the summary."""
    return f"{row.quantity}: {value}"
