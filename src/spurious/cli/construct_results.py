"""The constructions of `spurious construct`, with what is said of each."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from spurious.cli.consoles import busy
from spurious.cli.construct_pictures import (
    depth_figure,
    outputs_figure,
    shifted_figure,
    trap_figure,
)
from spurious.cli.construction import Construction
from spurious.cli.output import counted
from spurious.construct import (
    STANDARD_STARTS,
    Block,
    DeadLayer,
    RegionTrap,
    ShiftedStart,
    constant_bound,
    constant_share,
    dead_distance,
    dead_probability,
    dead_shares,
    drawn_dead,
    trap_reach,
    trap_shares,
)
from spurious.problem import Dataset, Loss, Network, Problem
from spurious.proof import exact_text
from spurious.sweep import clopper_pearson, percent, rate_text
from spurious.train import Initialisation

UPDATES = 3_000
REACH = (0.01, 0.03, 0.1, 0.3, 1.0)
MARKS = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1_000)
"""Depths that are printed."""


def dead_layer(source: str, made: DeadLayer, layer: int, runs: int, seed: int) -> Construction:
    """A local minimum with a layer that is off on all data.

    Args:
        source: What the data are called.
        made: The minimum.
        layer: The dead layer, from 1.
        runs: Random starts of each kind that measure the basin.
        seed: Seed of all random numbers.
    """
    network, distance = made.problem.network, dead_distance(made)
    with busy("training"):
        shares = dead_shares(network, made.problem.data, runs, UPDATES, seed=seed) if runs else ()
    facts = {
        "network": network.shape_name,
        "dead layer": f"{layer} of {network.depth}; all its pre-activations are at most "
        f"{exact_text(-made.margin)}",
        "data": "decent: a better point exists" if made.decent else "not decent: nothing is better",
        "nearest life": f"{float(distance.own_squared) ** 0.5:.4g} away in the layer's own "
        f"parameters; none within {float(distance.all_layers):.3g} in all parameters (Euclidean)",
    }
    for share in shares:
        facts[share.start] = (
            f"{share.at_start} of {runs} starts have a dead layer, {share.at_end} end with one"
        )
    summary: dict[str, Any] = {
        "network": list(network.widths),
        "layer": layer,
        "margin": str(made.margin),
        "decent": made.decent,
        "distance_squared_own": str(distance.own_squared),
        "radius_all_layers": str(distance.all_layers),
        "starts": [asdict(share) for share in shares],
    }
    return Construction(
        f"dead layer on {source}, squared loss",
        facts,
        summary,
        {"dead": made.problem},
        {"picture": lambda: outputs_figure(made.problem, ("dead layer", "better point"))},
    )


def region_trap(made: RegionTrap, runs: int, seed: int) -> Construction:
    """Data with a bad and a good local minimum.

    Args:
        made: The data and the minima.
        runs: Random starts of each kind that measure the basin.
        seed: Seed of all random numbers.
    """
    with busy("training"):
        shares = trap_shares(made, STANDARD_STARTS, runs, UPDATES, seed=seed) if runs else ()
        reach = trap_reach(made, REACH, runs, seed=seed) if runs else ()
    network = made.problem.network
    facts = {
        "network": network.shape_name,
        "data": f"{made.problem.data.size} points in {max(made.regions) + 1} regions",
        "bad minimum": f"loss {exact_text(made.bad_loss)}",
        "good minimum": f"loss {exact_text(made.good_loss)}",
        "ratio": exact_text(made.ratio),
    }
    for share in shares:
        facts[share.start] = (
            f"{share.bad} of {runs} starts end at the bad loss, {share.good} at the good one or "
            f"below, {share.between} between, {share.worse} above"
        )
    if reach:
        facts["reach"] = ", ".join(f"{r.back} of {runs} return from {r.distance:g}" for r in reach)
        facts["reach"] += " of the parameters' norm away"
    summary: dict[str, Any] = {
        "network": list(network.widths),
        "regions": list(made.regions),
        "bad_loss": str(made.bad_loss),
        "good_loss": str(made.good_loss),
        "ratio": str(made.ratio),
        "starts": [asdict(share) for share in shares],
        "reach": [asdict(r) for r in reach],
    }
    problems = {"bad": made.problem, "good": made.good}
    pictures = {"picture": lambda: trap_figure(made, reach)}
    return Construction("region trap", facts, summary, problems, pictures)


def shifted_start(
    made: ShiftedStart, units: int, std: float, mean: Fraction, draws: int, seed: int
) -> Construction:
    """Data that a shifted normal start never learns.

    Args:
        made: The data.
        units: Units of the first layer.
        std: Standard deviation of its weights.
        mean: Of the weights.
        draws: First layers to draw as a test.
        seed: Seed of all random numbers.
    """
    inputs, points = made.data.inputs, made.data.size
    bounds = dead_probability(made, mean, std, units)
    outliers = "an outlier" if made.outliers == 1 else "outliers"
    facts = {
        "data": f"{points} points, {made.outliers} of them {outliers}; white up to "
        f"{float(made.unwhiteness):.0e}, separable",
        "never learnt": f"at least {counted(made.least_errors, 'point')}, once the first layer is "
        f"off on the {points - made.outliers} others",
        "mean": f"{float(mean):.6g}, at a standard deviation of {std:.6g}",
        "probability": f"{percent(bounds.lower)} to {percent(bounds.upper)}, proved",
    }
    summary: dict[str, Any] = {
        "points": points,
        "outliers": made.outliers,
        "unwhiteness": str(made.unwhiteness),
        "separator": [str(v) for v in made.separator],
        "least_errors": made.least_errors,
        "sigma": std,
        "mean": float(mean),
        "probability": [bounds.lower, bounds.upper],
    }
    if draws:
        with busy("drawing first layers"):
            dead = drawn_dead(made, float(mean), std, units, draws, seed)
        facts["simulated"] = f"{rate_text(clopper_pearson(dead, draws))} of {draws:,} first layers"
        summary["simulated"] = {"draws": draws, "dead": dead}
    return Construction(
        f"data against a shifted start of {inputs}-{units}-...-1",
        facts,
        summary,
        {"data": Problem(Network((inputs, units, 1), "relu"), Loss.LOGISTIC, made.data)},
        {"picture": lambda: shifted_figure(made)},
    )


def depth(
    source: str,
    data: Dataset,
    hidden: tuple[int, ...],
    start: Initialisation,
    block: Block,
    runs: int,
    seed: int,
) -> Construction:
    """How probable it is that a fresh network is constant on the data, against depth.

    Args:
        source: What the data are called.
        data: The data.
        hidden: Units of the hidden layers, all alike.
        start: The initial distribution.
        block: What a layer is.
        runs: Networks to draw.
        seed: Seed of all random numbers.

    Raises:
        InputError: There is no such network.
    """
    with busy("drawing networks"):
        share = constant_share(data, hidden, start, runs, block=block, seed=seed)
    counts = range(1, len(hidden) + 1)
    bounds: list[float] = []
    if block is Block.RELU:
        bounds = [float(constant_bound(data, hidden[:count], start)) for count in counts]
    facts: dict[str, str] = {}
    for count in counts:
        if count not in MARKS and count != len(hidden):
            continue
        rate, nearly = (
            clopper_pearson(int(seen[count - 1]), runs) for seen in (share.constant, share.nearly)
        )
        proved = f"at least {percent(bounds[count - 1])} proved, " if bounds else ""
        facts[counted(count, "layer")] = (
            f"{proved}{rate_text(rate)} simulated; constant up to 1%: {percent(nearly.share)}"
        )
    summary: dict[str, Any] = {
        "units": hidden[0],
        "start": start.name,
        "block": str(block),
        "runs": runs,
        "constant": share.constant.tolist(),
        "nearly_constant": share.nearly.tolist(),
        "proved_at_least": bounds,
    }
    title = f"constant {block} networks on {source}, {hidden[0]} units a layer, {start.name}"
    pictures = {"picture": lambda: depth_figure(share, bounds)}
    return Construction(title, facts, summary, pictures=pictures)
