"""Searches the catalogue's architectures for bad minima and saddles, and proves what it finds.

`python docs/pictures/architectures.py [NAME ...]` writes for each a problem file of its highest
proved minimum and of a saddle into the package, the losses into docs/results, and
the picture beside this file. Always the same finds; about three minutes, none with
`none` as a name, which draws the picture anew. Needs the extra `jax`.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from spurious import certified_minima, certified_saddles
from spurious.catalogue.architectures import ARCHITECTURES
from spurious.figures import Ladder, critical_points, png_bytes
from spurious.problem import write_program_problem
from spurious.program.jax import from_jax

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "architectures.json"
POINTS = HERE.parents[1] / "src" / "spurious" / "catalogue" / "programs"
STARTS = 16


def found(architecture):
    """What is proved of one architecture, as a record; writes its two problem files."""
    loss, shapes = architecture.build()
    program, _ = from_jax(loss, {name: np.zeros(shape) for name, shape in shapes.items()})
    start = time.perf_counter()
    minima = certified_minima(program, starts=STARTS)
    saddles = certified_saddles(program, starts=STARTS)
    seconds = time.perf_counter() - start
    POINTS.mkdir(exist_ok=True)
    write_program_problem(minima[-1].problem, POINTS / f"{architecture.name}-minimum.json")
    if saddles:
        write_program_problem(saddles[0].problem, POINTS / f"{architecture.name}-saddle.json")
    return {
        "name": architecture.name,
        "title": architecture.title,
        "parameters": program.parameter_count,
        "minima": [float(point.verdict.loss) for point in minima],
        "saddles": [[float(point.verdict.loss), point.verdict.index] for point in saddles],
        "starts": STARTS,
        "seconds": round(seconds, 1),
    }


def main():
    records = {r["name"]: r for r in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    for architecture in ARCHITECTURES:
        if not sys.argv[1:] or architecture.name in sys.argv[1:]:
            records[architecture.name] = found(architecture)
            sys.stderr.write(f"{records[architecture.name]}\n")
    kept = [records[a.name] for a in ARCHITECTURES if a.name in records]
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    ladders = [
        Ladder(
            f"{r['title']} ({r['parameters']})",
            tuple(r["minima"]),
            tuple((loss, index) for loss, index in r["saddles"]),
        )
        for r in kept
    ]
    (HERE / "architectures.png").write_bytes(png_bytes(critical_points(ladders)))


if __name__ == "__main__":
    main()
