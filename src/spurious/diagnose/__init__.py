"""Why is this PyTorch model stuck? Findings with evidence, and remedies that can be tried.

torch is an extra (`pip install 'spurious[torch]'`), imported when a function here is called.
"""

from spurious.diagnose.conclusion import Conclusion, Outcome
from spurious.diagnose.diagnose import diagnose
from spurious.diagnose.exchange.networks import from_torch, to_torch
from spurious.diagnose.exchange.weight_files import (
    read_onnx,
    read_safetensors,
    write_onnx,
    write_safetensors,
)
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import KINDS, Kind
from spurious.diagnose.one_batch import can_overfit
from spurious.diagnose.overfit import Overfit
from spurious.diagnose.remedy import REMEDIES, Remedy
from spurious.diagnose.show.report import Report
from spurious.diagnose.watch.event import Event
from spurious.diagnose.watch.watch import TrainingWatch

__all__ = [
    "KINDS",
    "REMEDIES",
    "Conclusion",
    "Event",
    "Finding",
    "Kind",
    "Outcome",
    "Overfit",
    "Remedy",
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
