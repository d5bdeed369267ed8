"""What every engine trains in the comparison: d-h-1 networks, log loss, Adam, full batch."""

from dataclasses import dataclass

import numpy as np

STEP, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Case:
    """One place of the grid."""

    activation: str
    hidden: int
    points: int
    networks: int
    inputs: int = 2

    @property
    def parameters(self) -> int:
        return self.hidden * (self.inputs + 2) + 1

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (n, d) and labels -1, 1, shape (n,)."""
        rng = np.random.Generator(np.random.Philox(key=self.points))
        x = rng.normal(size=(self.points, self.inputs)).astype(np.float32)
        return x, np.where(rng.normal(size=self.points) > 0, 1, -1).astype(np.float32)

    def start(self, count: int | None = None) -> np.ndarray:
        """Parameters (N, P): hidden weight row by row, hidden bias, output weight, output bias."""
        from spurious.train import starts

        return starts(self.recipe(1), 1, 0, count or self.networks).astype(np.float32)

    def recipe(self, updates: int):
        from spurious.problem import Loss, Network, dataset_from_arrays
        from spurious.train import Initialisation, Optimiser, Recipe

        x, y = self.data()
        return Recipe(
            Network((self.inputs, self.hidden, 1), self.activation),
            Loss.LOGISTIC,
            dataset_from_arrays(x.tolist(), y[:, None].tolist()),
            Initialisation("pytorch"),
            Optimiser("adam", STEP),
            updates,
            stop=False,
        )

    def split(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Parameters (N, P) as w (h, d, N), b (h, N), v (h, N), c (N,): networks last."""
        h, d = self.hidden, self.inputs
        w = rows[:, : h * d].reshape(-1, h, d).transpose(1, 2, 0)
        rest = rows[:, h * d :].T
        return tuple(np.ascontiguousarray(a) for a in (w, rest[:h], rest[h : 2 * h], rest[2 * h]))

    def join(self, w, b, v, c) -> np.ndarray:
        """Undoes `split`."""
        w = np.asarray(w).transpose(2, 0, 1).reshape(-1, self.hidden * self.inputs)
        return np.concatenate([w, np.asarray(b).T, np.asarray(v).T, np.asarray(c)[:, None]], axis=1)
