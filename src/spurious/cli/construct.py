"""`spurious construct`: data, points and starts with proven traps, made to order."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from spurious.cli.deadlock import deadlock
from spurious.cli.help_text import help_text
from spurious.cli.sources import data_of
from spurious.cli.statuses import Status, guarded
from spurious.errors import InputError

__all__ = ["construct_app", "units_of"]

construct_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="DATASET|FILE", help="A built-in dataset (`spurious datasets`) or a problem file."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Write problem files, certificates, a summary and a picture there."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seed = Annotated[int, typer.Option(min=0, help="Of all random numbers.")]

RUNS = 1_000
UPDATES = 3_000
REACH = (0.01, 0.03, 0.1, 0.3, 1.0)


def dead_layer(
    source: Source,
    hidden: Annotated[
        str, typer.Option(metavar="M,M,...", help="Units of the hidden layers, as in 3,3,3.")
    ],
    layer: Annotated[int, typer.Option(help="The layer to kill, from 1.")] = 1,
    runs: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Random starts of each kind that measure the basin; 0: none."
        ),
    ] = 0,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> Status:
    """Build a local minimum whose chosen layer is off on all data (the paper's C12).

    For any data and any widths and depth: a ReLU network one of whose hidden layers is off on every
    point, with the mean of the targets as output, is a local minimum of the squared loss. It is
    bad, with a better point built beside it, exactly if the data are decent: the targets of equal
    inputs do not all have the same mean.

    Example:
      spurious construct dead-layer d1 --hidden 3,3 --layer 2 --out dead
      spurious construct dead-layer xor --hidden 8,8,8 --layer 3 --runs 1000

    Exit status:
      0    built and proved
      2    there is no such network
      3    built, but a proof was left undecided
      130  interrupted
    """
    from spurious.cli.construct_display import Made, busy, deliver
    from spurious.cli.construct_pictures import outputs_figure
    from spurious.construct import dead_distance, dead_shares
    from spurious.construct import dead_layer as build
    from spurious.problem import Network
    from spurious.proof import exact_text

    data = data_of(source)
    network = Network((data.inputs, *units_of("--hidden", hidden), len(data.y[0])), "relu")
    made = build(network, data, layer, seed)
    distance = dead_distance(made)
    facts = {
        "network": "-".join(map(str, network.widths)),
        "dead layer": f"{layer} of {network.depth}; all its pre-activations are at most "
        f"{exact_text(-made.margin)}",
        "data": "decent: a better point exists" if made.decent else "not decent: nothing is better",
        "nearest life": f"{float(distance.own_squared) ** 0.5:.4g} away in the layer's own "
        f"parameters; none within {float(distance.all_layers):.3g} in all parameters (Euclidean)",
    }
    summary: dict[str, Any] = {
        "network": list(network.widths),
        "layer": layer,
        "margin": str(made.margin),
        "decent": made.decent,
        "distance_squared_own": str(distance.own_squared),
        "radius_all_layers": str(distance.all_layers),
    }
    with busy("training"):
        shares = dead_shares(network, data, runs, UPDATES, seed=seed) if runs else ()
    for share in shares:
        facts[share.start] = (
            f"{share.at_start} of {runs} starts have a dead layer, {share.at_end} end with one"
        )
    summary["starts"] = [
        {"start": s.start, "runs": s.runs, "at_start": s.at_start, "at_end": s.at_end}
        for s in shares
    ]
    made_points = {"dead": made.problem}
    figure = None if out is None else outputs_figure(made.problem, ("dead layer", "better point"))
    return deliver(
        Made(f"dead layer on {source}", facts, summary, made_points, figure), out, as_json
    )


def region_trap(
    inputs: Annotated[int, typer.Option(metavar="D", help="Inputs.")] = 1,
    regions: Annotated[int, typer.Option(metavar="K", help="Regions, at least 2.")] = 2,
    units: Annotated[
        int, typer.Option(metavar="M", help="Units of every hidden layer, more than regions.")
    ] = 3,
    ratio: Annotated[
        str,
        typer.Option(
            metavar="R", help="Loss of the bad minimum over that of the good one, above 1."
        ),
    ] = "9",
    depth: Annotated[int, typer.Option(metavar="L", help="Hidden layers.")] = 1,
    runs: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Random starts of each kind that measure the basin; 0: none."
        ),
    ] = 0,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> Status:
    """Build data with a bad and a good local minimum, and no dead unit or blind spot (C7, beyond).

    A network spends its spare units on one of two zigzags far apart; the bad minimum makes the
    small one. The ratio of the losses is exact if it is the square of a fraction, else a little
    above.

    Example:
      spurious construct region-trap --ratio 100 --out trap
      spurious construct region-trap --inputs 5 --regions 3 --units 6 --ratio 1e12 --depth 2

    Exit status:
      0    built and proved
      2    there is no such trap
      3    built, but a proof was left undecided
      130  interrupted
    """
    from spurious.cli.construct_display import Made, busy, deliver
    from spurious.cli.construct_pictures import trap_figure
    from spurious.construct import STANDARD_STARTS, trap_reach, trap_shares
    from spurious.construct import region_trap as build
    from spurious.proof import exact_text

    made = build(inputs, regions, units, _fraction("--ratio", ratio), depth, seed)
    network, data = made.problem.network, made.problem.data
    facts = {
        "network": "-".join(map(str, network.widths)),
        "data": f"{data.size} points in {regions} regions",
        "bad minimum": f"loss {exact_text(made.bad_loss)}",
        "good minimum": f"loss {exact_text(made.good_loss)}",
        "ratio": exact_text(made.ratio),
    }
    with busy("training"):
        shares = trap_shares(made, STANDARD_STARTS, runs, UPDATES, seed=seed) if runs else ()
        reach = trap_reach(made, REACH, runs, seed=seed) if runs else ()
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
        "starts": [
            {
                "start": s.start,
                "runs": s.runs,
                "good": s.good,
                "between": s.between,
                "bad": s.bad,
                "worse": s.worse,
            }
            for s in shares
        ],
        "reach": [{"distance": r.distance, "runs": r.runs, "back": r.back} for r in reach],
    }
    points = {"bad": made.problem, "good": made.good}
    figure = None if out is None else trap_figure(made, reach)
    return deliver(Made("region trap", facts, summary, points, figure), out, as_json)


def shifted_start(
    inputs: Annotated[int, typer.Option(metavar="D", help="Inputs, at least 2.")] = 2,
    points: Annotated[int, typer.Option(metavar="N", help="Points.")] = 100,
    outliers: Annotated[
        int | None, typer.Option(metavar="K", help="Outliers among them; default: a tenth.")
    ] = None,
    units: Annotated[int, typer.Option(metavar="M", help="Units of the first layer.")] = 100,
    sigma: Annotated[
        str,
        typer.Option(
            metavar="RULE|S",
            help="Standard deviation of the weights: lecun, glorot, 1/h, or a number.",
        ),
    ] = "glorot",
    eps: Annotated[
        float, typer.Option(metavar="E", help="Start hopeless with probability 1 - E.")
    ] = 0.01,
    draws: Annotated[
        int, typer.Option(min=0, metavar="N", help="First layers to draw as a test; 0: none.")
    ] = 2_000,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> Status:
    """Build white, separable data that gradient descent never learns from a shifted start (C9).

    With weights from a normal distribution with the mean printed, and biases 0, all units of the
    first layer are off on most points of both classes, with probability at least 1 - eps, and stay
    off for ever under gradient descent, with or without momentum, whatever the other layers, step
    sizes or batches; not under Adam, or with weight decay that is added to the gradient.

    Example:
      spurious construct shifted-start --units 10000 --sigma 0.01 --out shifted
      spurious construct shifted-start --inputs 10 --points 300 --eps 0.001

    Exit status:
      0    built
      2    there are no such data
      130  interrupted
    """
    from spurious.cli.construct_display import Made, busy, deliver
    from spurious.cli.construct_pictures import shifted_figure
    from spurious.construct import (
        SIGMA_RULES,
        dead_probability,
        drawn_dead,
        shifted_start_data,
        smallest_mean,
    )
    from spurious.construct import sigma as sigma_of
    from spurious.problem import Loss, Network, Problem
    from spurious.sweep import clopper_pearson, percent, rate_text

    made = shifted_start_data(inputs, points, outliers)
    if units < 1:
        raise InputError(f"--units: found {units}, expected at least 1")
    if sigma in SIGMA_RULES:
        std = sigma_of(sigma, inputs, units, units)
    else:
        std = _number("--sigma", sigma, f"a number, or one of {', '.join(SIGMA_RULES)}")
    mean = smallest_mean(lambda at: dead_probability(made, at, std, units), eps)
    bounds = dead_probability(made, mean, std, units)
    facts = {
        "data": f"{points} points, {made.outliers} of them "
        f"{'an outlier' if made.outliers == 1 else 'outliers'}; white up to "
        f"{float(made.unwhiteness):.0e}, separable",
        "never learnt": f"at least {made.least_errors} "
        f"point{'' if made.least_errors == 1 else 's'}, once the first layer is off on the "
        f"{points - made.outliers} others",
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
        rate = clopper_pearson(dead, draws)
        facts["simulated"] = f"{rate_text(rate)} of {draws:,} first layers"
        summary["simulated"] = {"draws": draws, "dead": rate.count}
    problem = Problem(Network((inputs, units, 1), "relu"), Loss.LOGISTIC, made.data)
    figure = None if out is None else shifted_figure(made)
    title = f"data against a shifted start of {inputs}-{units}-...-1"
    return deliver(Made(title, facts, summary, {"data": problem}, figure), out, as_json)


def depth(
    source: Source,
    units: Annotated[int, typer.Option(metavar="M", help="Units of every hidden layer.")] = 3,
    layers: Annotated[int, typer.Option(metavar="L", help="Hidden layers, up to.")] = 40,
    start: Annotated[
        str, typer.Option(metavar="NAME", help="Initial distribution, such as he_normal.")
    ] = "he_normal",
    block: Annotated[
        str, typer.Option(metavar="KIND", help="relu, leaky or residual layers.")
    ] = "relu",
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Networks to draw.")] = 10_000,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> Status:
    """Tell how probable it is that a fresh network is constant on the data, against depth (C10).

    A lower bound is proved for relu layers; beside it stands a simulation, also of networks that
    are constant up to 1 %. Without weight decay a constant relu network stays so in training.

    Example:
      spurious construct depth xor --units 3 --layers 60
      spurious construct depth jellyfish --start pytorch --block residual --out depth

    Exit status:
      0    done
      2    there is no such network
      130  interrupted
    """
    from spurious.cli.construct_display import Made, busy, deliver
    from spurious.cli.construct_pictures import depth_figure
    from spurious.construct import Block, constant_bound, constant_share
    from spurious.sweep import clopper_pearson, percent, rate_text
    from spurious.train import Initialisation

    data = data_of(source)
    if block not in list(Block):
        raise InputError(f"--block: found {block!r}, expected one of {', '.join(Block)}")
    if layers < 1:
        raise InputError(f"--layers: found {layers}, expected at least 1")
    kind, initial = Block(block), Initialisation(start)
    with busy("drawing networks"):
        share = constant_share(data, [units] * layers, initial, runs, block=kind, seed=seed)
    bounds: list[float] = []
    if kind is Block.RELU:
        bounds = [
            float(constant_bound(data, [units] * count, initial)) for count in range(1, layers + 1)
        ]
    facts: dict[str, str] = {}
    for count in (n for n in range(1, layers + 1) if n in _MARKS or n == layers):
        rate, nearly = (
            clopper_pearson(int(found[count - 1]), runs) for found in (share.constant, share.nearly)
        )
        proved = f"at least {percent(bounds[count - 1])} proved, " if bounds else ""
        facts[f"{count} layer{'s' if count > 1 else ''}"] = (
            f"{proved}{rate_text(rate)} simulated; constant up to 1%: {percent(nearly.share)}"
        )
    summary: dict[str, Any] = {
        "units": units,
        "start": start,
        "block": block,
        "runs": runs,
        "constant": share.constant.tolist(),
        "nearly_constant": share.nearly.tolist(),
        "proved_at_least": bounds,
    }
    figure = None if out is None else depth_figure(share, bounds)
    title = f"constant {block} networks on {source}, {units} units a layer, {start}"
    return deliver(Made(title, facts, summary, {}, figure), out, as_json)


_MARKS = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1_000)


def units_of(option: str, text: str) -> tuple[int, ...]:
    """`3,3,3` as numbers.

    Raises:
        InputError: It is no such list.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise InputError(f"{option}: found {text!r}, expected numbers above 0, such as 3,3,3")
    return tuple(map(int, parts))


def _fraction(option: str, text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{option}: found {text!r}, expected a number such as 9 or 9/4") from None


def _number(option: str, text: str, expected: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{option}: found {text!r}, expected {expected}") from None


def _about() -> None:
    """Build data, points and starts with proven traps.

    Start here:
      spurious construct dead-layer d1 --hidden 3,3 --layer 2   a layer that is off for ever
      spurious construct region-trap --inputs 3 --ratio 100     units stuck in the wrong region
      spurious construct shifted-start --units 1000             data that defeat a shifted start
      spurious construct depth xor --units 3                    deep networks that start constant
      spurious construct deadlock --points 8                    few points, a strict bad minimum
    """


construct_app.callback(help=help_text(_about.__doc__))(_about)
construct_app.command("dead-layer", help=help_text(dead_layer.__doc__))(guarded(dead_layer))
construct_app.command("region-trap", help=help_text(region_trap.__doc__))(guarded(region_trap))
construct_app.command("shifted-start", help=help_text(shifted_start.__doc__))(
    guarded(shifted_start)
)
construct_app.command(help=help_text(depth.__doc__))(guarded(depth))
construct_app.command(help=help_text(deadlock.__doc__))(guarded(deadlock))
