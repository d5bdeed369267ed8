"""C3: how often 2-h-1 networks learn XOR and Jellyfish, and what stops the others (v1, Table 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from spurious.figures import outcome_shares
from spurious.figures.panels import outcome_panel
from spurious.problem import dataset
from spurious.studies.claims import C3
from spurious.studies.complete_lists import complete_lists
from spurious.studies.linearity import STUCK, near_linear
from spurious.studies.report.claim import (
    NOT_SAID,
    ClaimResult,
    Context,
    DataTable,
    Mark,
    Part,
    Picture,
    Row,
    Status,
    Study,
    joined,
    overall,
)
from spurious.studies.sweeping import swept
from spurious.studies.table1_plans import HIDDEN, Column, main_plan, printed, sensitivity_plan
from spurious.sweep import AXES, CERTIFIED, Standing, Summary, percent, rate_text, summaries
from spurious.train import Outcome

UNFINISHED: Final = (Outcome.STILL_DESCENDING, Outcome.SADDLE_OR_PLATEAU)

ROUNDING: Final = 0.005
"""Half a unit of the last printed digit."""

LISTED: Final = (1, 2, 3, 4)
"""Units of the networks whose local minima are all listed."""


def run(context: Context) -> ClaimResult:
    """Measures the table, and how much it depends on what the paper leaves open."""
    plan = main_plan(context.budget)
    store = swept(plan, context)
    columns = _columns(summaries(store))
    grid = _columns(summaries(swept(sensitivity_plan(context.budget), context)))
    lists = _lists()
    rows = (
        *_table_rows(columns, grid),
        *_kind_rows(columns),
        *_sensitivity_rows(grid),
        *_nearest_rows(grid),
        *_trend_rows(columns, grid, near_linear(plan, store)),
    )
    shares = outcome_shares(
        [
            outcome_panel(str(column), columns[column], values)
            for column, values in printed().items()
        ]
    )
    picture = Picture(
        "c03-outcomes",
        "What runs end in, against the number of hidden units: log loss, PyTorch's default start, "
        "10,000 updates, step size 0.01 (Adam) or 0.1 (GD). Diamonds: the paper's Table 1.",
        shares,
    )
    tables = (_data("c03-table", columns), _data("c03-sensitivity", grid))
    return joined(
        C3,
        overall((*rows, *(row for found in lists for row in found.rows))),
        _explanation(columns, context),
        Part(rows, pictures=(picture,), tables=tables),
        *lists,
    )


def _lists() -> list[Part]:
    """Every local minimum of the table's smallest ReLU networks, for squared loss."""
    found: list[Part] = []
    for name in ("xor", "jellyfish"):
        entries = printed()[Column("adam", name, "relu")]
        notes = {
            hidden: f"; Table 1 prints {100 - 100 * value:.0f}% of runs unsolved (Adam)"
            for hidden, value in zip(HIDDEN, entries, strict=True)
        }
        data = dataset(name).data
        lists = complete_lists(f"c03-{name}", data, LISTED, {}, drawn=2, notes=notes)
        rows = tuple(replace(row, heading=f"{name}: {row.heading}") for row in lists.rows)
        found.append(replace(lists, rows=rows))
    return found


def _columns(found: Sequence[Summary]) -> dict[Column, list[Summary]]:
    """Cells by the table's columns, sorted by hidden units."""
    columns: dict[Column, list[Summary]] = {column: [] for column in printed()}
    for cell in sorted(found, key=lambda cell: int(str(cell.label("hidden")))):
        names = (str(cell.label(axis)) for axis in ("optimiser", "dataset", "activation"))
        columns[Column(*names)].append(cell)
    return columns


def _table_rows(
    columns: Mapping[Column, Sequence[Summary]], grid: Mapping[Column, Sequence[Summary]]
) -> list[Row]:
    """Every printed entry against our main sweep, and against the whole grid."""
    rows: list[Row] = []
    for column, values in printed().items():
        for cell, value in zip(columns[column], values, strict=True):
            rate = cell.rate(Outcome.SOLVED)
            hidden = cell.label("hidden")
            others = [
                other.rate(Outcome.SOLVED)
                for other in grid[column]
                if other.label("hidden") == hidden
            ]
            low = min(other.share for other in (rate, *others))
            high = max(other.share for other in (rate, *others))
            if rate.low - ROUNDING <= value <= rate.high + ROUNDING:
                status, note = Status.REPRODUCED, "the interval covers it"
            elif low - ROUNDING <= value <= high + ROUNDING:
                status, note = Status.DIFFERS, "some protocols of the grid reach it"
            else:
                status, note = Status.DIFFERS, "no protocol of the grid reaches it"
            spread = f"; over all protocols {percent(low)} to {percent(high)}"
            rows.append(
                Row(
                    f"{column}, h = {hidden}",
                    f"{100 * value:.0f}%",
                    f"{rate_text(rate)}{spread} ({note})",
                    status,
                    heading="Table 1: share of runs that reach zero training error",
                    mark=Mark(str(column), f"h = {hidden}", percent(rate.share)),
                )
            )
    return rows


