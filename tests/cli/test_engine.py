"""That the engine compiles is said, once."""

import pytest

from spurious.cli.output import note_compiling
from spurious.train import compiled, warm
from spurious.train.kernel import measure


def test_it_is_said_while_nothing_is_compiled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for ready, told in ((False, "note: compiling the engine, once"), (True, "")):
        monkeypatch.setattr(warm, "is_compiled", lambda ready=ready: ready)
        note_compiling()
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.startswith(told)
        assert bool(captured.err) is not ready


def test_code_of_other_sources_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in warm.PARTS.values():
        part()
    assert warm.is_compiled() and compiled.is_cached(measure)
    monkeypatch.setattr(compiled, "_SOURCES", "other")
    assert not warm.is_compiled()
    assert not compiled.is_cached(len)
