"""Small deadlocks: how often each method finds one, and the smallest that is certified.

    python benchmarks/hunt.py                 hit rates of the methods, a few minutes
    python benchmarks/hunt.py --sizes OUT     the smallest certified size of many networks, hours;
                                              finds go to the folder OUT, and a second call goes on

Hits are strict minima in floating point; certified ones were rounded to at most three decimals,
proved, and outdone by a better point.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from spurious.hunt import METHODS, Request, hunt, rounds
from spurious.problem import Loss, Network, problem_to_data

ROUNDS = 4
MINUTES = 3.0
"""For each size and method."""

CASES = (
    ((2, 2, 1), "sigmoid", Loss.LOGISTIC, 8),
    ((2, 2, 1), "softplus", Loss.LOGISTIC, 10),
    ((2, 2, 1), "gelu", Loss.LOGISTIC, 10),
    ((2, 2, 1), "silu", Loss.LOGISTIC, 10),
    ((2, 2, 1), "sigmoid", Loss.SQUARED, 7),
    ((2, 2, 1), "softplus", Loss.SQUARED, 8),
    ((2, 2, 1), "gelu", Loss.SQUARED, 8),
    ((2, 2, 1), "silu", Loss.SQUARED, 8),
    ((1, 2, 1), "sigmoid", Loss.LOGISTIC, 10),
    ((1, 2, 1), "sigmoid", Loss.SQUARED, 8),
    ((2, 3, 1), "sigmoid", Loss.LOGISTIC, 12),
    ((2, 3, 1), "sigmoid", Loss.SQUARED, 10),
    ((2, 2, 2, 1), "sigmoid", Loss.LOGISTIC, 14),
)
"""Widths, activation, loss, and the size to start from. tanh(z) = 2 sigmoid(2 z) - 1, so tanh has
the same minima as sigmoid."""


def compare() -> None:
    """Hit rates of the methods."""
    print("| points | method | starts | critical | hits | seconds |\n|---|---|---|---|---|---|")
    network = Network((2, 2, 1), "sigmoid")
    for points in (10, 8, 7):
        for method in METHODS:
            found = list(rounds(Request(points, network, Loss.LOGISTIC, method), ROUNDS))
            print(
                f"| {points} | {method} | {sum(r.starts for r in found):,} | "
                f"{sum(r.critical for r in found):,} | {sum(r.hits for r in found):,} | "
                f"{sum(r.seconds for r in found):.0f} |",
                flush=True,
            )


def sizes(out: Path, part: str) -> None:
    """The smallest certified size of each case, one point fewer at a time."""
    out.mkdir(parents=True, exist_ok=True)
    index, of = map(int, part.split("/"))
    for widths, activation, loss, start in CASES[index - 1 :: of]:
        network = Network(widths, activation)
        for points in range(start, 3, -1):
            methods = ("symmetric", "relative") if widths == (2, 2, 1) else ("relative",)
            if not any(_found(Request(points, network, loss, m), out) for m in methods):
                break


def _found(request: Request, out: Path) -> bool:
    stem = f"{request.name}-{request.method}"
    began = time.monotonic()
    find, done = hunt(request, seconds=60 * MINUTES, journal=out / f"{stem}.jsonl")
    starts, hits = sum(r.starts for r in done), sum(r.hits for r in done)
    best = max((r.best for r in done if r.best is not None), default=None)
    found = "certified" if find is not None else f"closest {best}"
    print(
        f"{stem}: {starts:,} starts, {hits} hits, {found}, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    if find is not None:
        text = json.dumps(problem_to_data(find.problem), indent=1) + "\n"
        (out / f"{stem}.json").write_text(text, "utf-8")
    return find is not None


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", metavar="OUT", type=Path)
    parser.add_argument(
        "--part", default="1/1", help="as in 2/3: every third case, from the second"
    )
    chosen = parser.parse_args()
    if chosen.sizes is not None:
        sizes(chosen.sizes, chosen.part)
    else:
        compare()
    return 0


if __name__ == "__main__":
    sys.exit(main())
