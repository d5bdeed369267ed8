import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from spurious.explore.ensemble import Kernels, frame_times, lines
from spurious.explore.request import EnsembleRequest
from spurious.problem import Network, dataset
from spurious.train import Initialisation, Optimiser, Recipe, train, train_and_name


def recipe(step_size: float, updates: int) -> Recipe:
    xor = dataset("xor")
    return Recipe(
        Network((2, 3, 1), "relu"),
        xor.loss,
        xor.data,
        Initialisation("pytorch"),
        Optimiser("gd", step_size),
        updates,
    )


def warmed() -> Kernels:
    engine = Kernels()
    engine.warm()
    return engine


def test_frame_times() -> None:
    assert frame_times(1) == (0, 1)
    assert frame_times(7) == (0, 1, 2, 3, 4, 5, 6, 7)
    times = frame_times(100_000)
    assert times[0] == 0 and times[-1] == 100_000
    assert all(a < b for a, b in itertools.pairwise(times))
    assert sum(times) < 7 * 100_000


def test_frames_are_the_engines_runs_and_names_are_the_sweeps() -> None:
    asked = EnsembleRequest(recipe(0.3, 300), runs=24, seed=5)
    found = [json.loads(line) for line in lines(asked, warmed())]
    *frames, end = [line for line in found if "waiting" not in line]
    assert [frame["updates"] for frame in frames] == list(frame_times(300))
    frame = frames[7]
    runs = train(recipe(0.3, frame["updates"]), 5, 0, 24)
    np.testing.assert_allclose(frame["parameters"], runs.parameters, rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(frame["loss"], runs.loss, rtol=1e-4)
    table = train_and_name(recipe(0.3, 300), 5, 0, 24)
    assert end["outcome"] == table["outcome"].tolist()
    assert len({*end["outcome"]}) > 1
    for k, name in enumerate(end["outcome"]):
        assert (end["limit"][k] is None) == (name == "solved")
        assert len(end["end"][k]) == 13


def test_numbers_that_are_not_finite_are_null() -> None:
    curve = dataset("d1")
    wild = replace(
        recipe(10.0, 100),
        network=Network((1, 3, 1), "relu"),
        loss=curve.loss,
        data=curve.data,
        tolerance=0.1,
    )
    found = [json.loads(line) for line in lines(EnsembleRequest(wild, 8, 1), warmed())]
    end = found[-1]
    lost = [k for k, name in enumerate(end["outcome"]) if name == "diverged"]
    assert lost
    assert all(end["end"][k] is None for k in lost)
    assert "NaN" not in json.dumps(found) and "Infinity" not in json.dumps(found)


def test_a_training_that_takes_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spurious.explore.limits.TRAIN_SECONDS", -1.0)
    asked = EnsembleRequest(recipe(0.1, 1000), runs=8, seed=1)
    *_, last = lines(asked, warmed())
    assert json.loads(last)["error"].startswith("training: not done after")
