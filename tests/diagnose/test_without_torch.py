"""The package works without torch, and says in one line what to install."""

import subprocess
import sys

import pytest

BLOCKED = """
import sys
for name in ("torch", "safetensors", "onnx"):
    sys.modules[name] = None
import spurious
from spurious.diagnose import TrainingWatch, from_torch, read_onnx, read_safetensors, to_torch
assert callable(spurious.diagnose)
try:
    {call}
except spurious.InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("spurious.diagnose(None, None)", "torch: not installed, but this needs it; pip install"),
        ("TrainingWatch(None)", "torch: not installed"),
        ("to_torch(None)", "torch: not installed"),
        ("read_safetensors('x')", "safetensors: not installed"),
        ("read_onnx('x')", "onnx: not installed, but this needs it; pip install 'spurious[onnx]'"),
    ],
)
def test_one_line(call: str, line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(call=call)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(line) and done.stdout.count("\n") == 1


def test_importing_spurious_does_not_import_torch() -> None:
    code = "import sys, spurious; print('torch' in sys.modules, callable(spurious.diagnose))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
