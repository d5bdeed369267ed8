"""C10: depth kills: fresh deep ReLU networks are constant (v1, Proposition 5, Fig. 6 right)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spurious.construct import Block, ConstantShare, constant_bound, constant_share
from spurious.figures import Series, SeriesPanel, series_panels
from spurious.figures.panels import rate_series
from spurious.problem import Dataset, Loss, Network, dataset
from spurious.studies.claims import C10
from spurious.studies.report.claim import (
    Budget,
    ClaimResult,
    Context,
    DataTable,
    Picture,
    Row,
    Status,
    Study,
    overall,
    proved,
    table_of,
)
from spurious.sweep import Rate, clopper_pearson, percent, rate_text
from spurious.train import Initialisation, Optimiser, Recipe, train
from spurious.train.batched import preactivations

DEPTH: Final = 60
SHOWN: Final = 20
"""Hidden layers at which the rows compare."""

SURE: Final = 0.99
CONFIDENCE: Final = 1 - 1e-4
"""Of the intervals that a bound is held against: many depths are compared at once."""

HE: Final = Initialisation("he_normal")
WITHOUT_BIASES: Final = (("xor", 2), ("xor", 3), ("xor", 4), ("jellyfish", 3), ("deadlock10", 3))
"""Dataset and units a layer."""

WITH_BIASES: Final = (("xor", 1), ("xor", 2), ("xor", 3))

STARTS: Final = (
    ("He, normal", HE),
    ("He, uniform", Initialisation("he_uniform")),
    ("LeCun, normal", Initialisation("lecun_normal")),
    ("Glorot, normal", Initialisation("glorot_normal")),
    ("Glorot, uniform", Initialisation("glorot_uniform")),
    ("He, normal, biases 0.01", Initialisation("he_normal", bias=0.01)),
    ("He, normal, biases 0.1", Initialisation("he_normal", bias=0.1)),
    ("He, normal, biases 1", Initialisation("he_normal", bias=1.0)),
    ("PyTorch's, with its biases", Initialisation("pytorch")),
    ("normal(0, 1), biases too", Initialisation("normal", bias="drawn")),
)

UNITS: Final = 3
TRAINED: Final = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40)
UPDATES: Final = 3_000
TAIL: Final = 60

_Shares: TypeAlias = list[tuple[str, ConstantShare]]


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """Bound and simulation at depths 1 to `DEPTH`."""

    name: str
    units: int
    bound: NDArray[np.float64]
    share: ConstantShare
    sure_from: int


@dataclass(frozen=True, slots=True)
class _Trained:
    depth: int
    constant_before: Rate
    constant_after: Rate
    solved: Rate
    revived: int


def run(context: Context) -> ClaimResult:
    """Bounds, simulates and trains."""
    runs = {Budget.QUICK: 2_000, Budget.STANDARD: 20_000, Budget.FULL: 200_000}[context.budget]
    context.say("C10: bounds and simulation")
    plain = [_curve(name, units, HE, runs) for name, units in WITHOUT_BIASES]
    biased = [_curve(name, units, Initialisation("pytorch"), runs) for name, units in WITH_BIASES]
    xor = dataset("xor").data
    hidden = [UNITS] * DEPTH
    starts = [(label, constant_share(xor, hidden, start, runs)) for label, start in STARTS]
    blocks = [
        (f"{block.value}, {label}", constant_share(xor, hidden, start, runs, block=block))
        for block in (Block.LEAKY, Block.RESIDUAL)
        for label, start in (("He, normal", HE), ("PyTorch's", Initialisation("pytorch")))
    ]
    trained: list[_Trained] = []
    for depth in TRAINED:
        context.say(f"C10: training {depth} hidden layers")
        trained.append(_train(xor, depth, runs // 2))
    rows = (
        *(_bound_row(curve, "without biases, normal weights of any scale") for curve in plain),
        *(
            _bound_row(curve, "with biases drawn as the weights are (PyTorch's)")
            for curve in biased
        ),
        _growing_row(),
        *(_share_row(label, share, "which start delays it") for label, share in starts),
        *(_share_row(label, share, "other layers") for label, share in blocks),
        *map(_trained_row, trained),
    )
    return ClaimResult(
        C10,
        overall(rows),
        rows,
        (
            "Proved (Theorem 18 of docs/mathematics.md): the lower bounds, for every dataset, "
            "depth and widths, for normal and uniform weights of mean 0; they tend to 1 if the "
            "widths are bounded. A layer that is off on all data gets no gradient, so without "
            "weight decay a network that starts constant ends constant.",
            "The statement as quoted, for any widths, is false. They must not grow without "
            "limit: two points on one ray die together at a layer "
            "of h units with probability 2^-h exactly, so without biases a network is constant "
            "with probability 1 - prod (1 - 2^-h), which tends to 1 only if the sum of the 2^-h "
            "diverges.",
            "With biases the bound is far from the simulation: it treats points as if they did "
            "not come closer from layer to layer, and they do.",
            "Without biases the scale of the weights cancels: He, LeCun and Glorot starts are "
            "one and the same. Positive biases delay the end, at the price of networks that are "
            "nearly constant. Leaky units never make different points equal, and a residual "
            "network is constant only if its first layer is.",
        ),
        (),
        (_picture(plain, starts, blocks, trained),),
        (_curves_table(plain, biased), _starts_table(starts, blocks), _trained_table(trained)),
    )


def _curve(name: str, units: int, start: Initialisation, runs: int) -> _Curve:
    data = dataset(name).data
    bound = [float(constant_bound(data, [units] * depth, start)) for depth in range(1, DEPTH + 1)]
    share = constant_share(data, [units] * DEPTH, start, runs)
    return _Curve(name, units, np.array(bound), share, _sure_from(data, units, start))


def _sure_from(data: Dataset, units: int, start: Initialisation) -> int:
    """The smallest depth at which the bound reaches 99 %."""

    def reached(depth: int) -> bool:
        return constant_bound(data, [units] * depth, start) >= SURE

    high = 1
    while not reached(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _bound_row(curve: _Curve, heading: str) -> Row:
    counts = curve.share.constant
    agrees = all(
        bound <= clopper_pearson(int(count), curve.share.runs, CONFIDENCE).high
        for bound, count in zip(curve.bound, counts, strict=True)
    )
    rate = clopper_pearson(int(counts[SHOWN - 1]), curve.share.runs)
    return Row(
        f"{curve.name}, {_units(curve.units)} a layer",
        "tends to 1 with depth",
        f"proved to be at least 99% from {curve.sure_from:,} hidden layers; at {SHOWN}: proved "
        f"{percent(curve.bound[SHOWN - 1])}, simulated {rate_text(rate)}"
        + ("" if agrees else "; THE SIMULATION CONTRADICTS THE BOUND"),
        proved(agrees),
        True,
        heading,
    )


def _growing_row() -> Row:
    """The claim with widths of any growth, which is false: exact for two points on one ray.

    A layer of h units is off on both with probability 2^-h, so layers of 1, 2, 3, ... units are all
    alive with probability prod (1 - 2^-h), and the factors beyond `TAIL` are at least 1 - 2^-TAIL.
    """
    alive = 1 - Fraction(1, 2**TAIL)
    for units in range(1, TAIL + 1):
        alive *= 1 - Fraction(1, 2**units)
    return Row(
        "layers of 1, 2, 3, ... units, two points on one ray",
        "tends to 1 with depth",
        f"never above {percent(float(1 - alive))}: the widths must be bounded",
        Status.PROVED_WITH_CORRECTION,
        True,
        "without biases, widths that grow",
    )


def _units(count: int) -> str:
    return "1 unit" if count == 1 else f"{count} units"


def _share_row(label: str, share: ConstantShare, heading: str) -> Row:
    constant, nearly = (
        rate_text(clopper_pearson(int(counts[SHOWN - 1]), share.runs))
        for counts in (share.constant, share.nearly)
    )
    return Row(
        label,
        "",
        f"{constant} constant, {nearly} constant up to 1%",
        Status.MEASURED,
        heading=f"{heading}: xor, {UNITS} units a layer, {SHOWN} hidden layers",
    )


def _train(data: Dataset, depth: int, runs: int) -> _Trained:
    recipe = Recipe(
        Network((2, *[UNITS] * depth, 1), "relu"),
        Loss.SQUARED,
        data,
        HE,
        Optimiser("adam", 0.01),
        UPDATES,
        stop=False,
    )
    ends = train(recipe, 10, 0, runs)
    before = _constant(recipe, train(replace(recipe, updates=0), 10, 0, runs).parameters)
    after = _constant(recipe, ends.parameters)
    return _Trained(
        depth,
        clopper_pearson(int(before.sum()), runs),
        clopper_pearson(int(after.sum()), runs),
        clopper_pearson(int((ends.solved_at >= 0).sum()), runs),
        int((before & ~after).sum()),
    )


def _constant(recipe: Recipe, parameters: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which networks have a layer of which every unit is off on all data."""
    layers = preactivations(recipe, parameters.astype(np.float64))[:-1]
    return np.logical_or.reduce([(z <= 0).all(axis=(1, 2)) for z in layers])


