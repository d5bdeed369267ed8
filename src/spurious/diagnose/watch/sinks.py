"""Where a watch writes: the console, a file of JSON lines, TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from spurious.diagnose.finding import Severity
from spurious.diagnose.measure.records import Measurements
from spurious.diagnose.watch.event import Event
from spurious.errors import InputError
from spurious.late import require


class Sink(Protocol):
    """Takes events, and numbers at every look."""

    def event(self, event: Event) -> None:
        """Writes an event."""
        ...

    def numbers(self, step: int, seen: Measurements) -> None:
        """Writes what was measured."""
        ...

    def close(self) -> None:
        """Closes files."""
        ...


def sinks_for(console: bool, jsonl: str | Path | None, tensorboard: Any) -> Sequence[Sink]:
    """The sinks asked for.

    Raises:
        InputError: A file cannot be written, or tensorboard is not installed.
    """
    found: list[Sink] = []
    if console:
        found.append(_Console())
    if jsonl is not None:
        found.append(_JsonLines(Path(jsonl)))
    if tensorboard is not None:
        found.append(_TensorBoard(tensorboard))
    return tuple(found)


class _Console:
    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console()

    def event(self, event: Event) -> None:
        from rich.text import Text

        found = event.finding
        layer = f" in {found.layer}" if found.layer is not None else ""
        style = "bold red" if found.severity is Severity.CRITICAL else "yellow"
        line = Text(f"step {event.step}: ")
        if event.appeared:
            line.append(f"{found.kind}{layer}", style=style)
            line.append(f". {found.explanation}")
            if found.remedies:
                line.append(f" Try {found.remedies[0]}.", style="dim")
        else:
            line.append(f"{found.kind}{layer} is gone", style="green")
        self.console.print(line)

    def numbers(self, step: int, seen: Measurements) -> None:
        pass

    def close(self) -> None:
        pass


class _JsonLines:
    """One line for each event, flushed, so that a killed run loses none."""

    def __init__(self, path: Path) -> None:
        try:
            self.file = path.open("a", encoding="utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(
                f"jsonl: {path} cannot be written ({reason}); choose another path"
            ) from None

    def event(self, event: Event) -> None:
        from spurious.diagnose.show.report import finite

        self.file.write(json.dumps(finite(event.to_dict())) + "\n")
        self.file.flush()

    def numbers(self, step: int, seen: Measurements) -> None:
        pass

    def close(self) -> None:
        self.file.close()


class _TensorBoard:
    def __init__(self, writer: Any) -> None:
        self.owned = isinstance(writer, (str, Path))
        if self.owned:
            require("tensorboard", "tensorboard")
            module = import_module("torch.utils.tensorboard")
            writer = module.SummaryWriter(str(writer))
        self.writer = writer

    def event(self, event: Event) -> None:
        found = event.finding
        state = found.explanation if event.appeared else "gone"
        name = f"{found.kind} {found.layer or ''}".strip()
        self.writer.add_text(f"spurious/{name}", state, event.step)

    def numbers(self, step: int, seen: Measurements) -> None:
        landscape = seen.landscape
        self.writer.add_scalar("spurious/relative_gradient", landscape.relative_gradient, step)
        self.writer.add_scalar("spurious/weight_norm", landscape.weight_norm, step)
        for layer in seen.units:
            if layer.can_be_off:
                self.writer.add_scalar(f"spurious/dead/{layer.name}", layer.dead.mean(), step)
            if layer.can_saturate:
                share = layer.saturated.mean()
                self.writer.add_scalar(f"spurious/saturated/{layer.name}", share, step)
        for layer in seen.affine:
            self.writer.add_scalar(f"spurious/signal/{layer.name}", layer.signal, step)

    def close(self) -> None:
        self.writer.flush()
        if self.owned:
            self.writer.close()
