"""The data of a training: rows in memory, or those of a source, which come part by part."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._core.device_arrays import is_on_gpu
from ..data.source import Rows, Source
from .read_ahead import ReadAhead
from .settings import Settings

# Size of a block of rows in memory, or in a map.
_BLOCK_BYTES = 1 << 22


class Dataset(NamedTuple):
    """Rows, targets and weights, and the numbers of those rows that take part."""

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    rows: np.ndarray

    @classmethod
    def of(cls, X, y, sample_weight=None) -> "Dataset":
        """Return a data set in which all rows take part."""
        return cls(X, y, sample_weight, np.arange(X.shape[0]))

    @property
    def n_rows(self) -> int:
        """Number of rows that take part."""
        return len(self.rows)

    @property
    def total_weight(self) -> float:
        """Sum of the weights of the rows that take part."""
        if self.sample_weight is None:
            return float(len(self.rows))
        return float(self.sample_weight[self.rows].sum(dtype=np.float64))

    @property
    def identity(self) -> tuple:
        """Values that tell the data from others."""
        return self[:3]

    @property
    def is_copy(self) -> np.ndarray | None:
        """Rows that are copies of others, if there are any."""
        return None

    def parts(self) -> Iterator["Dataset"]:
        """Yield the data part by part: in memory, all of it."""
        yield self


class RowsWithCopies(Dataset):
    """Rows of which some are copies of others."""

    is_copy: Any = None

    @classmethod
    def marked(cls, data: Dataset, is_copy: np.ndarray) -> "RowsWithCopies":
        """Return a data set whose copies are marked."""
        marked = cls(*data)
        marked.is_copy = is_copy
        return marked


class StreamedDataset:
    """Rows of a source, which are read anew in each epoch.

    Parameters
    ----------
    source : Source
    convert : callable
        Returns the `Dataset` of `Rows`, as an engine reads them.
    X : {ndarray, sparse matrix}
        Some of its rows, as an engine reads them: those of all have as many columns.
    n_rows : int
        Number of all rows.
    """

    def __init__(self, source: Source, convert: Callable[[Rows], Dataset], X, n_rows: int):
        self.source, self._convert, self.X, self.n_rows = source, convert, X, n_rows

    @functools.cached_property
    def total_weight(self) -> float:
        """Sum of the weights of all rows, which are read for it."""
        return sum(part.total_weight for part in self.parts())

    @property
    def identity(self) -> tuple:
        """Values that tell the data from others."""
        return f"{self.source.identity()}, shuffle_buffer={self.shuffle_buffer}", None, None

    @property
    def shuffle_buffer(self) -> int | None:
        """Number of rows among which is shuffled; None is as many as 64 MiB hold."""
        return self.source.shuffle_buffer

    def pieces(self, rng=None) -> Iterator[Dataset]:
        """Yield all rows piece by piece; `rng` draws the order of the blocks."""
        blocks = self.source.blocks()
        for number in _order(len(blocks), rng):
            for rows in self.source.read(blocks[number]):
                if len(rows.numbers):
                    yield self._convert(rows)

    def parts(self) -> Iterator[Dataset]:
        """Yield all rows, in the order of the source, piece by piece; a thread reads ahead."""
        with ReadAhead(self.pieces()) as pieces:
            yield from pieces


class BlocksInMemory:
    """Rows of an array or a memory map in blocks of neighbours, which are read in one go.

    Parameters
    ----------
    data : Dataset
    """

    shuffle_buffer = None

    def __init__(self, data: Dataset):
        self.n_rows, self._data, self._rows = data.n_rows, data, np.sort(data.rows)
        step = max(1, _BLOCK_BYTES // bytes_of_row(data.X))
        self._starts = np.arange(0, data.X.shape[0], step)
        self._ends = np.searchsorted(self._rows, [*self._starts[1:], data.X.shape[0]])

    def pieces(self, rng=None) -> Iterator[Dataset]:
        """Yield all rows block by block; `rng` draws the order of the blocks."""
        for number in _order(len(self._starts), rng):
            chosen = self._rows[self._ends[number - 1] if number else 0 : self._ends[number]]
            if len(chosen):
                first, stop = chosen[0], chosen[-1] + 1
                whole = len(chosen) == stop - first  # read without a copy
                yield taken(self._data, slice(first, stop) if whole else chosen)


class ShuffledRows:
    """Rows of an array in pieces of rows in random order.

    Parameters
    ----------
    data : Dataset
    repeat : Repeat, default=None
        Spec of the copies of rows, if there are any.
    """

    shuffle_buffer = 0  # they are in their order when they come

    def __init__(self, data: Dataset, repeat=None):
        self.n_rows = data.n_rows * (1 if repeat is None else repeat.times)
        self._data, self._repeat = data, repeat
        self._step = max(1, _BLOCK_BYTES // bytes_of_row(data.X))

    def pieces(self, rng=None) -> Iterator[Dataset]:
        """Yield all rows piece by piece; `rng` draws their order."""
        n = self._data.n_rows
        places = _order(n, rng) if self._repeat is None else self._repeat.places(n, rng)
        for start in range(0, self.n_rows, self._step):
            part = places[start : start + self._step]
            piece = taken(self._data, self._data.rows[part % n])
            yield piece if self._repeat is None else RowsWithCopies.marked(piece, part >= n)


def in_pieces(data, settings: Settings):
    """Return data whose rows a training reads in pieces; None if it reads all where they are."""
    if isinstance(data, StreamedDataset):
        return data
    if settings.shuffle == "blocks":
        if is_on_gpu(data.X):
            raise ValueError(
                "shuffle='blocks' is for rows in a file, and X is on the GPU: choose shuffle=True."
            )
        return BlocksInMemory(data)
    augmentation = settings.row_augmentation
    return None if augmentation is None else ShuffledRows(data, augmentation.repeat)


def taken(data: Dataset, rows) -> Dataset:
    """Return some rows of a data set, as one in which all take part."""
    weights = None if data.sample_weight is None else data.sample_weight[rows]
    return Dataset.of(data.X[rows], data.y[rows], weights)


def bytes_of_row(X) -> int:
    """Return the mean size of a row."""
    n_bytes = X.data.nbytes + X.indices.nbytes if sparse.issparse(X) else X.nbytes
    return max(1, n_bytes // X.shape[0])


def _order(n, rng):
    """Return the numbers of n blocks, in random order if there is a generator."""
    order = np.arange(n)
    if rng is not None:
        rng.shuffle(order)
    return order
