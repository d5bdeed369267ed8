import json
import shutil
from pathlib import Path

import pytest
from tests.sweep.plans import contents, small

from spurious.errors import InputError
from spurious.sweep import (
    Shard,
    Standing,
    local,
    make_part,
    open_store,
    run_sweep,
    shards_of,
    summaries,
)
from spurious.train import Cancelled


def test_names_depend_on_content_only() -> None:
    shards = list(shards_of(small()))
    assert shards[0].name == "27377b6d1ef408afa14ebc15bf291c01"
    assert len({shard.name for shard in shards}) == len(shards)
    assert [s.name for s in shards_of(small(name='"other"'))] == [s.name for s in shards]
    assert shards[0].name != next(shards_of(small(seed="4"))).name
    assert shards[0].name != next(shards_of(small(updates="301"))).name


def test_every_run_has_a_row(finished: Path) -> None:
    found = summaries(open_store(finished))
    assert [cell.labels for cell in found] == [cell.labels for cell in small().cells]
    assert all(cell.total == 150 for cell in found)
    assert any(cell.proofs[Standing.CERTIFY_MINIMUM] for cell in found)


def test_workers_change_nothing(finished: Path, tmp_path: Path) -> None:
    run_sweep(small(), open_store(tmp_path / "one"), local(1))
    assert contents(tmp_path / "one") == contents(finished)


def test_a_finished_plan_does_nothing(finished: Path) -> None:
    before = contents(finished)
    result = run_sweep(small(), open_store(finished), lambda *_: iter(()))
    assert (result.made, result.found) == (0, 32)
    assert contents(finished) == before


def test_damage_is_mended(finished: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished, store)
    parts = sorted((store / "parts").iterdir())
    parts[0].write_bytes(parts[0].read_bytes()[:-20])
    parts[1].unlink()
    parts[2].write_bytes(parts[3].read_bytes())
    whole = bytearray(parts[4].read_bytes())
    whole[200] ^= 1
    parts[4].write_bytes(whole)
    (store / "parts" / ".tmp-1-x.parquet").write_bytes(b"half")
    (store / ".tmp-1-manifest.json").write_bytes(b"{")
    assert run_sweep(small(), open_store(store)).made == 4
    assert contents(store) == contents(finished)


def test_a_lost_manifest_is_made_again(finished: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished, store)
    (store / "manifest.json").unlink()
    assert run_sweep(small(), open_store(store)).made == 0
    assert contents(store) == contents(finished)


def test_a_plan_may_grow(finished: Path, tmp_path: Path) -> None:
    store, fresh = tmp_path / "store", tmp_path / "fresh"
    shutil.copytree(finished, store)
    larger = small(runs="200", hidden="[2, 3, 4]")
    result = run_sweep(larger, open_store(store))
    assert result.found == 8 * 3  # the short last shards are replaced
    run_sweep(larger, open_store(fresh))
    assert contents(store) == contents(fresh)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "5"}, "made with seed 3, not 5"),
        ({"shard": "50"}, "made with shard 40, not 50"),
        ({"runs": "100"}, "has 150 runs in each cell, the plan only 100"),
        ({"hidden": "[2]"}, "has 4 cells that the plan has not"),
    ],
)
def test_another_plan_is_refused(finished: Path, change: dict[str, str], message: str) -> None:
    before = contents(finished)
    with pytest.raises(InputError, match=message):
        run_sweep(small(**change), open_store(finished))
    assert contents(finished) == before


def test_failures_are_kept_and_tried_again(finished: Path, tmp_path: Path) -> None:
    bad = {shard.name for shard in list(shards_of(small()))[:2]}

    def make(shard: Shard, threads: int = 1, cancelled=lambda: False) -> bytes:
        if shard.name in bad:
            raise ValueError("two\nlines")
        return make_part(shard, threads, cancelled)

    store = open_store(tmp_path / "store")
    result = run_sweep(small(), store, local(2, make))
    assert (
        result.failed == dict.fromkeys(sorted(bad), "ValueError: two lines")
        or set(result.failed) == bad
    )
    assert result.made == 30
    entry = json.loads((tmp_path / "store" / "failed" / f"{min(bad)}.json").read_text())
    assert entry["reason"] == "ValueError: two lines"
    assert run_sweep(small(), store).made == 2
    assert contents(tmp_path / "store") == contents(finished)


def test_an_interruption_keeps_what_is_done(finished: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")

    def report(progress) -> None:
        if progress.runs >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(small(), store, local(2), report)
    manifest = store.manifest()
    assert manifest is not None and 5 <= len(manifest["parts"]) < 32
    run_sweep(small(), store)
    assert contents(tmp_path / "store") == contents(finished)


def test_cancelling_stops_the_workers(tmp_path: Path) -> None:
    stopped = []

    def make(shard: Shard, threads: int = 1, cancelled=lambda: False) -> bytes:
        if shard.first == 0:
            return make_part(shard, threads)
        while not cancelled():
            pass
        stopped.append(shard)
        raise Cancelled("stopped")

    def report(progress) -> None:
        if progress.runs >= 8 * 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(small(), open_store(tmp_path / "store"), local(3, make), report)
    assert stopped


def test_a_store_elsewhere(finished: Path) -> None:
    import fsspec

    store = open_store("memory://sweep-test")
    run_sweep(small(), store)
    files = fsspec.filesystem("memory")
    there = {
        name.removeprefix("/sweep-test/"): files.cat_file(name)
        for name in files.find("/sweep-test")
    }
    here = {name: (finished / name).read_bytes() for name in contents(finished)}
    assert there == here
    assert [cell.total for cell in summaries(store)] == [150] * 8


def test_unknown_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="store: found 'nope://x'"):
        open_store("nope://x")
    with pytest.raises(InputError, match="found no sweep there"):
        summaries(open_store(tmp_path))
    for text in ("[]", "{", '{"format": "spurious-sweep/1"}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(InputError, match="found no manifest of a sweep"):
            summaries(open_store(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="found a file, expected the folder of a sweep"):
        run_sweep(small(), open_store(tmp_path / "file"))
