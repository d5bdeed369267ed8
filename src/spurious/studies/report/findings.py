"""The headline of a claim: the verdict of the largest budget whose results are at hand.

At hand are this run, earlier runs that left their `claims.json` in the report's folder, and the
results of larger budgets that come with the package: `results/*.json`, made from the folders of
docs/results by `docs/results/keep.py`. A verdict that disagrees is shown beside the headline.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from spurious.studies.report.claim import Budget, Claim, Finding, Origin, Status

NOT_RUN: Final = (
    Status.NOT_RUN_YET,
    Status.NOT_RUN_AT_BUDGET,
    Status.NOT_INSTALLED,
    Status.FAILED,
)
"""These are no results."""

_BUDGETS: Final = tuple(Budget)
_ORIGINS: Final = tuple(Origin)


def findings_of(claim: Claim, own: Finding, others: Sequence[Finding]) -> tuple[Finding, ...]:
    """All verdicts at hand, the headline first.

    A claim that failed, or that was left out of this run, has its own verdict as headline: larger
    results do not hide that. So has a claim whose test does not depend on the budget.

    Args:
        claim: The claim.
        own: This run's verdict.
        others: Those of other runs.
    """
    if not claim.measured:
        return (own,)
    known = [f for f in others if f.verdict not in NOT_RUN]
    if own.verdict not in NOT_RUN:  # it stands for earlier runs at its budget
        same = (Origin.EARLIER_RUN, own.budget)
        known = [f for f in known if (f.origin, f.budget) != same]

    def rank(finding: Finding) -> tuple[bool, int, int]:
        none = finding.verdict in NOT_RUN
        return none, -_BUDGETS.index(finding.budget), _ORIGINS.index(finding.origin)

    if own.verdict in (Status.FAILED, Status.NOT_RUN_YET):
        return (own, *sorted(known, key=rank))
    return tuple(sorted((own, *known), key=rank))


def beside(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The verdicts that differ from the headline, which is the first."""
    return tuple(f for f in findings[1:] if f.verdict is not findings[0].verdict)


def head_note(findings: Sequence[Finding]) -> str:
    """A sentence on the headline's budget and on what disagrees; "" if there is nothing to say."""
    if len(findings) < 2:
        return ""
    head, others = findings[0], beside(findings)
    if head.origin is Origin.THIS_RUN and not others:
        return ""
    text = f"The verdict is that of the {head.budget} budget ({_origin(head)})."
    if head.verdict in NOT_RUN:
        text = f"This run has no verdict ({head.verdict})."
    parts = [f"the {f.budget} budget ({_origin(f)}) says {f.verdict}" for f in others]
    return f"{text} Beside it, {'; '.join(parts)}." if parts else text


def _origin(finding: Finding) -> str:
    words = [str(finding.origin), finding.source, finding.date if finding.source else ""]
    return ", ".join(filter(None, words))


def head_record(findings: Sequence[Finding]) -> dict[str, object]:
    """The entries of `claims.json` that are about the headline."""
    head = findings[0]
    return {
        "printed": head.printed,
        "measured": head.measured,
        "verdict": str(head.verdict),
        "budget": str(head.budget),
        "headline": head_note(findings),
        "beside": [asdict(finding) for finding in beside(findings)],
        "findings": [asdict(finding) for finding in findings],
    }


def finding_of(record: Mapping[str, Any], origin: Origin, **more: str) -> Finding:
    """A verdict as `head_record` or an entry of `claims.json` has it.

    Raises:
        KeyError: An entry is missing.
        ValueError: It is no budget or no verdict.
    """
    return Finding(
        Budget(record["budget"]),
        Status(record["verdict"]),
        str(record["printed"]),
        str(record["measured"]),
        origin,
        **{"command": str(record.get("command", "")), "date": str(record.get("date", "")), **more},
    )


@cache
def committed() -> Mapping[str, tuple[Finding, ...]]:
    """The results that come with the package, by claim."""
    found: dict[str, tuple[Finding, ...]] = {}
    folder = files("spurious.studies.report") / "results"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".json"):
            continue
        kept = json.loads(file.read_text("utf-8"))
        more = {key: kept[key] for key in ("command", "date", "source")}
        for record in kept["claims"]:
            finding = finding_of(record, Origin.COMMITTED, **more)
            found[record["id"]] = (*found.get(record["id"], ()), finding)
    return found


def earlier(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """The entries that earlier runs left in a report's `claims.json`, by claim.

    Args:
        path: The file.

    Returns:
        Nothing if it is no such file.
    """
    try:
        records = json.loads(path.read_text("utf-8"))
        found = {str(record["id"]): record for record in records}
        for record in found.values():
            local_findings(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found


def local_findings(record: Mapping[str, Any]) -> list[Finding]:
    """The verdicts of runs in a record; reports of version 0.1.0 have only their own.

    Raises:
        KeyError: An entry is missing.
        ValueError: It is no budget or no verdict.
    """
    listed = cast(list[dict[str, Any]], record.get("findings", [{**record, "origin": "this run"}]))
    local = [entry for entry in listed if entry["origin"] != Origin.COMMITTED]
    return [finding_of(entry, Origin.EARLIER_RUN) for entry in local]
