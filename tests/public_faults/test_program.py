"""How the programs after public questions are scored."""

import pytest
import torch
from benchmarks.public_cases.program import sides_right


def test_sides_are_scored_against_the_commoner_class() -> None:
    score = sides_right(torch.tensor([[0.0], [0.0], [0.0], [1.0]]), 0.5)
    assert score(torch.tensor([[0.1], [0.2], [0.3], [0.9]])) == 1
    assert score(torch.zeros(4, 1)) == 0


@pytest.mark.parametrize("labels", [[-1.0, 1.0], [1.0, 2.0], [0.0, 0.5]])
def test_sides_need_labels_0_and_1(labels: list[float]) -> None:
    with pytest.raises(ValueError, match=r"labels: found .* expected 0 and 1"):
        sides_right(torch.tensor(labels), 0.0)
