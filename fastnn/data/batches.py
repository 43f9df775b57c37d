"""Batches that a function or an object of the user's makes anew in each epoch."""

import inspect
from typing import Any

import numpy as np
from scipy import sparse

from .. import _typing as t
from .slices import as_rows, row_dtype
from .source import PIECE_BYTES, Rows, Source


class Batches(Source):
    """Rows that a function or an object makes, such as a `DataLoader` of PyTorch.

    All of it is one block, read in its own order in each epoch.

    Parameters
    ----------
    batches : callable or iterable
        A function that returns an iterator over batches, or an object that can be iterated again
        and again: in each epoch, and once before to find the classes. A batch is ``(X, y)``,
        ``(X, y, sample_weight)``, or `X` alone to predict, where `X` may be an array, a sparse
        matrix, a frame or a tensor of PyTorch. Batches may have any number of rows. Those of more
        dimensions are flattened in C order.
    classes : array-like of shape (n_classes,), or list of n_targets such, default=None
        All labels of the target. None finds them by reading the targets once before training.
    shuffle_buffer : int, default=None
        Number of rows among which training shuffles. None is as many as 64 MiB hold.

    Raises
    ------
    ValueError
        While reading, if a batch has another number of columns than those before it, if there are
        no rows, and at the second epoch if `batches` can only be read once.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import Batches
    >>> def batches():
    ...     rng = np.random.default_rng(0)
    ...     for _ in range(10):
    ...         X = rng.standard_normal((100, 5))
    ...         yield X, X.sum(axis=1) > 0
    >>> source = Batches(batches, classes=[False, True])
    >>> sum(len(rows.y) for rows in source)
    1000
    """

    def __init__(
        self,
        batches: Any,
        *,
        classes: t.ClassLists | None = None,
        shuffle_buffer: int | None = None,
    ) -> None:
        super().__init__(classes=classes, shuffle_buffer=shuffle_buffer)
        if not callable(batches) and not hasattr(batches, "__iter__"):
            raise TypeError(
                "Batches takes a function that returns an iterator, or an object to iterate over, "
                f"got {type(batches).__name__}."
            )
        self._batches, self._was_read = batches, False
        self._name = getattr(batches, "__qualname__", type(batches).__name__)

    def blocks(self):
        return [0]

    def split(self, validation=0.1, *, by="rows", random_state=None):
        """Raise a TypeError: rows might come in another order each time, and mix the parts."""
        raise TypeError(
            f"{self!r} cannot be split, because its rows may come in another order each time: make "
            "two, one of the rows to train on, and one of the others as X_val."
        )

    def __repr__(self):
        return f"Batches({self._name})"

    def identity(self):
        return f"Batches of {self._name}"

    def read(self, block, *, targets_only=False):
        if self._was_read and inspect.isgenerator(self._batches):
            self._refuse_second_time()
        n_rows = 0
        for i, batch in enumerate(self._batches() if callable(self._batches) else self._batches):
            rows = self._unpack(batch, f"batch {i} of {self._name}", n_rows)
            n_rows = rows.numbers.stop
            self._was_read = self._was_read or n_rows > 0
            yield from _pieces(rows)
        if not n_rows:
            if self._was_read:
                self._refuse_second_time()
            raise ValueError(f"{self._name} has no rows.")

    def _refuse_second_time(self):
        raise ValueError(
            f"{self._name} can be read only once, and training reads it in each epoch, and before "
            "if classes are not given: pass a function that makes it anew."
        )

    def _unpack(self, batch, where, start):
        parts = batch if isinstance(batch, tuple | list) else (batch,)
        if not 1 <= len(parts) <= 3:
            raise ValueError(
                f"{where} has {len(parts)} parts: it must be (X, y) or (X, y, sample_weight)."
            )
        X, y, weight = [*map(_to_numpy, parts), None, None][:3]
        X = _checked(X, where)
        n_rows, n_features = X.shape
        if self.n_features not in (None, n_features):
            raise ValueError(
                f"{where} has {n_features} columns, and those before have {self.n_features}."
            )
        self.n_features = n_features
        for name, values in {"targets": y, "weights": weight}.items():
            if values is not None and values.shape[0] != n_rows:
                raise ValueError(f"{where} has {n_rows} rows and {values.shape[0]} {name}.")
        return Rows(X, y, weight, self._name, range(start, start + n_rows))


def _to_numpy(values):
    """Return an array for tensors of PyTorch and lists; other tables and None as they are."""
    if values is None or sparse.issparse(values) or hasattr(values, "iloc"):
        return values
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return values if hasattr(values, "columns") else np.asarray(values)


def _checked(X, where):
    """Return features with two dimensions, of a type that an engine reads if they are an array."""
    if not isinstance(X, np.ndarray):
        return X
    if X.ndim < 2:
        raise ValueError(f"X in {where} has the shape {X.shape}: it must have rows and columns.")
    return as_rows(X, row_dtype(X.dtype, f"X in {where}"))


def _pieces(rows):
    """Cut the rows of a large array."""
    X = rows.X
    if not isinstance(X, np.ndarray) or X.nbytes <= PIECE_BYTES:
        yield rows
        return
    step = max(1, PIECE_BYTES // X[:1].nbytes)
    for start in range(0, len(X), step):
        yield rows.take(slice(start, start + step))
