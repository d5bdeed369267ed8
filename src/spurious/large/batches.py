"""Which points each update of each network sees: the same streams as the small engine's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spurious.train import epoch_orders


class Batches:
    """Mini-batches of an ensemble, a function of each network's seed and index alone.

    Every epoch visits the points in a fresh order. The last batch of an epoch may be short: it is
    filled up with places of weight 0.
    """

    def __init__(self, points: int, size: int, streams: Sequence[tuple[int, int]]) -> None:
        """Prepares the streams.

        Args:
            points: Of the data, n.
            size: Of a batch, b.
            streams: Seed and index of each network.
        """
        self._points, self._size = points, size
        self._number = -(-points // size)
        self._unique = sorted(set(streams))
        place = {stream: i for i, stream in enumerate(self._unique)}
        self._column = np.array([place[stream] for stream in streams])
        self._epoch = -1
        self._order = np.empty((0, 0), np.int64)

    def block(
        self, first: int, count: int, room: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """The batches of the updates first, ..., first + count - 1.

        Args:
            first: The first update.
            count: How many.
            room: Length of the result's first axis, at least `count`; the rest is 0.

        Returns:
            Places of shape (room, N, b), and the weight of each place in the sum, (room, b).
        """
        places = np.zeros((room, len(self._column), self._size), np.int32)
        weights = np.zeros((room, self._size), np.float32)
        for row in range(count):
            epoch, number = divmod(first + row, self._number)
            if epoch != self._epoch:
                self._epoch, self._order = epoch, self._drawn(epoch)
            chosen = self._order[number * self._size : (number + 1) * self._size]
            places[row, :, : len(chosen)] = chosen.T[self._column]
            weights[row, : len(chosen)] = self._points / len(chosen)
        return places, weights

    def _drawn(self, epoch: int) -> npt.NDArray[np.int64]:
        """The order of the points in an epoch for each stream, shape (n, streams)."""
        found = np.empty((self._points, len(self._unique)), np.int64)
        for seed in {seed for seed, _ in self._unique}:
            chosen = [i for i, stream in enumerate(self._unique) if stream[0] == seed]
            found[:, chosen] = epoch_orders(
                seed, [self._unique[i][1] for i in chosen], epoch, self._points
            )
        return found
