"""Removal of rows and columns with missing values."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .. import _typing as t
from .._data.tables import Table, is_null, take
from .._specs.constraints import Interval
from .base import BaseCleaner, remember_columns, validate
from .removals import Removals

_COUNT_OR_FRACTION = [
    Interval(Integral, 0, None, closed="left"),
    Interval(Real, 0, 1, closed="left"),
]


def _max_count(limit, n):
    """Return the number of nulls allowed among n values; the limit is a count or a fraction."""
    return limit if isinstance(limit, Integral) else limit * n


class NullRemover(BaseCleaner):
    """Remove rows with missing values: None, NaN, NaT or NA.

    Parameters
    ----------
    max_nulls : int or float, default=0
        Maximum number of missing values in a row, or, if a float below 1, their fraction of the
        columns that are checked.
    columns : list of str or int, or mask of bool, default=None
        The columns to check, as names, indices, or a mask. None is all.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        Indices of the remaining rows.
    report_ : Removals
        The removed rows and the reasons. It prints as a table; see `to_pandas`.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns. Defined only if all are strings.

    Notes
    -----
    A row with a missing target is always removed. To fill in values instead, see `sklearn.impute`.
    As a step of `imblearn.pipeline.Pipeline`, it removes rows in `fit` only: in prediction, all
    rows reach the network, which does not accept missing values.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.preprocessing import NullRemover
    >>> remover = NullRemover()
    >>> remover.fit_resample([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]], [0, 1, 1])
    (array([[1., 2.],
           [4., 5.]]), array([0, 1]))
    >>> print(remover.report_)
    1 of 3 rows removed
    row  reason
      1  1 of 2 values missing: 0
    """

    _parameter_constraints: ClassVar[dict] = {
        "max_nulls": _COUNT_OR_FRACTION,
        "columns": [None, str, "array-like"],
    }

    def __init__(self, max_nulls: float = 0, *, columns: Any = None) -> None:
        self.max_nulls = max_nulls
        self.columns = columns

    def _find(self, table, y):
        chosen = table.positions(self.columns)
        nulls = table.nulls()[:, chosen]
        counts = nulls.sum(axis=1)
        remove = counts > _max_count(self.max_nulls, len(chosen))
        no_target = np.zeros(table.n_rows, bool)
        if y is not None:
            missing = Table(y, "y").nulls() if np.ndim(y) == 2 else is_null(y)
            no_target |= missing.reshape(table.n_rows, -1).any(axis=1)
        report = Removals(table.n_rows)
        for row in np.flatnonzero(remove | no_target):
            if not remove[row]:
                report.add(int(row), "target missing")
                continue
            where = [table.name(chosen[i]) for i in np.flatnonzero(nulls[row])]
            names = ", ".join(map(str, where[:5])) + (", ..." if len(where) > 5 else "")
            score = int(counts[row])
            reason = f"{score} of {len(chosen)} values missing: {names}"
            report.add(int(row), reason, where[0], float(score))
        return ~(remove | no_target), report, {}


class NullColumnRemover(TransformerMixin, BaseEstimator):
    """Remove columns with many missing values: None, NaN, NaT or NA.

    Unlike the classes that remove rows, it is a transformer: `fit` selects the columns, and
    `transform` removes the same columns from any table.

    Parameters
    ----------
    max_nulls : int or float, default=0.5
        Maximum number of missing values in a column, or, if a float below 1, their fraction of the
        rows.

    Attributes
    ----------
    columns_ : ndarray of shape (n_kept,)
        Indices of the remaining columns.
    report_ : Removals
        The removed columns and the reasons.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features. Defined only if all are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.preprocessing import NullColumnRemover
    >>> NullColumnRemover().fit_transform([[1.0, np.nan], [2.0, np.nan]])
    array([[1.],
           [2.]])
    """

    _parameter_constraints: ClassVar[dict] = {"max_nulls": _COUNT_OR_FRACTION}

    def __init__(self, max_nulls: float = 0.5) -> None:
        self.max_nulls = max_nulls

    def fit(self, X: Any, y: Any = None) -> Self:
        """Select the columns.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        validate(self)
        table = Table(X)
        counts = table.nulls().sum(axis=0)
        remove = counts > _max_count(self.max_nulls, table.n_rows)
        if remove.all():
            raise ValueError(
                f"NullColumnRemover would remove all {table.n_columns} columns: raise max_nulls."
            )
        report = Removals(table.n_columns, "column")
        for number in np.flatnonzero(remove):
            reason = f"{counts[number]} of {table.n_rows} values missing"
            report.add(table.name(int(number)), reason)
        remember_columns(self, table, reset=True)
        self.columns_, self.report_ = np.flatnonzero(~remove), report
        return self

    def transform(self, X: Any) -> Any:
        """Remove the columns.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_kept)
            The table without these columns, in a container of the same type as the input.
        """
        check_is_fitted(self)
        table = Table(X)
        remember_columns(self, table, reset=False)
        return take(table.data, self.columns_, axis=1)

    def get_feature_names_out(self, input_features: t.ArrayLike | None = None) -> t.Array:
        """Return the names of the remaining columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of all columns. None is the names seen in `fit`, or x0, x1, and so on.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        return _check_feature_names_in(self, input_features)[self.columns_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags
