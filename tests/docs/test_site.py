"""What the site is made from besides its pages: commands, names, theorems."""

import re
import sys
from collections.abc import Iterator

import pytest
from tests.docs.blocks import ROOT

import spurious


@pytest.fixture(autouse=True)
def extensions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules of docs/_ext, which are imported by their bare names there."""
    monkeypatch.syspath_prepend(str(ROOT / "docs/_ext"))
    yield
    for path in (ROOT / "docs/_ext").glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_the_first_page_of_the_reference_has_every_name_once() -> None:
    from reference_pages import TOPICS, front_page

    names = [name for topic in TOPICS.values() for name in topic]
    assert sorted(names) == sorted(set(spurious.__all__) - {"__version__"})
    for name in names:
        assert f":py:obj:`{name} <" in front_page()


def test_the_page_on_the_command_line_has_every_command_and_option() -> None:
    import typer
    from command_pages import commands, page

    from spurious.cli.app import app

    text = page()
    found = dict(commands(typer.main.get_command(app), "spurious"))
    assert {"spurious certify", "spurious sweep run", "spurious construct deadlock"} <= set(found)
    for name, command in found.items():
        section = text[text.index(f"\n{name}\n---") :]
        for parameter in command.params:
            if parameter.param_type_name == "option" and "--help" not in parameter.opts:
                assert parameter.opts[0] in section, f"{name} {parameter.opts[0]}"


def test_no_two_theorems_have_one_number() -> None:
    from stated_theorems import stated

    labels = [theorem.label for theorem in stated()]
    assert len(set(labels)) == len(labels)
    assert [int(label) for label in labels[:29]] == list(range(1, 30))


def test_theorems_that_pages_name_are_stated() -> None:
    from stated_theorems import stated

    known = {theorem.label for theorem in stated() if theorem.label.isdigit()}
    for path in (*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"):
        if "related-work" in path.name or "_build" in path.parts:
            continue  # there are others' theorems
        text = re.sub(r"Theorem 1 of Swirszcz|, Theorem \d", "", path.read_text("utf-8"))
        for number in re.findall(r"\bTheorem (\d+)\b", text):
            assert number in known, f"{path.name}: Theorem {number}"


def test_the_version_is_the_same_everywhere() -> None:
    told = {
        "pyproject.toml": r'(?m)^version = "(.+)"$',
        "CITATION.cff": r"(?m)^version: (.+)$",
        "docs/index.md": r"version = \{(.+)\}",
    }
    for name, pattern in told.items():
        (found,) = re.findall(pattern, (ROOT / name).read_text("utf-8"))
        assert found == spurious.__version__, name


def test_the_package_holds_what_certificates_rest_on() -> None:
    import tomllib

    from spurious.studies.report.page import STATEMENTS, statements

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    copied = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for name in STATEMENTS:
        assert copied[f"docs/{name}"] == f"spurious/studies/report/statements/{name}"
        assert statements(name).startswith("# ")


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("sum_i g_i >= 0", "∑<sub><i>i</i></sub> <i>g</i><sub><i>i</i></sub> ≥ 0"),
        ("w_j.x~_i", "<i>w</i><sub><i>j</i></sub>·<i>x\u0303</i><sub><i>i</i></sub>"),
        ("e^-2u < 1", "<i>e</i><sup>\N{MINUS SIGN}2<i>u</i></sup> &lt; 1"),
        ("phi_{V'_j}", "<i>φ</i><sub><i>V</i>\N{PRIME}<sub><i>j</i></sub></sub>"),
        ("theta* + 2 * t", "<i>θ</i><sup>\N{ASTERISK OPERATOR}</sup> + 2 · <i>t</i>"),
        ("l_v^(1/2)", "<i>l</i><sub><i>v</i></sub><sup>(1/2)</sup>"),
        ("act''(0)", "act\N{PRIME}\N{PRIME}(0)"),
        ("constant + bias - gap", "constant + bias \N{MINUS SIGN} gap"),
        ("dB/dgamma", "<i>dB</i>/<i>d\N{GREEK SMALL LETTER GAMMA}</i>"),
    ],
)
def test_formulas_are_typeset(plain: str, html: str) -> None:
    from typeset_formula import is_formula, typeset

    assert is_formula(plain)
    assert typeset(plain) == html


@pytest.mark.parametrize(
    "text", ["classwise_optimum", "exact/krawczyk.py", "undecided", "relu", "python -m x", "--json"]
)
def test_names_of_the_program_stay_code(text: str) -> None:
    from typeset_formula import is_formula

    assert not is_formula(text)


def test_theorems_of_others_are_not_taken_for_ours() -> None:
    from stated_theorems import others

    assert others("for all activations* (ICLR 2019), ", ", for any width")
    assert others("(Rockafellar 1970, ", ".1)")
    assert others("", " of Swirszcz et al.")
    assert not others("Use ", ". A point")
    assert not others("(The mathematics, ", "; for the squared loss")


def test_greek_letters_of_sentences_are_typeset() -> None:
    from typeset_formula import pieces

    told = "".join(part for part, _ in pieces("Let theta be near theta*, and eta small."))
    assert told.count("\N{GREEK SMALL LETTER THETA}") == 2
    assert "\N{GREEK SMALL LETTER ETA}" in told and "theta" not in told
    assert pieces("The metadata of a phi-like name") == [("The metadata of a phi-like name", False)]


def test_proofs_are_read_step_by_step() -> None:
    """No proof on the page is one block of text as long as a page of a book."""
    text = (ROOT / "docs/mathematics.md").read_text("utf-8")
    for paragraph in re.split(r"\n\s*\n", text):
        steps = re.split(r"(?m)^\d+\. ", paragraph)
        longest = max(len(step.split()) for step in steps)
        assert longest < 400, paragraph[:80]
