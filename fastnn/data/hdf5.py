"""Source of rows in HDF5 files; blocks are slices of data sets."""

from .. import _typing as t
from . import docstrings
from .files import Files
from .libraries import need
from .slices import SlicedSource


class HDF5(SlicedSource):
    __doc__ = docstrings.HDF5

    suffixes = (".h5", ".hdf5", ".hdf")

    def __init__(
        self,
        paths: t.Paths,
        *,
        X: str = "X",
        y: str | None = None,
        sample_weight: str | None = None,
        classes: t.ClassLists | None = None,
        shuffle_buffer: int | None = None,
    ) -> None:
        super().__init__(classes=classes, shuffle_buffer=shuffle_buffer)
        need("h5py", "HDF5")
        self._files = Files(paths, self.suffixes)
        self.names = self._files.names
        self._keys = X, y, sample_weight
        found = [self._look(file) for file in range(len(self.names))]
        shapes, dtypes, chunks = zip(*found, strict=True)
        self._describe(shapes, dtypes, max(chunks))

    def _look(self, file):
        """Return shape, type and rows of a chunk of the features in a file, after checking it."""
        with _open(self._files.check(file)) as content:
            X, *others = [None if key is None else _dataset(content, key) for key in self._keys]
            for other in others:
                if other is not None and other.shape[:1] != X.shape[:1]:
                    raise ValueError(
                        f"{other.name} of {self.names[file]} has the shape {other.shape}, and "
                        f"{X.name} {X.shape}: they must have as many rows."
                    )
            return X.shape, X.dtype, X.chunks[0] if X.chunks else 1

    def _read(self, block, targets_only):
        X, *others = self._keys
        part = slice(block.first_row, block.first_row + block.n_rows)
        with _open(self._files.check(block.file)) as content:
            keys = [None if targets_only else X, *others]
            return tuple(None if key is None else _values(content[key])[part] for key in keys)

    def identity(self):
        return f"HDF5 of {self._files.identity()}, {self._keys!r}"


def _open(path):
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} is no HDF5 file, or is damaged: {error}") from None


def _dataset(content, key):
    import h5py

    found = content.get(key)
    if isinstance(found, h5py.Dataset):
        return found
    raise ValueError(
        f"{content.filename} has no data set {key!r}: it holds "
        f"{', '.join(map(repr, list(content)[:10])) or 'nothing'}."
    )


def _values(dataset):
    """Return a data set whose slices hold strings, where it holds those, rather than bytes."""
    import h5py

    return dataset.asstr() if h5py.check_string_dtype(dataset.dtype) else dataset
