"""Where shards are trained: on this machine, or on a cluster through Dask distributed.

An executor takes shards and yields each with its result as it is done, in any order. It never
writes to the store, so that one process does all the writing and the result is the same everywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, Final

from spurious.errors import InputError
from spurious.late import require
from spurious.sweep.ensembles import Checkpoints
from spurious.sweep.make import Engine, Make, engine_of, make_part
from spurious.sweep.shard import Executor, Result, Shard, failure
from spurious.sweep.store import Store
from spurious.train import Cancelled, cores

IN_FLIGHT: Final = 3
"""Shards that a cluster holds for each of its threads."""

ANSWERS_WITHIN: Final = 10
"""Seconds in which a scheduler has to answer."""


def local(workers: int | None = None, make: Make = make_part) -> Executor:
    """An executor on this machine: threads, which the compiled kernel uses without Python's lock.

    Args:
        workers: Shards at a time; by default one for each core. It changes no result.
        make: Trains a shard.
    """
    wanted = workers or cores()

    def run(shards: Sequence[Shard], stop: Event) -> Iterator[tuple[Shard, Result]]:
        threads = max(1, wanted // max(1, len(shards)))

        def work(shard: Shard) -> Result:
            try:
                return make(shard, threads, stop.is_set)
            except Cancelled:
                raise
            except Exception as error:  # belongs to the shard; the others go on
                return failure(error)

        waiting = iter(shards)
        with ThreadPoolExecutor(wanted) as pool:
            running: dict[Future[Result], Shard] = {}
            try:
                while True:
                    for shard in itertools.islice(waiting, wanted - len(running)):
                        running[pool.submit(work, shard)] = shard
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        yield running.pop(future), future.result()
            finally:
                stop.set()  # however this ends, no thread is left at work

    return run


def on_this_machine(
    store: Store,
    workers: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Executor:
    """The executor of this machine: small networks on threads, large ones in ensembles on JAX.

    Args:
        store: Where checkpoints of large networks are kept while they train.
        workers: Shards of small networks at a time; by default one for each core.
        say: Called with a line on what large networks are doing.
    """
    small = local(workers)

    def run(shards: Sequence[Shard], stop: Event) -> Iterator[tuple[Shard, Result]]:
        by_engine: dict[Engine, list[Shard]] = {}
        for shard in shards:
            by_engine.setdefault(engine_of(shard.cell.recipe), []).append(shard)
        rest: list[Shard] = []
        for engine, own in by_engine.items():
            if engine.together is None:
                rest += own
            else:
                yield from engine.together(own, Checkpoints(store), stop.is_set, say)
        if rest:  # last: `small` sets `stop` when it is done
            yield from small(rest, stop)

    return run


def on_cluster(client: Any, make: Make = make_part) -> Executor:
    """An executor on the workers of a `distributed.Client`, which must have this package.

    Dask gives a shard to another worker if one dies; a shard that takes several workers down
    (Dask's setting `distributed.scheduler.allowed-failures`) has failed.

    Args:
        client: Connected to a scheduler.
        make: Trains a shard.
    """

    def run(shards: Sequence[Shard], stop: Event) -> Iterator[tuple[Shard, Result]]:
        from distributed import as_completed

        waiting = iter(shards)
        running: dict[str, Shard] = {}
        done: Any = as_completed()

        def hand_out() -> None:
            threads = sum(client.nthreads().values()) or 1
            for shard in itertools.islice(waiting, max(0, IN_FLIGHT * threads - len(running))):
                future = client.submit(make, shard, key=f"spurious-{shard.name}", pure=False)
                running[future.key] = shard
                done.add(future)

        try:
            hand_out()
            for future in done:
                shard = running.pop(future.key)
                error = future.exception()
                yield shard, future.result() if error is None else failure(error)
                future.release()
                if not stop.is_set():
                    hand_out()
        finally:
            client.cancel([f"spurious-{shard.name}" for shard in running.values()])

    return run


def connect_cluster(address: str) -> Any:
    """A client of the Dask scheduler at an address such as tcp://10.0.0.1:8786.

    Raises:
        InputError: Dask is missing, or no scheduler answers there.
    """
    require("distributed", "cluster")
    from distributed import Client

    try:
        return Client(address, timeout=ANSWERS_WITHIN)
    except (OSError, ValueError) as error:
        raise InputError(f"cluster: no scheduler answers at {address} ({error})") from None
