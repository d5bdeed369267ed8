"""What a claim is, and what came out of testing it: plain frozen values."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spurious.paper.evidence import Proof

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Budget",
    "Claim",
    "ClaimResult",
    "Context",
    "DataTable",
    "Finding",
    "Origin",
    "Picture",
    "Row",
    "Status",
    "explained",
    "overall",
    "proved",
]


class Budget(enum.StrEnum):
    """How much time to spend. Proofs are the same at every budget; measurements are not."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"


def _silent(_: str) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a measured claim may spend, and where it keeps long work.

    Attributes:
        budget: How much.
        folder: For results of long work, which a later run goes on from.
        say: Called with a line on what is being done.
    """

    budget: Budget
    folder: Path
    say: Callable[[str], None] = _silent


class Status(enum.StrEnum):
    """The verdict beside a printed value; `MEASURED` where the paper prints none."""

    PROVED = "proved"
    PROVED_WITH_CORRECTION = "proved with correction"
    REFUTED = "refuted"
    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    MEASURED = "measured"
    NOT_RUN_AT_BUDGET = "not run at this budget"
    NOT_RUN_YET = "not run yet"
    FAILED = "failed"


class Origin(enum.StrEnum):
    """Where a verdict comes from; of two at the same budget the one named first counts."""

    THIS_RUN = "this run"
    EARLIER_RUN = "an earlier run in this folder"
    COMMITTED = "results kept with the package"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on a claim, and the budget it was found at.

    Attributes:
        budget: How much was spent.
        verdict: What came out.
        printed: The key values that the paper prints.
        measured: What was found for them.
        origin: Where it comes from.
        command: What produced it.
        date: When, as YYYY-MM-DD; "" if that is not known.
        source: The folder of its rows in this project's repository; "" unless committed.
    """

    budget: Budget
    verdict: Status
    printed: str
    measured: str
    origin: Origin
    command: str = ""
    date: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the paper.

    Attributes:
        id: "C1" to "C14".
        title: A few words.
        source: Where the paper makes it.
        statement: What it says, in our words.
        measured: Whether its test depends on the budget; then its `run` takes a `Context`.
    """

    id: str
    title: str
    source: str
    statement: str
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One printed value and what was measured.

    Attributes:
        quantity: What is compared.
        printed: What the paper prints, or "" where it prints nothing.
        measured: What was found, with its interval where it is not exact.
        status: The verdict.
        key: Whether the row also appears in the summary.
        heading: Which part of the claim it belongs to; rows of a part follow one another.
    """

    quantity: str
    printed: str
    measured: str
    status: Status
    key: bool = False
    heading: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A figure of the report.

    Attributes:
        name: File name without ending.
        caption: What it shows, in a sentence or two.
        figure: The figure.
    """

    name: str
    caption: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class DataTable:
    """The rows that a figure or a table was made from.

    Attributes:
        name: File name without ending.
        columns: Names of the columns.
        rows: Entries that JSON can hold.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | bool | None, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ClaimResult:
    """What came out of testing a claim.

    Attributes:
        claim: The claim.
        status: This run's verdict on the whole claim.
        rows: The comparison, value by value.
        explanation: Sentences that say what was done and what it means.
        proofs: The certified points.
        pictures: The figures.
        tables: The data behind them.
        seconds: Time taken.
        findings: All verdicts at hand, this run's among them; the first is the headline (see
            `spurious.paper.findings`). Empty until a report is made.
    """

    claim: Claim
    status: Status
    rows: tuple[Row, ...] = ()
    explanation: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[DataTable, ...] = ()
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether it ran to its end and the checker rejected no certificate."""
        rejected = any(p.verdict.certificate is not None and not p.valid for p in self.proofs)
        return self.status is not Status.FAILED and not rejected


def proved(holds: bool) -> Status:
    """`PROVED` if a printed statement was proved, else `DIFFERS`."""
    return Status.PROVED if holds else Status.DIFFERS


def overall(rows: Iterable[Row]) -> Status:
    """The verdict on a claim, from the verdicts on its parts.

    Any part that differs makes the whole differ; otherwise a correction, then a refutation counts;
    otherwise it is proved if every part that was run is, and reproduced if some part was only
    measured. Parts that were not run are left out, unless no part was run.
    """
    found = {row.status for row in rows}
    for status in (
        Status.FAILED,
        Status.DIFFERS,
        Status.PROVED_WITH_CORRECTION,
        Status.REFUTED,
        Status.REPRODUCED,
        Status.PROVED,
        Status.MEASURED,
        Status.NOT_RUN_AT_BUDGET,
    ):
        if status in found:
            return status
    return Status.NOT_RUN_YET


def explained(status: Status, *sentences: str) -> tuple[str, ...]:
    """Sentences that presume a proof, if there is one; otherwise a plain warning."""
    if status in (Status.PROVED, Status.PROVED_WITH_CORRECTION):
        return sentences
    return ("Not everything below could be proved in this run; see the verdicts row by row.",)