def _trained_row(found: _Trained) -> Row:
    return Row(
        f"{found.depth} hidden layer{'s' if found.depth > 1 else ''}",
        "all that start constant end constant",
        f"{rate_text(found.constant_before)} start constant, "
        f"{rate_text(found.constant_after)} end constant, {rate_text(found.solved)} solve it"
        + (f"; {found.revived} COME BACK" if found.revived else ""),
        Status.DIFFERS if found.revived else Status.REPRODUCED,
        heading=f"training: xor, {UNITS} units a layer, He's start without biases, squared loss, "
        f"{UPDATES:,} updates of Adam",
    )


def _picture(
    plain: list[_Curve], starts: _Shares, blocks: _Shares, trained: list[_Trained]
) -> Picture:
    depths = np.arange(1, DEPTH + 1, dtype=float)
    some = np.array([1, 2, 4, 7, 10, 15, 20, 30, 40, 50, 60])
    left: list[Series] = []
    for look, curve in enumerate(c for c in plain if c.name == "xor"):
        left.append(Series(f"{curve.units} units, proved", depths, curve.bound, look=look))
        left.append(_simulated(f"{curve.units} units, simulated", curve.share, some, look))
    shown = (
        "He, normal",
        "PyTorch's, with its biases",
        "He, normal, biases 0.1",
        "residual, He, normal",
    )
    middle = [
        _joined(label, share.constant, share.runs)
        for label, share in (*starts, *blocks)
        if label in shown
    ]
    at = np.array([t.depth for t in trained], dtype=float)
    right = tuple(
        rate_series(label, at, [getattr(t, field) for t in trained])
        for label, field in (
            ("constant at the start", "constant_before"),
            ("constant at the end", "constant_after"),
            ("solved", "solved"),
        )
    )
    label = "share of networks"
    return Picture(
        "c10-depth",
        "XOR. (a) Probability that a fresh ReLU network without biases is constant on the data: "
        "proved lower bound and simulation. (b) Three units a layer: three starts, and residual "
        "layers. (c) Three units a layer, He's start, trained, with 95 % intervals.",
        series_panels(
            (
                SeriesPanel("(a) no biases", "hidden layers", label, tuple(left), share=True),
                SeriesPanel(
                    "(b) starts and layers", "hidden layers", label, tuple(middle), share=True
                ),
                SeriesPanel("(c) training", "hidden layers", label, right, share=True),
            )
        ),
    )


