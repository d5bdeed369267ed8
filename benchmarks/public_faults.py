"""Faulty programs from public questions, each with the accepted fix as its twin.

    python benchmarks/public_faults.py [--seeds 3] [--sets early first ... twenty_first]
        [--only NAME ...] [--alone] [--confirm] [--peer NAME]

For each: does it get stuck and its twin not (of a few seeds the first where it is so); is there any
problem, is the first one the cause, is the cause among them, or among what `TrainingWatch` said of
the training; does the first remedy mend it, and how often does a remedy drawn by chance; is there a
problem on the twin, at its start or after it. `diagnose` gets the optimiser, and the watch that
followed the training unless it is asked `--alone`. With `--confirm` nothing is diagnosed: which
programs get stuck, and what training costs. The programs are ours: from the threads facts alone
were taken.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections.abc import Collection
from typing import Any

import torch
from peers.diagnosers import PEERS, judged
from public_cases.program import Case, Program
from public_cases.sets import SETS

import spurious
from spurious import InputError
from spurious.diagnose import REMEDIES, Report, TrainingWatch

STUCK = 0.6
"""A program is stuck if its score is below this share of its twin's."""

LEARNT = 0.5
"""A twin's least score; and the loss that a remedy must reach, in units of the best constant's."""

LATER = {"not_finite": frozenset({"log_of_zero", "root_at_zero", "division_by_zero", "overflow"})}
"""Causes that have got names of their own since some sets were written down: the sets' word, and
what says more."""

CRASHED = {
    "stuck": True,
    "found": [],
    "outcome": "",
    "seconds": 0.0,
    "first": False,
    "first by later names": False,
    "some": False,
    "watched": False,
    "mended": False,
    "by chance": 0.0,
    "alarms": [],
}
"""The row of a program whose diagnosis ends in an error: stuck, and nothing is said."""

NOT_TRAINED = -1.0
"""The score of a program that was not trained, or whose outputs are no numbers."""

SAID = {
    "something else is called the cause": ("cause",),
    "said to have learnt, or to learn": ("learnt", "learning"),
    "said that the cause was not found, or that nothing is known": ("symptom", "stuck", "unknown"),
}
"""What a diagnosis comes to where the cause is not among its problems."""

STEPS = 600
DRAWN = 5


def train(program: Program, watch: TrainingWatch | None = None) -> float:
    """Trains, and returns the score."""
    program.model.train()
    for loss in program.loop(program):
        if watch is not None:
            watch.step(loss)
    program.model.eval()
    with torch.no_grad():
        found = program.score(program.model(program.x))
    program.model.train()
    return found if found == found else NOT_TRAINED


