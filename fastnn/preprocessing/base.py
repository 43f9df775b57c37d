"""Base class of the samplers that remove rows, and helpers that they share."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _check_feature_names, _check_n_features

from .._data.tables import Table, as_array_or_frame, take
from .._specs.constraints import check_parameters, defaults_of


def validate(owner):
    if not get_config()["skip_parameter_validation"]:
        check_parameters(owner)


def remember_columns(owner, table, reset):
    _check_feature_names(owner, table.data, reset=reset)
    _check_n_features(owner, table.data, reset=reset)


class BaseCleaner(BaseEstimator):
    """Base class of the samplers that remove rows, with the interface of imbalanced-learn."""

    def __setstate__(self, state):
        super().__setstate__(defaults_of(type(self)) | state)  # parameters newer than the pickle

    @abstractmethod
    def _find(self, table, y):
        """Return a mask of the rows to keep, the report, and the fitted attributes by name."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the rows to remove.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            A table of NumPy, pandas or polars.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.

        Returns
        -------
        self : object
        """
        self._fit(X, y)
        return self

    def fit_resample(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        """Remove rows from a table, and their targets.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            A table of NumPy, pandas or polars. It is not modified.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_kept, n_features)
            The remaining rows, in their order, in a container of the same type as the input.
        y : array of shape (n_kept,) or (n_kept, n_outputs), or None
            Their targets, in a container of the same type as the input.
        """
        table, y = self._fit(X, y)
        return take(table.data, self.sample_indices_), take(y, self.sample_indices_)

    def _fit(self, X, y):
        validate(self)
        table = Table(X)
        if y is not None:
            y = as_array_or_frame(y, "y")
            check_consistent_length(table.data, y)
        keep, report, fitted = self._find(table, y)
        if not keep.any():
            *_, reason = report.entries[0]
            raise ValueError(
                f"{type(self).__name__} would remove all {table.n_rows} rows: loosen its limits. "
                f"{reason.capitalize()}, of the first row."
            )
        remember_columns(self, table, reset=True)
        self.sample_indices_, self.report_ = np.flatnonzero(keep), report
        self.__dict__.update(fitted)
        return table, y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags


def scale_columns(values, what):
    """Return columns divided by their standard deviations; all values must be finite."""
    refuse_missing(values, what)
    deviation = values.std(axis=0)
    return values / np.where(deviation > 0, deviation, 1)


def refuse_missing(values, what):
    if not np.isfinite(values).all():
        raise ValueError(
            f"{what} compares whole rows, and values are missing or infinite: remove these rows "
            "first with NullRemover, or fill them in with sklearn.impute."
        )
