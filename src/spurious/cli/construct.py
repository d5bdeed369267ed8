"""`spurious construct`: data, points and starts with proven traps, made to order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from spurious.cli.commands import Exit, group, register
from spurious.cli.deadlock import deadlock
from spurious.cli.options import (
    COUNT,
    AsJson,
    Seed,
    Source,
    affordable,
    fraction,
    parameters,
    units_of,
)
from spurious.cli.sources import data_of
from spurious.errors import InputError

Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Write problem files, certificates, a summary and a picture there."
    ),
]
RUNS_LIMIT = 100_000
Runs: TypeAlias = Annotated[
    int,
    typer.Option(
        min=0,
        max=RUNS_LIMIT,
        metavar="N",
        help="Random starts of each kind that measure the basin; 0: none.",
    ),
]

PARAMETERS = 100_000
"""Most of a dead layer's network; so many take about a minute, as do the following."""
TRAP_SIZE = 3_000
SHIFTED_VALUES = 20_000
LAYERS = 5_000
COMPUTED = 10**10


def dead_layer(
    source: Source,
    hidden: Annotated[
        str, typer.Option(metavar="M,M,...", help="Units of the hidden layers, as in 3,3,3.")
    ],
    layer: Annotated[int, typer.Option(metavar="L", help="The layer to kill, from 1.")] = 1,
    runs: Runs = 0,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> Exit:
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
    from spurious.construct import dead_layer as build
    from spurious.problem import Loss, Network

    data = data_of(source, Loss.SQUARED)
    network = Network((data.inputs, *units_of("--hidden", hidden), len(data.y[0])), "relu")
    affordable("parameters, by --hidden", parameters(network.widths), PARAMETERS)
    made = build(network, data, layer, seed)
    from spurious.cli.construct_results import dead_layer as result  # slow to import
    from spurious.cli.construction import deliver

    return deliver(result(source, made, layer, runs, seed), out, as_json)


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
    runs: Runs = 0,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> Exit:
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
    from spurious.construct import region_trap as build

    factor = fraction("--ratio", ratio)
    # What the time grows with; requests below the least are refused later.
    size = max(inputs, 1) * max(regions, 1) * max(units, 1) * max(depth, 1)
    affordable("--inputs times --regions times --units times --depth", size, TRAP_SIZE)
    made = build(inputs, regions, units, factor, depth, seed)
    from spurious.cli.construct_results import region_trap as result  # slow to import
    from spurious.cli.construction import deliver

    return deliver(result(made, runs, seed), out, as_json)


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
        int,
        typer.Option(
            min=0, max=COUNT, metavar="N", help="First layers to draw as a test; 0: none."
        ),
    ] = 2_000,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the data, a summary and a picture.")
    ] = None,
    as_json: AsJson = False,
) -> Exit:
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
    from spurious.construct import (
        SIGMA_RULES,
        dead_probability,
        shifted_start_data,
        smallest_mean,
    )
    from spurious.construct import sigma as sigma_of

    affordable("--inputs times --points", inputs * points, SHIFTED_VALUES)
    affordable("--inputs times --units times --draws", inputs * units * draws, COMPUTED)
    data = shifted_start_data(inputs, points, outliers)
    if units < 1:
        raise InputError(f"--units: found {units}, expected at least 1")
    try:
        std = sigma_of(sigma, inputs, units, units) if sigma in SIGMA_RULES else float(sigma)
    except ValueError:
        expected = f"a number, or one of {', '.join(SIGMA_RULES)}"
        raise InputError(f"--sigma: found {sigma!r}, expected {expected}") from None
    mean = smallest_mean(lambda at: dead_probability(data, at, std, units), eps)
    from spurious.cli.construct_results import shifted_start as result  # slow to import
    from spurious.cli.construction import deliver

    return deliver(result(data, units, std, mean, draws, seed), out, as_json)


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
    runs: Annotated[
        int, typer.Option(min=1, max=COUNT, metavar="N", help="Networks to draw.")
    ] = 10_000,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a summary and a picture there.")
    ] = None,
    as_json: AsJson = False,
) -> Exit:
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
    from spurious.construct import Block
    from spurious.train import Initialisation

    data = data_of(source)
    if block not in list(Block):
        raise InputError(f"--block: found {block!r}, expected one of {', '.join(Block)}")
    if layers < 1:
        raise InputError(f"--layers: found {layers}, expected at least 1")
    affordable("--layers", layers, LAYERS)
    affordable("--units squared times --layers times --runs", units**2 * layers * runs, COMPUTED)
    kind, initial = Block(block), Initialisation(start)
    from spurious.cli.construct_results import depth as result  # slow to import
    from spurious.cli.construction import deliver

    hidden = (units,) * layers
    return deliver(result(source, data, hidden, initial, kind, runs, seed), out, as_json)


def _about() -> None:
    """Build data, points and starts with proven traps.

    Start here:
      spurious construct dead-layer d1 --hidden 3,3 --layer 2   a layer that is off for ever
      spurious construct region-trap --inputs 3 --ratio 100     units stuck in the wrong region
      spurious construct shifted-start --units 1000             data that defeat a shifted start
      spurious construct depth xor --units 3                    deep networks that start constant
      spurious construct deadlock --points 8                    few points, a strict bad minimum
    """


construct_app = group(_about)
register(construct_app, dead_layer, "dead-layer")
register(construct_app, region_trap, "region-trap")
register(construct_app, shifted_start, "shifted-start")
register(construct_app, depth)
register(construct_app, deadlock)
