"""Named datasets: permutation, scale, whitening, the zig-zag, and their errors."""

from collections import Counter

import numpy as np
import pytest

from spurious.data import array_data, permuted, whitened, zigzag
from spurious.errors import InputError


def test_permuted_labels_keep_the_classes_sizes() -> None:
    true, other = (
        array_data({"name": "digits"}),
        array_data({"name": "digits", "labels": "permuted"}),
    )
    assert Counter(true.targets.tolist()) == Counter(other.targets.tolist())
    assert (true.targets != other.targets).mean() > 0.8
    assert other.inputs is true.inputs
    assert np.array_equal(other.targets, permuted(true.targets, 0))
    third = array_data({"name": "digits", "labels": "permuted", "label_seed": 1})
    assert (third.targets != other.targets).any()
    assert len({data.digest["targets"] for data in (true, other, third)}) == 3


def test_scale() -> None:
    data = array_data({"name": "digits", "tau": 0.1})
    assert data.name == "digits(tau=0.1)"
    assert np.array_equal(data.scaled(), data.inputs * np.float32(0.1))
    assert data.inputs.max() == 1 and data.outputs == 10
    assert data.digest != array_data({"name": "digits"}).digest


def test_whitening() -> None:
    x = whitened(array_data({"name": "digits"}).inputs).astype(float)
    covariance = x.T @ x / len(x)
    assert abs(x.mean(axis=0)).max() < 1e-6
    values = np.linalg.eigvalsh(covariance)
    assert all(min(abs(value), abs(value - 1)) < 1e-4 for value in values)
    assert 0 < (values < 0.5).sum() < 10  # pixels that are always white
    assert array_data({"name": "digits", "whiten": True}).inputs.shape == (1797, 64)


def test_zigzag() -> None:
    x, y = zigzag(9, 2, 0.0, 0)
    assert x[:, 0].tolist() == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
    assert y[:, 0].tolist() == [-1, -0.5, 0, 0.5, 1, 0.5, 0, -0.5, -1]
    _, noisy = zigzag(2000, 2, 0.5, 1)
    _, plain = zigzag(2000, 2, 0.0, 1)
    assert np.std(noisy - plain) == pytest.approx(0.5, rel=0.1)
    data = array_data({"name": "zigzag", "points": 9, "pieces": 2, "tau": 0.01})
    assert np.array_equal(data.scaled(), x * np.float32(0.01)) and data.classes == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "mnits"}, "dataset.name: found 'mnits', expected one of mnist, digits, zigzag"),
        ({"name": "digits", "tua": 1.0}, "dataset.tua: found an unknown key.*did you mean tau"),
        ({"name": "digits", "part": "test"}, "dataset.part: found an unknown key for digits"),
        ({"name": "digits", "tau": 0}, "dataset.tau: found 0.0, expected a positive number"),
        ({"name": "digits", "tau": "1"}, "dataset.tau: found '1', expected a number"),
        ({"name": "digits", "tau": True}, "dataset.tau: found True, expected a number"),
        ({"name": "digits", "labels": "random"}, "expected true or permuted"),
        ({"name": "digits", "labels": True}, "dataset.labels: found True, expected text"),
        ({"name": "digits", "label_seed": -1}, "expected an integer that is not negative"),
        ({"name": "zigzag", "points": 1}, "zigzag.points: found 1, expected from 2"),
        ({"name": "zigzag", "pieces": 61}, "zigzag.pieces: found 61, expected from 1 to 60"),
        ({"name": "zigzag", "noise": -0.1}, "zigzag.noise: found -0.1"),
    ],
)
def test_errors(table: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        array_data(table)
