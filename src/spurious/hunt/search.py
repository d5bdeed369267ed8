"""The hunt: rounds of starts, kept in a journal, until a find is certified or time is up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spurious.errors import InputError
from spurious.files import Journal
from spurious.hunt.finish import Descent, Find, finished
from spurious.hunt.layout import layout, parts_of
from spurious.hunt.request import Request
from spurious.late import require
from spurious.problem import Loss

STARTS: Final = 256
STEPS: Final = 2_000
CHUNK: Final = 100
"""Steps between two reports."""

LOOK: Final = 200
"""Steps between two looks for hits."""

POSITIVE: Final = 1e-6
"""Relative eigenvalues above this count as hits."""

CRITICAL: Final = 1e-8
"""Gradients below this count as zero."""

FACTORS: Final = tuple(2.0**k for k in range(-4, 21))
"""Factors of the residuals that are tried, with the squared loss."""

TRIED: Final = 3
"""So many hits of a round, the best first, are rounded and proved."""


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Round:
    """What a round of starts gave.

    Attributes:
        index: From 0; it decides the random numbers.
        on_diagonal: Points on the diagonal (method symmetric).
        starts: Number of starts.
        critical: Of these, how many ended at a critical point.
        hits: Of these, how many are strict minima, in floating point.
        best: The largest smallest eigenvalue at a critical point; None if there was none.
        certified: Whether a hit was rounded and proved.
        seconds: Time it took.
    """

    index: int
    on_diagonal: int
    starts: int
    critical: int
    hits: int
    best: float | None
    certified: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class HuntProgress:
    """Where a hunt is.

    Attributes:
        round: Index of the round that runs.
        share: The share of it that is done.
        starts: Starts of the rounds before.
        hits: Hits among these.
        best: The best smallest eigenvalue so far, None if there is none.
    """

    round: int
    share: float
    starts: int
    hits: int
    best: float | None


def hunt(
    request: Request,
    *,
    seconds: float = 3_600,
    journal: Path | None = None,
    report: Callable[[HuntProgress], None] = lambda _: None,
) -> tuple[Find | None, tuple[Round, ...]]:
    """Hunts until a find is certified or time is up.

    Args:
        request: What is hunted.
        seconds: Time for new rounds.
        journal: A file of finished rounds; rounds in it are not done again, but for one that was
            certified, which is repeated for its find.
        report: Called now and then.

    Raises:
        InputError: JAX is missing, or the journal is another hunt's.
    """
    kept, done = _open(journal, request)
    start = time.monotonic()
    for index in range(10**9):
        if index < len(done) and not done[index].certified:
            continue
        if index >= len(done) and time.monotonic() - start > seconds:
            break
        found, entry = _round(request, index, done[:index], report)
        if index >= len(done):
            done.append(entry)
            kept.add(asdict(entry))
        if found is not None:
            return found, tuple(done)
    return None, tuple(done)


def rounds(request: Request, count: int) -> Iterator[Round]:
    """The first rounds, for comparing methods; hits are not proved."""
    for index in range(count):
        yield _round(request, index, [], lambda _: None, prove=False)[1]


def _round(
    request: Request,
    index: int,
    before: list[Round],
    report: Callable[[HuntProgress], None],
    prove: bool = True,
) -> tuple[Find | None, Round]:
    jax, make = _machinery()
    began = time.monotonic()
    choices = range(request.points % 2, request.points - 3, 2)
    on_diagonal = choices[index % len(choices)] if request.method == "symmetric" else 0
    value, order = np.full(STARTS, -np.inf), list[int]()
    plan = layout(request, on_diagonal)
    generator = np.random.default_rng([request.seed, index])
    u = generator.standard_normal((STARTS, plan.basis.shape[1]))
    u *= generator.uniform(1, 6, (STARTS, 1))
    labels = generator.choice([-1.0, 1.0], (STARTS, request.points))[:, plan.groups]
    best = max((r.best for r in before if r.best is not None), default=None)
    found: Find | None = None
    with jax.enable_x64(True):
        parts = make(request, on_diagonal)
        at = parts.begin(u, labels)
        for step in range(0, STEPS, CHUNK):
            now = HuntProgress(
                index,
                step / STEPS,
                sum(r.starts for r in before),
                sum(r.hits for r in before),
                best,
            )
            report(now)
            at = parts.climb(at, step / STEPS, 1 / STEPS, CHUNK)
            if (step + CHUNK) % LOOK:
                at.u.block_until_ready()
                continue
            eigenvalue, gradient = map(np.asarray, parts.measure(at))
            value = np.where((gradient < CRITICAL) & np.isfinite(eigenvalue), eigenvalue, -np.inf)
            order = [int(k) for k in np.argsort(-value) if value[k] > POSITIVE]
            for k in order[: TRIED if prove else 0]:
                full = plan.offset + plan.basis @ np.asarray(at.u[k])
                x, y, theta, _ = parts_of(request, full, labels[k])
                data = x, y
                if request.loss is Loss.SQUARED:
                    data = _scaled(parts, data, theta)
                found = finished(request, data, theta, _descent(parts))
                if found is not None:
                    break
            if found is not None:
                break
    top = float(value.max())
    return found, Round(
        index,
        on_diagonal,
        STARTS,
        int(np.isfinite(value).sum()),
        len(order),
        top if np.isfinite(top) else None,
        found is not None,
        round(time.monotonic() - began, 3),
    )


def _machinery() -> tuple[Any, Callable[[Request, int], Any]]:
    """JAX, and what compiles a request.

    XLA's batched linear algebra waits for other threads of its pool from within the pool, and hangs
    when all of them wait (seen with jaxlib 0.10.2). A pool of one thread computes in place, as fast
    here. NPROC is read when JAX computes for the first time; afterwards it changes nothing.

    Raises:
        InputError: JAX is missing.
    """
    os.environ.setdefault("NPROC", "1")
    require("jax", "jax")
    import jax

    from spurious.hunt.ascent import compiled

    return jax, compiled


def _scaled(parts: Any, data: tuple[Floats, Floats], theta: Floats) -> tuple[Floats, Floats]:
    """With the squared loss, the data with the residuals multiplied by what bends the loss most.

    The gradient stays 0, and the relative measures see nothing of this factor.
    """
    x, y = data
    f = np.asarray(parts.predict(theta, x))
    scaled = [f - factor * (f - y) for factor in FACTORS]
    lowest = [float(parts.descend(theta, x, targets)[1]) for targets in scaled]
    return x, scaled[int(np.nanargmax(lowest))]


def _descent(parts: Any) -> Descent:
    def descend(theta: Floats, x: Floats, y: Floats) -> tuple[Floats, float]:
        found, eigenvalue = parts.descend(theta, x, y)
        return np.asarray(found), float(eigenvalue)

    return descend


def _header(request: Request) -> dict[str, Any]:
    return {
        "points": request.points,
        "widths": list(request.network.widths),
        "activation": request.network.activation,
        "loss": str(request.loss),
        "method": request.method,
        "seed": request.seed,
    }


def _open(path: Path | None, request: Request) -> tuple[Journal, list[Round]]:
    """The journal and its rounds.

    Raises:
        InputError: It is another hunt's.
    """
    journal = Journal(path, _header(request))
    if journal.other:
        raise InputError(
            f"{path}: found the journal of another hunt, expected an empty folder or this hunt's"
        )
    return journal, [Round(**entry) for entry in journal.entries]
