"""What a claim and its study are, and what came out of testing it: plain frozen values."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spurious.studies.certified import CertifiedPoint


Entry: TypeAlias = str | int | float | bool | None
"""What a table may hold: what JSON can."""


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
        budget: How much time to spend.
        folder: For results of long work, which a later run goes on from.
        say: Called with a line on what is being done.
    """

    budget: Budget
    folder: Path
    say: Callable[[str], None] = _silent


class Status(enum.StrEnum):
    """The verdict beside a printed value; `MEASURED` where the paper prints none."""

    PROVED = "proved"
    PROVED_IN_PART = "proved in part"
    PROVED_PART_REFUTED = "proved, a part refuted"
    PROVED_WITH_CORRECTION = "proved with correction"
    REFUTED = "refuted"
    REPRODUCED = "reproduced"
    REPRODUCED_IN_PART = "reproduced in part"
    DIFFERS = "differs"
    MEASURED = "measured"
    NOT_RUN_AT_BUDGET = "not run at this budget"
    NOT_INSTALLED = "not run, an extra is not installed"
    NOT_RUN_YET = "not run yet"
    FAILED = "failed"


MEANINGS: Final[Mapping[Status, str]] = {
    Status.PROVED: "proved exactly, or by certificates that were checked",
    Status.PROVED_IN_PART: "so, but something that the claim says was only measured or not tried",
    Status.PROVED_PART_REFUTED: "the claim is proved; something that goes with it is false",
    Status.PROVED_WITH_CORRECTION: "false as printed; proved after the correction that is named",
    Status.REFUTED: "proved to be false",
    Status.REPRODUCED: "measured again, and it came out the same; no proof",
    Status.REPRODUCED_IN_PART: "so, but something that the claim says stayed open at this budget",
    Status.DIFFERS: "measured again, and some part of it came out otherwise",
    Status.MEASURED: "measured; the paper prints no value, or the interval is too wide to tell",
    Status.NOT_RUN_AT_BUDGET: "needs a larger budget, or data that were not given",
    Status.NOT_INSTALLED: "needs an optional package, which the claim names",
    Status.NOT_RUN_YET: "left out of this run, and no earlier one is in the folder",
    Status.FAILED: "the test stopped with an error; it says nothing of the claim",
}
"""What each verdict means, for the report."""

NOT_SAID: Final = "not said"
"""Stands for the printed value where the reader might expect one and the paper has none."""


class Origin(enum.StrEnum):
    """Where a verdict comes from; of two at the same budget the one named first counts."""

    THIS_RUN = "this run"
    EARLIER_RUN = "an earlier run in this folder"
    COMMITTED = "results kept with the package"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on a claim, and the budget it was found at.

    Attributes:
        budget: The budget of the run.
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
        measured: Whether its test depends on the budget.
    """

    id: str
    title: str
    source: str
    statement: str
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Study:
    """A claim and its test.

    Attributes:
        claim: The claim.
        run: Tests it.
    """

    claim: Claim
    run: Callable[[Context], ClaimResult]


@dataclass(frozen=True, slots=True)
class Mark:
    """A row's place in a table of marks, where the rows of a part are shown as one.

    Attributes:
        line: The line's name.
        column: The column's name.
        text: What was measured, as short as can be.
    """

    line: str
    column: str
    text: str


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
        mark: Its place in a table of marks; all rows of its part have one, or none.

    Raises:
        ValueError: Something is called reproduced although the paper prints nothing.
    """

    quantity: str
    printed: str
    measured: str
    status: Status
    key: bool = False
    heading: str = ""
    mark: Mark | None = None

    def __post_init__(self) -> None:
        if self.status is Status.REPRODUCED and not self.said:
            raise ValueError(f"{self.quantity}: nothing is printed that could be reproduced")

    @property
    def said(self) -> bool:
        """Whether the paper prints a value."""
        return self.printed not in ("", NOT_SAID)


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
        rows: The entries, row by row.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]


