"""`spurious explore`: serves the Explorer's page."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from spurious.cli.commands import Exit
from spurious.errors import MissingExtraError


def explore(
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")
    ] = 8611,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to bind; anyone who reaches it may ask.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> Exit:
    """Explore small networks in a browser.

    Opens a page, served by this machine for itself alone: drag data points, choose network, loss
    and optimiser, watch an ensemble train, and certify the runs that get stuck. Ctrl-C stops it.

    Example:
      spurious explore
      spurious explore --port 0 --no-browser

    Exit status:
      0    stopped by Ctrl-C
      2    the address cannot be used, or the extra `explore` is not installed
    """
    try:
        from spurious.explore import serve
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "explore") from None

    def opened(url: str) -> None:
        typer.echo(f"Explorer: {url}  (Ctrl-C stops it)")
        if browser:
            webbrowser.open(url)

    try:
        serve(host, port, opened)
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    return Exit.OK
