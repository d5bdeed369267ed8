"""An ensemble in training, as lines of JSON: frames on the way, then what each run ended in."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.explore import limits
from spurious.explore.request import EnsembleRequest
from spurious.problem import Network, dataset
from spurious.train import (
    Cancelled,
    Initialisation,
    Optimiser,
    Outcome,
    Outcomes,
    Recipe,
    Runs,
    name_outcomes,
    train,
)

GROWTH: Final = 1.2
"""How much later a frame is than the one before."""

DIGITS: Final = 5
"""Significant digits of parameters and losses in a frame."""


class Kernels:
    """The compiled kernels: made ready once, in the background."""

    def __init__(self) -> None:
        self._ready = threading.Event()

    def warm(self) -> None:
        """Compiles the kernels, or loads them from their cache, in a thread."""
        threading.Thread(target=self._compile, daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Waits so long at most; returns whether the kernels are ready."""
        return self._ready.wait(seconds)

    def _compile(self) -> None:
        data = dataset("xor")
        try:
            for activation in ("relu", "sigmoid"):
                recipe = Recipe(
                    Network((2, 2, 1), activation),
                    data.loss,
                    data.data,
                    Initialisation("pytorch"),
                    Optimiser("gd", 0.1),
                    updates=4,
                )
                _named(recipe, 1, 8, lambda: False)
        finally:
            self._ready.set()


def frame_times(updates: int) -> tuple[int, ...]:
    """Numbers of updates at which an ensemble is shown: 0, 1, 2, ..., growing, and the last."""
    times, at = [0], 1.0
    while at < updates:
        times.append(int(at))
        at = max(at * GROWTH, int(at) + 1.0)
    return (*times, updates)


def lines(asked: EnsembleRequest, engine: Kernels) -> Iterator[str]:
    """Trains an ensemble and yields lines of JSON.

    `{"waiting": text}` while kernels compile; `{"updates", "loss", "parameters"}` for each frame;
    last `{"updates", "loss", "outcome", "heading", "limit", "solved_at", "end"}`, where `end` has
    the parameters that descent ends in, in full, or those of the run itself if it is solved; or
    `{"error": text}`. A number that is not finite is null.

    A run depends on its recipe, seed and index alone, so a frame is the same ensemble trained from
    its start to that frame; with frames at geometric times that costs six times one training.
    """
    while not engine.wait(1.0):
        yield json.dumps({"waiting": "compiling the engine, once; about twenty seconds"})
    deadline = time.monotonic() + limits.TRAIN_SECONDS

    def late() -> bool:
        return time.monotonic() > deadline

    try:
        for updates in frame_times(asked.recipe.updates)[:-1]:
            runs = train(
                replace(asked.recipe, updates=updates), asked.seed, 0, asked.runs, cancelled=late
            )
            yield _frame(updates, runs)
        runs, outcomes = _named(asked.recipe, asked.seed, asked.runs, late)
    except Cancelled:
        yield json.dumps(
            {
                "error": f"training: not done after {limits.TRAIN_SECONDS:.0f} seconds and "
                "stopped; take fewer runs, updates or points"
            }
        )
        return
    yield _frame(asked.recipe.updates, runs)
    yield _end(asked.recipe.updates, runs, outcomes)


def _named(
    recipe: Recipe, seed: int, count: int, cancelled: Callable[[], bool]
) -> tuple[Runs, Outcomes]:
    half = recipe.updates // 2
    runs = train(recipe, seed, 0, count, snapshots=[half], cancelled=cancelled)
    return runs, name_outcomes(recipe, runs, runs.snapshots[:, 0, 0], cancelled=cancelled)


def _frame(updates: int, runs: Runs) -> str:
    rows = ",".join(f"[{_short(row)}]" for row in runs.parameters.tolist())
    return f'{{"updates":{updates},"loss":[{_short(runs.loss.tolist())}],"parameters":[{rows}]}}'


def _short(values: Iterable[float]) -> str:
    return ",".join(f"{v:.{DIGITS}g}" if math.isfinite(v) else "null" for v in values)


def _end(updates: int, runs: Runs, outcomes: Outcomes) -> str:
    followed = ~np.isnan(outcomes.limit)
    solved = outcomes.outcome == Outcome.SOLVED
    end = np.where(solved[:, None], runs.parameters.astype(np.float64), outcomes.polished)
    return json.dumps(
        {
            "updates": updates,
            "loss": _finite(runs.loss),
            "outcome": outcomes.outcome.tolist(),
            "heading": outcomes.heading.tolist(),
            "limit": _finite(outcomes.limit),
            "solved_at": runs.solved_at.tolist(),
            "end": [
                row.tolist() if known and bool(np.isfinite(row).all()) else None
                for row, known in zip(end, followed | solved, strict=True)
            ],
        }
    )


def _finite(values: npt.NDArray[Any]) -> list[float | None]:
    return [v if math.isfinite(v) else None for v in values.tolist()]
