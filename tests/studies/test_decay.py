"""The study of weight decay: families followed as the decay grows."""

from fractions import Fraction

import numpy as np
import pytest

from spurious.atlas import penalised_atlas
from spurious.figures import Branch, DecayPanel, decay_panels
from spurious.problem import DenseLoss, Network, Penalty, dataset
from spurious.studies import CLAIMS, decay, find_claim
from spurious.studies.claims import DECAY
from spurious.studies.following import follow, linked, refined_grid
from spurious.studies.report.claim import Budget, Context, Status


def make(l2, name="d1", hidden=1):
    data = dataset(name).data
    network = Network((data.inputs, hidden, 1), "relu")
    return penalised_atlas(DenseLoss(network, "squared", data, Penalty(l2)))


def test_it_is_asked_for_by_name_and_no_claim_of_the_paper():
    assert find_claim("decay") is DECAY and find_claim(" Decay ") is DECAY
    assert DECAY not in CLAIMS


def test_each_family_goes_on_as_itself_where_little_changes():
    left, right = make(Fraction(1, 100)), make(Fraction(11, 1000))
    assert linked(left, right) == {k: k for k in range(len(left.minima))}
    assert linked(left, left) == {k: k for k in range(len(left.minima))}


def test_the_end_of_a_family_is_enclosed():
    """The third minimum of D1 with one unit ends between 0.118 and 0.123."""
    lists = refined_grid(make, [Fraction(1, 100), Fraction(1), Fraction(20)], 1.05)
    branches = follow(lists)
    assert sum(len(branch.l2) for branch in branches) == sum(len(a.minima) for a in lists.values())
    ends = sorted(float(branch.l2[-1]) for branch in branches)
    assert 0.11 < ends[0] < 0.125
    after = min(l2 for l2 in lists if l2 > Fraction(ends[0]))
    assert float(after) / ends[0] < 1.05
    assert ends[-1] == 20
    last = next(branch for branch in branches if branch.l2[-1] == 20)
    assert last.families[-1].directions == 0


def test_the_result_has_proved_rows_certificates_and_a_picture(tmp_path, monkeypatch):
    size = decay._Size((("d1", 1), ("xor", 1)), 4, 3.0, 2, 30)
    monkeypatch.setattr(decay, "SIZES", {Budget.QUICK: size})
    said = []
    result = decay.run(Context(Budget.QUICK, tmp_path, said.append))
    assert result.status is Status.PROVED and said
    rows = {row.quantity: row for row in result.rows if row.heading == "XOR, 1 units"}
    assert rows["families of minima at decay 0.0001"].measured == "4, 3 up to symmetry"
    assert "none from" in rows["how long bad minima last"].measured
    assert all(point.valid for point in result.points if point.minimum)
    assert [picture.name for picture in result.pictures] == ["decay-branches"]
    tables = {table.name: table for table in result.tables}
    starts = tables["decay-xor-1-starts"]
    for row in starts.rows:
        found = dict(zip(starts.columns, row, strict=True))
        ends = ("in_a_minimum", "with_a_dead_unit_at_zero", "elsewhere")
        assert sum(found[key] for key in ends) == found["runs"] == 30
        assert found["elsewhere"] == 0


@pytest.mark.parametrize("count", [1, 3])
def test_the_picture_takes_branches_of_any_length(count):
    branches = tuple(
        Branch(
            np.geomspace(0.1, 1, n), np.linspace(0.2, 0.9, n), np.arange(n) % 2 == 0
        )
        for n in (1, 2, 5)
    )  # fmt: skip
    panel = DecayPanel("a title", branches, np.array([0.1, 1.0]), np.full((3, 2), 1 / 3))
    figure = decay_panels([panel] * count)
    assert len(figure.axes) == 2 * count
