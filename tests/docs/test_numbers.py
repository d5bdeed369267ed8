"""Numbers of a claim on a page are those of the committed reproduction, `docs/claims.json`."""

import json
import re

import pytest
from tests.docs.blocks import PAGES, ROOT

MARKED = re.compile(r"<!-- numbers of (C\d+) -->(.*?)<!-- end -->", re.DOTALL)
NUMBER = re.compile(r"[+-]?\d+\.\d+%?")
FOUND = [
    (page, claim, text) for page in PAGES for claim, text in MARKED.findall(page.read_text("utf-8"))
]


def told(claim: str) -> str:
    """What the report says of a claim, in one text."""
    records = json.loads((ROOT / "docs/claims.json").read_text("utf-8"))
    (record,) = [entry for entry in records if entry["id"] == claim]
    return "\n".join([*record["explanation"], *(row["measured"] for row in record["rows"])])


@pytest.mark.parametrize(
    ("page", "claim", "text"), FOUND, ids=[f"{page.stem}-{claim}" for page, claim, _ in FOUND]
)
def test_numbers_of_a_page_are_those_of_the_report(page, claim: str, text: str) -> None:
    numbers = NUMBER.findall(text)
    assert numbers, "nothing to look up"
    known = set(NUMBER.findall(told(claim)))
    assert set(numbers) <= known, f"{page}: {sorted(set(numbers) - known)} are not in {claim}"


def test_a_wrong_number_is_noticed() -> None:
    assert {claim for _, claim, _ in FOUND} >= {"C9", "C10", "C12", "C14"}
    assert "91.1%" not in NUMBER.findall(told("C10"))
