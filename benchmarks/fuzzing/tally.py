"""What came of the problems so far, by family."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from fuzzing.draw import FAMILIES
from fuzzing.judge import Judgement

VERDICTS = ("local_minimum", "local_minimum_nearby", "not_local_minimum", "undecided", "error")
HEAD = ("family", "problems", "minimum", "nearby", "refuted", "undecided", "errors", "checked",
        "probes", "unjudged", "faults")  # fmt: skip


@dataclass
class Row:
    """The counts of one family."""

    verdicts: Counter[str] = field(default_factory=Counter)
    checked: int = 0
    probes: int = 0
    unjudged: int = 0
    faults: int = 0

    def cells(self) -> tuple[int, ...]:
        """The columns of the table after the name."""
        counts = (self.verdicts[v] for v in VERDICTS)
        return (
            self.verdicts.total(), *counts, self.checked, self.probes, self.unjudged, self.faults,
        )  # fmt: skip


@dataclass
class Tally:
    """The counts of all families, of rules, and the time taken."""

    rows: dict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    rules: Counter[str] = field(default_factory=Counter)
    false: int = 0
    refused: int = 0
    gaps: int = 0
    withdrawn: int = 0
    certifying: float = 0.0
    judging: float = 0.0

    @property
    def problems(self) -> int:
        """Problems judged."""
        return sum(row.verdicts.total() for row in self.rows.values())

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.false or self.refused or self.gaps)

    def add(self, family: str, judgement: Judgement) -> None:
        """Count one problem."""
        row = self.rows[family]
        row.verdicts[judgement.verdict] += 1
        row.checked += judgement.checked
        row.probes += judgement.probes
        row.unjudged += bool(judgement.unjudged)
        row.faults += bool(judgement.faults)
        self.rules[f"{judgement.verdict} {judgement.method}"] += 1
        refused = [f for f in judgement.faults if f.startswith("refused")]
        gaps = [f for f in judgement.faults if f.startswith("gap")]
        self.refused += bool(refused)
        self.gaps += bool(gaps)
        self.false += len(judgement.faults) > len(refused) + len(gaps)
        self.withdrawn += judgement.withdrawn
        self.certifying += judgement.seconds[0]
        self.judging += judgement.seconds[1]

    def total_line(self) -> str:
        """The last line."""
        return (
            f"{self.problems} problems, {self.false} false verdicts, {self.refused} refused "
            f"certificates, {self.gaps} undecided where a decision is promised"
        )

    def table(self) -> str:
        """The table by family, in Markdown, and the rules that gave the verdicts."""
        lines = [" | ".join(HEAD), "|".join("---" for _ in HEAD)]
        lines += [
            " | ".join((name, *map(str, self.rows[name].cells())))
            for name in FAMILIES
            if name in self.rows
        ]
        whole = [sum(column) for column in zip(*(r.cells() for r in self.rows.values()))]  # noqa: B905
        lines.append(" | ".join(("all", *map(str, whole))))
        rules = ", ".join(f"{name} {count}" for name, count in self.rules.most_common())
        return "\n".join(f"| {line} |" for line in lines) + f"\n\nby rule: {rules}"
