"""Runs a sweep: what is missing in the store is trained and written, shard by shard."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

from spurious.errors import InputError
from spurious.sweep.axes import AXES
from spurious.sweep.executors import on_this_machine
from spurious.sweep.part import part_entry, part_outcomes
from spurious.sweep.plan import Plan
from spurious.sweep.shard import Executor, Failure, Shard, cell_name, shards_of
from spurious.sweep.store import FAILED, PARTS, PLAN, Store, part_name
from spurious.train import ENGINE_VERSION

MANIFEST_SECONDS: Final = 5.0
"""The manifest is written at most so often; a resumed sweep reads the parts anyway."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is reported after each shard.

    Attributes:
        shard: The shard that is done, or None before the first.
        outcomes: Its runs by outcome; empty if it failed.
        failure: Why it failed, or "".
        runs: Runs that are in the store.
        found: How many of them were there when the sweep began.
        total: Runs of the plan.
    """

    shard: Shard | None
    outcomes: Mapping[str, int]
    failure: str
    runs: int
    found: int
    total: int


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a call of `run_sweep` did.

    Attributes:
        made: Shards that it trained.
        found: Shards that were there.
        failed: Reasons by shard.
    """

    made: int
    found: int
    failed: Mapping[str, str]


def run_sweep(
    plan: Plan,
    store: Store,
    executor: Executor | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> SweepResult:
    """Trains the shards of a plan that are not in the store yet.

    Whenever it is stopped, what is written stays, and the next call goes on from there; the store
    ends up the same, byte for byte. Shards that failed are tried again.

    Args:
        plan: What to train.
        store: Where the rows go; it may hold a part of the plan already.
        executor: Where to train; by default on this machine.
        report: Called before the first shard and after each.

    Raises:
        InputError: The store belongs to another plan or engine, or cannot be written.
        KeyboardInterrupt: It was interrupted; the manifest is up to date.
    """
    _check_extends(plan, store)
    shards = {shard.name: shard for shard in shards_of(plan)}
    done = _found(shards, store)
    failed: dict[str, str] = {}
    stop = Event()
    runs = found = sum(shards[name].count for name in done)
    store.write(PLAN, plan.text.encode())
    _write_manifest(plan, store, shards, done, failed)
    report(Progress(None, {}, "", runs, found, plan.total))
    pending = [shard for name, shard in shards.items() if name not in done]
    before, last = len(done), time.monotonic()
    try:
        for shard, result in (executor or on_this_machine(store))(pending, stop):
            name = shard.name
            if isinstance(result, Failure):
                failed[name] = result.reason
                text = json.dumps({"shard": name, "reason": result.reason}, indent=1)
                store.write(f"{FAILED}/{name}.json", text.encode() + b"\n")
                report(Progress(shard, {}, result.reason, runs, found, plan.total))
                continue
            store.write(part_name(name), result)
            store.remove(f"{FAILED}/{name}.json")
            entry = part_entry(result, name, shard.count)
            assert entry is not None
            done[name] = entry
            runs += shard.count
            report(Progress(shard, part_outcomes(result), "", runs, found, plan.total))
            if time.monotonic() - last > MANIFEST_SECONDS:
                _write_manifest(plan, store, shards, done, failed)
                last = time.monotonic()
    finally:
        stop.set()
        _write_manifest(plan, store, shards, done, failed)
    _remove_superseded(store, shards)
    return SweepResult(len(done) - before, before, failed)


def _found(shards: Mapping[str, Shard], store: Store) -> dict[str, dict[str, Any]]:
    """The whole parts of the plan that are in the store; damaged ones are made again."""
    listed = {entry["shard"]: entry for entry in (store.manifest() or {"parts": []})["parts"]}
    store.names("")  # removes what a killed process left
    done: dict[str, dict[str, Any]] = {}
    for file in store.names(PARTS):
        name = file.removesuffix(".parquet")
        entry = store.part(name, shards[name].count) if name in shards else None
        if entry is not None and listed.get(name, entry) == entry:
            done[name] = entry
    return done


def _write_manifest(
    plan: Plan,
    store: Store,
    shards: Mapping[str, Shard],
    done: Mapping[str, Mapping[str, Any]],
    failed: Mapping[str, str],
) -> None:
    manifest = {
        "name": plan.name,
        "engine": ENGINE_VERSION,
        "seed": plan.seed,
        "runs": plan.runs,
        "shard": plan.shard,
        "axes": AXES,
        "cells": [{"labels": cell.labels, "recipe": cell_name(cell.recipe)} for cell in plan.cells],
        "shards": len(shards),
        "parts": [done[name] for name in shards if name in done],
        "failed": [{"shard": name, "reason": failed[name]} for name in shards if name in failed],
    }
    store.write_manifest(manifest)


def _check_extends(plan: Plan, store: Store) -> None:
    """The plan in the store may grow, in cells and runs, and do nothing else.

    Raises:
        InputError: It does something else.
    """
    old = store.manifest()
    if old is None:
        return
    advice = "use another folder with --store"
    for key, new in (("engine", ENGINE_VERSION), ("seed", plan.seed), ("shard", plan.shard)):
        if old[key] != new:
            raise InputError(f"{store.url}: made with {key} {old[key]}, not {new}; {advice}")
    if plan.runs < old["runs"]:
        raise InputError(
            f"{store.url}: has {old['runs']} runs in each cell, the plan only {plan.runs}; {advice}"
        )
    now = {cell_name(cell.recipe) for cell in plan.cells}
    missing = [cell for cell in old["cells"] if cell["recipe"] not in now]
    if missing:
        labels = ", ".join(str(label) for label in missing[0]["labels"] if label is not None)
        raise InputError(
            f"{store.url}: has {len(missing)} cells that the plan has not, such as ({labels}); "
            f"{advice}"
        )


def _remove_superseded(store: Store, shards: Mapping[str, Shard]) -> None:
    """Removes the short last shards that longer ones have replaced."""
    for file in store.names(PARTS):
        if file.removesuffix(".parquet") not in shards:
            store.remove(f"{PARTS}/{file}")
