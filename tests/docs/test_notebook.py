"""The lesson's notebook runs as in Jupyter, and its values show as tables and pictures."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import ROOT

pytest.importorskip("ipykernel", reason="needs ipykernel (pip install ipykernel nbclient)")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient (pip install ipykernel nbclient)")

SHOWN = """
import spurious, torch
from spurious.problem.bundled import bundled
from spurious.sweep import open_store, summaries

store = open_store({store!r})
model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
x = torch.linspace(0, 1, 20).reshape(10, 2)
"""


def executed(cells: list[str], folder: Path) -> list[dict[str, Any]]:
    """What each cell shows, by kind; a cell that fails fails the test."""
    import nbformat
    from jupyter_client.manager import AsyncKernelManager

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    manager = AsyncKernelManager()
    manager.kernel_spec.argv = [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
    ]
    client = nbclient.NotebookClient(
        notebook, timeout=300, km=manager, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return [
        next((o["data"] for o in cell.outputs if o.output_type == "execute_result"), {})
        for cell in notebook.cells
    ]


def test_the_lessons_notebook(tmp_path: Path) -> None:
    notebook = json.loads((ROOT / "docs/start/lesson.ipynb").read_text("utf-8"))
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    shown = executed(code, tmp_path)
    assert "not local minimum" in shown[1]["text/html"]  # which is the exercise
    assert shown[2]["text/html"].count("<tr>") == 3
    assert "image/png" in shown[3]
    assert "Counter" in shown[5]["text/plain"]
    assert "local minimum nearby" in shown[6]["text/html"]
    assert "valid=True" in shown[7]["text/plain"] and "valid=False" in shown[7]["text/plain"]


def test_reports_and_sweeps_show_themselves(tmp_path: Path) -> None:
    store = str(ROOT / "docs/results/mnist-10000/initial.parquet")
    report = "spurious.diagnose(model, (x, x.sum(1, keepdim=True)), torch.nn.MSELoss())"
    shown = executed([SHOWN.format(store=store), "summaries(store)", report], tmp_path)
    assert "<th style='text-align:left'>solved</th>" in shown[1]["text/html"]
    assert "srcdoc=" in shown[2]["text/html"] and "svg" in shown[2]["text/html"]
    assert len(shown[2]["text/plain"]) < 400
