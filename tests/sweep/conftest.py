from pathlib import Path

import pytest
from tests.sweep.plans import small

from spurious.sweep import open_store, run_sweep


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the small plan, which nobody changes."""
    folder = tmp_path_factory.mktemp("sweep") / "store"
    run_sweep(small(), open_store(folder))
    return folder
