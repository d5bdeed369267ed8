"""What every request passes: it must come from the page itself, and stay small.

A page on the web can make a browser send requests to this machine, and by changing what its name
resolves to (DNS rebinding) can even read the answers. So the Host header must name the address that
was bound, a request that changes or computes something must not come from another origin, and its
body must be JSON, which other origins cannot send without asking first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def refusal(text: str, status: int) -> JSONResponse:
    """A refusal in one line."""
    return JSONResponse({"error": text}, status)


class Guard:
    """ASGI middleware that refuses what does not come from the page.

    Attributes:
        app: The application.
        hosts: Names that the Host header may have, without port.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refusal(scope["method"], Headers(scope=scope))
        await (refused or self.app)(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "")
        if host_name(host) not in self.hosts:
            return refusal(
                f"host: found {host[:60]!r}, expected one of {', '.join(sorted(self.hosts))}", 421
            )
        if method in ("GET", "HEAD"):
            return None
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return refusal(f"origin: found {origin[:60]!r}, expected http://{host}", 403)
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return refusal("sec-fetch-site: expected same-origin", 403)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return refusal(f"content-type: found {kind[:60]!r}, expected application/json", 415)
        return None


def host_name(host: str) -> str:
    """The Host header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isascii() and port.isdigit() else host).lower()
