"""Weight decay and bad minima: complete lists as the decay grows from nearly nothing to collapse.

Not a claim of the paper, and no part of `spurious reproduce` unless it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from spurious.atlas import PenalisedAtlas, penalised_atlas
from spurious.atlas.decay.basins import DecayBasins, measure_decay_basins
from spurious.certify import certify
from spurious.figures import Branch, DecayPanel, decay_panels
from spurious.problem import DenseLoss, Network, Penalty, dataset
from spurious.studies.certified import CertifiedPoint
from spurious.studies.claims import DECAY
from spurious.studies.following import Followed, follow, refined_grid
from spurious.studies.report.claim import (
    Budget,
    ClaimResult,
    Context,
    DataTable,
    Part,
    Picture,
    Row,
    Status,
    Study,
    joined,
    overall,
    table_of,
)
from spurious.train import cores

LEAST: Final = 1e-4
MOST: Final = 10.0
SEED: Final = 1
SPREAD: Final = 1.0
NAMES: Final = {"xor": "XOR", "jellyfish": "Jellyfish", "d1": "D1", "d2": "D2", "d3": "D3"}


@dataclass(frozen=True, slots=True)
class _Size:
    """What a budget buys.

    Attributes:
        cases: Datasets and hidden units; the first three are drawn.
        grid: Decays.
        ratio: Ends of families are enclosed by decays this near to each other.
        trained: Decays at which networks are trained.
        starts: Networks for each.
    """

    cases: tuple[tuple[str, int], ...]
    grid: int
    ratio: float
    trained: int
    starts: int


SIZES: Final = {
    Budget.QUICK: _Size((("xor", 2), ("d1", 2)), 13, 1.3, 5, 200),
    Budget.STANDARD: _Size(
        (("xor", 2), ("jellyfish", 2), ("d3", 2), ("d1", 2), ("d2", 2)), 26, 1.03, 9, 500
    ),
    Budget.FULL: _Size(
        (("xor", 2), ("jellyfish", 2), ("d3", 2), ("d1", 2), ("d2", 2), ("xor", 3),
         ("jellyfish", 3)), 26, 1.01, 11, 5_000,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """What was found for one problem."""

    name: str
    hidden: int
    lists: dict[Fraction, PenalisedAtlas]
    branches: tuple[Followed, ...]
    basins: dict[Fraction, DecayBasins]

    @property
    def title(self) -> str:
        """Data and hidden units."""
        return f"{NAMES[self.name]}, {self.hidden} units"

    @property
    def stem(self) -> str:
        """Beginning of file names."""
        return f"decay-{self.name}-{self.hidden}"


def run(context: Context) -> ClaimResult:
    """Makes the lists, follows families through them, and trains networks."""
    size = SIZES[context.budget]
    cases = [_case(name, hidden, size, context.say) for name, hidden in size.cases]
    parts = [_part(case) for case in cases]
    picture = Picture(
        "decay-branches",
        "Above: every local minimum of ReLU networks with squared loss and weight decay, its loss "
        "as a share of that of the best constant. Dots: where families end and begin. Below: where "
        "training ends, from normal starts; a dead unit at zero is no minimum.",
        decay_panels([_panel(case) for case in cases[:3]]),
    )
    rows = [row for part in parts for row in part.rows]
    return joined(
        DECAY,
        overall(rows),
        (
            "Where a list is called complete every cell is decided in ball arithmetic (Theorems 30 "
            "to 32). Families are also certified one by one where they were last seen, "
            "on D1 by right angles, too (Theorem 38).",
            "The shares of starts are measurements.",
        ),
        *parts,
        Part(pictures=(picture,)),
    )


def _case(name: str, hidden: int, size: _Size, say: Callable[[str], None]) -> _Case:
    def make(l2: Fraction) -> PenalisedAtlas:
        say(f"{NAMES[name]}, {hidden} units: minima at decay {float(l2):.3g}")
        data = dataset(name).data
        network = Network((data.inputs, hidden, 1), "relu")
        return penalised_atlas(DenseLoss(network, "squared", data, Penalty(l2)))

    grid = _grid(size.grid)
    lists = refined_grid(make, grid, size.ratio)
    basins: dict[Fraction, DecayBasins] = {}
    for k in range(size.trained):
        l2 = grid[round(k * (len(grid) - 1) / (size.trained - 1))]
        say(f"{NAMES[name]}, {hidden} units: {size.starts:,} networks at decay {float(l2):.3g}")
        basins[l2] = measure_decay_basins(
            lists[l2], size.starts, SEED, spread=SPREAD, threads=cores()
        )
    return _Case(name, hidden, lists, tuple(follow(lists)), basins)


def _grid(count: int) -> list[Fraction]:
    return [Fraction(f"{v:.4g}") for v in np.geomspace(LEAST, MOST, count)]


def _part(case: _Case) -> Part:
    """Rows, certificates and tables of one problem."""
    last = max(case.lists)
    ended = [branch for branch in case.branches if branch.l2[-1] < last]
    points = tuple(
        CertifiedPoint(
            f"{case.stem}-end-{k}",
            f"{case.title}, decay {float(branch.l2[-1]):.4g}, just before the family ends",
            case.lists[branch.l2[-1]].problem(branch.families[-1]),
            certify(case.lists[branch.l2[-1]].problem(branch.families[-1]), search=False),
        )
        for k, branch in enumerate(ended, start=1)
    )
    rows = _rows(case, [point.minimum for point in points])
    proved = tuple(point for point in points if point.minimum)
    return Part(rows=rows, points=proved, tables=(_lists_table(case), _basins_table(case)))


def _rows(case: _Case, minima: Sequence[bool]) -> tuple[Row, ...]:
    lists = list(case.lists.values())
    complete = all(found.complete for found in lists)
    first = lists[0]
    bad = [l2 for l2, found in case.lists.items() if len(found.minima) > 1]
    after = [l2 for l2 in case.lists if not bad or l2 > bad[-1]]
    until = f"bad minima at every decay up to {float(bad[-1]):.4g}" if bad else "no bad minimum"
    until += f", none from {float(after[0]):.4g} on" if after else " and beyond"
    born = [branch for branch in case.branches if branch.l2[0] > min(case.lists)]
    proved = Status.PROVED if complete else Status.MEASURED

    def row(quantity: str, measured: str, status: Status, key: bool = False) -> Row:
        return Row(quantity, "", measured, status, key, case.title)

    shares = [
        f"{float(l2):.2g}: {_share(case.lists[l2], basins):.0%}"
        for l2, basins in case.basins.items()
    ]
    return (
        row(
            f"families of minima at decay {LEAST:g}",
            f"{first.families}, {len(first.minima)} up to symmetry",
            proved,
        ),
        row("how long bad minima last", until, proved, key=True),
        row(
            "families that begin only with decay",
            f"{sum(branch.families[0].directions > 0 for branch in born)}",
            proved,
        ),
        row(
            "families with a certificate where they were last seen",
            f"{sum(minima)} of {len(minima)}",
            proved,
        ),
        row("starts that end in a global minimum, by decay", ", ".join(shares), Status.MEASURED),
    )


def _share(found: PenalisedAtlas, basins: DecayBasins) -> float:
    return sum(h for h, f in zip(basins.hits, _least(found), strict=True) if f) / basins.runs


def _least(found: PenalisedAtlas) -> list[bool]:
    """For each family whether its loss is the least, to all digits known."""
    best = found.minima[0].loss
    return [f.loss.mid - f.loss.rad <= best.mid + best.rad for f in found.minima]


def _panel(case: _Case) -> DecayPanel:
    constants = {l2: _constant(found) for l2, found in case.lists.items()}
    least = {
        (l2, id(family)): flag
        for l2, found in case.lists.items()
        for family, flag in zip(found.minima, _least(found), strict=True)
    }
    branches = [
        Branch(
            np.array([float(l2) for l2 in branch.l2]),
            np.array([
                float(family.loss.mid) / constants[l2]
                for l2, family in zip(branch.l2, branch.families, strict=True)
            ]),
            np.array([
                least[l2, id(family)]
                for l2, family in zip(branch.l2, branch.families, strict=True)
            ]),
        )
        for branch in case.branches
    ]  # fmt: skip
    shares = [
        (
            _share(case.lists[l2], basins),
            sum(basins.hits) / basins.runs - _share(case.lists[l2], basins),
            sum(basins.resting.values()) / basins.runs,
        )
        for l2, basins in case.basins.items()
    ]
    x = np.array([float(l2) for l2 in case.basins])
    return DecayPanel(case.title, tuple(branches), x, np.array(shares).T)


def _constant(found: PenalisedAtlas) -> float:
    """The least loss with all units at zero."""
    y = [float(value) for (value,) in found.loss.data.y]
    _, cost = found.loss.penalty.of(1)
    return sum(v * v for v in y) - sum(y) ** 2 / (len(y) + float(cost))


def _lists_table(case: _Case) -> DataTable:
    return table_of(
        f"{case.stem}-minima",
        [
            {
                "l2": str(l2),
                "loss": float(family.loss.mid),
                "least": least,
                "units_at_work": family.directions,
                "kinks": family.kinks,
                "orbit": family.orbit,
                "units": " ".join(
                    ("+" if sign > 0 else "-") + "".join("-0+"[s + 1] for s in sides)
                    for sign, sides in family.units
                ),
                "complete": found.complete,
            }
            for l2, found in case.lists.items()
            for family, least in zip(found.minima, _least(found), strict=True)
        ],
    )


def _basins_table(case: _Case) -> DataTable:
    return table_of(
        f"{case.stem}-starts",
        [
            {
                "l2": str(l2),
                "runs": basins.runs,
                "in_a_global_minimum": round(_share(case.lists[l2], basins) * basins.runs),
                "in_a_minimum": sum(basins.hits),
                "with_a_dead_unit_at_zero": sum(basins.resting.values()),
                "elsewhere": sum(basins.unknown.values()),
            }
            for l2, basins in case.basins.items()
        ],
    )


STUDY: Final = Study(DECAY, run)
