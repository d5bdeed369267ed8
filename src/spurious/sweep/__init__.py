"""Sweeps: plans, shards, the result store, statistics, and where shards are trained."""

from typing import TYPE_CHECKING

from spurious.late import import_late

if TYPE_CHECKING:
    from spurious.sweep.axes import AXES
    from spurious.sweep.executors import connect_cluster, local, on_cluster, on_this_machine
    from spurious.sweep.make import engine_of, make_part
    from spurious.sweep.plan import Cell, Plan, parse_plan, plan_of, read_plan
    from spurious.sweep.proofs import BOUNDED, CERTIFIED, Standing, proof_lines
    from spurious.sweep.rates import Rate, clopper_pearson, percent, rate_text
    from spurious.sweep.run import Progress, SweepResult, run_sweep
    from spurious.sweep.shard import Failure, Shard, shards_of
    from spurious.sweep.statistics import Summaries, Summary, cell_rows, connect, summaries
    from spurious.sweep.store import Store, open_store

__all__ = [
    "AXES",
    "BOUNDED",
    "CERTIFIED",
    "Cell",
    "Failure",
    "Plan",
    "Progress",
    "Rate",
    "Shard",
    "Standing",
    "Store",
    "Summaries",
    "Summary",
    "SweepResult",
    "cell_rows",
    "clopper_pearson",
    "connect",
    "connect_cluster",
    "engine_of",
    "local",
    "make_part",
    "on_cluster",
    "on_this_machine",
    "open_store",
    "parse_plan",
    "percent",
    "plan_of",
    "proof_lines",
    "rate_text",
    "read_plan",
    "run_sweep",
    "shards_of",
    "summaries",
]

import_late(__name__)