def watched(program: Program) -> tuple[float, TrainingWatch]:
    """Trains under a watch: the score, and the watch."""
    watch = TrainingWatch(program.model, console=False, batches=-(-len(program.x) // program.batch))
    score = train(program, watch)
    watch.close()
    return score, watch


def confirmed(case: Case, seeds: int) -> dict[str, Any]:
    """Whether it gets stuck and its twin does not; nothing is diagnosed."""
    began = time.process_time()
    seed, bad, good = 0, NOT_TRAINED, NOT_TRAINED
    for seed in range(seeds):
        twin, faulty = case.mend(seed), case.make(seed)
        good, bad = train(twin), train(faulty)
        if reproduces(bad, good):
            break
    return {
        "name": case.name,
        "stuck": reproduces(bad, good),
        "seed": seed,
        "scores": (round(bad, 3), round(good, 3)),
        "seconds": round(time.process_time() - began, 2),
    }


def peer_row(peer: str, case: Case, seeds: int) -> dict[str, Any]:
    """What another tool says of a program that gets stuck, and of its twin."""
    for seed in range(seeds):
        good, bad = train(case.mend(seed)), train(case.make(seed))
        if reproduces(bad, good):
            found = judged(
                peer, lambda s=seed: case.make(s), lambda s=seed: case.mend(s), case.right
            )
            return {"name": case.name, "stuck": True, **found}
    return {"name": case.name, "stuck": False}


def reproduces(bad: float, good: float) -> bool:
    return good >= LEARNT and bad < STUCK * good


def report_on(program: Program, watch: TrainingWatch | None = None) -> Report:
    return spurious.diagnose(*asked(program), optimiser=program.optimiser, watch=watch)


def asked(program: Program) -> tuple[Any, Any, Any]:
    """Model, data and loss."""
    return program.model, (program.x, program.y), program.loss


def with_later_names(right: Collection[str]) -> set[str]:
    """Kinds that name a cause, with those that name it more closely and came later."""
    return set(right).union(*(LATER.get(kind, ()) for kind in right))


def row_of(case: Case, seeds: int, draws: int, with_watch: bool) -> dict[str, Any]:
    bad = good = NOT_TRAINED
    for seed in range(seeds):
        twin, faulty = case.mend(seed), case.make(seed)
        at_start = [f.kind.value for f in report_on(twin).problems]
        good, twins = watched(twin)
        bad, watch = watched(faulty)
        if reproduces(bad, good):
            break
    else:
        return {"name": case.name, "stuck": False, "scores": (bad, good)}
    began = time.process_time()
    report = report_on(faulty, watch if with_watch else None)
    seconds = time.process_time() - began
    kinds = [f.kind.value for f in report.problems]
    seen = {event.finding.kind.value for event in watch.events}
    remedy = next((f.remedies[0] for f in report.problems[:1] if f.remedies), None)
    drawn = random.Random(seed).sample(sorted(REMEDIES), draws)
    landscape = report.measurements.landscape
    wanted = tuple(dict.fromkeys(map(str, [*([remedy] if remedy else []), *drawn])))
    goal = LEARNT * (landscape.constant_loss or landscape.loss)
    try:
        trials = report.try_remedies(*asked(faulty), STEPS, optimiser=faulty.optimiser, only=wanted)
    except InputError:  # nothing that a remedy could train
        trials = []
    after = {t.remedy: t.after for t in trials}
    mended = {name: loss is not None and loss <= goal for name, loss in after.items()}
    return {
        "name": case.name,
        "stuck": True,
        "scores": (bad, good),
        "found": kinds,
        "outcome": str(report.conclusion.outcome),
        "seconds": round(seconds, 2),
        "first": bool(kinds) and kinds[0] in case.right,
        "first by later names": bool(kinds) and kinds[0] in with_later_names(case.right),
        "some": any(kind in case.right for kind in kinds),
        "watched": any(kind in case.right for kind in (*kinds, *seen)),
        "remedy": remedy,
        "mended": bool(remedy) and mended.get(remedy, False),
        "by chance": sum(mended.get(name, False) for name in drawn) / max(draws, 1),
        "alarms": at_start
        + [f.kind.value for f in report_on(twin, twins if with_watch else None).problems],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--draws", type=int, default=DRAWN)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--alone", action="store_true", help="diagnose without the watch")
    parser.add_argument("--confirm", action="store_true")
    parser.add_argument("--peer", choices=list(PEERS), help="another tool instead of ours")
    chosen = parser.parse_args()
    names = {case.name for cases_of_set in SETS.values() for case in cases_of_set}
    unknown = [name for name in chosen.only if name not in names]
    if unknown:
        parser.error(f"--only: found {unknown[0]!r}, expected names of programs")
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = []
    for case in (case for name in chosen.sets for case in SETS[name]):
        if chosen.only and case.name not in chosen.only:
            continue
        if chosen.peer:
            rows.append(peer_row(chosen.peer, case, chosen.seeds))
        elif chosen.confirm:
            rows.append(confirmed(case, chosen.seeds))
        else:
            try:
                rows.append(row_of(case, chosen.seeds, chosen.draws, not chosen.alone))
            except Exception as error:
                rows.append({"name": case.name, **CRASHED, "error": repr(error)})
        print(rows[-1], flush=True)
    stuck = [row for row in rows if row["stuck"]]
    print(f"\n{len(rows)} cases, {len(rows) - len(stuck)} do not reproduce\n")
    if chosen.confirm:
        print(f"{sum(row['seconds'] for row in rows):.1f} CPU seconds")
        return 0
    if chosen.peer:
        print(f"| of {len(stuck)} stuck | {chosen.peer} |\n|---|---|")
        for key in ("alarm", "first", "some", "twin"):
            print(f"| {key} | {sum(row[key] for row in stuck)} |")
        return 0
    print(f"{sum('error' in row for row in rows)} crashes\n")
    print(f"| of {len(stuck)} stuck | |\n|---|---|")
    print(f"| any problem | {sum(bool(row['found']) for row in stuck)} |")
    print(f"| the cause first | {sum(row['first'] for row in stuck)} |")
    later = sum(row["first by later names"] for row in stuck)
    print(f"| the cause first, with the names that causes have got since | {later} |")
    print(f"| the cause at all | {sum(row['some'] for row in stuck)} |")
    print(f"| the cause at all, by it or by the watch | {sum(row['watched'] for row in stuck)} |")
    for words, meant in SAID.items():
        many = sum(row["outcome"] in meant and not row["some"] for row in stuck)
        print(f"| not the cause; {words} | {many} |")
    print(f"| mended by the first remedy | {sum(row['mended'] for row in stuck)} |")
    print(f"| mended by a remedy drawn by chance | {sum(row['by chance'] for row in stuck):.1f} |")
    times = sorted(row["seconds"] for row in stuck)
    if times:
        print(f"| CPU seconds, median and most | {times[len(times) // 2]}, {times[-1]} |")
    print(f"| a problem on the twin | {sum(bool(row['alarms']) for row in stuck)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
