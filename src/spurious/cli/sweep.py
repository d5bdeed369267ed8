"""`spurious sweep`: trains many networks, and counts what they end in."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spurious.cli.commands import Exit, group, register
from spurious.cli.options import AsJson, Data, name_data_folder
from spurious.cli.output import echo_json, note_compiling
from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.sweep import Store

StoreArgument = Annotated[str, typer.Argument(metavar="STORE", help="Folder of `sweep run`.")]


def run(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A TOML file.")],
    store: Annotated[
        str,
        typer.Option(metavar="DIR", help="Folder or URL of the results; default: the plan's name."),
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, metavar="N", help="Shards at a time; default: one for each core.")
    ] = 0,
    cluster: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="A Dask scheduler, such as tcp://10.0.0.1:8786."),
    ] = "",
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON lines, one for each cell.")
    ] = False,
) -> Exit:
    """Train the networks of a plan, and count what they end in.

    A plan is a TOML file with grids over data, widths, activations, initial distributions and
    optimisers. Networks on mnist, digits or zigzag are large ones: all of a shape train together,
    with a checkpoint every minute. Every run gets an outcome: solved, finite local minimum, valley
    to infinity, saddle or plateau, dead, still descending, or diverged. Interrupt it whenever you
    like: the same command goes on where it stopped, and what is done is never done twice.

    Outcomes are names, given by measurement. In the table "certify" counts the points that it was
    asked about (a sample of the finite local minima): proved to be at or near a minimum, proved to
    be none, or left open. "bound" counts large networks that a float bound settled: stuck at a
    minimum, or at none.

    Example:
      spurious sweep run examples/table1.toml --store table1

    Exit status:
      0    every shard is done
      1    a shard failed; its reason is printed, and it is tried again next time
      2    the plan or the store cannot be used
      130  interrupted
    """
    from spurious.sweep import open_store, read_plan

    name_data_folder(data)
    found = read_plan(plan)
    target = open_store(store or found.name)
    if target.lone:
        raise InputError(f"{store}: found a file, expected the folder of a sweep")
    target.manifest()  # of a folder that cannot be read it says so
    # All that follows is slow to import, and a mistake should be told at once.
    from spurious.cli.sweep_display import live, say_failures, say_interrupted, show_summaries
    from spurious.sweep import (
        connect_cluster,
        engine_of,
        on_cluster,
        on_this_machine,
        run_sweep,
        summaries,
    )

    if any(engine_of(cell.recipe).compiles for cell in found.cells):
        note_compiling()
    try:
        with live(found) as (report, say):
            executor = (
                on_cluster(connect_cluster(cluster))
                if cluster
                else on_this_machine(target, workers or None, say)
            )
            result = run_sweep(found, target, executor, report)
    except KeyboardInterrupt:
        say_interrupted(target)
        raise
    say_failures(result.failed)
    if len(result.failed) < result.made + result.found + len(result.failed):
        show_summaries(summaries(target), as_json)
    return Exit.INVALID if result.failed else Exit.OK


def status(
    store: StoreArgument,
    as_json: AsJson = False,
) -> Exit:
    """Say how much of a sweep is done, what its runs ended in, and what is proved of that.

    The names of outcomes are measured. What is proved is counted apart from them: the points that
    `certify` was asked about, by its answer; and for large networks the runs that a bound in
    floating point settled. STORE may also be one Parquet file of rows.

    Exit status:
      0  the sweep is complete
      1  shards failed
      2  there is no sweep
      3  shards are missing
    """
    target, manifest = _found(store)
    from spurious.cli.sweep_display import show_counts, show_status, status_record
    from spurious.sweep import summaries

    if as_json:
        whole = manifest is None or manifest["parts"]
        echo_json(status_record(store, manifest, summaries(target) if whole else []))
    elif manifest is not None:
        show_status(store, manifest)
    if not as_json and (manifest is None or manifest["parts"]):
        show_counts(summaries(target))
    if manifest is None:
        return Exit.OK
    if manifest["failed"]:
        return Exit.INVALID
    return Exit.OK if len(manifest["parts"]) == manifest["shards"] else Exit.UNDECIDED


def query(
    store: StoreArgument,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A query on the table `runs`.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> Exit:
    """Ask a DuckDB query about the runs of a sweep.

    The table is called runs and has one row for each network: the cell's columns (dataset, hidden,
    activation, loss, initialisation, optimiser, step_size, updates, ...), index, outcome, heading,
    limit, final_loss, correct, gradient_norm, parameter_norm, solved_at, updates_made, exact_loss,
    asked, proof, proved and, for unsolved runs, parameters.

    Example:
      spurious sweep query table1 "SELECT exact_loss, count(*) FROM runs GROUP BY 1 ORDER BY 2"
    """
    if as_csv and as_json:
        raise InputError("--csv: found --json too, expected one of the two")
    target, _ = _found(store)
    import duckdb

    from spurious.sweep import connect

    try:
        connection: Any = connect(target)
        asking = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
        if any(statement.type not in asking for statement in connection.extract_statements(sql)):
            raise InputError("query: found a command, expected a question, such as SELECT ...")
        cursor: Any = connection.execute(sql)
        if cursor is None or not cursor.description:
            raise InputError("query: found no question, expected SQL such as SELECT * FROM runs")
        columns = [entry[0] for entry in cursor.description]
        rows = cursor.fetchall()
    except duckdb.Error as error:
        raise InputError(f"query: {str(error).splitlines()[0]}") from None
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows(rows)
    elif as_json:
        for row in rows:
            typer.echo(json.dumps(dict(zip(columns, row, strict=True)), default=str))
    else:
        from spurious.cli.sweep_display import show_rows

        show_rows(columns, rows)
    return Exit.OK


def plot(
    store: StoreArgument,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the pictures, rates.svg and rates.png.")
    ] = Path(),
    as_json: AsJson = False,
) -> Exit:
    """Draw the share of runs by outcome against the hidden units, a panel for each setting.

    Example:
      spurious sweep plot table1 --out pictures
    """
    from spurious.files import make_folder

    target, _ = _found(store)
    make_folder(out)
    from spurious.figures import outcome_shares, write_figure
    from spurious.figures.panels import outcome_panels
    from spurious.files import make_folder
    from spurious.sweep import summaries

    names = write_figure(outcome_shares(outcome_panels(summaries(target))), out, "rates")
    files = [str(out / name) for name in names]
    if as_json:
        echo_json({"files": files})
    else:
        typer.echo("\n".join(files))
    return Exit.OK


def _found(store: str) -> tuple[Store, dict[str, Any] | None]:
    """A store and its manifest; None if it is a Parquet file alone.

    Raises:
        InputError: There is no sweep.
    """
    from spurious.sweep import open_store

    target = open_store(store)
    manifest = target.manifest()
    if manifest is None and not target.lone:
        raise InputError(f"{store}: found no sweep there, expected a store of `sweep run`")
    return target, manifest


def _about() -> None:
    """Train many small networks and count what they end in.

    Start here:
      spurious sweep run PLAN.toml          train; interrupt and repeat as you like
      spurious sweep status STORE           what is done
      spurious sweep query STORE "SELECT outcome, count(*) FROM runs GROUP BY 1"
      spurious sweep plot STORE             pictures
    """


sweep_app = group(_about)
for command in (run, status, query, plot):
    register(sweep_app, command)
