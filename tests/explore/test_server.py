import asyncio
import json
import socket
from typing import Any

import pytest
from tests.explore.conftest import Site
from tests.explore.test_request import ASKED, PROBLEM

import spurious_checker
from spurious.errors import InputError
from spurious.explore import limits, server
from spurious.explore.guard import host_name
from spurious.explore.jobs import Busy, Jobs
from spurious.problem import problem_from_data

DEAD = {
    "layers": [
        {"weight": [["-1"], ["-1"]], "bias": ["-1", "-2"]},
        {"weight": [["1", "1"]], "bias": ["1"]},
    ]
}


def test_the_page_and_its_parts(site: Site) -> None:
    status, headers, body = site.ask("GET", "/")
    assert status == 200 and b"<title>Explorer" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert site.ask("GET", "/page/main.js")[0] == 200
    start = json.loads(site.ask("GET", "/api/start")[2])
    assert {entry["name"] for entry in start["outcomes"]} >= {"solved", "dead", "diverged"}
    assert {"d3", "xor"} <= {entry["name"] for entry in start["datasets"]}


@pytest.mark.parametrize(
    "path", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2fapp.py", "/nothing", "/page/"]
)
def test_nothing_else_is_served(site: Site, path: str) -> None:
    assert site.ask("GET", path)[0] == 404


def test_training_streams_frames(site: Site) -> None:
    status, text = site.post("/api/train", ASKED)
    found = [json.loads(line) for line in text.splitlines()]
    assert status == 200
    assert found[-1]["updates"] == 100
    assert len(found[-1]["outcome"]) == 10


def test_certify_gives_a_certificate_that_the_checker_accepts(site: Site) -> None:
    status, text = site.post("/api/certify", {"problem": PROBLEM | {"point": DEAD}})
    found = json.loads(text)
    assert status == 200
    assert (found["decision"], found["global"], found["valid"]) == ("local_minimum", "no", True)
    assert found["loss"] == "6"
    assert spurious_checker.check(found["certificate"]).valid


def test_atlas(site: Site) -> None:
    status, text = site.post("/api/atlas", {"problem": PROBLEM})
    found = json.loads(text)
    assert status == 200 and found["complete"] is True
    assert found["minima"][0]["loss"] == "0"
    assert found["minima"][-1]["loss_float"] == 6.0


@pytest.mark.parametrize(
    ("headers", "status", "word"),
    [
        ({"Host": "evil.example"}, 421, "host"),
        ({"Host": "evil.example:80"}, 421, "host"),
        ({"Host": "127.0.0.1.evil.example"}, 421, "host"),
        ({"Host": ""}, 421, "host"),
        ({"Origin": "http://evil.example"}, 403, "origin"),
        ({"Origin": "null"}, 403, "origin"),
        ({"Origin": "http://127.0.0.1:1"}, 403, "origin"),
        ({"Sec_Fetch_Site": "cross-site"}, 403, "sec-fetch-site"),
        ({"Sec_Fetch_Site": "same-site"}, 403, "sec-fetch-site"),
        ({"Content_Type": "text/plain"}, 415, "content-type"),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415, "content-type"),
    ],
)
def test_requests_from_elsewhere_are_refused(
    site: Site, headers: dict[str, str], status: int, word: str
) -> None:
    body = json.dumps({"problem": PROBLEM}).encode()
    found, _, text = site.ask("POST", "/api/atlas", body, **headers)
    error = json.loads(text)["error"]
    assert found == status
    assert error.startswith(word) and "\n" not in error


def test_reading_by_another_name_is_refused(site: Site) -> None:
    assert site.ask("GET", "/api/start", Host="evil.example")[0] == 421
    assert site.ask("GET", "/", Host=f"localhost:{site.port}")[0] == 200


def test_other_methods_are_refused(site: Site) -> None:
    assert site.ask("GET", "/api/train")[0] == 405
    assert site.ask("DELETE", "/api/start")[0] in (405, 415)
    assert site.ask("OPTIONS", "/api/train")[0] in (405, 415)


@pytest.mark.parametrize("path", ["/api/train", "/api/certify", "/api/atlas"])
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 50_000, b"\xff\xfe", b"{}", b"1e999"])
def test_bad_bodies_are_refused_in_one_line(site: Site, path: str, body: bytes) -> None:
    status, _, text = site.ask("POST", path, body)
    assert status == 400
    assert "\n" not in json.loads(text)["error"]


def test_long_bodies_are_refused(site: Site) -> None:
    status, _, text = site.ask("POST", "/api/train", b" " * (limits.BODY_BYTES + 1))
    assert (status, json.loads(text)["error"][:36]) == (400, "request: found more than 65536 bytes")


def test_a_page_that_goes_away_frees_its_place(site: Site) -> None:
    body = json.dumps(ASKED | {"runs": 400, "updates": 100_000}).encode()
    head = (
        f"POST /api/train HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(2 * limits.TRAININGS):
        with socket.create_connection(("127.0.0.1", site.port)) as connection:
            connection.sendall(head.encode() + body)
            connection.recv(100)
    status, text = site.post("/api/train", ASKED)
    assert status == 200
    assert "outcome" in json.loads(text.splitlines()[-1])


def test_a_worker_that_takes_too_long_is_killed() -> None:
    async def ask() -> Any:
        return await Jobs().run("atlas", problem_from_data(PROBLEM), 0.01)

    with pytest.raises(InputError, match="atlas: not done after 0 seconds and stopped"):
        asyncio.run(ask())


def test_too_many_workers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(limits, "WORKERS", 0)

    async def ask() -> Any:
        return await Jobs().run("atlas", problem_from_data(PROBLEM))

    with pytest.raises(Busy):
        asyncio.run(ask())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_wildcards_are_not_bound(host: str) -> None:
    with pytest.raises(InputError, match=r"--host: found .* every address"):
        server.bound(host, 0)


def test_addresses_that_cannot_be_bound() -> None:
    with server.bound("127.0.0.1", 0) as taken:
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port: cannot bind 127.0.0.1:{port}"):
            server.bound("127.0.0.1", port)
    with pytest.raises(InputError, match="--host: found 'no such name', which is no address"):
        server.bound("no such name", 0)


def test_host_names() -> None:
    assert host_name("LocalHost:80") == "localhost"
    assert host_name("[::1]:80") == "[::1]"
    assert host_name("[::1]") == "[::1]"
    assert host_name("a:b") == "a:b"
