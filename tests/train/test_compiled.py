"""Where compiled code is kept, if neither the installation nor the home can be written."""

import os
from pathlib import Path

import numpy as np
import pytest
from numba import config
from numba.core import caching

from spurious import files
from spurious.train import compiled


def add_one(values):
    for i in range(len(values)):
        values[i] += 1


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves Numba the folder that it is told alone, as where nothing else can be written."""
    old = "" if hasattr(caching, "CacheImpl") else "_"  # of Numba before 0.62
    only = [getattr(caching, f"{old}UserProvidedCacheLocator")]
    monkeypatch.setattr(getattr(caching, f"{old}CacheImpl"), "_locator_classes", only)
    monkeypatch.setattr(config, "CACHE_DIR", "")


@pytest.mark.usefixtures("read_only")
def test_without_a_place_of_its_own_the_cache_is_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))
    values = np.zeros(3)
    compiled.compiled(add_one)(values)
    assert values.tolist() == [1, 1, 1]
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.rglob("*.nbi"))


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("mode", [0o777, None])
def test_a_folder_that_others_can_write_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None
) -> None:
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))
    path = tmp_path / f"spurious-numba-{os.getuid()}"
    if mode is None:
        path.symlink_to(tmp_path)
    else:
        path.mkdir()
        path.chmod(mode)
    values = np.zeros(3)
    compiled.compiled(add_one)(values)
    assert values.tolist() == [1, 1, 1]
    assert not list(tmp_path.rglob("*.nbi"))


def test_nothing_else_asks_numba_for_a_cache() -> None:
    """Numba's own refuses to start where no cache can be written."""
    source = Path(compiled.__file__).parents[1]
    asking = [path for path in source.rglob("*.py") if "cache=True" in path.read_text("utf-8")]
    assert asking == [Path(compiled.__file__)]
