"""On how few random data points do small architectures have a proved bad minimum?

`python benchmarks/fewest_points.py [NAME ...] [--seeds 8] [--starts 16] [--most 4] [--out FILE]`
draws data of 1, 2, ... points from each seed for the architectures of
`spurious.catalogue.architectures` (weight decay as there), searches minima from random starts, and
counts the seeds for which `certify` proves two with different losses, in certificates that the
checker accepts. The first example of each size is written to FILE, as problem files. None found
says nothing.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np

from spurious import certified_minima, certify
from spurious.catalogue.architectures import ARCHITECTURES
from spurious.problem import program_problem_to_data
from spurious.program.jax import from_jax
from spurious_checker import check


def program(architecture, points, seed):
    loss, shapes = architecture.build(points, seed)
    with jax.enable_x64(True):
        return from_jax(loss, {name: np.zeros(shape) for name, shape in shapes.items()})[0]


def bad_minimum(loss, starts):
    """The proved minimum that is furthest above the lowest proved one, or None."""
    found = certified_minima(loss, starts=starts)
    if len(found) < 2:
        return None
    problem = found[-1].problem
    certificate = certify(problem, search=False).certificate
    return problem if certificate is not None and check(dict(certificate)).valid else None


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [a.name for a in ARCHITECTURES if a.drawn]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--starts", type=int, default=16)
    parser.add_argument("--most", type=int, default=4, help="data points")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    kept = {}
    for architecture in ARCHITECTURES:
        if architecture.name not in (args.names or names):
            continue
        for points in range(1, args.most + 1):
            start, hits = time.process_time(), []
            for seed in range(100, 100 + 2 * args.seeds, 2):  # targets use the seed behind
                problem = bad_minimum(program(architecture, points, seed), args.starts)
                if problem is not None:
                    hits.append(seed)
                    kept.setdefault(f"{architecture.name}, {points}", problem)
            seconds = time.process_time() - start
            print(
                f"{architecture.name:12} {points} points: {len(hits)} of {args.seeds} seeds "
                f"{hits}, {seconds:.0f} s",
                flush=True,
            )
    if args.out:
        data = {name: program_problem_to_data(problem) for name, problem in kept.items()}
        args.out.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    main()
