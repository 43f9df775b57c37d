"""Copies of parameters, to go back to."""

import numpy as np


class Snapshot:
    """A copy of the parameters, their average, and the moving averages of normalizations."""

    def __init__(self, state):
        arenas = state.parameters, state.statistics, state.average
        self._state, self._n_averaged = state, state.n_averaged
        self._pairs = [(arena, arena.copy()) for arena in arenas if len(arena)]

    def update(self):
        """Copy the present values."""
        self._n_averaged = self._state.n_averaged
        for arena, copied in self._pairs:
            np.copyto(copied, arena)

    def restore(self):
        """Put the copied values back."""
        self._state.n_averaged = self._n_averaged
        for arena, copied in self._pairs:
            np.copyto(arena, copied)

    def get_state(self):
        """Return the copied values, to be pickled."""
        return self._n_averaged, [copied.copy() for _, copied in self._pairs]

    def set_state(self, state):
        """Take the values from the state of another snapshot."""
        self._n_averaged, arrays = state
        for (_, copied), array in zip(self._pairs, arrays, strict=True):
            np.copyto(copied, array)
