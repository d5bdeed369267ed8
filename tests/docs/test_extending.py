"""The pages on the house: their picture, rooms and lists are those of the sources."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/spurious"
PAGES = ("architecture.md", "extending.md")
PAGE = "".join((ROOT / "docs" / name).read_text("utf-8") for name in PAGES)
NAMED = re.compile(r"`([\w./]+(?:\.py|\.md|\.toml|/))`")
ELSEWHERE = ("docs/", "tests/", "checker/", "benchmarks/", "pyproject.toml")


def section(title: str) -> str:
    found = PAGE.partition(f"## {title}")[2].partition("\n## ")[0]
    assert found, title
    return found


def place(name: str) -> Path:
    """Where a file or folder of the page is: names are within the package or from the top."""
    if name == "spurious_checker.py":
        return ROOT / "src" / name
    return (ROOT if name.startswith(ELSEWHERE) else PACKAGE) / name


def listed(title: str) -> set[Path]:
    """The files of a section's list."""
    lines = [line for line in section(title).splitlines() if line.startswith("- ")]
    return {place(name) for line in lines for name in NAMED.findall(line)}


def naming(pattern: str, *tops: str) -> set[Path]:
    """The source files that name an example; not the joined checker, the page and this test."""
    files = (path for top in tops for path in sorted((ROOT / top).rglob("*")))
    return {
        path
        for path in (*files, ROOT / "pyproject.toml")
        if path.suffix in (".py", ".md", ".toml")
        and path.name not in ("spurious_checker.py", *PAGES, Path(__file__).name)
        and re.search(pattern, path.read_text("utf-8"))
    }


def test_every_file_on_the_page_exists() -> None:
    names = NAMED.findall(PAGE)
    assert len(names) > 40
    assert not [name for name in names if not place(name).exists()]


def test_the_rooms_of_the_table_are_all_rooms() -> None:
    table = [line for line in PAGE.splitlines() if line.startswith("| `")]
    rooms = {room for line in table for room in re.findall(r"`(\w+)/`", line.split("|")[1])}
    folders = (path for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py")))
    assert rooms == {path.name for path in folders}


def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs/pictures/rooms.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_shows_the_imports() -> None:
    rooms = drawing()
    with Image.open(ROOT / "docs/pictures/rooms.png") as picture:
        shown = json.loads(picture.info["Description"])
    now = [list(pair) for pair in rooms.lines(rooms.rooms())]
    assert shown == now, "the picture is old: python docs/pictures/rooms.py"


def covered(found: set[Path], given: set[Path]) -> bool:
    """Whether the list names every file, by itself or by its folder, and no other."""
    by_entry = {entry: [f for f in found if f == entry or entry in f.parents] for entry in given}
    return all(by_entry.values()) and found == {f for files in by_entry.values() for f in files}


def test_the_list_of_an_operation() -> None:
    found = naming(r'\bJoin\b|"join"', "src", "checker")
    assert covered(found, listed("Add an operation")), found


def test_the_list_of_a_rule() -> None:
    found = naming(r'["`][kK]rawczyk["`]|def krawczyk\(case', "src", "checker", "docs", "tests")
    caller = place("certify/decide.py")
    assert re.search(r"\bkrawczyk\.RULE\b", caller.read_text("utf-8"))
    assert covered(found | {caller}, listed("Add a rule")), found


def test_the_list_of_a_front_end() -> None:
    found = naming(r"\bfrom_onnx\b", "src", "docs", "tests/program")
    assert covered(found, listed("Add a front end")), found


def test_the_list_of_a_finding() -> None:
    found = naming(r"\bhidden_softmax\b|\bHIDDEN_SOFTMAX\b", "src", "docs", "tests")
    assert covered(found, listed("Add a finding")), found


def test_the_list_of_a_remedy() -> None:
    found = naming(r"\b(whiten_inputs|WHITEN_INPUTS)\b", "src", "docs", "tests")
    given = listed("Add a remedy")
    given -= {place(f"diagnose/treat/remedies_{part}.py") for part in ("outputs", "structure")}
    given -= {place("diagnose/judge")}
    assert covered(found, given), found


def test_the_list_of_an_optimiser() -> None:
    found = naming(r"\b(nesterov|NESTEROV)\b", "src", "tests")
    assert covered(found, listed("Add an optimiser") - {place("train/chunk.py")}), found


def test_the_list_of_a_column() -> None:
    found = naming(r"\bparameter_norm\b", "src", "docs")
    others = {place("large/recipe.py"), place("train/kernel.py")}
    assert covered(found, listed("Add a column") - others), found


def test_the_list_of_an_axis() -> None:
    rooms = ("src/spurious/sweep", "src/spurious/train", "src/spurious/large")
    page = place("docs/sweeps.md")
    found = naming(r'"batch"|\b(recipe|task|self|_recipe)\.batch\b', *rooms)
    assert "batch" in page.read_text("utf-8")
    assert covered(found | {page}, listed("Add an axis")), found


def test_the_list_of_a_study() -> None:
    found = naming(r'zigzag\.STUDY|"C8"|Study\(C8\b', "src")
    assert covered(found, listed("Add a study")), found


def test_the_list_of_a_command() -> None:
    found = naming(r"spurious\.cli\.datasets\b|^def datasets\(", "src/spurious/cli")
    home = place("cli/datasets.py")
    assert covered(found | {home}, listed("Add a command")), found


def test_the_example_of_a_function_is_the_newest() -> None:
    """Its list is compared in tests/program/test_an_added_activation.py."""
    assert len(listed("Add a function")) == 3


@pytest.mark.parametrize("wrong", ["program/shapes.py", "program/line.py"])
def test_a_list_with_a_file_too_few_or_too_many_is_noticed(wrong: str) -> None:
    given = listed("Add an operation") ^ {place(wrong)}
    assert not covered(naming(r'\bJoin\b|"join"', "src", "checker"), given)
