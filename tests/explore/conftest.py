import http.client
import json
import threading
import time
from collections.abc import Iterator

import pytest

from spurious.explore import server


class Site:
    """A running Explorer, and requests to it as a program makes them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        sent = {"Content-Type": "application/json"} if body is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent | named)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def post(self, path: str, data: object) -> tuple[int, str]:
        status, _, body = self.ask("POST", path, json.dumps(data).encode())
        return status, body.decode()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    listener = server.bound("127.0.0.1", 0)
    listener.listen(8)
    running = server.prepared("127.0.0.1")
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield Site(listener.getsockname()[1])
    running.should_exit = True
    thread.join()
    listener.close()
