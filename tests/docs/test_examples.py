"""The scripts of the gallery run, at a small size, and each writes its picture."""

import runpy
import sys
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT

SCRIPTS = sorted(p for p in (ROOT / "examples").glob("*.py") if p.stem != "stuck")
SIZE = {"atlas_d3": "40", "table1_outcomes": "20", "trap_rate": "10", "xor_regions": "20"}
"""Numbers of runs, of the scripts that take one."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_scripts_write_their_picture(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.chdir(tmp_path)
    size = [SIZE[script.stem]] if script.stem in SIZE else []
    monkeypatch.setattr(sys, "argv", [script.name, *size])
    runpy.run_path(str(script), run_name="__main__")
    picture = (tmp_path / f"{script.stem}.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 10_000


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_scripts_are_short_and_shown(script: Path) -> None:
    assert len(script.read_text("utf-8").splitlines()) < 40
    gallery = (ROOT / "docs/start/gallery.md").read_text("utf-8")
    assert f"examples/{script.name}" in gallery
    picture = f"pictures/gallery-{script.stem.replace('_', '-')}.png"
    assert picture in gallery
    assert (ROOT / "docs" / picture).is_file()


def test_the_session_with_a_stuck_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples/stuck.py"), run_name="__main__")
    assert "<svg" in (tmp_path / "stuck.html").read_text("utf-8")
    assert "examples/stuck.py" in (ROOT / "docs/diagnose.md").read_text("utf-8")
