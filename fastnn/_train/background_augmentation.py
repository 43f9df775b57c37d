"""Augmentation by functions of all rows, of those of the next epoch in a background thread."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import issparse

from .._core.device_arrays import PassingRows
from .._core.program import new_arena
from .._data.rows import automatic_precision
from .._interrupts import STARTING
from ..augment.rows import About, RowTransform, blocks
from .row_augmentation import generators, is_by_row, name_of, not_finite, transformed


class _StoppedError(Exception):
    """Training is over: nobody waits for these rows."""


class BackgroundAugmentation:
    """Augment the rows of the next epoch while the engine trains on those of this one.

    The thread runs within a ``with`` block.

    The memory that it takes is two copies of the training rows, in float32 where they are integers,
    and what a function that takes all rows returns.

    Parameters
    ----------
    transforms : list of callable
        Functions ``(X, y, rng) -> (X, y)``, one after the other.
    data : Dataset
        The rows to augment.
    y : ndarray
        Targets of all rows, as the user gave them.
    encode : callable
        Encodes them for the engine.
    seed : int
        Seeds the generators, together with the number of the epoch and the place of the transform.
    epochs : range
        Numbers of the epochs.
    """

    def __init__(self, transforms, data, y, encode, seed, epochs):
        self._data, self._encode, self._seed = data, encode, seed
        self._transforms = transforms
        self._rows = None if len(data.rows) == data.X.shape[0] else data.rows
        y = y.toarray() if issparse(y) else y
        self._y, self._targets, self._weight = y, data.y, data.sample_weight
        if self._rows is not None:
            self._y, self._targets = y[self._rows], None
            self._weight = None if self._weight is None else self._weight[self._rows]
        self._shape = len(data.rows), data.X.shape[1]
        self._dtype = automatic_precision(data.X)
        self._epochs, self._buffers = iter(epochs), [None, None]
        self._pool = self._future = None
        self._stopped = False

    def __enter__(self):
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fastnn-augment")
        self._submit()
        return self

    def __exit__(self, *exception):
        self._stopped = True
        self._pool.shutdown(cancel_futures=True)

    def next_epoch(self):
        """Return the data of the next epoch; that of the epoch before is overwritten."""
        data = self._future.result()
        self._submit()
        return data

    def _submit(self):
        epoch = next(self._epochs, None)
        with STARTING:
            self._future = None if epoch is None else self._pool.submit(self._augment, epoch)

    def _augment(self, epoch):
        out, other = self._buffers
        if out is None:
            out = new_arena(self._shape, self._dtype)
        self._buffers = [other, out]
        rngs = generators(self._seed, epoch, len(self._transforms))
        X, y = self._data.X, self._y
        pairs = zip(self._transforms, rngs, strict=True)
        for by_row, group in itertools.groupby(pairs, lambda pair: is_by_row(pair[0])):
            if by_row:
                X = self._transform_rows(X, list(group), out, epoch, About(y))
                continue
            for transform, rng in group:
                if X is not out:
                    X = self._transform_rows(X, [], out, epoch, About())
                y = self._transform_all(transform, out, y, rng, epoch)
        return self._data._replace(
            X=out.view(PassingRows),
            y=self._encode_targets(y),
            sample_weight=self._weight,
            rows=np.arange(len(out)),
        )

    def _transform_rows(self, X, pairs, out, epoch, about):
        """Fill `out` with transformed rows, block by block through all transforms."""
        for block in blocks(*out.shape):
            if self._stopped:
                raise _StoppedError
            chosen = block if X is out or self._rows is None else self._rows[block]
            out[block] = transformed(X[chosen], pairs, self._dtype, epoch, about.of(block))
        return out

    def _transform_all(self, transform, out, y, rng, epoch):
        """Transform all rows by a function, into `out`, and return the targets."""
        name, shape = name_of(transform), y.shape
        try:
            # What is done to the shape of a view is done to the view.
            changed = transform(out.view(), y.copy(), rng)
        except Exception as error:
            if isinstance(transform, RowTransform):
                raise
            raise RuntimeError(
                f"augment: {name} raised {type(error).__name__} for the rows of epoch {epoch + 1}: "
                f"{error}"
            ) from error
        if not isinstance(changed, tuple) or len(changed) != 2:
            raise ValueError(
                f"augment: {name} must return (X, y), and returned {type(changed).__name__}."
            )
        X, y = map(np.asarray, changed)
        if X.shape != out.shape or y.shape != shape:
            raise ValueError(
                f"augment: {name} must return as many rows and features as it was given, X of the "
                f"shape {out.shape} and y of {shape}; it returned {X.shape} and {y.shape}."
            )
        if X.dtype.kind not in "biuf":
            raise ValueError(f"augment: {name} must return X of numbers, and returned {X.dtype}.")
        in_place = X.__array_interface__ == out.__array_interface__
        if not in_place and np.may_share_memory(X, out):
            X = X.copy()  # such as out[::-1]
        for block in blocks(*out.shape):
            if not in_place:
                with np.errstate(over="ignore"):
                    out[block] = X[block]
            if not np.isfinite(out[block]).all():
                raise ValueError(not_finite(name, epoch))
        return y.copy()  # which the function may have kept

    def _encode_targets(self, y):
        """Return targets as the engine reads them."""
        if self._targets is None:
            self._targets = self._encode(self._y)
        if y is self._y or np.array_equal(y, self._y):
            return self._targets
        try:
            return self._encode(y)
        except (TypeError, ValueError) as error:
            names = ", ".join(name_of(one) for one in self._transforms if not is_by_row(one))
            raise ValueError(
                f"augment: the targets of {names} cannot be learned: {error}"
            ) from error
