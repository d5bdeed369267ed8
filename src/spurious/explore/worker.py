"""A worker process: decides about one point, or makes one atlas, and ends.

It is run as `python -m spurious.explore.worker certify|atlas`, reads a problem (JSON) from standard
input and writes the answer (JSON) to standard output. Its address space and processor time are
bounded, so that it ends even if the server is gone.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter
from typing import Any

from spurious.errors import SpuriousError
from spurious.explore import limits
from spurious.problem import Problem, parse_problem


def answer(kind: str, problem: Problem) -> dict[str, Any]:
    """The answer to a request.

    Args:
        kind: "certify" or "atlas".
        problem: What it is about.
    """
    return _certify(problem) if kind == "certify" else _atlas(problem)


def _certify(problem: Problem) -> dict[str, Any]:
    from spurious.certify import certify
    from spurious.proof import interval_text, verdict_text

    verdict = certify(problem)
    texts = {
        name: None if value is None else interval_text(value)
        for name, value in (
            ("loss", verdict.loss),
            ("witness_loss", verdict.witness_loss),
            ("valley_limit", verdict.valley_limit),
        )
    }
    return {
        "decision": str(verdict.decision),
        "verdict": verdict_text(verdict.claim),
        "global": str(verdict.is_global),
        "method": verdict.method,
        "reason": verdict.reason,
        "valid": verdict.certificate is not None,
        "seconds": round(verdict.seconds, 3),
        "certificate": verdict.certificate,
        **texts,
    }


def _atlas(problem: Problem) -> dict[str, Any]:
    from spurious.atlas import atlas, atlas_to_data

    start = perf_counter()
    found = atlas(problem)
    data = atlas_to_data(found)
    data["minima"] = [
        record | {"loss_float": float(family.loss)}
        for record, family in zip(data["minima"], found.minima, strict=True)
    ][: limits.FAMILIES]
    data["kinds"] = len(found.minima)
    data["seconds"] = round(perf_counter() - start, 3)
    return data


def _bound(seconds: float) -> None:
    """Bounds this process's memory and processor time, where the system can."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for what, most in (
        (resource.RLIMIT_AS, limits.WORKER_BYTES),
        (resource.RLIMIT_CPU, int(2 * seconds)),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):  # macOS refuses some limits
            continue


def main() -> None:
    """Answers the request on standard input."""
    kind = sys.argv[1]
    _bound(limits.CERTIFY_SECONDS if kind == "certify" else limits.ATLAS_SECONDS)
    try:
        found = answer(kind, parse_problem(sys.stdin.buffer.read(), "problem"))
    except SpuriousError as error:
        found = {"error": str(error)}
    except MemoryError:
        found = {"error": f"{kind}: needs more memory than the explorer allows"}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
