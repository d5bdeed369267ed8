"""`spurious construct deadlock`: hunts a small dataset with a strict bad minimum."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from spurious.cli.commands import Exit
from spurious.cli.options import AsJson, Seed, units_of
from spurious.cli.output import counted
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.cli.construction import Construction
    from spurious.hunt import Find, HuntProgress, Request, Round
    from spurious.hunt.anatomy import Anatomy

PLAIN_SECONDS: Final = 15.0
"""How often a line is printed where there is no terminal."""


def deadlock(
    points: Annotated[int, typer.Option(max=1_000, metavar="N", help="Data points.")] = 8,
    width: Annotated[
        str, typer.Option(metavar="M,...", help="Units of the hidden layers, as in 2 or 2,2.")
    ] = "2",
    inputs: Annotated[int, typer.Option(min=1, max=1_000, metavar="D", help="Inputs.")] = 2,
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="A smooth one, such as sigmoid, tanh, gelu.")
    ] = "sigmoid",
    loss: Annotated[str, typer.Option(metavar="NAME", help="logistic or squared.")] = "logistic",
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="absolute, relative, homotopy or symmetric; default: symmetric for 2-2-1, else "
            "relative.",
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(metavar="T", help="Time for new rounds.")] = 60.0,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the find there, and a journal from which the same command goes on.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> Exit:
    """Hunt a small dataset on which a smooth network has a strict bad local minimum (C13).

    The data are moved, not the network, until a critical point is a minimum; then they are rounded
    to at most three decimals, the minimum is proved, and a better point is sought. The starts
    depend on the seed alone. Needs JAX: pip install 'spurious[jax]'.

    Example:
      spurious construct deadlock --points 10 --out ten
      spurious construct deadlock --points 7 --out seven
      spurious construct deadlock --points 6 --loss squared --out six

    Exit status:
      0    found and proved
      2    this cannot be hunted
      3    nothing found in the time
      130  interrupted; with --out the same command goes on
    """
    from spurious.files import make_folder
    from spurious.hunt import Request
    from spurious.problem import Loss, Network

    if loss not in list(Loss):
        raise InputError(f"--loss: found {loss!r}, expected logistic or squared")
    if not minutes > 0:
        raise InputError(f"--minutes: found {minutes}, expected a positive number")
    network = Network((inputs, *units_of("--width", width), 1), activation)
    default = "symmetric" if network.widths == (2, 2, 1) else "relative"
    request = Request(points, network, Loss(loss), method or default, seed)
    if out is not None:
        make_folder(out)
    journal = None if out is None else out / "journal.jsonl"
    from spurious.hunt import hunt  # slow to import

    try:
        with _reporting(60 * minutes) as report:
            find, done = hunt(request, seconds=60 * minutes, journal=journal, report=report)
    except KeyboardInterrupt:
        if out is None:
            raise
        typer.echo(
            f"Interrupted. Finished rounds are kept in {out}; the same command goes on.", err=True
        )
        return Exit.INTERRUPTED
    from spurious.cli.construction import deliver

    answer = deliver(_construction(request, find, done), out, as_json)
    return Exit.UNDECIDED if find is None else answer


def _construction(request: Request, find: Find | None, done: tuple[Round, ...]) -> Construction:
    """What is said of a hunt; its pictures look into the minimum."""
    from spurious.cli.construct_pictures import deadlock_figure, deaths_figure, slices_figure
    from spurious.cli.construction import Construction

    starts, hits = sum(r.starts for r in done), sum(r.hits for r in done)
    best = max((r.best for r in done if r.best is not None), default=None)
    facts = {
        "network": f"{request.network.shape_name} {request.network.activation}, "
        f"{request.loss} loss",
        "searched": f"{starts:,} starts, method {request.method}; {hits} "
        f"{'minimum' if hits == 1 else 'minima'} in floating point",
    }
    summary: dict[str, Any] = {
        "points": request.points,
        "method": request.method,
        "seed": request.seed,
        "starts": starts,
        "hits": hits,
        "best": best,
        "found": find is not None,
    }
    title = f"{request.points} points with a strict bad minimum"
    if find is None:
        closest = "" if best is None else f"; closest: smallest relative eigenvalue {best:.2g}"
        facts["result"] = f"none found{closest}"
        return Construction(f"found no {title}", facts, summary)
    facts["data"] = f"rounded to multiples of 1e-{find.decimals}"
    facts["curvature"] = f"smallest eigenvalue about {find.eigenvalue:.3g}"
    summary |= {"decimals": find.decimals, "eigenvalue": find.eigenvalue}
    pictures = {
        "picture": lambda: deadlock_figure(find.problem),
        "slices": lambda: slices_figure(_inside(find)),
        "deaths": lambda: deaths_figure(_inside(find)),
    }
    return Construction(title, facts, summary, {"minimum": find.problem}, pictures)


@cache
def _inside(find: Find) -> Anatomy:
    from spurious.cli.consoles import busy
    from spurious.hunt.anatomy import anatomy

    with busy("looking into the minimum"):
        return anatomy(find.problem)


@contextmanager
def _reporting(seconds: float) -> Generator[Callable[[HuntProgress], None]]:
    """Progress on stderr: a live line on a terminal, else a line now and then."""
    from spurious.cli.consoles import messages, now_and_then

    console = messages()
    start = time.monotonic()

    def line(now: HuntProgress) -> str:
        best = "" if now.best is None else f", best eigenvalue {now.best:.2g}"
        left = max(seconds - (time.monotonic() - start), 0) / 60
        time_left = f"{left:.0f} min" if left >= 1 else "less than a minute"
        return (
            f"round {now.round + 1}, {100 * now.share:.0f}% done; {now.starts:,} starts before, "
            f"{counted(now.hits, 'hit')}{best}; {time_left} left"
        )

    if console.is_terminal:
        with console.status("compiling", spinner="line") as status:
            yield lambda now: status.update(line(now))
    else:
        say = now_and_then(console, PLAIN_SECONDS)
        yield lambda now: say(line(now))
