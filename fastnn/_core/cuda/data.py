"""Rows, targets and weights on the device: there to stay, or one chunk of steps after the other.

Rows that fit into a part of the device's memory are copied once. Others, and sparse ones, which are
made dense, come in chunks: the rows of some steps are gathered into page-locked memory by another
thread, while the device is at work on those before.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastnn._core.codes import LOSSES
from fastnn._core.device_arrays import TYPES, DeviceRows, PassingRows
from fastnn._interrupts import STARTING

from ._numba import SIMULATED, cuda, device_array

#: The part of the device's free memory that rows may take to stay there.
PART_OF_MEMORY = 0.5
#: Rows of a chunk together have about this many bytes.
BYTES_OF_CHUNK = 1 << 26
#: Losses whose targets are numbers of classes.
CLASS_CODES = [loss.code for loss in LOSSES.values() if loss.class_codes]


@dataclass
class Data:
    """Arrays that launches read; None for rows in their order, or without weights."""

    X: Any
    order: Any = None
    targets: list = field(default_factory=list)  # of each head
    weights: Any = None


def check_width(program, X):
    """Refuse rows of another width than the network's."""
    if X.shape[1] != program.n_features:
        raise ValueError(
            f"X has {X.shape[1]} features, and this network has {program.n_features}: it was "
            "fitted anew, or X was changed meanwhile."
        )


def check_data(program, X, y, sample_weight, order):
    """Refuse what does not belong together: kernels trust it, and others may have got at it."""
    check_width(program, X)
    n_rows = X.shape[0]
    _check_targets(program, y, n_rows)
    if sample_weight is not None and sample_weight.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must be {n_rows} numbers, and has the shape {sample_weight.shape}."
        )
    if order is not None and ((order < 0) | (order >= n_rows)).any():
        raise ValueError(f"order has numbers of rows that X, of {n_rows} rows, has not.")


def _check_targets(program, y, n_rows):
    heads = program.stages[program.is_output]
    classes = np.isin(heads["code"], CLASS_CODES)
    if y.dtype.names or program.needs_records:
        if y.shape != (n_rows,) or y.dtype != program.target_record:
            raise ValueError(
                f"y must be {n_rows} records of type {program.target_record}, and is an array of "
                f"{y.dtype} with the shape {y.shape}."
            )
        numbers = [y[str(head)] for head in np.flatnonzero(classes)]
    else:
        size = n_rows * int(np.where(classes, 1, heads["n_out"]).sum())
        if y.size != size:
            raise ValueError(f"y must be {size} numbers, for {n_rows} rows, and is {y.size}.")
        numbers = y.reshape(n_rows, -1).T if classes.all() else []
    for of_head, n_classes in zip(numbers, heads["n_out"][classes], strict=False):
        if (of_head < 0).any() or (of_head >= n_classes).any():
            raise ValueError("y has numbers of classes that the network has no outputs for.")


class Uploads:
    """Copies on the device of arrays of the host, one of each for as long as this lives."""

    def __init__(self):
        self._held: dict = {}

    def __call__(self, array, upload):
        """The copy of this very array, made when it is first asked for."""
        if array is None:
            return None
        if id(array) not in self._held:
            self._held[id(array)] = array, upload(array)
        return self._held[id(array)][1]

    def keeps(self, X):
        """Return whether these rows are, or can be, on the device as long as they are needed."""
        if isinstance(X, PassingRows):
            return False
        if id(X) in self._held or isinstance(X, DeviceRows):
            return True
        size = X.size * readable_type(X).itemsize
        return not issparse(X) and size <= PART_OF_MEMORY * free_memory()


def readable_type(X):
    """Return the type that rows have on the device: float64 where no kernel is made for theirs."""
    return X.dtype if X.dtype.name in TYPES else np.dtype(np.float64)


def contiguous(array):
    """The array as it can be copied at once: rows or columns one after another."""
    return array if array.flags.f_contiguous else np.ascontiguousarray(array)


