"""The newcomer's way: a fresh clone, `make reproduce`, the first question, a typo, on two cores.

    python benchmarks/newcomer.py                    the whole way; minutes
    python benchmarks/newcomer.py --answers          only how fast commands answer, in this checkout
    python benchmarks/newcomer.py --answers --against REV    and how often faster than a commit

Nothing else should run meanwhile. It prints each limit beside what was measured, and ends with 1 if
one is broken. Times of answers are the best of five; the first, which compiles Python, is not one,
and what it compiled is kept, whatever PYTHONDONTWRITEBYTECODE says here.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
EXAMPLE = "certify src/spurious/problem/points/c5-d1.json"
TYPOS = (
    "certfy problem.json",
    "certify nothing.json",
    "check nothing.json",
    "atlas nothing",
    "global d1 --hidden x",
    "construct dead-layer d1 --hidden a,b",
    "construct region-trap --ratio 1",
    "construct depth xor --start best",
    "construct shifted-start --eps 0",
    "construct deadlock --loss nothing",
    "sweep run nothing.toml",
    "sweep status nothing",
    "sweep query nothing x",
    "sweep plot nothing",
    "reproduce C99",
    "catalogue nothing",
)
WHOLE, FIRST, ANSWER, REFUSAL = 240.0, 15.0, 0.7, 0.6
"""Seconds: `make reproduce`; its first proof after the installation; a verdict; a typo refused."""

TRIES = 5


@dataclass(frozen=True)
class Measured:
    what: str
    seconds: float
    limit: float | None = None

    @property
    def broken(self) -> bool:
        return self.limit is not None and self.seconds > self.limit


def on_cores(count: int) -> None:
    """Keeps this process, and those it starts, on so many cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def reproduction(folder: Path, source: str) -> list[Measured]:
    """`make reproduce` in a fresh clone."""
    start = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", source, str(folder)], check=True)
    cloned = time.monotonic()
    installed = proved = None
    command = ["make", "reproduce"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            now = time.monotonic()
            print(f"{now - start:7.1f} s  {line}", end="", flush=True)
            if line.startswith("Installed"):
                installed = now
            if proved is None and line.startswith("[") and " proved" in line:
                proved = now
    end = time.monotonic()
    if running.returncode or installed is None or proved is None:
        sys.exit("make reproduce did not come to its end")
    return [
        Measured("git clone", cloned - start),
        Measured("installation", installed - cloned),
        Measured("first proved claim after it", proved - installed, FIRST),
        Measured("make reproduce, the installation included", end - cloned, WHOLE),
    ]


def seconds(words: str, folder: Path, python: str) -> float:
    """The best of some tries of a command."""
    code = "from spurious.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    found: list[float] = []
    for _ in range(TRIES + 1):
        start = time.monotonic()
        subprocess.run(
            [python, "-c", code, *words.split()], cwd=folder, capture_output=True, env=environment
        )
        found.append(time.monotonic() - start)
    return min(found[1:])


def answers(folder: Path, python: str) -> list[Measured]:
    """How fast commands answer."""
    return [
        Measured(f"spurious {EXAMPLE}", seconds(EXAMPLE, folder, python), ANSWER),
        *(Measured(f"spurious {t}", seconds(t, folder, python), REFUSAL) for t in TYPOS),
    ]


def show(found: list[Measured], before: list[Measured]) -> None:
    for place, item in enumerate(found):
        limit = "" if item.limit is None else f"limit {item.limit:g}"
        ratio = f"{before[place].seconds / item.seconds:5.1f} times" if before else ""
        mark = "BROKEN" if item.broken else ""
        print(f"{item.seconds:8.2f} s  {limit:9}  {ratio}  {item.what}  {mark}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", default=str(HERE), help="what to clone")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--answers", action="store_true", help="no clone, no installation")
    parser.add_argument("--against", metavar="REV", help="a commit to compare answers with")
    asked = parser.parse_args()
    on_cores(asked.cores)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    load = os.getloadavg()[0]
    print(f"{len(os.sched_getaffinity(0))} cores, load {load:.1f} before")
    with tempfile.TemporaryDirectory() as place:
        folder, python = HERE, sys.executable
        found: list[Measured] = []
        before: list[Measured] = []
        if not asked.answers:
            folder = Path(place) / "clone"
            found = reproduction(folder, asked.source)
            show(found, [])
            python = str(folder / ".venv/bin/python")
        told = answers(folder, python)
        if asked.against:
            old = Path(place) / "before"
            subprocess.run(["git", "clone", "--quiet", asked.source, str(old)], check=True)
            subprocess.run(["git", "checkout", "--quiet", asked.against], cwd=old, check=True)
            before = answers(old, python)
        show(told, before)
    sys.exit(any(item.broken for item in (*found, *told)))


if __name__ == "__main__":
    main()
