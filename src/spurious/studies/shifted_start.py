"""C9: a dataset that defeats a shifted normal start (v1, Proposition 4, Fig. 6 left and middle)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Final

import numpy as np

from spurious.construct import (
    SIGMA_RULES,
    ProbabilityBounds,
    ShiftedStart,
    dead_probability,
    drawn_dead,
    same_sign_probability,
    shifted_start_data,
    sigma,
    smallest_mean,
)
from spurious.figures import Series, SeriesPanel, series_panels
from spurious.problem import Loss, Network
from spurious.problem.network import shape_name
from spurious.studies.claims import C9
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

EPS: Final = 0.01
POINTS: Final = 100
OUTLIERS: Final = 10
MORE_OUTLIERS: Final = 40
"""Outliers of a second dataset: the more there are, the smaller a mean is enough."""

UNITS: Final = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
DEPTHS: Final = (1, 10, 100)
QUOTED: Final = ((0.07, "0.01"), (0.24, "1/h"), (0.24, "glorot"))
"""The quoted means, and the deviations they are quoted for, at 10,000 units in 100 layers."""

SIMULATED: Final = ((2, 10, "glorot"), (2, 30, "0.01"), (5, 10, "lecun"), (10, 20, "glorot"))
"""Inputs, units and deviation at which simulation is held against the bounds."""

TRAINED: Final = ((16,), (8, 8), (6, 6, 6))
"""Hidden units of the networks that are trained."""

UPDATES: Final = 5_000


@dataclass(frozen=True, slots=True)
class _Trained:
    hidden: tuple[int, ...]
    mean: float
    dead: Rate
    solved: Rate
    least_errors: int


def run(context: Context) -> ClaimResult:
    """Builds the data, bounds the probabilities, simulates them, and trains."""
    made = shifted_start_data(2, POINTS, OUTLIERS)
    draws = {Budget.QUICK: 20_000, Budget.STANDARD: 200_000, Budget.FULL: 2_000_000}
    runs = {Budget.QUICK: 200, Budget.STANDARD: 1_000, Budget.FULL: 10_000}
    context.say("C9: smallest means")
    ours = {rule: tuple(_smallest(made, rule, units) for units in UNITS) for rule in SIGMA_RULES}
    signs = {depth: tuple(_all_positive(units, depth) for units in UNITS) for depth in DEPTHS}
    context.say("C9: simulation")
    simulated = tuple(_simulated_row(*case, draws[context.budget]) for case in SIMULATED)
    trained: list[_Trained] = []
    for hidden in TRAINED:
        context.say(f"C9: training {shape_name((2, *hidden, 1))}")
        mean = float(_smallest(made, "glorot", hidden[0]))
        trained += [_train(made, hidden, m, runs[context.budget]) for m in (0.0, mean)]
    rows = (
        *_data_rows(made),
        *_quoted_rows(made),
        *simulated,
        *map(_trained_row, trained),
    )
    return ClaimResult(
        C9,
        overall(rows),
        rows,
        (
            "Proved (Theorem 17 of docs/mathematics.md): on these data, once every unit of the "
            "first layer is off on all points but the outliers, no method that moves a unit's "
            "parameters along gradients (with any step sizes, momentum, batches; without weight "
            "decay; not Adam, which scales each coordinate) ever changes a pre-activation there. "
            "The points share one "
            "output for ever, both classes are among them, and the network can only converge to "
            "a constant. Depth and the other layers play no part. The probability of such a start "
            "is bounded rigorously, in ball arithmetic.",
            "Simulated: the same probability by drawing first layers, and training itself.",
            "The quoted means are enough on our data: 0.24 with 10 outliers in 100 points, 0.07 "
            "with 40, not with 10. The paper's own proof and dataset are in an appendix that we "
            "have not seen. Its 0.07 is also, to the digits printed, what makes all weights of 100 "
            "layers of 10,000 units positive at once with 99 %; that event depends on depth, ours "
            "does not. We found no event that gives 0.24. If 'LeCun' means variance 1/in, so 1/2 "
            "in the first layer, no mean near 0.24 is enough on our data.",
            "One input is impossible: the points that share an output would coincide, and could "
            "not be separated.",
        ),
        (),
        (_picture(ours, signs),),
        (_means_table(ours, signs), _trained_table(trained)),
    )


def _std(rule: str, units: int, inputs: int = 2) -> float:
    """The standard deviation of the first layer's weights."""
    return sigma(rule, inputs, units, units)


