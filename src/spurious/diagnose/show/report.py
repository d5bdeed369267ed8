"""The report of a diagnosis: findings, numbers, pictures, and remedies tried on a copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from spurious.diagnose.show.diagnosis import Diagnosis
from spurious.files import write_atomically

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from torch import nn
    from torch.export import ExportedProgram
    from torch.optim import Optimizer

    from spurious.diagnose.treat.trials import Trial


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report(Diagnosis):
    """What was found. Print it with Rich, or write it with `to_html`.

    Attributes:
        trials: The remedies that were tried on copies, best first.
    """

    trials: tuple[Trial, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Everything but the pictures, as JSON data."""
        seen = self.measurements
        found: dict[str, object] = {
            "format": "spurious-diagnosis/1",
            "conclusion": self.conclusion.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "landscape": _plain(seen.landscape),
            "regions": _plain(seen.regions),
            "curvature": _plain(seen.curvature) if seen.curvature else None,
            "units": [_plain(layer) for layer in seen.units],
            "affine": [_plain(layer) for layer in seen.affine],
            "start": asdict(self.start) if self.start else None,
            "notes": list(seen.notes),
            "verdict": None,
        }
        if self.verdict is not None:
            found["verdict"] = {
                "decision": str(self.verdict.decision),
                "is_global": str(self.verdict.is_global),
                "method": self.verdict.method,
                "reason": self.verdict.reason,
                "certificate": self.verdict.certificate,
            }
        return finite(found)

    def to_html(self, path: str | Path | None = None) -> str:
        """The report as one self-contained page with pictures.

        Args:
            path: Where to write it too, if anywhere.

        Raises:
            InputError: The file cannot be written.
        """
        from spurious.diagnose.show.page import render

        text = render(self)
        if path is not None:
            write_atomically(Path(path), text)
        return text

    def try_remedies(
        self,
        model: nn.Module | ExportedProgram,
        data: Any,
        loss: Callable[..., Any] | None,
        steps: int = 200,
        *,
        step_size: float = 1e-3,
        optimiser: Callable[..., Any] | Optimizer | None = None,
        only: tuple[str, ...] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> tuple[Trial, ...]:
        """Tries every remedy that a problem suggests on a copy of the model.

        Each copy is trained on as many points as the diagnosis looked at for the same number of
        steps, and one more without any remedy, to compare with. Batches come in one fixed order.

        Args:
            model: As it is now; it is left so.
            data: As for `diagnose`.
            loss: As for `diagnose`.
            steps: Optimiser steps for each.
            step_size: Of an optimiser that is made here; remedies may change it.
            optimiser: What trains the model, to make others like it, or a function of
                (parameters, lr=...); by default `torch.optim.Adam`.
            only: Names of remedies to try instead; several joined by + are applied one after the
                other.
            say: Called with a line about each trial.

        Returns:
            The trials, the one without a remedy first, then by their loss at the end.

        Raises:
            InputError: An unknown remedy, or numbers out of range.
        """
        from torch.optim import Optimizer

        from spurious.diagnose.measure.batches import sample_of
        from spurious.diagnose.measure.optimiser import rule_like
        from spurious.diagnose.measure.preserve import unwrapped
        from spurious.diagnose.treat.trials import Course, try_remedies

        wanted = only
        if wanted is None:
            named = [name for found in self.problems for name in found.remedies]
            wanted = tuple(dict.fromkeys(named))
        given = isinstance(optimiser, Optimizer)
        bare = unwrapped(model)
        rule = rule_like(optimiser, bare) if given else optimiser
        course = Course(bare, loss, sample_of(data, bare, self.points), step_size, rule)
        return try_remedies(course, wanted, steps, say)

    def __repr__(self) -> str:
        kinds = ", ".join(found.kind for found in self.findings) or "nothing found"
        loss = self.measurements.landscape.loss
        return f"<Report: loss {loss:.4g}; {self.conclusion.outcome}; {kinds}>"

    def _repr_html_(self) -> str:
        """The page with its pictures, in a frame of its own, for notebooks."""
        return (
            f'<iframe title="Diagnosis" style="width:100%;height:34rem;border:0" '
            f'srcdoc="{escape(self.to_html())}"></iframe>'
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The summary for a terminal."""
        from spurious.diagnose.show.summary import summary

        yield from summary(self)


def _plain(value: Any) -> dict[str, object]:
    """The fields of a record, arrays as lists."""
    import numpy as np

    found: dict[str, object] = {}
    for name in value.__dataclass_fields__:
        entry = getattr(value, name)
        if name == "slices":
            continue
        found[name] = entry.tolist() if isinstance(entry, np.ndarray) else entry
    return found


def finite(value: object) -> Any:
    """The same data with None for numbers that JSON does not have."""
    import numpy as np

    if isinstance(value, np.generic):
        value = cast("object", value.item())
    if isinstance(value, Mapping):
        named = cast("Mapping[str, object]", value)
        return {key: finite(entry) for key, entry in named.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in cast("Sequence[object]", value)]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
