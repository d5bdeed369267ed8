"""The page on findings describes every kind, and its links lead to headings."""

import re

import pytest
from tests.docs.blocks import ROOT

from spurious.diagnose.kinds import KINDS

TEXT = (ROOT / "docs/findings.md").read_text("utf-8")
GROUPS = dict(zip(*[iter(re.split(r"(?m)^## (.+)\n", TEXT)[1:])] * 2, strict=True))
DESCRIBED = dict(zip(*[iter(re.split(r"(?m)^### `(\w+)`\n", TEXT)[1:])] * 2, strict=True))


def headings(text: str) -> list[str]:
    return re.findall(r"(?m)^### `(\w+)`$", text)


def test_every_kind_has_one_heading() -> None:
    assert sorted(headings(TEXT)) == sorted(map(str, KINDS))


@pytest.mark.parametrize("group", list(GROUPS))
def test_kinds_of_a_group_stand_in_their_order(group: str) -> None:
    places = [[str(kind) for kind in KINDS].index(name) for name in headings(GROUPS[group])]
    assert places == sorted(places)


@pytest.mark.parametrize("kind", [str(kind) for kind in KINDS])
def test_a_kind_says_what_is_wrong_when_and_what_to_do(kind: str) -> None:
    section = DESCRIBED[kind].partition("\n## ")[0].strip()
    first, *points = section.split("\n- ")
    assert len(first) > 20, "a sentence in plain words comes first"
    assert len(points) >= 2, "when it is said, and what to do"
    assert sum(point.startswith("To do: ") for point in points) == 1


def test_links_within_the_pages_lead_to_headings() -> None:
    wanted = set(re.findall(r"\]\(#([\w-]+)\)", TEXT))
    for page in ("diagnose", "diagnose-measured", "howto/unstick"):
        text = (ROOT / f"docs/{page}.md").read_text("utf-8")
        wanted |= set(re.findall(r"findings\.md#([\w-]+)\)", text))
    groups = {group.lower().replace(" ", "-") for group in GROUPS}
    assert set(map(str, KINDS)) <= wanted, "the table at the top has every kind"
    assert wanted <= groups | set(headings(TEXT))
    there = (ROOT / "docs/diagnose.md").read_text("utf-8")
    titles = {t.lower().replace(" ", "-") for t in re.findall(r"(?m)^## (.+)$", there)}
    assert set(re.findall(r"diagnose\.md#([\w-]+)\)", TEXT)) <= titles
