"""The application: every command of `spurious`."""

from __future__ import annotations

from typing import Annotated

import typer

from spurious import __version__
from spurious.cli.atlas import atlas, global_
from spurious.cli.catalogue import catalogue
from spurious.cli.certify import certify
from spurious.cli.check import check
from spurious.cli.commands import group, register
from spurious.cli.construct import construct_app
from spurious.cli.datasets import datasets
from spurious.cli.diagnose import diagnose
from spurious.cli.explore import explore
from spurious.cli.reproduce import reproduce
from spurious.cli.sweep import sweep_app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spurious {__version__}")
        raise typer.Exit


def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Prove whether a point in a neural network's parameter space is a bad local minimum.

    A local minimum is bad, or spurious, if a better point exists. Every decision comes with a
    certificate that an independent program checks.

    Start here:
      spurious datasets                      what data is built in
      spurious certify problem.json --out .  decide about the point in problem.json
      spurious check problem.certificate.json
      spurious diagnose train:make           why a PyTorch model does not learn
      spurious reproduce                     the paper's claims, one by one
      spurious atlas d1 --hidden 2           every local minimum of a small network
      spurious global d1 --hidden 2          the lowest, with a proof
      spurious sweep run plan.toml           train many networks, count what they end in
      spurious construct region-trap         bad minima made to order
      spurious construct deadlock            hunt small data with a bad minimum
      spurious catalogue                     others' constructions, certified
      spurious explore                       a page to play with small networks

    Exit statuses are told by each command's --help. With all of them 130 is interrupted, and 141:
    the output could not be written, because its reader went away or its disk is full.
    """


app = group(_options)
for command in (certify, check, atlas):
    register(app, command)
register(app, global_, "global")
for command in (diagnose, reproduce, datasets, catalogue, explore):
    register(app, command)
app.add_typer(sweep_app, name="sweep")
app.add_typer(construct_app, name="construct")
