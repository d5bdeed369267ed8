"""Ensemble training against JAX and PyTorch at their best, side by side, and the machine's limit.

`python benchmarks/train.py [--quick] [--json] [--cores 2] [--out FILE]`, or `make bench`. Every
engine trains the same networks on the same data with Adam in float32, on the same cores; before the
clock starts each runs once, and its parameters after a few updates are compared with ours. Times
are the best of a few runs of about a second. A peer's figure is that of its best way of working.
"""

import argparse
import json
import os
import platform
import resource
import sys
from pathlib import Path
from time import perf_counter

QUICK = [("relu", 4, 4, 10_000)]
HIDDEN, POINTS, NETWORKS = (2, 4, 16), (4, 64, 256), (1_000, 100_000, 1_000_000)
LEAST = 200
"""Fewest updates that are timed."""
CHECKED = 20
"""Updates after which the parameters are compared."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few cases, under a minute")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument("--cores", type=int, default=2, help="cores for everybody (default 2)")
    parser.add_argument("--out", type=Path, help="also write the JSON lines to this file")
    parser.add_argument("--scaling", action="store_true", help="only cost against networks")
    return parser.parse_args()


def grid(quick: bool):
    """The cases: every size and number of points, and for 2-4-1 on 4 points of networks."""
    from peers.problem import Case

    if quick:
        return [Case(*entry) for entry in QUICK]
    cases = []
    for activation in ("relu", "sigmoid"):
        cases += [Case(activation, h, n, 10_000) for h in HIDDEN for n in POINTS]
        cases += [Case(activation, 4, 4, count) for count in NETWORKS]
    return list(dict.fromkeys(cases))


def rate(action, case, threads: int, budget: float) -> float:
    """Network-updates per second, from runs long enough for the clock; what compiles is warm."""
    action(case, CHECKED, threads)
    updates = LEAST
    while True:
        begin = perf_counter()
        action(case, updates, threads)
        seconds = perf_counter() - begin
        if seconds > budget / 2 or updates >= 100_000:
            break
        updates = min(100_000, max(2 * updates, int(updates * budget / seconds)))
    begin = perf_counter()
    action(case, updates, threads)
    seconds = min(seconds, perf_counter() - begin)
    return case.networks * updates / seconds


def compare(case, threads: int, budget: float, machine) -> dict:
    """One line of the comparison."""
    import numpy as np
    from peers import in_jax, in_torch, ours, roofline
    from peers.problem import Case

    speed = rate(ours.run, case, threads, budget)
    mine = ours.run(case, CHECKED, threads)
    line = {
        "activation": case.activation,
        "hidden": case.hidden,
        "points": case.points,
        "networks": case.networks,
        "spurious": speed,
    }
    top, what = roofline.limit(case, machine)
    line |= {"limit": top * threads, "limited by": what, "share of limit": speed / top / threads}
    for name, module in (("jax", in_jax), ("torch", in_torch)):
        best, way, worst = 0.0, "", 0.0
        for label, action in module.ways(case).items():
            small = case
            if label == "one after another":
                small = Case(case.activation, case.hidden, case.points, 4)
            theirs = action(small, CHECKED, threads)
            worst = max(worst, float(np.abs(theirs - mine[: len(theirs)]).max()))
            found = rate(action, small, threads, budget)
            if label == "one after another":
                line["torch, one network after another"] = found
            if found > best:
                best, way = found, label
        line |= {name: best, f"{name} way": way, f"{name} difference": worst}
        line[f"times {name}"] = speed / best
    return line


def scaling(threads: int) -> list[dict]:
    """Time per network-update and memory against the number of networks."""
    from dataclasses import replace

    from peers.problem import Case

    from spurious.train import train

    lines = []
    for count in (10**4, 10**5, 10**6, 10**7):
        case = Case("relu", 4, 4, count)
        recipe, total = replace(case.recipe(200), stop=False), 0
        begin = perf_counter()
        for first in range(0, count, 100_000):
            runs = train(recipe, 1, first, min(100_000, count - first), threads=threads)
            total += int(runs.updates.sum())
        seconds = perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        lines.append(
            {
                "networks": count,
                "nanoseconds a network-update": seconds / total * 1e9,
                "peak memory, MB": peak,
            }
        )
    return lines


def show(line: dict) -> None:
    print(
        f"{line['activation']:8}2-{line['hidden']}-1  n={line['points']:<4}"
        f"N={line['networks']:<8} {line['spurious'] / 1e6:8.2f} M/s  "
        f"{line['times jax']:6.1f} x JAX ({line['jax way']})  "
        f"{line['times torch']:6.1f} x PyTorch ({line['torch way']})  "
        f"{line['share of limit']:.0%} of the limit ({line['limited by']})",
        flush=True,
    )


def main() -> None:
    arguments = parse()
    cores = sorted(os.sched_getaffinity(0))[: arguments.cores]
    os.sched_setaffinity(0, cores)  # before any engine counts them
    sys.path.insert(0, str(Path(__file__).parent))
    from peers import roofline

    threads = len(cores)
    machine = roofline.measure_machine()
    head = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": threads,
        "nanoseconds a pack": vars(machine),
    }
    lines = [head]
    if arguments.json:
        print(json.dumps(head), flush=True)
    else:
        print(f"{threads} cores; nanoseconds a pack of float32: {vars(machine)}", flush=True)
    if not arguments.scaling:
        for case in grid(arguments.quick):
            line = compare(case, threads, 0.4 if arguments.quick else 0.8, machine)
            lines.append(line)
            print(json.dumps(line), flush=True) if arguments.json else show(line)
    if not arguments.quick:
        for line in scaling(threads):
            lines.append(line)
            print(json.dumps(line) if arguments.json else line, flush=True)
    if arguments.out:
        arguments.out.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
