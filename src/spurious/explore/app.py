"""The web application: the page, and what it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from spurious import __version__
from spurious.errors import InputError, SpuriousError
from spurious.explore import limits
from spurious.explore.curves import curves
from spurious.explore.ensemble import Kernels, lines
from spurious.explore.exchange import plan_text, read_import
from spurious.explore.guard import Guard, refusal
from spurious.explore.jobs import Busy, Jobs
from spurious.explore.request import EnsembleRequest, read_atlas, read_certify, read_train
from spurious.explore.stories import ABOUT, STORIES
from spurious.figures.outcomes import LOOKS
from spurious.problem import ACTIVATIONS, DATASETS, HOMOGENEOUS, Problem, dataset
from spurious.train import INITIALISATIONS, OPTIMISERS, Outcome

PAGE: Final = Path(__file__).parent / "page"
BUSY: Final = "busy: too many requests are being worked on; try again in a moment"


def application(hosts: Sequence[str]) -> Starlette:
    """The web application of the Explorer.

    Args:
        hosts: Names that a request's Host header may have, without port.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        app.state.engine, app.state.jobs = Kernels(), Jobs()
        app.state.training = asyncio.Semaphore(limits.TRAININGS)
        app.state.engine.warm()
        yield

    return Starlette(
        routes=[
            Route("/", _page),
            Route("/api/start", _start),
            Route("/api/train", _train, methods=["POST"]),
            Route("/api/certify", _certify, methods=["POST"]),
            Route("/api/atlas", _atlas, methods=["POST"]),
            Route("/api/plan", _plan, methods=["POST"]),
            Route("/api/import", _import, methods=["POST"]),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={InputError: _bad_input, Busy: _busy},
        lifespan=lifespan,
    )


async def _page(_: Request) -> Response:
    return FileResponse(PAGE / "index.html")


async def _start(_: Request) -> Response:
    """What the page needs to know before it can ask for anything."""
    looks = {str(outcome): colour for outcome, (colour, _) in LOOKS.items()}
    return JSONResponse(
        {
            "version": __version__,
            "activations": ACTIVATIONS,
            "curves": curves(),
            "homogeneous": HOMOGENEOUS,
            "optimisers": OPTIMISERS,
            "initialisations": INITIALISATIONS,
            "outcomes": [
                {"name": str(o), "colour": looks[str(o)], "about": ABOUT[o]} for o in Outcome
            ],
            "stories": [story.to_dict() for story in STORIES],
            "limits": {
                "points": limits.POINTS,
                "units": limits.UNITS,
                "layers": limits.LAYERS,
                "runs": limits.RUNS,
                "updates": limits.UPDATES,
                "size": int(limits.LARGEST_DATA),
            },
            "datasets": [_dataset(name) for name in DATASETS],
        }
    )


def _dataset(name: str) -> dict[str, object]:
    found = dataset(name)
    return {
        "name": name,
        "description": found.description,
        "loss": str(found.loss),
        "x": [[float(value) for value in row] for row in found.data.x],
        "y": [float(row[0]) for row in found.data.y],
    }


async def _train(request: Request) -> Response:
    asked = read_train(await _body(request))
    return StreamingResponse(_lines(request, asked), media_type="application/x-ndjson")


async def _lines(request: Request, asked: EnsembleRequest) -> AsyncIterator[str]:
    """An ensemble's lines, when it is its turn."""
    free: asyncio.Semaphore = request.app.state.training
    try:
        await asyncio.wait_for(free.acquire(), limits.WAIT_SECONDS)
    except TimeoutError:
        yield f'{{"error": "{BUSY}"}}\n'
        return
    try:
        async for line in iterate_in_threadpool(lines(asked, request.app.state.engine)):
            yield line + "\n"
    finally:
        free.release()


async def _certify(request: Request) -> Response:
    return await _job(request, "certify", read_certify(await _body(request)))


async def _atlas(request: Request) -> Response:
    return await _job(request, "atlas", read_atlas(await _body(request)))


async def _plan(request: Request) -> Response:
    return JSONResponse({"plan": plan_text(read_train(await _body(request)))})


async def _import(request: Request) -> Response:
    return JSONResponse(read_import(await _body(request)))


async def _job(request: Request, kind: str, problem: Problem) -> Response:
    jobs: Jobs = request.app.state.jobs
    return JSONResponse(await jobs.run(kind, problem))


async def _body(request: Request) -> bytes:
    """The request's body, if it is short and arrives in time.

    Raises:
        InputError: It is not.
    """
    body = b""
    try:
        async with asyncio.timeout(limits.READ_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > limits.BODY_BYTES:
                    raise InputError(
                        f"request: found more than {limits.BODY_BYTES} bytes, expected at most that"
                    )
    except TimeoutError:
        raise InputError("request: found no end of it in time, expected its whole body") from None
    return body


async def _bad_input(_: Request, error: Exception) -> Response:
    assert isinstance(error, SpuriousError)
    return refusal(str(error), 400)


async def _busy(_: Request, __: Exception) -> Response:
    return refusal(BUSY, 503)