def _kind_rows(columns: Mapping[Column, Sequence[Summary]]) -> list[Row]:
    """What the unsolved runs of each column are called, and what is proved of a sample."""
    rows: list[Row] = []
    for column, cells in columns.items():
        failures = sum(cell.total - cell.counts[Outcome.SOLVED] for cell in cells)
        kinds = {o: sum(cell.counts[o] for cell in cells) for o in (*STUCK, *UNFINISHED)}
        text = ", ".join(
            f"{outcome.replace('_', ' ')} {100 * count / failures:.1f}%"
            for outcome, count in kinds.items()
            if count
        )
        trapped = sum(kinds[o] for o in STUCK)
        verdict = "no failures"
        if failures:
            verdict = f"{100 * trapped / failures:.1f}% named traps ({text})"
        proofs = sum((cell.proofs for cell in cells), Counter[Standing]())
        minimum, none, undecided = (proofs[kind] for kind in CERTIFIED)
        if asked := minimum + none + undecided:
            verdict += (
                f"; certify, asked about {asked} of the points so named: {minimum} proved to be at "
                f"or near a minimum, {none} proved to be none, {undecided} undecided"
            )
        if faces := proofs[Standing.FACE_MINIMUM]:
            verdict += f"; {faces:,} more runs are on the faces of those minima"
        rows.append(
            Row(
                f"{column}: {failures:,} unsolved runs",
                NOT_SAID,
                verdict,
                Status.MEASURED,
                heading="what the unsolved runs are (the paper does not say)",
            )
        )
    return rows


def _sensitivity_rows(grid: Mapping[Column, Sequence[Summary]]) -> list[Row]:
    """How far the solved share moves along each axis of the grid, all others held."""
    axes = [
        axis
        for axis in ("step_size", "updates", "initialisation", "loss")
        if len({cell.label(axis) for cells in grid.values() for cell in cells}) > 1
    ]
    rows: list[Row] = []
    for column, cells in grid.items():
        moves = ", ".join(
            f"{axis.replace('_', ' ')} {100 * _mean_range(cells, axis):.0f}" for axis in axes
        )
        rows.append(
            Row(
                str(column),
                NOT_SAID,
                f"{moves} points",
                Status.MEASURED,
                heading="how far the rate moves along each axis of the grid, on average",
            )
        )
    return rows


def _mean_range(cells: Sequence[Summary], axis: str) -> float:
    groups: dict[tuple[object, ...], list[float]] = {}
    for cell in cells:
        key = tuple(cell.label(other) for other in AXES if other != axis)
        groups.setdefault(key, []).append(cell.rate(Outcome.SOLVED).share)
    ranges = [max(shares) - min(shares) for shares in groups.values()]
    return sum(ranges) / len(ranges)


def _nearest_rows(grid: Mapping[Column, Sequence[Summary]]) -> list[Row]:
    """For each column the protocol of the grid whose rates come nearest to the printed ones."""
    rows: list[Row] = []
    for column, values in printed().items():
        protocols: dict[tuple[object, ...], list[Summary]] = {}
        for cell in grid[column]:
            key = tuple(cell.label(axis) for axis in AXES if axis != "hidden")
            protocols.setdefault(key, []).append(cell)
        expected = dict(zip(map(str, HIDDEN), values, strict=True))

        def distance(cells: list[Summary], expected: Mapping[str, float] = expected) -> float:
            return max(
                abs(cell.rate(Outcome.SOLVED).share - expected[str(cell.label("hidden"))])
                for cell in cells
            )

        best = min(protocols.values(), key=distance)
        failures = sum(cell.total - cell.counts[Outcome.SOLVED] for cell in best)
        unfinished = sum(cell.counts[o] for cell in best for o in UNFINISHED)
        share = f"{100 * unfinished / failures:.0f}%" if failures else "none"
        first = best[0]
        protocol = (
            f"{first.label('loss')} loss, {first.label('initialisation')} start, step "
            f"{first.label('step_size')}, {first.label('updates'):,} updates"
        )
        rates = ", ".join(f"{100 * cell.rate(Outcome.SOLVED).share:.0f}" for cell in best)
        units = ", ".join(str(cell.label("hidden")) for cell in best)
        wanted = ", ".join(f"{100 * expected[str(cell.label('hidden'))]:.0f}" for cell in best)
        near = distance(best)
        rows.append(
            Row(
                f"{column}, h = {units}",
                f"{wanted}%",
                f"{protocol}: {rates}% (within {100 * near:.0f} points); unfinished among its "
                f"failures: {share}",
                Status.MEASURED,
                heading="the protocol of the grid that comes nearest to each column",
            )
        )
    return rows


def _covered_row(
    columns: Mapping[Column, Sequence[Summary]],
    grid: Mapping[Column, Sequence[Summary]],
    heading: str,
) -> Row:
    """How many entries of the table our intervals cover."""
    entries = _table_rows(columns, grid)
    covered = sum(row.status is Status.REPRODUCED for row in entries)
    return Row(
        "printed rates",
        f"{len(entries)} entries",
        f"{covered} within our intervals",
        Status.REPRODUCED if covered == len(entries) else Status.DIFFERS,
        True,
        heading,
    )


