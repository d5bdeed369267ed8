"""Claims side by side give what they give one after the other."""

import json
import operator
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from spurious.errors import InputError
from spurious.studies import Budget, find_claim, reproduce
from spurious.studies.claims import CLAIMS, EXTRA
from spurious.studies.report import schedule
from spurious.studies.report.job import Job
from spurious.studies.report.lanes import in_lanes
from spurious.studies.report.schedule import AT_ONCE, LONGEST_FIRST

NAMES = ("C5", "C11")


def records(folder: Path) -> list[dict[str, Any]]:
    found = json.loads((folder / "claims.json").read_text("utf-8"))
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in found]


def test_lanes_change_no_result(tmp_path: Path) -> None:
    claims = [find_claim(name) for name in NAMES]
    started: list[str] = []
    done: list[str] = []
    side = reproduce(
        claims,
        Budget.QUICK,
        tmp_path / "side",
        lambda claim: started.append(claim.id),
        lambda result: done.append(result.claim.id),
        lanes=2,
    )
    plain = reproduce(claims, Budget.QUICK, tmp_path / "plain")
    assert sorted(started) == sorted(done) == sorted(NAMES)
    assert [result.claim.id for result in side] == list(NAMES)
    assert [result.status for result in side] == [result.status for result in plain]
    assert records(tmp_path / "side") == records(tmp_path / "plain")
    for kind in ("certificates", "figures", "data"):
        names = [
            sorted(path.name for path in (tmp_path / folder / kind).iterdir())
            for folder in ("side", "plain")
        ]
        assert names[0] == names[1]


@pytest.mark.parametrize("name", [claim.id for claim in (*CLAIMS, *EXTRA)])
def test_every_study_is_begun(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are not of the paper, too."""
    begun: list[object] = []

    def seen(_: object, tasks: Sequence[object], *_rest: object) -> Iterator[None]:
        begun.extend(tasks)
        yield from ()

    monkeypatch.setattr(schedule, "in_lanes", seen)
    jobs = {name: cast("Job", object())}
    assert list(schedule.side_by_side(jobs, 2, lambda _: None, lambda _: None)) == []
    assert jobs[name] in begun


def test_every_claim_has_a_place() -> None:
    assert sorted(AT_ONCE + LONGEST_FIRST) == sorted(claim.id for claim in CLAIMS)


def test_a_folder_that_cannot_be_written_ends_all_lanes(tmp_path: Path) -> None:
    (tmp_path / "certificates").write_text("")
    with pytest.raises(InputError, match="certificates"):
        reproduce([find_claim("C5")], Budget.QUICK, tmp_path, lanes=2)


def test_what_a_process_raises_is_raised_here() -> None:
    lanes = in_lanes(operator.truediv, [1], 1, lambda _: None, lambda *_: None)
    with pytest.raises(TypeError, match="unsupported operand"):
        list(lanes)


def test_a_process_that_dies_is_told() -> None:
    lanes = in_lanes(ends, [1], 1, lambda _: None, lambda *_: None)
    with pytest.raises(RuntimeError, match="has ended"):
        list(lanes)


def ends(*_: object) -> None:
    os._exit(3)
