"""Source of rows in arrays in memory, memory maps and .npy files."""

import os
import zlib
from typing import Any

import numpy as np

from .. import _typing as t
from .files import Files
from .maps import release
from .slices import SlicedSource

# Number of rows of an array in memory by which it is told from others.
_SAMPLE = 256


class Arrays(SlicedSource):
    """Rows of arrays in memory, memory maps or .npy files.

    Memory maps and files are read and converted in blocks of about 1 MiB.

    Parameters
    ----------
    X : array, path, or list of such
        Features: an array or a memory map of numbers, or the path of a .npy file, a folder or a
        pattern of such files. A list is concatenated. Images of more dimensions are flattened in C
        order. The types uint8, float32 and float64 are preserved; others are converted to float32
        if it represents their values exactly, otherwise to float64.
    y : array, path, or list of such, default=None
        Targets, in the same forms. They may be divided into other parts than `X`.
    sample_weight : array, path, or list of such, default=None
        Weights of the rows.
    classes : array-like of shape (n_classes,), or list of n_targets such, default=None
        The labels of the target. None finds them in a pass over the targets before training.
    shuffle_buffer : int, default=None
        Number of rows in the buffer in which training shuffles. None is the number that fits in 64
        MiB.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If the arrays differ in their numbers of rows or columns, are not numeric, or have no rows;
        while reading, if a file has changed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fastnn.data import Arrays
    >>> path = f"{tempfile.mkdtemp()}/X.npy"
    >>> np.save(path, np.ones((1000, 20), np.float16))
    >>> source = Arrays(path, y=np.arange(1000) % 2)
    >>> rows = next(iter(source))
    >>> rows.X.shape, rows.X.dtype
    ((1000, 20), dtype('float32'))
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        classes: t.ClassLists | None = None,
        shuffle_buffer: int | None = None,
    ) -> None:
        super().__init__(classes=classes, shuffle_buffer=shuffle_buffer)
        self._X = _Stacked(X, "X")
        others = {"y": y, "sample_weight": sample_weight}
        self._others = {
            name: None if values is None else _Stacked(values, name)
            for name, values in others.items()
        }
        self.names = self._X.names
        for name, other in self._others.items():
            if other is not None and other.n_rows != self._X.n_rows:
                raise ValueError(f"{name} has {other.n_rows} rows, and X has {self._X.n_rows}.")
        self._describe(self._X.shapes, self._X.dtypes)

    def _read(self, block, targets_only):
        start = self._X.starts[block.file] + block.first_row
        stop = start + block.n_rows
        parts = [None if targets_only else self._X, *self._others.values()]
        return tuple(None if part is None else part.rows(start, stop) for part in parts)

    def identity(self):
        parts = [self._X, *self._others.values()]
        return "Arrays " + ", ".join("none" if part is None else part.identity() for part in parts)


class _Stacked:
    """Arrays below each other, of which those in files are opened when they are read.

    Attributes
    ----------
    names : list of str
    shapes, dtypes : list
    starts : ndarray
        Number of the first row of each, and of all.
    """

    def __init__(self, values, name):
        self._files = None
        if _are_paths(values):
            self._files = Files(values, (".npy",))
            self.names, self._arrays = self._files.names, [None] * len(self._files.names)
        else:
            self._arrays = list(values) if _are_arrays(values) else [np.asarray(values)]
            several = len(self._arrays) > 1
            self.names = [f"{name}[{i}]" if several else name for i in range(len(self._arrays))]
        parts = [self._open(i) for i in range(len(self.names))]
        self.shapes, self.dtypes = [part.shape for part in parts], [part.dtype for part in parts]
        self.starts = np.cumsum([0, *(len(part) for part in parts)])
        self.n_rows = int(self.starts[-1])

    def _open(self, number):
        if self._files is None:
            return self._arrays[number]
        path = self._files.check(number)
        try:
            return np.load(path, mmap_mode="r")
        except (ValueError, EOFError) as error:
            raise ValueError(f"{path} is no .npy file of numbers: {error}") from None

    def rows(self, start, stop) -> Any:
        """Return rows, copied only if they are of several arrays."""
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        parts = []
        while start < stop:
            end = min(stop, self.starts[first + 1])
            part = self._open(first)
            parts.append(np.asarray(part[start - self.starts[first] : end - self.starts[first]]))
            if getattr(part, "mode", "c") != "c":
                release(part._mmap)  # what was read before
            start, first = end, first + 1
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def identity(self) -> str:
        """Return sizes and names of files, or a checksum of some rows of arrays in memory."""
        if self._files is not None:
            return self._files.identity()
        checksum = 0
        for array in self._arrays:
            some = np.unique(np.linspace(0, len(array) - 1, _SAMPLE).astype(int))
            checksum = zlib.crc32(np.ascontiguousarray(array[some]).tobytes(), checksum)
        return f"{self.shapes} {[str(dtype) for dtype in self.dtypes]} {checksum:08x}"


def _is_path(value):
    return isinstance(value, os.PathLike) or (isinstance(value, str) and value.endswith(".npy"))


def _are_paths(values):
    if isinstance(values, list | tuple):
        return bool(values) and all(map(_is_path, values))
    return isinstance(values, str | os.PathLike)


def _are_arrays(values):
    one = isinstance(values, list | tuple)
    return one and bool(values) and all(isinstance(each, np.ndarray) for each in values)
