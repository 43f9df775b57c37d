"""Rows on a cluster, with a data set in the memory of a worker for each partition."""

import itertools
from typing import Any

import numpy as np
from scipy import sparse

from .._fit.row_reader import RowReader
from .._train.datasets import Dataset, StreamedDataset
from ..data.passes import Count, count, joined
from ..data.source import Source
from .source import DaskRows

# Most partitions of a source of files, whose blocks are small.
MOST_PARTITIONS = 64


class PartitionedDataset(StreamedDataset):
    """Rows of a source in the memory of a cluster, and a stream of them for the client.

    Parameters
    ----------
    source, convert, X, n_rows
        As of `StreamedDataset`.
    cluster : Cluster
    datasets : list of Future
        A `Dataset` for each partition that has rows.
    sizes : list of (int, float)
        Number of rows, and sum of the weights, of each.
    steps_per_round : int

    Attributes
    ----------
    total_weight : float
    """

    total_weight: Any = None

    def __init__(self, source, convert, X, n_rows, cluster, datasets, sizes, steps_per_round):
        super().__init__(source, convert, X, n_rows)
        self.cluster, self.datasets = cluster, datasets
        self._steps_per_round = steps_per_round
        self.n_rows_each = [n for n, _ in sizes]
        self.weights = [weight for _, weight in sizes]
        self.total_weight = float(sum(self.weights))

    @property
    def identity(self):
        name = f"{len(self.datasets)} partitions, {self._steps_per_round} steps_per_round, "
        return name + self.source.identity(), None, None


class PartitionReader(RowReader):
    """Reader of the rows of a source on the workers of a cluster.

    A pickle of it has what converts rows.
    """

    def __init__(self, cluster, fit, source, reset):
        super().__init__(fit, source, reset)
        self._cluster = cluster

    def __getstate__(self):
        weight = self.first.sample_weight
        weight = None if weight is None else weight[:1]
        return {
            "_fit": self._fit,
            "_source": self._source,
            "first": self.first._replace(X=None, y=None, sample_weight=weight, numbers=()),
            "X": self.X[:1],
            "is_nameless": self._model is not self._fit.model,
        }

    def __setstate__(self, state):
        is_nameless = state.pop("is_nameless")
        vars(self).update(state)
        model = self._fit.model
        self._model = model._twin_of_arrays() if is_nameless else model

    def count(self, of_classes):
        counted, held = None, self._cluster.hold(self)
        futures = self._cluster.map(
            _count_blocks, self._partitions(), reader=held, of_classes=of_classes
        )
        for other in filter(None, self._cluster.results(futures)):
            counted = other if counted is None else joined(counted, other, of_classes)
        return counted

    def dataset(self, n_rows):
        cluster, held = self._cluster, self._cluster.hold(self)
        datasets = cluster.map(_convert_blocks, self._partitions(), reader=held)
        sizes = cluster.results(cluster.map(_size_of, datasets))
        if isinstance(self._source, DaskRows):
            self._source.release()
        present = [i for i, (n, _) in enumerate(sizes) if n]
        return PartitionedDataset(
            self._source,
            self.convert,
            self.X,
            sum(n for n, _ in sizes),
            cluster,
            [datasets[i] for i in present],
            [sizes[i] for i in present],
            self._fit.estimator.steps_per_round,
        )

    def validation_data(self):
        return self.dataset(0)

    def _partitions(self):
        """Return lists of the blocks of each partition; they depend on the source alone."""
        blocks = list(self._source.blocks())
        if isinstance(self._source, DaskRows):
            return [[block] for block in blocks]
        n = min(len(blocks), MOST_PARTITIONS)
        edges = [len(blocks) * i // n for i in range(n + 1)]
        return [blocks[start:stop] for start, stop in itertools.pairwise(edges)]


class _Blocks(Source):
    """Source of some blocks of another."""

    def __init__(self, source, blocks):
        super().__init__()
        self._source, self._blocks, self.n_rows = source, blocks, 0

    def __repr__(self):
        return repr(self._source)

    def blocks(self):
        return self._blocks

    def read(self, block, *, targets_only=False):
        return self._source.read(block, targets_only=targets_only)

    def identity(self):
        return self._source.identity()


def _count_blocks(blocks, reader, of_classes) -> Count | None:
    """Return the count of the rows of some blocks; None if there are none."""
    source = _Blocks(reader._source, blocks)
    if next(iter(source), None) is None:
        return None
    return count(source, reader.read_targets, of_classes)


def _convert_blocks(blocks, reader) -> Dataset | None:
    """Return the rows of some blocks as a data set; None if there are none."""
    parts = [reader.convert(rows) for rows in _Blocks(reader._source, blocks)]
    if len(parts) <= 1:
        return parts[0] if parts else None
    X, y, sample_weight = (_stacked(column) for column in zip(*(p[:3] for p in parts), strict=True))
    return Dataset.of(X, y, sample_weight)


def _stacked(arrays):
    if arrays[0] is None:
        return None
    if sparse.issparse(arrays[0]):
        return sparse.vstack(arrays, format="csr")
    # The targets of several heads lie one head after the other.
    in_columns = arrays[0].ndim == 2 and not arrays[0].flags.c_contiguous
    stacked = np.concatenate(arrays)
    return np.asfortranarray(stacked) if in_columns else stacked


def _size_of(dataset):
    return (0, 0.0) if dataset is None else (dataset.n_rows, dataset.total_weight)
