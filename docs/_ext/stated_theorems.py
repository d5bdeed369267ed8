"""The theorems that the pages state: their numbers, names and places."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[1]
PAGES = ("mathematics", "small-deadlocks-lower-bound")
STATED = re.compile(r"^\*\*Theorem (?P<label>\d+|[A-Z])(?: \((?P<name>[^)]+)\))?\.\*\*")
SECTION = re.compile(r"^## (?:\d+\. )?(?P<title>.+)")


@dataclass(frozen=True)
class Theorem:
    """Where a theorem stands, and what it is called: by its name, else by its section's title."""

    label: str
    page: str
    name: str

    @property
    def anchor(self) -> str:
        return f"theorem-{self.label.lower()}"


def stated() -> Iterator[Theorem]:
    """The theorems of the pages that state them, by number, then by letter."""
    found: list[Theorem] = []
    for page in PAGES:
        section = ""
        for line in (DOCS / f"{page}.md").read_text("utf-8").splitlines():
            if title := SECTION.match(line):
                section = title["title"]
            if match := STATED.match(line):
                name = match["name"] or section
                found.append(Theorem(match["label"], page, name[0].upper() + name[1:]))
    yield from sorted(found, key=lambda t: (not t.label.isdigit(), t.label.zfill(3)))


def others(before: str, after: str) -> bool:
    """Whether a theorem is a book's or paper's: `1970, Theorem 27.1`, `Theorem 1 of Swirszcz`."""
    return bool(re.search(r"\d{4}\)?, $", before) or re.match(r"\.\d| of [A-Z]", after))
