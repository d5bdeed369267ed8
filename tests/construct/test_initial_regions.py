"""Regions of fresh networks that hold data, against a count by hand."""

import numpy as np

from spurious.construct import initial_regions
from spurious.problem import Loss, Network, dataset_from_arrays
from spurious.train import Initialisation, Optimiser, Recipe, starts


def recipe(hidden: tuple[int, ...]) -> Recipe:
    generator = np.random.default_rng(3)
    x = generator.integers(-3, 4, (12, 2)).tolist()
    y = [[1 if i % 3 else -1] for i in range(12)]
    return Recipe(
        Network((2, *hidden, 1), "relu"),
        Loss.LOGISTIC,
        dataset_from_arrays(x, y),
        Initialisation("pytorch"),
        Optimiser("gd", 0.1),
        0,
    )


def test_regions_by_hand() -> None:
    for hidden in ((1,), (3,), (4, 3)):
        made = recipe(hidden)
        parameters = starts(made, 1, 0, 40)
        found = initial_regions(made, parameters)
        for row, count, mixed in zip(parameters, found.regions, found.mixed, strict=True):
            groups: dict[tuple[bool, ...], set[int]] = {}
            patterns: list[tuple[bool, ...]] = []
            for x, (y,) in zip(made.data.x, made.data.y, strict=True):
                state, place, pattern = [float(v) for v in x], 0, []
                for units in hidden:
                    wide = len(state)
                    z = [
                        sum(w * v for w, v in zip(row[place + wide * j :], state, strict=False))
                        + row[place + wide * units + j]
                        for j in range(units)
                    ]
                    place += (wide + 1) * units
                    pattern += [v > 0 for v in z]
                    state = [max(v, 0.0) for v in z]
                patterns.append(tuple(pattern))
                groups.setdefault(tuple(pattern), set()).add(int(y))
            assert count == len(groups)
            assert mixed == np.mean([len(groups[p]) == 2 for p in patterns])