def _trapped_row(columns: Mapping[Column, Sequence[Summary]], heading: str) -> Row:
    """The share of traps among all unsolved runs of the table."""
    cells = [cell for found in columns.values() for cell in found]
    failures = sum(cell.total - cell.counts[Outcome.SOLVED] for cell in cells)
    trapped = sum(cell.counts[outcome] for cell in cells for outcome in STUCK)
    text = f"{percent(trapped / failures)} of {failures:,}" if failures else "there are none"
    asked = sum(cell.proofs[kind] for cell in cells for kind in CERTIFIED)
    minima = sum(cell.proofs[CERTIFIED[0]] for cell in cells)
    if asked:
        text += f", by name; certify proved {minima} of the {asked} asked about"
    return Row("unsolved runs named traps", NOT_SAID, text, Status.MEASURED, True, heading)


def _trend_rows(
    columns: Mapping[Column, Sequence[Summary]],
    grid: Mapping[Column, Sequence[Summary]],
    linear: tuple[float, int],
) -> list[Row]:
    heading = "what the paper concludes"
    near, stuck = linear
    relu = {c: cells for c, cells in columns.items() if c.activation == "relu"}
    two = [cells[0].rate(Outcome.SOLVED) for cells in columns.values()]
    highest = max(rate.high for rate in two)
    adam = [
        (cell.rate(Outcome.SOLVED), other.rate(Outcome.SOLVED))
        for column, cells in relu.items()
        if column.optimiser == "adam"
        for cell, other in zip(cells, columns[Column("gd", column.dataset, "relu")], strict=True)
    ]
    gain = max(one.share - two.share for one, two in adam)
    pairs = [
        (cell.rate(Outcome.SOLVED), other.rate(Outcome.SOLVED))
        for column, cells in columns.items()
        if column.dataset == "xor"
        for cell, other in zip(
            cells, columns[Column(column.optimiser, "jellyfish", column.activation)], strict=True
        )
    ]
    harder = sum(other.high < one.low for one, other in pairs)
    easier = sum(other.low > one.high for one, other in pairs)
    return [
        _covered_row(columns, grid, heading),
        _trapped_row(columns, heading),
        Row(
            "two hidden units suffice, and full-batch training often fails",
            "0 to 90% solved",
            f"at most {percent(highest)} solved in any column with h = 2",
            _held(highest < 0.95),
            True,
            heading,
        ),
        Row(
            "Adam is no cure (ReLU)",
            "no",
            f"its rate exceeds gradient descent's by at most {100 * gain:.1f} points",
            _held(gain < 0.1),
            True,
            heading,
        ),
        Row(
            "Jellyfish is harder than XOR",
            "yes",
            f"significantly lower in {harder}, higher in {easier} of {len(pairs)} pairs",
            _held(harder > len(pairs) / 2 and easier == 0),
            True,
            heading,
        ),
        Row(
            "a stuck network is nearly linear around the data",
            "yes",
            f"on the data, {100 * near:.0f}% of {stuck:,} stuck networks differ from an affine "
            "map by less than a tenth of their spread",
            _held(near > 0.5),
            True,
            heading,
        ),
    ]


def _held(holds: bool) -> Status:
    return Status.REPRODUCED if holds else Status.DIFFERS


def _explanation(columns: Mapping[Column, Sequence[Summary]], context: Context) -> tuple[str, ...]:
    cell = next(iter(columns.values()))[0]
    return (
        f"Each entry of the table has {cell.total:,} runs at the {context.budget} budget, with "
        "95% Clopper-Pearson intervals; a run counts as converged as soon as all four points are "
        "on their right side. The paper's own runs are uncounted, so its values have an unknown "
        "error of their own.",
        "A run that does not converge is followed downhill in double precision to see what it is "
        "at. Finite minima, valleys to infinity and dead layers are traps: more training changes "
        "nothing. Plateaus and runs still descending are unfinished. These names are measured, "
        "not proved; certify is asked about a sample of the points named finite minima, and each "
        "of its answers is counted (that a point is none may be due to its rounding).",
        "The sensitivity grid varies step size, updates, initial distribution and (beyond the "
        "quick budget) loss. Where only some protocol of the grid reaches a printed value, the "
        "value is not reproduced: a rate without its protocol, and without the kinds of the "
        "failures, means little.",
    )


def _data(name: str, columns: Mapping[Column, Sequence[Summary]]) -> DataTable:
    cells = [cell for found in columns.values() for cell in found]
    return DataTable(
        name,
        (*AXES, *Outcome, *Standing),
        tuple(
            (*cell.labels, *(cell.counts[o] for o in Outcome), *(cell.proofs[k] for k in Standing))
            for cell in cells
        ),
    )


STUDY: Final = Study(C3, run)
