"""Worker processes that are given one problem each, and are killed if they take too long."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from spurious.errors import InputError
from spurious.explore import limits
from spurious.problem import Problem, problem_to_data

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""More threads help nothing here, and each takes address space, which is bounded."""

SECONDS = {"certify": limits.CERTIFY_SECONDS, "atlas": limits.ATLAS_SECONDS}


class Busy(Exception):  # noqa: N818  (like a timeout, it is no error)
    """Too many other requests are being worked on."""


class Jobs:
    """Starts worker processes, a few at a time."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(limits.WORKERS)

    async def run(self, kind: str, problem: Problem, seconds: float | None = None) -> Any:
        """The answer of a worker process.

        Args:
            kind: "certify" or "atlas".
            problem: What it is about.
            seconds: How long it may take; by default as `limits` say.

        Raises:
            Busy: No process was free in time.
            InputError: The problem took too long or cannot be worked on.
        """
        try:
            await asyncio.wait_for(self._free.acquire(), limits.WAIT_SECONDS)
        except TimeoutError:
            raise Busy from None
        try:
            return await _answer(kind, problem, seconds or SECONDS[kind])
        finally:
            self._free.release()


async def _answer(kind: str, problem: Problem, seconds: float) -> Any:
    text = json.dumps(problem_to_data(problem)).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "spurious.explore.worker",
        kind,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | dict.fromkeys(THREADS, "1"),
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(text), seconds)
    except TimeoutError:
        raise InputError(
            f"{kind}: not done after {seconds:.0f} seconds and stopped; take a smaller problem, "
            f"or run `spurious {kind}` on the problem file, which has no time limit"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise InputError(f"{kind}: ran out of memory or time; take a smaller problem")
    found = json.loads(output)
    if "error" in found:
        raise InputError(found["error"])
    return found
