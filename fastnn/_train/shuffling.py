"""Parts of epochs, of whole batches, made of the pieces that a source reads."""

import functools
import queue
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._core.device_arrays import PassingRows
from .datasets import Dataset, bytes_of_row

# Size of the rows of a part, if these are small: a call of the engine for each costs microseconds.
_PART_BYTES = 1 << 22
# Size of the rows of a buffer whose number of rows is not given.
_BUFFER_BYTES = 1 << 26
# Parts that are lent at a time: to the engine, to the queue, and to the thread that waits for it.
_N_LENT = 3


class Closed(Exception):
    """Nobody wants more parts."""


class Part(NamedTuple):
    """A part of an epoch, which is to be given back when it was trained on."""

    data: Dataset
    give_back: Callable[[], None]


class ShuffleBuffer:
    """Buffer of rows, from which those of each part are drawn.

    Parameters
    ----------
    batch_size : int
    n_rows : int
        Number of rows of an epoch.
    n_buffered : int or None
        Number of rows among which is shuffled; None is as many as 64 MiB hold.
    """

    def __init__(self, batch_size: int, n_rows: int, n_buffered: int | None):
        self._batch_size, self._n_rows, self._n_buffered = batch_size, n_rows, n_buffered
        self._rows: Any = None  # _Slots or _SparsePieces

    def parts(self, epochs: Iterable[tuple[Iterable[Dataset], Any]]) -> Iterator[Part]:
        """Yield the rows of epochs in parts of whole batches; the last part of each has the rest.

        While the last rows of an epoch leave the buffer, the first of the next take their places,
        so that training never waits until it is full again.

        Parameters
        ----------
        epochs : iterable of tuple (iterable of Dataset, numpy.random.Generator or None)
            Pieces, of which all rows take part, and the generator that draws rows. Without, they
            keep their order.
        """
        waiting = (_Epoch(*epoch) for epoch in epochs)
        epoch = next(waiting, None)
        while epoch is not None:
            while self._read_piece(epoch):
                yield from self._surplus(epoch)
            following = next(waiting, None)
            while n := epoch.n_held:
                yield self._rows.lend(epoch.take(min(self._per_part, n)))
                while following and epoch.n_held + following.n_held < self._n_held:
                    if not self._read_piece(following):
                        break
            epoch = following
            if epoch is not None:
                yield from self._surplus(epoch)  # before more is read, as of a first epoch

    def _surplus(self, epoch):
        """Yield the parts of an epoch that the buffer has no room for."""
        while epoch.n_held >= self._n_held + self._per_part:
            yield self._rows.lend(epoch.take(self._per_part))

    def _read_piece(self, epoch):
        """Read a piece of an epoch; return False if there is none."""
        piece = next(epoch.pieces, None)
        if piece is None:
            return False
        if self._rows is None:
            self._lay_out(piece, epoch.rng)
        epoch.held = np.concatenate([epoch.held, self._rows.put(piece)])
        return True

    def close(self) -> None:
        """End the iteration over parts, of a thread that waits for one to be given back."""
        if self._rows is not None:
            self._rows.close()

    def _lay_out(self, piece, rng):
        """Choose the sizes of buffer and parts by the size of the rows."""
        of_row = bytes_of_row(piece.X)
        most = _BUFFER_BYTES // of_row if self._n_buffered is None else self._n_buffered
        self._n_held = 0 if rng is None else min(most, self._n_rows)
        wanted = _PART_BYTES // of_row if rng is None else min(_PART_BYTES // of_row, most)
        self._per_part = max(1, wanted // self._batch_size) * self._batch_size
        n_kept = self._n_held + (1 + _N_LENT) * self._per_part
        self._rows = _SparsePieces() if sparse.issparse(piece.X) else _Slots(n_kept)


class _Epoch:
    """Rows of an epoch that wait for their part, by their numbers in a buffer."""

    def __init__(self, pieces, rng):
        self.pieces, self.rng, self.held = iter(pieces), rng, np.empty(0, np.intp)

    @property
    def n_held(self):
        return len(self.held)

    def take(self, n):
        """Take out the numbers of n rows: random ones, or without a generator the first."""
        held, rest = self.held, len(self.held) - n
        if self.rng is None:
            self.held = held[n:]
            return held[:n]
        chosen = self.rng.choice(len(held), n, replace=False)
        taken = held[chosen]
        is_chosen = np.zeros(len(held), bool)
        is_chosen[chosen] = True
        held[:rest][is_chosen[:rest]] = held[rest:][~is_chosen[rest:]]
        self.held = held[:rest]
        return taken


class _Slots:
    """Rows in arrays, each in a slot from when it is put there until its part is given back.

    So they are copied once: the engine reads the rows of a part where they lie.

    Parameters
    ----------
    n : int
        Number of slots, beside those of a piece.
    """

    def __init__(self, n: int):
        self._n, self._n_lent = n, 0
        self._arrays: list[Any] = []  # of X, y and sample_weight, which may be None
        self._free = np.empty(0, np.intp)
        self._returned: queue.SimpleQueue = queue.SimpleQueue()

    def put(self, piece: Dataset) -> np.ndarray:
        """Copy the rows of a piece into slots, and return the numbers of these."""
        n = piece.n_rows
        while len(self._free) < n and self._n_lent:
            self._take_back()
        if len(self._free) < n:
            self._grow(piece)
        slots, self._free = self._free[:n], self._free[n:]
        for array, values in zip(self._arrays, piece[:3], strict=True):
            if array is not None:
                array[slots] = values
        return slots

    def lend(self, slots: np.ndarray) -> Part:
        """Lend the rows in slots."""
        X, y, sample_weight = self._arrays
        self._n_lent += 1
        data = Dataset(X.view(PassingRows), y, sample_weight, slots)
        return Part(data, functools.partial(self._returned.put, slots))

    def close(self) -> None:
        """End the wait for a part."""
        self._returned.put(None)

    def _take_back(self):
        """Wait until a part is given back."""
        slots = self._returned.get()
        if slots is None:
            raise Closed
        self._n_lent -= 1
        self._free = np.concatenate([self._free, slots])

    def _grow(self, piece):
        """Make room for a piece; no part is lent."""
        before = len(self._arrays[1]) if self._arrays else 0
        n = max(self._n, before) + piece.n_rows
        arrays = []
        for old, values in zip(self._arrays or [None] * 3, piece[:3], strict=True):
            array = None
            if values is not None:
                order = "C" if values.flags.c_contiguous else "F"  # as the engine wants it
                array = np.zeros((n, *values.shape[1:]), values.dtype, order)  # pages on demand
                array[:before] = 0 if old is None else old
            arrays.append(array)
        self._arrays = arrays
        self._free = np.concatenate([self._free, np.arange(before, n)])


class _SparsePieces:
    """Sparse rows in the pieces that they came in; those of a part are copied together."""

    def __init__(self):
        self._pieces: list[tuple[int, Dataset]] = []  # with the number of the first row
        self._n_left: dict[int, int] = {}
        self._n_put = 0

    def put(self, piece: Dataset) -> np.ndarray:
        """Keep a piece, and return the numbers of its rows."""
        first, self._n_put = self._n_put, self._n_put + piece.n_rows
        self._pieces.append((first, piece))
        self._n_left[first] = piece.n_rows
        return np.arange(first, self._n_put)

    def lend(self, numbers: np.ndarray) -> Part:
        """Return copies of rows, and forget pieces of which none are left."""
        places, parts = [], []
        for first, piece in self._pieces:
            mine = np.flatnonzero((numbers >= first) & (numbers < first + piece.n_rows))
            places.append(mine)
            parts.append([_rows_of(values, numbers[mine] - first) for values in piece[:3]])
            self._n_left[first] -= len(mine)
        self._pieces = [pair for pair in self._pieces if self._n_left[pair[0]]]
        back = np.argsort(np.concatenate(places))
        X, y, weights = zip(*parts, strict=True)
        sample_weight = None if weights[0] is None else np.concatenate(weights)[back]
        data = Dataset.of(sparse.vstack(X, "csr")[back], np.concatenate(y)[back], sample_weight)
        return Part(data, lambda: None)

    def close(self) -> None:
        """Do nothing: nobody waits."""


def _rows_of(values, numbers):
    return None if values is None else values[numbers]
