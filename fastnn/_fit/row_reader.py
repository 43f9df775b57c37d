"""Conversion of the rows of a source to what an engine reads."""

import numpy as np

from .._data.rows import check_finite, read_targets, targets_of_rows, validated_targets
from .._train.datasets import Dataset, StreamedDataset
from ..data.passes import MIXED_WEIGHTS, Count, count, first_rows, nameless, placed


class RowReader:
    """Reader of the rows of a source for a `Fit`, piece by piece.

    Parameters
    ----------
    fit : Fit
    source : Source
    reset : bool, default=False
        Whether number and names of the features are stored, rather than compared.

    Attributes
    ----------
    first : Rows
        The first rows of the source.
    X : {ndarray, CSR matrix}
        The same, as an engine reads them.
    """

    def __init__(self, fit, source, reset=False):
        self._fit, self._source = fit, source
        self.first = rows = first_rows(source)
        with placed(rows):
            if reset:
                fit.model.read(rows.X, reset=True)
            self._model = nameless(fit.model, source, rows.X, reset)
            self.X = self._model.read(rows.X)

    def read_targets(self, y):
        """Return targets of some rows as `fit` reads them."""
        return validated_targets(self._fit.model, y)

    def convert(self, rows) -> Dataset:
        """Return rows with their targets and weights."""
        fit = self._fit
        with placed(rows):
            X = self._model.read(rows.X)
        with placed(rows._replace(X=X)):
            check_finite(fit.model, X)
            X = self._in_type_of_first(X)
            if (rows.sample_weight is None) != (self.first.sample_weight is None):
                raise ValueError(MIXED_WEIGHTS)
            y = targets_of_rows(fit.model, X, read_targets(fit.model, rows.y))
            weights = fit.row_weights(rows.sample_weight, X, y, some=True)
            return Dataset.of(X, fit.encode(y), weights)

    def _in_type_of_first(self, X):
        dtype = self.X.dtype
        if X.dtype == dtype:
            return X
        if not np.can_cast(X.dtype, dtype, "safe"):
            raise ValueError(
                f"they are of {X.dtype}, and those of {self.first.origin} are of {dtype}: let all "
                "be of one type."
            )
        return X.astype(dtype)

    def count(self, of_classes: bool) -> Count:
        """Count rows, and the labels `of_classes`, in one pass over the targets."""
        return count(self._source, self.read_targets, of_classes)

    def dataset(self, n_rows: int) -> StreamedDataset:
        """Return the rows of the source, of which there are so many."""
        return StreamedDataset(self._source, self.convert, self.X, n_rows)

    def validation_data(self) -> StreamedDataset:
        """Return the rows of the source as validation data, after a look at all targets."""
        counted = count(self._source, lambda y: self._fit.encode(self.read_targets(y)), False)
        return self.dataset(counted.n_rows)
