"""The data of a training: rows in memory, or those of a source, which come part by part."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..data.source import Rows, Source
from .read_ahead import ReadAhead


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

    def parts(self) -> Iterator["Dataset"]:
        """Yield the data part by part: in memory, all of it."""
        yield self


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
        return self.source.identity(), None, None

    def pieces(self, order: Iterable[int]) -> Iterator[Dataset]:
        """Yield the rows of blocks, in this order, piece by piece."""
        blocks = self.source.blocks()
        for number in order:
            for rows in self.source.read(blocks[number]):
                if len(rows.numbers):
                    yield self._convert(rows)

    def parts(self) -> Iterator[Dataset]:
        """Yield all rows, in the order of the source, piece by piece; a thread reads ahead."""
        with ReadAhead(self.pieces(range(len(self.source.blocks())))) as pieces:
            yield from pieces
