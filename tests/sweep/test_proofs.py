"""What is proved of the runs of a store: each run once, old stores as far as they can tell."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spurious.sweep import Standing, connect, open_store, proof_lines, summaries
from spurious.sweep.proofs import standing

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "mnist-10000"


def proofs(path: Path) -> Counter[Standing]:
    return sum((cell.proofs for cell in summaries(open_store(path))), Counter[Standing]())


@pytest.mark.parametrize(
    ("name", "stuck", "slow", "nothing"),
    [("initial", 2, 70, 24), ("scaled", 0, 25, 11), ("zigzag", 16, 51, 13)],
)
def test_committed_rows(name: str, stuck: int, slow: int, nothing: int) -> None:
    found = proofs(RESULTS / f"{name}.parquet")
    assert found[Standing.BOUND_MINIMUM] == stuck and found[Standing.BOUND_NO_MINIMUM] == slow
    assert found[Standing.NOTHING] == nothing
    assert found.total() == stuck + slow + nothing  # and `certify` was asked about none
    assert next(proof_lines(found)) == "certify was asked about no point"


OLD = [
    ("solved", "", ""),
    ("finite_local_minimum", "2", "local_minimum_nearby"),
    ("finite_local_minimum", "2", "local_minimum_nearby"),
    ("finite_local_minimum", "8/3", "undecided"),
    ("finite_local_minimum", "", "undecided"),
    ("finite_local_minimum", "", "local_minimum"),
    ("dead", "", "local_minimum_in_region"),
    ("still_descending", "", "not_local_minimum"),
]


def test_an_old_store_says_unknown_where_it_cannot_tell(tmp_path: Path) -> None:
    outcome, exact_loss, certified = map(list, zip(*OLD, strict=True))
    columns = {"outcome": outcome, "exact_loss": exact_loss, "certified": certified}
    path = tmp_path / "old.parquet"
    pq.write_table(pa.table(columns), path)
    found = proofs(path)
    assert found == {
        Standing.NOTHING: 1,
        Standing.UNKNOWN_MINIMUM: 2,  # one was asked about, or both: the file does not tell
        Standing.UNKNOWN: 2,  # refuted, or undecided
        Standing.CERTIFY_MINIMUM: 1,  # away from faces every row with an answer was asked about
        Standing.BOUND_MINIMUM: 1,
        Standing.BOUND_NO_MINIMUM: 1,
    }
    first, *_ = proof_lines(found)
    assert "3 runs are at or near a local minimum" in first and "unknown" in first
    sql = "SELECT asked, proof, proved FROM runs WHERE certified = 'undecided' ORDER BY ALL"
    rows = connect(open_store(path)).execute(sql).fetchall()
    assert rows == [(True, None, None), (None, None, None)]


def test_every_row_has_one_standing() -> None:
    assert standing(True, "certificate", "local_minimum") is Standing.CERTIFY_MINIMUM
    assert standing(True, "certificate", "not_local_minimum") is Standing.CERTIFY_NO_MINIMUM
    assert standing(True, "none", "undecided") is Standing.CERTIFY_UNDECIDED
    assert standing(False, "certificate", "local_minimum_nearby") is Standing.FACE_MINIMUM
    assert standing(False, "float_bound", "local_minimum_in_region") is Standing.BOUND_MINIMUM
    assert standing(False, "float_bound", "not_local_minimum") is Standing.BOUND_NO_MINIMUM
    assert standing(False, "none", "undecided") is Standing.NOTHING


def test_sentences_never_add_up_different_things() -> None:
    counts = Counter(
        {
            Standing.CERTIFY_MINIMUM: 3,
            Standing.CERTIFY_NO_MINIMUM: 1,
            Standing.CERTIFY_UNDECIDED: 6,
            Standing.FACE_MINIMUM: 1200,
            Standing.NOTHING: 40,
        }
    )
    assert list(proof_lines(counts)) == [
        "certify was asked about 10 points: 3 are at or near a local minimum, 1 are no local "
        "minimum themselves, 6 undecided",
        "1,200 more runs are at or near a local minimum, since they ended on the face of one that "
        "certify proved",
        "nothing is proved of the other 40 runs",
    ]
