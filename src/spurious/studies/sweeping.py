"""Sweeps as part of a claim: resumable, and reported as they run."""

from __future__ import annotations

from spurious.studies.report.claim import Context
from spurious.sweep import Plan, Progress, Store, on_this_machine, open_store, run_sweep
from spurious.train import ENGINE_VERSION, Outcome


def store_of(plan: Plan, context: Context) -> Store:
    """Where a plan's runs are kept: each version of the engine has a folder of its own.

    Rows of two versions do not mix, and a report made anew after an update should not fail.
    """
    return open_store(context.folder / f"{plan.name}-engine-{ENGINE_VERSION}")


def swept(plan: Plan, context: Context) -> Store:
    """The finished store of a plan; what an earlier run left there is not done again.

    Raises:
        RuntimeError: A shard failed.
    """
    store = store_of(plan, context)
    solved = seen = 0

    def report(progress: Progress) -> None:
        nonlocal solved, seen
        solved += progress.outcomes.get(Outcome.SOLVED, 0)
        seen += sum(progress.outcomes.values())
        share = f", {100 * solved / seen:.0f}% solved" if seen else ""
        context.say(f"{plan.name}: {progress.runs:,} of {progress.total:,} runs{share}")

    def say(line: str) -> None:
        context.say(f"{plan.name}: {line}")

    result = run_sweep(plan, store, on_this_machine(store, say=say), report)
    if result.failed:
        raise RuntimeError(f"a shard failed: {next(iter(result.failed.values()))}")
    return store
