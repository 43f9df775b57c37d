"""Base class of sources that read slices of arrays, and the types of their rows."""

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from .blocks import BlockSource, cut, listed, rows_of_block
from .source import Rows


def row_dtype(dtype, what: str) -> np.dtype:
    """Return the type of rows that an engine reads and that holds values of a type of numbers.

    Raises
    ------
    ValueError
        If it is no type of numbers; `what` is its array in the message.
    """
    if dtype.kind not in "biuf":
        raise ValueError(f"{what} has the type {dtype}, and numbers are needed.")
    if dtype.itemsize == 1 and dtype.kind in "bu":
        return np.dtype(np.uint8)
    return np.result_type(np.float32, np.dtype(np.float64) if dtype.itemsize > 8 else dtype)


def as_rows(values, dtype) -> np.ndarray:
    """Return values as rows of this type, flattened in C order."""
    shape = len(values), math.prod(values.shape[1:])
    return np.ascontiguousarray(values.reshape(shape), dtype)


class SlicedSource(BlockSource):
    """Base class of sources that read slices of arrays of known shapes."""

    def _describe(self, shapes, dtypes, multiple=1):
        """Store what is known of the rows, after checking it.

        Parameters
        ----------
        shapes, dtypes : list
            Shape and type of the features in each file.
        multiple : int, default=1
            Number of rows that are read at a time, such as those of a chunk.
        """
        for name, shape in zip(self.names, shapes, strict=True):
            if len(shape) < 2 or shape[1:] != shapes[0][1:]:
                raise ValueError(
                    f"X in {name} has the shape {shape}: it must have rows and columns"
                    f"{'' if len(shape) < 2 else f', as many as {shapes[0]} in {self.names[0]}'}."
                )
        self.n_features = math.prod(shapes[0][1:])
        each = zip(self.names, dtypes, strict=True)
        kinds = [row_dtype(dtype, f"X in {name}") for name, dtype in each]
        same = all(kind == kinds[0] for kind in kinds)
        self._dtype = kinds[0] if same else np.result_type(np.float32, *kinds)
        n_rows = rows_of_block(self.n_features * self._dtype.itemsize, self.shuffle_buffer)
        n_rows = max(multiple, n_rows // multiple * multiple)
        self._blocks = list(cut([shape[0] for shape in shapes], n_rows))
        if not self._blocks or not self.n_features:
            raise ValueError(f"{listed(self.names)} has no rows or no columns.")

    @abstractmethod
    def _read(self, block, targets_only: bool) -> tuple[Any, Any, Any]:
        """Return the slices of features, targets and weights; None for those that are not there."""

    def blocks(self):
        return self._blocks

    def read(self, block, *, targets_only=False):
        X, y, weight = self._read(block, targets_only)
        if X is not None:
            X = as_rows(X, self._dtype)
        if weight is not None:
            weight = np.asarray(weight, np.float64).reshape(-1)
        numbers = range(block.first_row, block.first_row + block.n_rows)
        yield Rows(X, y, weight, self.names[block.file], numbers)
