"""Parts of an epoch, of whole batches, made of the pieces that a source reads."""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import sparse

from .._core.device_arrays import PassingRows
from .datasets import Dataset

# Size of the rows of a part, if these are small: a call of the engine for each costs microseconds.
_PART_BYTES = 1 << 22
# Size of the rows of a buffer whose number of rows is not given.
_BUFFER_BYTES = 1 << 26


def bytes_of_row(X) -> int:
    """Return the mean size of the rows."""
    n_bytes = X.data.nbytes + X.indices.nbytes if sparse.issparse(X) else X.nbytes
    return max(1, n_bytes // X.shape[0])


def in_batches(
    pieces: Iterable[Dataset], batch_size: int, n_buffered: int | None, rng
) -> Iterator[Dataset]:
    """Yield the rows of pieces in parts of whole batches; the last part has the rest.

    Parameters
    ----------
    pieces : iterable of Dataset
        All rows of each piece take part.
    batch_size : int
    n_buffered : int or None
        Number of rows among which is shuffled; None is as many as 64 MiB hold.
    rng : numpy.random.Generator or None
        Shuffles the rows. Without, they keep their order.
    """
    held: _Held | None = None
    for piece in pieces:
        if held is None:
            size = bytes_of_row(piece.X)
            most = _BUFFER_BYTES // size if n_buffered is None else n_buffered
            wanted = _PART_BYTES // size if rng is None else min(_PART_BYTES // size, most)
            per_part = max(1, wanted // batch_size) * batch_size
            held = _Held(piece, rng)
        else:
            held.add(piece)
        ready = (held.n_rows - (0 if rng is None else most)) // batch_size * batch_size
        while ready >= per_part:
            n_rows = min(ready, 2 * per_part)
            yield held.take(n_rows)
            ready -= n_rows
    while held is not None and held.n_rows:
        yield held.take(min(held.n_rows, per_part))


class _Held:
    """Rows that wait for their part of an epoch."""

    def __init__(self, piece: Dataset, rng):
        self._rng = rng
        self._columns = [_column(values) for values in piece[:3]]
        self.n_rows = piece.n_rows

    def add(self, piece: Dataset) -> None:
        """Add the rows of a piece."""
        for column, values in zip(self._columns, piece[:3], strict=True):
            if column is not None:
                column.add(values)
        self.n_rows += piece.n_rows

    def take(self, n: int) -> Dataset:
        """Take n rows out: random ones, or without a generator the first."""
        rest = self.n_rows - n
        if self._rng is None:
            chosen, holes, movers = np.arange(n), None, None
        else:
            chosen = self._rng.choice(self.n_rows, n, replace=False)
            is_chosen = np.zeros(self.n_rows, bool)
            is_chosen[chosen] = True
            holes = np.flatnonzero(is_chosen[:rest])
            movers = rest + np.flatnonzero(~is_chosen[rest:])
        X, y, sample_weight = (
            None if column is None else column.take(chosen, holes, movers)
            for column in self._columns
        )
        self.n_rows = rest
        if isinstance(X, np.ndarray):
            X = X.view(PassingRows)
        return Dataset.of(X, y, sample_weight)


def _column(values):
    if values is None:
        return None
    return _SparseColumn(values) if sparse.issparse(values) else _Column(values)


class _Column:
    """Values of the rows held, in an array with room for more."""

    def __init__(self, values):
        self._order = "C" if values.flags.c_contiguous else "F"  # as an engine wants it
        self._room = values.copy(self._order)
        self._n = len(values)

    def add(self, values):
        n = self._n + len(values)
        if n > len(self._room):
            # Half as much again, so that a buffer of many pieces is not copied for each.
            shape = max(n, self._n * 3 // 2), *self._room.shape[1:]
            room = np.empty(shape, self._room.dtype, self._order)
            room[: self._n] = self._room[: self._n]
            self._room = room
        self._room[self._n : n] = values
        self._n = n

    def take(self, chosen, holes, movers):
        """Return the chosen values; those of `movers` fill the holes that they leave."""
        room = self._room
        taken = np.require(room[chosen], requirements=self._order)
        self._n -= len(chosen)
        if holes is None:  # the first were chosen
            room[: self._n] = room[len(chosen) : len(chosen) + self._n].copy()
        else:
            room[holes] = room[movers]
        return taken


class _SparseColumn:
    """Sparse rows that are held."""

    def __init__(self, values):
        self._values = values

    def add(self, values):
        self._values = sparse.vstack([self._values, values], format="csr")

    def take(self, chosen, holes, movers):
        """Return the chosen rows; those of `movers` take the places that they leave."""
        values, rest = self._values, self._values.shape[0] - len(chosen)
        if holes is None:
            left = np.arange(len(chosen), values.shape[0])
        else:
            left = np.arange(rest)
            left[holes] = movers
        self._values = values[left]
        return values[chosen]