def _smallest(made: ShiftedStart, rule: str, units: int) -> Fraction:
    std = _std(rule, units, made.data.inputs)
    return smallest_mean(lambda mean: dead_probability(made, mean, std, units), EPS)


def _all_positive(units: int, depth: int) -> Fraction:
    """The smallest mean at which all weights are positive, standard deviation 0.01."""
    return smallest_mean(partial(_sign_probability, units, depth), EPS)


def _sign_probability(units: int, depth: int, mean: Fraction) -> ProbabilityBounds:
    return same_sign_probability((2, *[units] * depth, 1), mean, [0.01] * (depth + 1))


def _data_rows(made: ShiftedStart) -> tuple[Row, ...]:
    size = made.data.size
    x = np.array(made.data.x, dtype=float)
    rank = int(np.linalg.matrix_rank(np.cov(x.T)))
    *weight, offset = made.separator
    separated = all(
        (sum((w * v for w, v in zip(weight, x, strict=True)), offset)) * y[0] > 0
        for x, y in zip(made.data.x, made.data.y, strict=True)
    )
    heading = "the dataset"
    return (
        Row(
            "white, full rank",
            "yes",
            f"{size} points, rank {rank}; mean and covariance off by at most "
            f"{float(made.unwhiteness):.0e}, the rounding of square roots",
            proved(made.unwhiteness < Fraction(1, 10**12) and rank == made.data.inputs),
            True,
            heading,
        ),
        Row(
            "linearly separable",
            "yes",
            "yes, by an explicit plane",
            proved(separated),
            True,
            heading,
        ),
        Row(
            "most points of both classes where units are off",
            "yes",
            f"{size - made.outliers} of {size}, at least {made.least_errors} wrong for ever",
            proved(made.least_errors > 0),
            heading=heading,
        ),
    )


def _quoted_rows(made: ShiftedStart) -> tuple[Row, ...]:
    more = shifted_start_data(2, POINTS, MORE_OUTLIERS)
    heading = "the quoted means: 10,000 units in each of 100 layers"
    rows: list[Row] = []
    for mean, rule in QUOTED:
        exact = Fraction(str(mean))
        bound = dead_probability(more, exact, _std(rule, 10_000), 10_000).lower
        rows.append(
            Row(
                _rule_text(rule),
                f"mean {mean} is enough",
                f"with {MORE_OUTLIERS} outliers it is: {_need_text(more, rule)} is enough; with "
                f"{OUTLIERS}, {_need_text(made, rule)}",
                proved(bound >= 1 - EPS),
                True,
                heading,
            )
        )
    signs = _all_positive(10_000, 100)
    return (
        *rows,
        Row(
            "LeCun's variance 1/in",
            "",
            f"{_need_text(more, 'lecun')} is enough with {MORE_OUTLIERS} outliers",
            Status.MEASURED,
            heading=heading,
        ),
        Row(
            "all weights positive, standard deviation 0.01",
            "",
            f"99% from mean {float(signs):.4f}",
            Status.MEASURED,
            heading=heading,
        ),
    )


def _need_text(made: ShiftedStart, rule: str) -> str:
    return f"{float(_smallest(made, rule, 10_000)):.4f}"


def _rule_text(rule: str) -> str:
    return {
        "0.01": "standard deviation 0.01",
        "1/h": "LeCun, as quoted, variance 1/h",
        "glorot": "Glorot's variance 2/(in + out)",
        "lecun": "LeCun's variance 1/in",
    }[rule]


def _simulated_row(inputs: int, units: int, rule: str, draws: int) -> Row:
    """The dead share of drawn first layers, at the mean for 99 % and at half of it."""
    made = shifted_start_data(inputs, POINTS, OUTLIERS)
    std = _std(rule, units, inputs)
    mean = _smallest(made, rule, units)
    texts: list[str] = []
    inside = True
    for at in (mean / 2, mean):
        rate = clopper_pearson(drawn_dead(made, float(at), std, units, draws, 9), draws)
        bounds = dead_probability(made, at, std, units)
        inside &= bounds.lower <= rate.high and rate.low <= bounds.upper
        texts.append(
            f"at mean {float(at):.4f}: {rate_text(rate)}, proved {percent(bounds.lower)} to "
            f"{percent(bounds.upper)}"
        )
    return Row(
        f"d = {inputs}, {units} units, {_rule_text(rule)}",
        "",
        "; ".join(texts),
        Status.MEASURED if inside else Status.DIFFERS,
        heading="probability that the first layer is off: simulation against the bounds",
    )


