import http.client
import json
import threading
import time
from collections.abc import Iterator

import pytest
from selenium import webdriver
from tests.explore.browser import CHROMIUM, DESKTOP, DRIVER, OPTIONS, Page

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


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(DRIVER)
    with webdriver.Chrome(options=options, service=service) as running:
        yield running


@pytest.fixture
def page(driver: webdriver.Chrome, site: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, freshly loaded; afterwards its console must be empty."""
    width, height = getattr(request, "param", DESKTOP)
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(site.url)
    opened = Page(driver)
    opened.wait_for_runs()
    yield opened
    assert driver.get_log("browser") == []
