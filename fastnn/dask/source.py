"""Source of rows in collections of dask; blocks are partitions."""

import math

import dask
import numpy as np
from dask import array as da
from dask.base import is_dask_collection, tokenize
from scipy import sparse
from sklearn.utils import check_random_state

from ..data.source import PIECE_BYTES, Rows, Source
from .cluster import Cluster


def partitions_of(**collections) -> list[tuple]:
    """Return delayed values of the collections for each partition of the first one.

    Parameters
    ----------
    **collections : dask Array, DataFrame, Series or None
        The rows, and what there is for each row, by their names in messages. Arrays of targets may
        have other chunks than those of the rows.
    """
    (first, X), *_ = collections.items()
    for name, values in collections.items():
        if values is not None and not is_dask_collection(values):
            raise TypeError(
                f"{name} must be an array or a dataframe of dask, and is a "
                f"{type(values).__name__}: make one, as by dask.array.from_array."
            )
    sizes = X.chunks[0] if isinstance(X, da.Array) else (math.nan,)
    columns = {
        name: _delayed(values, sizes) for name, values in collections.items() if values is not None
    }
    n_partitions = len(columns[first])
    for name, column in columns.items():
        if len(column) != n_partitions:
            raise ValueError(
                f"{first} has {n_partitions} partitions, and {name} has {len(column)}: let both "
                "have the same, by repartition or rechunk."
            )
    nothing = [None] * n_partitions
    return list(zip(*(columns.get(name, nothing) for name in collections), strict=True))


def _delayed(values, sizes):
    """Return the partitions of a collection; of an array in these sizes, if they are known."""
    if not isinstance(values, da.Array):
        return list(values.to_delayed())
    if values.ndim == 2:
        values = values.rechunk({1: -1})
    if sum(values.chunks[0]) == sum(sizes):
        values = values.rechunk({0: sizes})
    return values.to_delayed().ravel().tolist()


class DaskRows(Source):
    """Source of the rows of collections; a block is a partition.

    A block is a future, or in a task its rows.

    Parameters
    ----------
    cluster : Cluster
    parts : list of Delayed
        The `Rows` of each partition.
    like : dask Array or DataFrame
        Has their columns.
    token : str
        Tells these rows from others.
    """

    def __init__(self, cluster: Cluster, parts, like, token: str):
        super().__init__()
        self._cluster, self._parts, self._like, self._token = cluster, parts, like, token
        self._blocks = None
        columns = getattr(like, "columns", None)
        self.feature_names = None if columns is None else list(columns)
        self.n_features = like.shape[1] if columns is None else len(columns)

    @classmethod
    def of(cls, cluster: Cluster, X, y, sample_weight, suffix=""):
        """Return the source of collections, whose names in messages end with a suffix."""
        names = [f"{name}{suffix}" for name in ("X", "y", "sample_weight")]
        given = dict(zip(names, (X, y, sample_weight), strict=True))
        if y is None:
            raise ValueError(f"{names[1]} is missing: {names[0]} of dask needs its targets.")
        if len(getattr(X, "shape", ())) != 2:
            raise ValueError(f"{names[0]} must have rows and columns, and is {X!r}.")
        parts = [
            dask.delayed(_rows_of)(*values, names, number)
            for number, values in enumerate(partitions_of(**given))
        ]
        return cls(cluster, parts, X, tokenize(X, y, sample_weight))

    def __repr__(self):
        return f"the collection of {len(self._parts)} partitions"

    def __getstate__(self):
        return {"classes": None, "shuffle_buffer": None, "feature_names": self.feature_names}

    def blocks(self):
        if self._blocks is None:
            self._blocks = self._cluster.compute(self._parts)
        return self._blocks

    def release(self) -> None:
        """Release the partitions; they are computed anew when they are needed."""
        self._blocks = None

    def read(self, block, *, targets_only=False):
        if isinstance(block, Rows):
            yield block
            return
        [(n_rows, n_bytes)] = self._cluster.results([self._cluster.submit(_size_of, block)])
        step = max(1, PIECE_BYTES * n_rows // max(1, n_bytes))
        for start in range(0, n_rows, step):
            piece = self._cluster.submit(_piece_of, block, start, start + step, targets_only)
            yield self._cluster.results([piece])[0]

    def identity(self):
        return self._token

    def split(self, validation=0.1, *, by="rows", random_state=None):
        """Return the sources of training and validation rows, drawn in each partition."""
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        return tuple(
            type(self)(
                self._cluster,
                [
                    dask.delayed(_drawn)(part, validation, seed, number, held_out)
                    for number, part in enumerate(self._parts)
                ],
                self._like,
                f"{self._token} {validation} {seed} {held_out}",
            )
            for held_out in (False, True)
        )


def _rows_of(X, y, sample_weight, names, number):
    """Return the rows of a partition, after checking that there are as many of all."""
    n_rows = _n_rows(X)
    for name, values in zip(names[1:], (y, sample_weight), strict=True):
        if values is not None and len(values) != n_rows:
            raise ValueError(
                f"Partition {number} has {n_rows} rows in {names[0]} and {len(values)} in {name}."
            )
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight)
    return Rows(X, y, sample_weight, f"partition {number} of {names[0]}", range(n_rows))


def _n_rows(X):
    return X.shape[0]


def _size_of(rows):
    """Return the number of rows, and how many bytes they have, about."""
    X = rows.X
    if sparse.issparse(X):
        n_bytes = X.data.nbytes + X.indices.nbytes
    else:
        n_bytes = X.nbytes if isinstance(X, np.ndarray) else 8 * X.shape[0] * X.shape[1]
    return len(rows.numbers), n_bytes


def _piece_of(rows, start, stop, targets_only):
    return (rows._replace(X=None) if targets_only else rows).take(slice(start, stop))


def _drawn(rows, fraction, seed, number, held_out):
    """Return the rows of a partition that are held out, or the others."""
    drawn = np.random.RandomState(np.random.MT19937([seed, number]))
    n_rows = len(rows.numbers)
    chosen = drawn.permutation(n_rows)[: round(fraction * n_rows)]
    if not held_out:
        chosen = np.delete(np.arange(n_rows), chosen)
    return rows.take(np.sort(chosen))
