"""A source of rows in memory, read in blocks and pieces of any size."""

import time

from fastnn.data import Source
from fastnn.data.source import Rows


class RowsInBlocks(Source):
    """Rows in memory, as a source: `change` is done to each piece that is read."""

    def __init__(
        self, X, y, weights=None, *, rows=100, piece=40, counted=True, change=None, **given
    ):
        super().__init__(**given)
        self._arrays, self._rows, self._piece = (X, y, weights), rows, piece
        self._change = change or (lambda rows: rows)
        self.n_rows, self.n_reads = X.shape[0] if counted else None, 0

    def blocks(self):
        return range(0, self._arrays[0].shape[0], self._rows)

    def read(self, block, *, targets_only=False):
        self.n_reads += not targets_only
        end = min(block + self._rows, self._arrays[0].shape[0])
        for start in range(block, end, self._piece):
            stop = min(start + self._piece, end)
            values = (None if one is None else one[start:stop] for one in self._arrays)
            yield self._change(Rows(*values, "the table", range(start, stop)))

    def identity(self):
        return "the table"

    def split(self, validation, *, random_state):
        """Hold out the last rows."""
        X, y, weights = self._arrays
        n = round(len(y) * (1 - validation))
        return (
            RowsInBlocks(X[part], y[part], None if weights is None else weights[part])
            for part in (slice(n), slice(n, None))
        )

    def __repr__(self):
        return "RowsInBlocks()"


def slowly(rows):
    """Return rows a little later, so that the engine has to wait for them."""
    time.sleep(0.002)
    return rows