def _simulated(label: str, share: ConstantShare, depths: NDArray[np.int64], look: int) -> Series:
    rates = [clopper_pearson(int(share.constant[depth - 1]), share.runs) for depth in depths]
    return replace(rate_series(label, depths.astype(float), rates), joined=False, look=look)


def _joined(label: str, counts: NDArray[np.int64], runs: int) -> Series:
    rates = [clopper_pearson(int(count), runs) for count in counts]
    return rate_series(label, np.arange(1, DEPTH + 1, dtype=float), rates)


def _curves_table(plain: list[_Curve], biased: list[_Curve]) -> DataTable:
    return table_of(
        "c10-bounds",
        [
            {
                "data": curve.name,
                "units": curve.units,
                "biases": kind,
                "hidden layers": depth,
                "proved at least": float(bound),
                "runs": curve.share.runs,
                "constant": int(count),
            }
            for kind, curves in (("none", plain), ("drawn", biased))
            for curve in curves
            for depth, (bound, count) in enumerate(
                zip(curve.bound, curve.share.constant, strict=True), 1
            )
        ],
    )


def _starts_table(*groups: _Shares) -> DataTable:
    return table_of(
        "c10-starts",
        [
            {
                "start": label,
                "hidden layers": depth,
                "runs": share.runs,
                "constant": int(constant),
                "constant up to 1%": int(nearly),
            }
            for group in groups
            for label, share in group
            for depth, (constant, nearly) in enumerate(
                zip(share.constant, share.nearly, strict=True), 1
            )
        ],
    )


def _trained_table(found: list[_Trained]) -> DataTable:
    return table_of(
        "c10-training",
        [
            {
                "hidden layers": t.depth,
                "runs": t.solved.total,
                "constant at start": t.constant_before.count,
                "constant at end": t.constant_after.count,
                "solved": t.solved.count,
            }
            for t in found
        ],
    )


STUDY: Final = Study(C10, run)
