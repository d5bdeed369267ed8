"""Looks for wrong minima of losses with weight decay: random problems, attacked in 60 digits.

    python benchmarks/fuzz_decay.py [--count N] [--seed S] [--out DIR] [--free]

Problem k of a seed is the same on every machine. A false minimum, a certificate that the checker
refuses, or an error is written to DIR, and the exit status is 1. With --free biases cost nothing;
else they do so in a third of the problems.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.case import parameters
from fuzzing.decay import Decayed, draw, lower

import spurious
import spurious_checker
from spurious.certify.one_thread import one_thread
from spurious.problem import parse_any_problem


@one_thread()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-faults"), help="for faults")
    parser.add_argument("--free", action="store_true", help="biases cost nothing in any problem")
    options = parser.parse_args()
    verdicts, faults, start = Counter[str](), 0, time.monotonic()
    for index in range(options.start, options.start + options.count):
        rng = Random(f"decay {options.seed} {index}")
        case = draw(rng, free=options.free)
        verdict, fault = judged(case, rng)
        verdicts[f"{case.kind or 'trained'}: {verdict}"] += 1
        if fault:
            faults += 1
            options.out.mkdir(parents=True, exist_ok=True)
            path = options.out / f"decay-{options.seed}-{index}.json"
            path.write_text(json.dumps(case.to_data(), indent=1) + "\n", encoding="utf-8")
            print(f"{path.name}: {verdict}: {fault}", flush=True)
    taken = time.monotonic() - start
    for name, number in sorted(verdicts.items()):
        print(f"{number:6d}  {name}")
    print(f"{options.count} problems, {faults} faults, {options.count / taken:.1f} a second")
    sys.exit(bool(faults))


def judged(case: Decayed, rng: Random) -> tuple[str, str]:
    """The verdict, and what is wrong with it."""
    problem = parse_any_problem(json.dumps(case.to_data()))
    verdict: Any = spurious.certify(problem, check=False, search=False)
    word = f"{verdict.decision} {verdict.method or ''}".strip()
    if verdict.certificate is None:
        return word, ""
    answer = spurious_checker.check(json.loads(json.dumps(verdict.certificate)))
    if not answer.valid:
        return word, f"refused: {answer.reason}"
    if not verdict.claim.is_minimum:
        return word, ""
    proof = verdict.certificate["proof"]
    place = proof.get("centre") or proof.get("point") or verdict.certificate["problem"]["point"]
    return word, lower(case, parameters(place), rng)


if __name__ == "__main__":
    main()
