"""IDX files and MNIST's folder: what is read, and what is refused, always with one clear line."""

import gzip
import http.server
import struct
import threading
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from spurious.data import mnist, read_idx
from spurious.data.mnist import FOLDER_VARIABLE, HASHES
from spurious.errors import InputError


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    header = struct.pack(">HBB", 0, kind, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def images(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def labels(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint8) % 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images(12))))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels(12)))
    return tmp_path


def test_plain_and_compressed_files(folder: Path) -> None:
    x, y = mnist("test", folder)
    assert np.array_equal(x, images(12).reshape(12, 784))
    assert np.array_equal(y, labels(12))


def test_the_folder_of_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert len(mnist("test")[0]) == 12
    with pytest.raises(InputError, match=r"found no file train-images-idx3-ubyte\.gz or train-"):
        mnist("train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found 0 bytes"),
        (b"\x89PNG 1234567890123", "found the magic number 89504e47"),
        (idx(images(2), kind=13), "found the magic number 00000d03"),
        (idx(labels(7)) + b" " * 20, "found 1 dimensions, expected an IDX file .* 3 dimensions"),
        (idx(images(2))[:-1], r"found 1567 entries, expected 1568 \(2 x 28 x 28\).* truncated"),
        (idx(images(2)) + b"!", "found 1569 entries.* too long"),
        (gzip.compress(idx(images(2)))[:-9], "found a damaged gzip file"),
        (b"\x1f\x8b\x08garbage", "found a damaged gzip file"),
        (struct.pack(">HBBIII", 0, 8, 3, 2**31, 2**31, 9), "found the sizes"),
        (struct.pack(">HBBIII", 0, 8, 3, 0, 28, 28), "found the sizes 0 x 28 x 28"),
    ],
)
def test_wrong_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_idx(path, 3)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path / "missing", 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels-idx1", idx(labels(11)), "found 11 labels, expected 12"),
        ("labels-idx1", idx(labels(12) + np.uint8(1)), "found the label 10, expected 0 to 9"),
        ("images-idx3", idx(images(12)[:, 1:]), "found images of 27 x 28 pixels"),
    ],
)
def test_files_that_do_not_fit(folder: Path, name: str, content: bytes, message: str) -> None:
    for path in folder.glob(f"*{name}*"):
        path.unlink()
    (folder / f"t10k-{name}-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=message):
        mnist("test", folder)


def test_an_unknown_part(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found the part 'all', expected train or test"):
        mnist("all", tmp_path)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first mirror is dead, the second has another file, the third the right ones."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for place, count in ((right, 5), (wrong, 6)):
        place.mkdir()
        for name, content in (("images-idx3", images(count)), ("labels-idx1", labels(count))):
            (place / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(idx(content), mtime=0))
    for name in ("images-idx3", "labels-idx1"):
        content = (right / f"t10k-{name}-ubyte.gz").read_bytes()
        monkeypatch.setitem(HASHES, f"t10k-{name}-ubyte", sha256(content).hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        root = f"http://127.0.0.1:{server.server_port}"
        mirrors = (f"{root}/nowhere/", f"{root}/wrong/", f"{root}/right/")
        with pytest.raises(InputError, match=r"could not be fetched .*another checksum") as caught:
            mnist("test", mirrors=mirrors[:2])
        assert "--data" in str(caught.value) and len(str(caught.value).splitlines()) == 1
        x, y = mnist("test", mirrors=mirrors)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert np.array_equal(x, images(5).reshape(5, 784)) and np.array_equal(y, labels(5))
    again, _ = mnist("test", mirrors=mirrors[:1])  # from the cache
    assert np.array_equal(again, x)
