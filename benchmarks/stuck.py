"""Ways to be stuck and healthy controls: what is found, what is a false alarm, what helps.

    python benchmarks/stuck.py [--mnist FOLDER] [--seeds 1] [--out ROWS.jsonl] [--peer torchmortem]
    python benchmarks/stuck.py --summary ROWS.jsonl [--peer torchmortem]
    python benchmarks/stuck.py --tuning      the synthetic controls that thresholds were checked on
    python benchmarks/stuck.py --held-out    12 ways and 12 controls on which nothing was tuned

FOLDER holds t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz; without it the cases on MNIST
are left out. Everything is trained here from scratch, in about ten minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from stuck_cases.controls import controls, tuning
from stuck_cases.held_out import SEED, held_out_controls, held_out_ways
from stuck_cases.peers import PEERS, judge_control, judge_way
from stuck_cases.run import run_control, run_way
from stuck_cases.ways import Way, ways


def rows(chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if chosen.tuning:
        for seed in range(chosen.seeds):
            for control in tuning(seed):
                yield run_control(control, 100 + seed)
        return
    first = SEED if chosen.held_out else 0
    for seed in range(first, first + chosen.seeds):
        for way in chosen_ways(chosen):
            row = run_way(way, seed)
            if chosen.peer:
                row["peer"] = judge_way(chosen.peer, way, seed)
            yield row
        for control in held_out_controls() if chosen.held_out else controls(chosen.mnist):
            row = run_control(control, seed)
            if chosen.peer:
                row["peer"] = judge_control(chosen.peer, control, seed)
            yield row


def chosen_ways(chosen: argparse.Namespace) -> list[Way]:
    return held_out_ways() if chosen.held_out else ways(chosen.mnist)


def line(row: dict[str, Any]) -> str:
    if "way" in row:
        verdict = "among" if row["some_right"] else "MISSED"
        verdict = "right" if row["first_right"] else "named" if row["first_named"] else verdict
        stuck = "" if row["stuck"] else " (not stuck)"
        peer = f" peer {row['peer']}" if "peer" in row else ""
        return (
            f"{row['way']}: {verdict}{stuck}; {', '.join(row['found'][:3])}; {row['remedy']} "
            f"{row['loss']:.3g} -> {row['remedied'] or float('nan'):.3g} "
            f"(goal {row['goal']:.3g}, untouched {row['untouched'] or float('nan'):.3g}){peer}"
        )
    alarms = {m: row[m] for m in ("start", "midway", "end") if row[m]}
    peer = f" peer {row['peer']}" if "peer" in row else ""
    return (
        f"{row['control']}: {alarms or 'quiet'} loss {row['start_loss']:.3g} "
        f"{row['midway_loss']:.3g} {row['end_loss']:.3g} (constant {row['constant']:.3g}){peer}"
    )


def share(hits: list[bool]) -> str:
    return f"{sum(hits)} of {len(hits)} ({sum(hits) / max(len(hits), 1):.0%})"


def summary(found: list[dict[str, Any]], peer: str | None) -> None:
    tried = [row for row in found if "way" in row]
    stuck = [row for row in tried if row["stuck"]]
    print(f"\n{len(stuck)} of {len(tried)} ways were stuck: untouched, they miss half of the gain.")
    healthy = [row for row in found if "control" in row]
    print("\n| | spurious.diagnose | count zeros |" + (f" {peer} |" if peer else ""))
    print("|---|---|---|" + ("---|" if peer else ""))

    def print_row(label: str, ours: list[bool], zeros: list[bool] | None, key: str) -> None:
        cells = [label, share(ours), share(zeros) if zeros is not None else "no remedies"]
        if peer:
            theirs = [row["peer"].get(key) for row in (stuck if key in WAY_KEYS else healthy)]
            cells.append("no remedies" if None in theirs else share(theirs))
        print("| " + " | ".join(cells) + " |")

    right_zeros = [row["zeros"] and row["dead_is_right"] for row in stuck]
    if stuck:
        print_row("stuck: the first finding is right", [r["first_right"] for r in stuck],
                  right_zeros, "first_right")  # fmt: skip
        print_row("stuck: or has the cause's later name", [r["first_named"] for r in stuck],
                  right_zeros, "first_right")  # fmt: skip
        print_row("stuck: some finding is right", [r["some_right"] for r in stuck], right_zeros,
                  "some_right")  # fmt: skip
        print_row("stuck: any alarm", [bool(r["found"]) for r in stuck],
                  [r["zeros"] for r in stuck], "alarm")  # fmt: skip
        print_row("unstuck by the first remedy", [r["unstuck"] for r in stuck], None, "unstuck")
    for moment in ("start", "midway", "end"):
        print(f"| healthy, {moment}: false alarms | {share([bool(r[moment]) for r in healthy])} | |"
              + (" |" if peer else ""))  # fmt: skip
    any_alarm = [any(r[m] for m in ("start", "midway", "end")) for r in healthy]
    print_row("healthy, any of the three", any_alarm, [r["zeros"] for r in healthy], "false_alarm")


WAY_KEYS = ("first_right", "some_right", "alarm", "unstuck")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a file for the rows, as JSON lines")
    parser.add_argument("--peer", choices=PEERS)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--summary", type=Path, metavar="ROWS", help="of rows written earlier")
    chosen = parser.parse_args()
    if chosen.summary:
        lines = chosen.summary.read_text(encoding="utf-8").splitlines()
        summary([json.loads(line) for line in lines], chosen.peer)
        return 0
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    began = time.monotonic()
    kinds = {way.name: way.right for way in chosen_ways(chosen)}
    found: list[dict[str, Any]] = []
    for row in rows(chosen):
        if "way" in row:
            row["dead_is_right"] = "dead_units" in kinds[row["way"]]
        found.append(row)
        print(line(row), flush=True)
        if chosen.out:
            with chosen.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    summary(found, chosen.peer)
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
