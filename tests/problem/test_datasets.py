from fractions import Fraction

import pytest

from spurious.errors import InputError
from spurious.problem import DATASETS, Loss, Network, Problem, dataset

SIZES = {
    "xor": 4,
    "jellyfish": 4,
    "d1": 5,
    "d2": 6,
    "d3": 6,
    "deadlock10": 10,
    "deadlock9": 9,
    "deadlock8": 8,
    "deadlock7": 7,
}

CHECKSUMS = {
    "deadlock10": ("-31/5", "91/10", "-25"),
    "deadlock9": ("67/10", "-50", "3"),
    "deadlock8": ("798/25", "-149/25", "14"),
    "deadlock7": ("-8079/500", "6401/1000", "4"),
    "d1": ("21", "7"),
    "d2": ("169", "-60"),
    "d3": ("169", "-68"),
}


def test_names_and_sizes() -> None:
    assert {name: dataset(name).data.size for name in DATASETS} == SIZES


@pytest.mark.parametrize("name", DATASETS)
def test_each_dataset_fits_its_loss(name: str) -> None:
    built_in = dataset(name)
    assert built_in.name == name
    assert built_in.description
    assert "1611.06310" in built_in.citation
    Problem(Network((built_in.data.inputs, 2, 1), "relu"), built_in.loss, built_in.data)
    assert len(set(built_in.data.x)) == built_in.data.size


def test_some_numbers() -> None:
    xor, jellyfish = dataset("xor").data, dataset("jellyfish").data
    assert all(y == (2 * abs(a - b) - 1,) for (a, b), y in zip(xor.x, xor.y, strict=True))
    assert dict(zip(jellyfish.x, jellyfish.y, strict=True))[Fraction(1, 5), Fraction(3, 5)] == (1,)
    assert dataset("d1").data.y == ((2,), (1,), (0,), (-3,), (3,))
    assert dataset("deadlock7").data.x[0] == (Fraction(793, 500), Fraction(-9329, 1000))
    assert dataset("deadlock10").loss is Loss.LOGISTIC


@pytest.mark.parametrize("name", CHECKSUMS)
def test_checksums(name: str) -> None:
    """Each column, weighted by 1, 2, ..., sums to what the published problem file gives."""
    data = dataset(name).data
    rows = [x + y for x, y in zip(data.x, data.y, strict=True)]
    sums = [sum(i * v for i, v in enumerate(c, 1)) for c in zip(*rows, strict=True)]
    assert tuple(map(str, sums)) == CHECKSUMS[name]


def test_unknown_name_lists_the_names() -> None:
    with pytest.raises(InputError, match=r"found the unknown name 'mnist', expected one of xor,"):
        dataset("mnist")
