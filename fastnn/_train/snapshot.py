"""Copies of parameters, to go back to."""

import numpy as np


class Snapshot:
    """A copy of the parameters, their average and the moving averages, to go back to."""

    def __init__(self, state):
        arenas = state.parameters, state.statistics, state.average
        self._state, self._n_averaged = state, state.n_averaged
        self._pairs = [(arena, arena.copy()) for arena in arenas if len(arena)]

    def numbers(self):
        """All that it holds, to be pickled."""
        return self._n_averaged, [copied.copy() for _, copied in self._pairs]

    def set(self, numbers):
        """Hold what another one held."""
        self._n_averaged, arrays = numbers
        for (_, copied), array in zip(self._pairs, arrays, strict=True):
            np.copyto(copied, array)
        return self

    def take(self):
        self._n_averaged = self._state.n_averaged
        for arena, copied in self._pairs:
            np.copyto(copied, arena)

    def restore(self):
        self._state.n_averaged = self._n_averaged
        for arena, copied in self._pairs:
            np.copyto(arena, copied)
