"""Why is this PyTorch model stuck? Findings with evidence, and remedies that can be tried.

torch is an extra (`pip install 'spurious[torch]'`), imported when a function here is called.
"""

from spurious.diagnose.diagnose import diagnose
from spurious.diagnose.exchange import from_torch, to_torch
from spurious.diagnose.finding import REMEDIES, Finding, Severity
from spurious.diagnose.kinds import KINDS, Kind
from spurious.diagnose.one_batch import can_overfit
from spurious.diagnose.overfit import Overfit
from spurious.diagnose.report import Report
from spurious.diagnose.watch import TrainingWatch
from spurious.diagnose.watch_event import Event
from spurious.diagnose.weight_files import (
    read_onnx,
    read_safetensors,
    write_onnx,
    write_safetensors,
)

__all__ = [
    "KINDS",
    "REMEDIES",
    "Event",
    "Finding",
    "Kind",
    "Overfit",
    "Report",
    "Severity",
    "TrainingWatch",
    "can_overfit",
    "diagnose",
    "from_torch",
    "read_onnx",
    "read_safetensors",
    "to_torch",
    "write_onnx",
    "write_safetensors",
]