def on_device(X):
    """Rows of the host or of the device as kernels read them."""
    if isinstance(X, DeviceRows):
        array = device_array(X.array)
        if array.shape != X.shape:
            raise ValueError(
                f"X on the GPU had the shape {X.shape}, and has {array.shape}: it was changed "
                "meanwhile."
            )
        return array
    return cuda.to_device(contiguous(X.astype(readable_type(X), copy=False)))


def of_heads(y, n_heads):
    """The targets of each head: codes as a vector, numbers as a matrix."""
    n = len(y)
    if y.dtype.names:
        return [np.ascontiguousarray(y[name]) for name in y.dtype.names]
    if y.dtype == np.int32:
        return [np.ascontiguousarray(column) for column in y.reshape(n, -1).T]
    if n_heads == 1:
        return [np.ascontiguousarray(y.reshape(n, -1))]
    return [np.ascontiguousarray(column).reshape(n, 1) for column in y.T]


def free_memory():
    """Return the free memory of the device, in bytes."""
    if SIMULATED:
        return 1 << 30
    return cuda.current_context().get_memory_info()[0]


def whole(X, y, sample_weight, order, n_steps, n_heads, buffer, uploads):
    """Yield all steps at once, (first, last, Data), for rows that stay on the device."""
    if order is not None:
        held = buffer("order", (len(order),), np.int64)
        held[: len(order)].copy_to_device(np.ascontiguousarray(order, np.int64))
        order = held
    targets = uploads(y, lambda y: [cuda.to_device(head) for head in of_heads(y, n_heads)])
    weights = uploads(sample_weight, cuda.to_device)
    yield 0, n_steps, Data(uploads(X, on_device), order, targets or [], weights)


def in_chunks(X, y, sample_weight, order, n_steps, n_heads, buffer, batch_size):
    """Yield chunks of steps, (first, last, Data), with their rows in order."""
    n, (_, n_features) = X.shape[0] if order is None else len(order), X.shape
    dtype = readable_type(X)
    size = batch_size * n_features * dtype.itemsize
    per_chunk = max(1, min(n_steps, BYTES_OF_CHUNK // size))
    n_rows, starts = min(n, per_chunk * batch_size), range(0, n_steps, per_chunk)
    # Copies from page-locked memory are faster; to lock it takes as long as a small copy.
    make = np.empty if len(starts) == 1 else cuda.pinned_array
    staging = [make((n_rows, n_features), dtype) for _ in range(min(2, len(starts)))]

    def gather(number):
        begin = starts[number] * batch_size
        rows = np.arange(begin, min(n, begin + n_rows))
        rows = rows if order is None else order[rows]
        out = staging[number % 2][: len(rows)]
        if issparse(X):
            sparse = X[rows]
            sparse.check_format(full_check=True)  # others may have written into X
            sparse.toarray(out=out)
        elif dtype == X.dtype:
            np.take(X, rows, axis=0, out=out, mode="clip")
        else:
            out[...] = X[rows]
        return rows, out

    with ThreadPoolExecutor(1) as pool:
        with STARTING:
            ahead = pool.submit(gather, 0)
        for number, first in enumerate(starts):
            rows, gathered = ahead.result()
            if number + 1 < len(starts):
                ahead = pool.submit(gather, number + 1)
            held = buffer("X", (n_rows, n_features), dtype)
            held[: len(rows)].copy_to_device(gathered)
            data = Data(held)
            if y is not None:
                data.targets = [
                    filled(buffer, f"targets_{head}", values, n_rows)
                    for head, values in enumerate(of_heads(y[rows], n_heads))
                ]
            if sample_weight is not None:
                data.weights = filled(buffer, "weights", sample_weight[rows], n_rows)
            yield first, min(n_steps, first + per_chunk), data


def filled(buffer, name, values, n_rows):
    """A buffer for so many rows, with these values in its first ones."""
    held = buffer(name, (n_rows, *values.shape[1:]), values.dtype)
    held[: len(values)].copy_to_device(np.ascontiguousarray(values))
    return held
