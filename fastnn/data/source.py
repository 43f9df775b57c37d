"""Base class of sources, and the rows that they read."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

#: Largest size of the rows of a piece, in bytes, where a reader can choose it.
PIECE_BYTES = 1 << 24


class Rows(NamedTuple):
    """Rows that were read together.

    Attributes
    ----------
    X : {ndarray, sparse matrix, DataFrame} of shape (n_rows, n_features), or None
        None if only targets were asked for.
    y : {ndarray, Series} of shape (n_rows,) or (n_rows, n_outputs), or None
        None if the source has no target.
    sample_weight : ndarray of shape (n_rows,), or None
    origin : str
        Name of the file or object, for messages.
    numbers : {range, ndarray} of shape (n_rows,)
        Numbers of the rows in it, from 0.
    """

    X: Any
    y: Any
    sample_weight: np.ndarray | None
    origin: str
    numbers: range | np.ndarray

    def place(self, row: int) -> str:
        """Return where a row is, for a message."""
        return f"row {self.numbers[row]} of {self.origin}"


class Source(ABC):
    """Base class of sources: rows that are read block by block, anew each time.

    `fit` takes a source in place of `X` and `y`, and `predict` and `score` in place of `X`.
    Training reads the blocks in a random order, and shuffles their rows in a buffer.

    Parameters
    ----------
    classes : array-like of shape (n_classes,), or list of n_targets such, default=None
        All labels of the target. None finds them by reading the targets once before training.
    shuffle_buffer : int, default=None
        Number of rows among which training shuffles. None is as many as 64 MiB hold. Rows that are
        neighbours in a file are in the same part of an epoch if the buffer is small: for files
        sorted by class it should hold the rows of many blocks.

    Attributes
    ----------
    n_rows : int or None
        Number of rows; None if it is only known after reading all.
    n_features : int or None
        Number of columns of the rows; None if it is only known after reading some.
    feature_names : list of str, or None
    """

    n_rows: int | None = None
    n_features: int | None = None
    feature_names: list[str] | None = None

    def __init__(self, *, classes=None, shuffle_buffer: int | None = None):
        self.classes, self.shuffle_buffer = classes, shuffle_buffer

    @abstractmethod
    def blocks(self) -> Sequence[Any]:
        """Return the blocks, in the order of the rows: any values that `read` takes."""

    @abstractmethod
    def read(self, block, *, targets_only: bool = False) -> Iterator[Rows]:
        """Yield the rows of a block in pieces of about `PIECE_BYTES`.

        It may be called in another thread, but never in two at a time.

        Parameters
        ----------
        block
            One of `blocks()`.
        targets_only : bool, default=False
            Whether only targets and weights are wanted: `X` may then be None, where that saves
            time.
        """

    @abstractmethod
    def identity(self) -> str:
        """Return what tells these rows from others, such as names, sizes and times of files.

        A checkpoint resumes only if it is the same, in whatever process.
        """

    def __iter__(self):
        for block in self.blocks():
            yield from self.read(block)
