"""Serves the Explorer on this machine until it is interrupted."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from ipaddress import ip_address

import uvicorn

from spurious.errors import InputError
from spurious.explore import limits
from spurious.explore.app import application

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def serve(host: str, port: int, opened: Callable[[str], None]) -> None:
    """Serves the page until interrupted.

    Args:
        host: The address to bind, such as 127.0.0.1; not a wildcard.
        port: The port; 0 for a free one.
        opened: Called with the page's URL when it can be opened.

    Raises:
        InputError: The address cannot be bound.
        KeyboardInterrupt: It was interrupted.
    """
    with bound(host, port) as listener:
        listener.listen(limits.CONNECTIONS)
        shown = f"[{host}]" if ":" in host else host
        opened(f"http://{shown}:{listener.getsockname()[1]}/")
        prepared(shown.lower()).run([listener])


def prepared(host: str) -> uvicorn.Server:
    """A server whose page may be asked for by the loopback's names and `host`."""
    return uvicorn.Server(
        uvicorn.Config(
            application((*LOOPBACK, host)),
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            limit_concurrency=limits.CONNECTIONS,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=10,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to an address.

    Raises:
        InputError: The address is a wildcard, or cannot be bound.
    """
    try:
        wildcard = ip_address(host).is_unspecified
    except ValueError:
        wildcard = not host
    if wildcard:
        raise InputError(
            f"--host: found {host!r}, which is every address of this machine; expected the one "
            "that browsers will use"
        )
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise InputError(f"--host: found {host!r}, which is no address ({error})") from None
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise InputError(
                f"--host: found {host!r}, which is no address of this machine; leave it out for "
                "127.0.0.1"
            ) from None
        raise InputError(
            f"--port: cannot bind {host}:{port} ({error.strerror or error}); choose another, or 0 "
            "for a free one"
        ) from None
    return found
