"""Why is this PyTorch model stuck? Findings with evidence, and remedies that can be tried.

torch is an extra (`pip install 'spurious[torch]'`), imported when a function here is called.
"""

from spurious.diagnose.diagnose import diagnose
from spurious.diagnose.exchange import from_torch, to_torch
from spurious.diagnose.finding import KINDS, REMEDIES, Finding, Severity
from spurious.diagnose.report import Report
from spurious.diagnose.watch import Event, TrainingWatch

__all__ = [
    "KINDS",
    "REMEDIES",
    "Event",
    "Finding",
    "Report",
    "Severity",
    "TrainingWatch",
    "diagnose",
    "from_torch",
    "to_torch",
]
