"""Looks for wrong verdicts: random problems of every kind, judged by arithmetic of its own.

    python benchmarks/fuzz.py [--minutes M] [--seed S] [--count N] [--jobs J] [--out DIR]

Problem k of a seed is the same on every machine. `certify` gives a verdict, `spurious_checker`
judges its certificate, and the referee in `fuzzing/` probes the claim: points around a claimed
minimum, a minimisation of its own from the centre of a box, the loss along a refutation's
direction, the loss of a witness. It shares no evaluation with the project. Problems with a fault
are written to DIR (`fuzz-faults`), made smaller, with a line each in `faults.txt`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from fuzzing.runner import Answer, run, write_fault
from fuzzing.tally import Tally


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, help="stop after this (1, or none with --count)")
    parser.add_argument("--seed", type=int, help="another seed, other problems (from the clock)")
    parser.add_argument("--count", type=int, help="stop after this many problems")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("fuzz-faults"), help="for faults")
    options = parser.parse_args()
    seed = time.time_ns() % 10**6 if options.seed is None else options.seed
    minutes = options.minutes
    if minutes is None:
        minutes = 1.0 if options.count is None else float("inf")
    print(f"seed {seed}")
    tally, start = Tally(), time.monotonic()

    def told(answer: Answer) -> None:
        tally.add(answer.family, answer.judgement)
        if answer.problem is not None:
            clear = "\r\x1b[K" if sys.stdout.isatty() else ""
            print(clear + write_fault(answer, seed, options.out))
        if sys.stdout.isatty() and tally.problems % 16 == 0:
            rate = tally.problems / (time.monotonic() - start)
            print(f"\r{tally.total_line()}, {rate:.0f} a second\x1b[K", end="", flush=True)

    interrupted = run(seed, options.count, 60 * minutes, options.jobs, told)
    taken = time.monotonic() - start
    print(("\r\x1b[K" if sys.stdout.isatty() else "") + ("interrupted\n" if interrupted else ""))
    print(tally.table())
    print(
        f"\nseed {seed}, {taken:.0f} s, {tally.problems / taken:.1f} problems a second with "
        f"{options.jobs} processes; certify {tally.certifying:.0f} s, "
        f"referee {tally.judging:.0f} s; {tally.withdrawn} proofs withdrawn by certify's own check"
    )
    print(tally.total_line())
    sys.exit(not tally.clean)


if __name__ == "__main__":
    main()