def _train(made: ShiftedStart, hidden: tuple[int, ...], mean: float, runs: int) -> _Trained:
    network = Network((2, *hidden, 1), "relu")
    std = sigma("glorot", 2, hidden[0], hidden[0])
    recipe = Recipe(
        network,
        Loss.LOGISTIC,
        made.data,
        Initialisation("normal", mean=mean, std=std),
        Optimiser("gd", 0.001),
        UPDATES,
    )
    start = train(replace(recipe, updates=0), 9, 0, runs).parameters
    weight = start[:, : 2 * hidden[0]].reshape(-1, hidden[0], 2)
    off = (weight @ np.array(made.vertices, dtype=float).T < 0).all(axis=(1, 2))
    ends = train(recipe, 9, 0, runs)
    return _Trained(
        hidden,
        mean,
        clopper_pearson(int(off.sum()), runs),
        clopper_pearson(int((ends.solved_at >= 0).sum()), runs),
        made.data.size - int(ends.correct[off].max()) if off.any() else 0,
    )


def _trained_row(found: _Trained) -> Row:
    shape = shape_name((2, *found.hidden, 1))
    text = f"{rate_text(found.solved)} reach zero error; {rate_text(found.dead)} start off"
    if not found.mean:
        return Row(
            f"{shape}, mean 0", "", text, Status.MEASURED, heading="training by gradient descent"
        )
    holds = found.solved.share <= EPS
    return Row(
        f"{shape}, mean {found.mean:.4f}",
        "at most 1% learn",
        f"{text}, and these keep at least {found.least_errors} errors",
        Status.REPRODUCED if holds else Status.DIFFERS,
        heading="training by gradient descent",
    )


def _picture(
    ours: dict[str, tuple[Fraction, ...]], signs: dict[int, tuple[Fraction, ...]]
) -> Picture:
    x = np.array(UNITS, dtype=float)
    left = tuple(
        Series(_short(rule), x, np.array(values, dtype=float)) for rule, values in ours.items()
    )
    right = tuple(
        Series(f"{depth} hidden layer{'s' if depth > 1 else ''}", x, np.array(v, dtype=float))
        for depth, v in signs.items()
    )
    return Picture(
        "c09-means",
        "The smallest mean at which a start is hopeless with probability 99 %, proved. Left: the "
        "first layer off on 90 of 100 white points, at any depth, for four rules of the standard "
        "deviation. Right: all weights positive, standard deviation 0.01, the event that gives "
        "the paper's 0.07 at 100 layers of 10,000 units.",
        series_panels(
            (
                SeriesPanel(
                    "(a) first layer off on our data",
                    "hidden units $h$",
                    r"smallest mean $\mu$",
                    left,
                    log_x=True,
                    log_y=True,
                ),
                SeriesPanel(
                    r"(b) all weights positive, $\sigma = 0.01$",
                    "hidden units $h$ of each layer",
                    r"smallest mean $\mu$",
                    right,
                    log_x=True,
                ),
            )
        ),
    )


def _short(rule: str) -> str:
    return {
        "0.01": r"$\sigma = 0.01$",
        "1/h": r"$\sigma^2 = 1/h$",
        "glorot": r"Glorot, $2/(2+h)$",
        "lecun": "LeCun, $1/2$",
    }[rule]


def _means_table(
    ours: dict[str, tuple[Fraction, ...]], signs: dict[int, tuple[Fraction, ...]]
) -> DataTable:
    curves = [("first layer off", rule, means) for rule, means in ours.items()]
    curves += [
        ("all weights positive", f"0.01, {depth} layers", means) for depth, means in signs.items()
    ]
    return table_of(
        "c09-means",
        [
            {"event": event, "sigma": rule, "hidden units": units, "smallest mean": float(mean)}
            for event, rule, means in curves
            for units, mean in zip(UNITS, means, strict=True)
        ],
    )


def _trained_table(found: list[_Trained]) -> DataTable:
    return table_of(
        "c09-training",
        [
            {
                "hidden": shape_name(t.hidden),
                "mean": t.mean,
                "runs": t.dead.total,
                "off at start": t.dead.count,
                "solved": t.solved.count,
            }
            for t in found
        ],
    )


STUDY: Final = Study(C9, run)
