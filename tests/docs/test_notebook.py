"""The lesson's notebook runs as in Jupyter, and its values show as tables and pictures."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import ROOT

pytest.importorskip("ipykernel", reason="needs ipykernel (pip install ipykernel nbclient)")
pytest.importorskip("nbclient", reason="needs nbclient (pip install ipykernel nbclient)")

EXECUTE = """
import json, sys
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

cells = [nbformat.v4.new_code_cell(source) for source in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
manager = AsyncKernelManager()
command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
manager.kernel_spec.argv = command
NotebookClient(notebook, timeout=300, km=manager).execute()
kind = "execute_result"
results = [[o for o in cell.outputs if o.output_type == kind] for cell in notebook.cells]
json.dump([found[0].data if found else {} for found in results], sys.stdout)
"""
"""Run apart: the event loops and sockets of a notebook's client are its own affair."""

BEGIN = f"""
import spurious, torch
from spurious.sweep import open_store, summaries

store = open_store({str(ROOT / "docs/results/mnist-10000/initial.parquet")!r})
model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
x = torch.linspace(0, 1, 20).reshape(10, 2)
"""


def shown(cells: list[str], folder: Path) -> list[dict[str, Any]]:
    """What each cell shows, by kind; a cell that fails fails the test."""
    found = subprocess.run(
        [sys.executable, "-c", EXECUTE],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_the_lessons_notebook(tmp_path: Path) -> None:
    notebook = json.loads((ROOT / "docs/start/lesson.ipynb").read_text("utf-8"))
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = shown(code, tmp_path)
    assert "not local minimum" in found[1]["text/html"]  # which is the exercise
    assert found[2]["text/html"].count("<tr>") == 3
    assert "image/png" in found[3]
    assert "Counter" in found[5]["text/plain"]
    assert "local minimum nearby" in found[6]["text/html"]
    assert "valid=True" in found[7]["text/plain"] and "valid=False" in found[7]["text/plain"]


def test_reports_and_sweeps_show_themselves(tmp_path: Path) -> None:
    report = "spurious.diagnose(model, (x, x.sum(1, keepdim=True)), torch.nn.MSELoss())"
    _, sweep, diagnosis = shown([BEGIN, "summaries(store)", report], tmp_path)
    assert "<th style='text-align:left'>solved</th>" in sweep["text/html"]
    assert "srcdoc=" in diagnosis["text/html"] and "svg" in diagnosis["text/html"]
    assert len(diagnosis["text/plain"]) < 400