def table_of(name: str, rows: Iterable[Mapping[str, Entry]]) -> DataTable:
    """A table from rows that all have the same columns."""
    listed = [dict(row) for row in rows]
    columns = tuple(listed[0]) if listed else ()
    return DataTable(name, columns, tuple(tuple(row.values()) for row in listed))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What a part of a study adds to the result.

    Attributes:
        rows: The comparison, value by value.
        points: The certified points.
        pictures: The figures.
        tables: The data behind them.
    """

    rows: tuple[Row, ...] = ()
    points: tuple[CertifiedPoint, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[DataTable, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ClaimResult:
    """What came out of testing a claim.

    Attributes:
        claim: The claim.
        status: This run's verdict on the whole claim.
        rows: The comparison, value by value.
        explanation: Sentences that say what was done and what it means.
        points: The certified points.
        pictures: The figures.
        tables: The data behind them.
        seconds: Time taken.
        findings: All verdicts at hand, this run's among them; the first is the headline (see
            `spurious.studies.report.findings`). Empty until a report is made.
    """

    claim: Claim
    status: Status
    rows: tuple[Row, ...] = ()
    explanation: tuple[str, ...] = ()
    points: tuple[CertifiedPoint, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[DataTable, ...] = ()
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether it ran to its end; the checker's refusal of a certificate stops it."""
        return self.status is not Status.FAILED


def joined(
    claim: Claim,
    status: Status,
    explanation: Iterable[str],
    *parts: Part,
) -> ClaimResult:
    """A result from its parts, one after the other."""
    return ClaimResult(
        claim,
        status,
        tuple(row for part in parts for row in part.rows),
        tuple(explanation),
        tuple(point for part in parts for point in part.points),
        tuple(picture for part in parts for picture in part.pictures),
        tuple(table for part in parts for table in part.tables),
    )


def proved(holds: bool) -> Status:
    """`PROVED` if a printed statement was proved, else `DIFFERS`."""
    return Status.PROVED if holds else Status.DIFFERS


def overall(rows: Iterable[Row]) -> Status:
    """The verdict on a claim, from the verdicts on its parts.

    Any part that differs makes the whole differ; otherwise a correction, then a refutation counts;
    otherwise it is proved if every part that was run is, and reproduced if some part was only
    measured; in part, if a key row on what the paper prints was left open.
    """
    listed = tuple(rows)
    found = {row.status for row in listed}
    left_open = any(row.key and row.said and row.status in _OPEN for row in listed)
    if Status.REFUTED in found and Status.PROVED in found:
        found.add(Status.PROVED_PART_REFUTED)
    if left_open and Status.REPRODUCED in found:
        found.add(Status.REPRODUCED_IN_PART)
    if left_open and Status.PROVED in found:
        found.add(Status.PROVED_IN_PART)
    return next((status for status in _WORST_FIRST if status in found), Status.NOT_RUN_YET)


_OPEN: Final = (
    Status.MEASURED,
    Status.NOT_RUN_AT_BUDGET,
    Status.NOT_INSTALLED,
    Status.NOT_RUN_YET,
)

_WORST_FIRST: Final = (
    Status.FAILED,
    Status.DIFFERS,
    Status.PROVED_WITH_CORRECTION,
    Status.PROVED_PART_REFUTED,
    Status.REFUTED,
    Status.REPRODUCED_IN_PART,
    Status.REPRODUCED,
    Status.PROVED_IN_PART,
    Status.PROVED,
    Status.MEASURED,
    Status.NOT_RUN_AT_BUDGET,
    Status.NOT_INSTALLED,
)


def explained(status: Status, *sentences: str) -> tuple[str, ...]:
    """Sentences that presume a proof, if there is one; otherwise a plain warning."""
    if status in (Status.PROVED, Status.PROVED_PART_REFUTED, Status.PROVED_WITH_CORRECTION):
        return sentences
    return ("Not everything below could be proved in this run; see the verdicts row by row.",)
