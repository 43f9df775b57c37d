"""Base class of sources, and rows read by them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing

from .. import _typing as t

#: Largest size of the rows of a piece, in bytes, where a reader can choose it.
PIECE_BYTES = 1 << 24


class Rows(NamedTuple):
    """Rows read together.

    Attributes
    ----------
    X : {ndarray, sparse matrix, DataFrame} of shape (n_rows, n_features), or None
        Features; None if only targets were requested.
    y : {ndarray, Series} of shape (n_rows,) or (n_rows, n_outputs), or None
        Targets; None if the source has none.
    sample_weight : ndarray of shape (n_rows,), or None
    origin : str
        Name of the file or object, for messages.
    numbers : {range, ndarray} of shape (n_rows,)
        Indices of the rows in it.
    """

    X: Any
    y: Any
    sample_weight: np.ndarray | None
    origin: str
    numbers: range | np.ndarray

    def place(self, row: int) -> str:
        """Return the location of a row, for a message."""
        return f"row {self.numbers[row]} of {self.origin}"

    def take(self, chosen) -> "Rows":
        """Return some of the rows: a slice, or an array of indices."""
        X, y, sample_weight = (
            None if values is None else _safe_indexing(values, chosen) for values in self[:3]
        )
        numbers = self.numbers if isinstance(chosen, slice) else np.asarray(self.numbers)
        return Rows(X, y, sample_weight, self.origin, numbers[chosen])


class Source(ABC):
    """Base class of sources, whose rows are read block by block in each pass.

    `fit` takes a source in place of `X` and `y`, and `predict` and `score` in place of `X`.
    Training reads the blocks in a random order, and shuffles their rows in a buffer.

    Parameters
    ----------
    classes : array-like of shape (n_classes,), or list of n_targets such, default=None
        The labels of the target. None finds them in a pass over the targets before training.
    shuffle_buffer : int, default=None
        Number of rows in the buffer in which training shuffles. None is the number that fits in 64
        MiB. With a small buffer, neighbouring rows of a file remain in the same part of an epoch.
        For files sorted by class, the buffer should hold the rows of many blocks.

    Attributes
    ----------
    n_rows : int or None
        Number of rows; None if it is only known after reading all rows.
    n_features : int or None
        Number of features; None if it is only known after reading some rows.
    feature_names : list of str, or None
    """

    n_rows: int | None = None
    n_features: int | None = None
    feature_names: list[str] | None = None

    def __init__(self, *, classes=None, shuffle_buffer: int | None = None):
        self.classes, self.shuffle_buffer = classes, shuffle_buffer

    @abstractmethod
    def blocks(self) -> Sequence[Any]:
        """Return the blocks in the order of the rows: any values accepted by `read`."""

    @abstractmethod
    def read(self, block, *, targets_only: bool = False) -> Iterator[Rows]:
        """Yield the rows of a block in pieces of about `PIECE_BYTES`.

        Several threads may read at the same time, such as one for training and one for validation.

        Parameters
        ----------
        block
            One of `blocks()`.
        targets_only : bool, default=False
            Whether only targets and weights are requested. `X` may then be None, if this saves
            time.
        """

    @abstractmethod
    def identity(self) -> str:
        """Return a value that identifies the rows, such as names, sizes and times of files.

        A checkpoint resumes only if this value is the same, also in another process.
        """

    def map(self, transformer: Any) -> "Source":
        """Return a source of the same rows, transformed while they are read.

        Parameters
        ----------
        transformer : fitted transformer or Pipeline of transformers
            The transformer. `transform` is called with the features of one piece, and must return
            the same number of rows. If the source reads frames, it receives a frame, so that a
            `ColumnTransformer` can select columns by name.

        Returns
        -------
        source : Source

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.preprocessing import StandardScaler
        >>> from fastnn.data import Arrays, partial_fit
        >>> source = Arrays(np.arange(100.0).reshape(50, 2), np.arange(50))
        >>> scaled = source.map(partial_fit(StandardScaler(), source))
        >>> next(iter(scaled)).X.std().item()
        1.0
        """
        from .mapped import Mapped

        return Mapped(self, transformer)

    def split(
        self, validation: float = 0.1, *, by: str = "rows", random_state: t.Seed = None
    ) -> tuple["Source", "Source"]:
        """Split the rows into two sources, for training and validation.

        Parameters
        ----------
        validation : float, default=0.1
            Fraction of the rows, or of the files, in the validation source.
        by : {"rows", "files"}, default="rows"
            Whether to draw single rows or whole files. With "rows", each row is drawn
            independently, so that their number is only approximately the fraction, and both sources
            read all files.
        random_state : int, RandomState instance or None, default=None
            Seed of the split. The same integer draws the same rows from the same files.

        Returns
        -------
        train, held_out : Source

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.data import Arrays
        >>> source = Arrays(np.zeros((1000, 2)), np.zeros(1000))
        >>> train, held_out = source.split(validation=0.2, random_state=0)
        >>> len(train), len(held_out)
        (806, 194)
        """
        from .split import split

        return split(self, validation, by, random_state)

    def __len__(self):
        if self.n_rows is None:
            raise TypeError(f"The number of rows of {type(self).__name__} is not known in advance.")
        return self.n_rows

    def __bool__(self):
        return True

    def __iter__(self):
        for block in self.blocks():
            yield from (rows for rows in self.read(block) if len(rows.numbers))
