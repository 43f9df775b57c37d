"""Cleaning: rows of a table that are incomplete, repeated or far from all others are removed."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import (
    _check_feature_names,
    _check_feature_names_in,
    _check_n_features,
    check_is_fitted,
)

from .._data.tables import Table, codes_of, nulls_of, rows_of, take
from .._specs.constraints import Interval, OneOf, check_parameters
from .removals import Removals

_COUNT_OR_PART = [
    Interval(Integral, 0, None, closed="left"),
    Interval(Real, 0, 1, closed="left"),
]
# Rows whose neighbours are looked for at once.
_BLOCK = 1024


def _validate(owner):
    if not get_config()["skip_parameter_validation"]:
        check_parameters(owner)


def _remember_columns(owner, table, reset):
    _check_feature_names(owner, table.data, reset=reset)
    _check_n_features(owner, table.data, reset=reset)


def _most(limit, n):
    """How many of n may be null, where a limit is a number or a part."""
    return limit if isinstance(limit, Integral) else limit * n


class BaseCleaner(BaseEstimator):
    """Base of what removes rows, as a sampler of imbalanced-learn.

    A subclass has `_find(table, y)`, which returns the rows to keep, as a boolean array, the
    report, and fitted attributes by name.
    """

    @abstractmethod
    def _find(self, table, y):
        """Which rows are kept, why others are not, and what was fitted."""

    def fit(self, X, y=None):
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

    def fit_resample(self, X, y=None):
        """Remove rows, from targets too.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            A table of NumPy, pandas or polars. It is left as it is.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_kept, n_features)
            The rows that are kept, in their order, in the kind that came.
        y : array of shape (n_kept,) or (n_kept, n_outputs), or None
            Their targets, in the kind that came.
        """
        table, y = self._fit(X, y)
        return take(table.data, self.sample_indices_), take(y, self.sample_indices_)

    def _fit(self, X, y):
        _validate(self)
        table = Table(X)
        if y is not None:
            y = rows_of(y, "y")
            check_consistent_length(table.data, y)
        keep, report, fitted = self._find(table, y)
        if not keep.any():
            raise ValueError(
                f"{type(self).__name__} would remove all {table.n_rows} rows: loosen its limits. "
                f"{report.entries[0][3].capitalize()}, of the first row."
            )
        _remember_columns(self, table, reset=True)
        self.sample_indices_, self.report_ = np.flatnonzero(keep), report
        self.__dict__.update(fitted)
        return table, y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags


class NullRemover(BaseCleaner):
    """Removes rows in which values are missing: None, NaN, NaT or NA.

    Parameters
    ----------
    max_nulls : int or float, default=0
        How many values of a row may be missing: a number, or (a float below 1) a part of the
        columns that are looked at.
    columns : list of str or int, or mask of bool, default=None
        The columns that are looked at, by name, number, or True or False for each. None is all.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        The rows that are kept.
    report_ : Removals
        What was removed and why. It prints as a table; see `to_pandas`.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where they are all strings.

    Notes
    -----
    A row whose target is missing is always removed. To fill in values instead, see
    `sklearn.impute`. It is a step of `imblearn.pipeline.Pipeline`, which cleans in `fit` only:
    prediction gets every row, and a network takes no missing values there.

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
        "max_nulls": _COUNT_OR_PART,
        "columns": [None, str, "array-like"],
    }

    def __init__(self, max_nulls=0, *, columns=None):
        self.max_nulls = max_nulls
        self.columns = columns

    def _find(self, table, y):
        chosen = table.positions(self.columns)
        nulls = table.nulls()[:, chosen]
        counts = nulls.sum(axis=1)
        remove = counts > _most(self.max_nulls, len(chosen))
        no_target = np.zeros(table.n_rows, bool)
        if y is not None:
            missing = Table(y, "y").nulls() if np.ndim(y) == 2 else nulls_of(y)
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
    """Removes columns in which many values are missing: None, NaN, NaT or NA.

    A transformer, unlike what removes rows: `fit` chooses the columns, and `transform` leaves out
    the same ones of any table.

    Parameters
    ----------
    max_nulls : int or float, default=0.5
        How many values of a column may be missing: a number, or (a float below 1) a part of the
        rows.

    Attributes
    ----------
    columns_ : ndarray of shape (n_kept,)
        Numbers of the columns that are kept.
    report_ : Removals
        What was removed and why.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where they are all strings.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.preprocessing import NullColumnRemover
    >>> NullColumnRemover().fit_transform([[1.0, np.nan], [2.0, np.nan]])
    array([[1.],
           [2.]])
    """

    _parameter_constraints: ClassVar[dict] = {"max_nulls": _COUNT_OR_PART}

    def __init__(self, max_nulls=0.5):
        self.max_nulls = max_nulls

    def fit(self, X, y=None):
        """Choose the columns.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        _validate(self)
        table = Table(X)
        counts = table.nulls().sum(axis=0)
        remove = counts > _most(self.max_nulls, table.n_rows)
        if remove.all():
            raise ValueError(
                f"NullColumnRemover would remove all {table.n_columns} columns: raise max_nulls."
            )
        report = Removals(table.n_columns, "column")
        for number in np.flatnonzero(remove):
            reason = f"{counts[number]} of {table.n_rows} values missing"
            report.add(table.name(int(number)), reason)
        _remember_columns(self, table, reset=True)
        self.columns_, self.report_ = np.flatnonzero(~remove), report
        return self

    def transform(self, X):
        """Leave the columns out.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_kept)
            In the kind that came.
        """
        check_is_fitted(self)
        table = Table(X)
        _remember_columns(self, table, reset=False)
        return take(table.data, self.columns_, axis=1)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that are kept.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of all columns; None is those seen in `fit`, else x0, x1, and so on.

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


class DuplicateRemover(BaseCleaner):
    """Removes rows that repeat an earlier one, exactly or nearly.

    A duplicate has the same target too, where targets are given. Nulls are equal to each other.

    Parameters
    ----------
    tolerance : float, default=0.0
        How far two rows may lie apart, after each column of numbers was divided by its standard
        deviation; 0 takes exact duplicates only. Columns that hold no numbers must be equal. Rows
        are gone through in order: one that is near to an earlier row that was kept is removed, so
        those that stay are all further apart.
    metric : {'chebyshev', 'euclidean', 'manhattan'}, default='chebyshev'
        The distance for `tolerance`: the largest difference of a column, the root of the sum of
        squares, or the sum. With hundreds of columns 'euclidean' is much the fastest.
    conflicts : {'keep', 'remove'}, default='keep'
        Whether rows that are alike, but have different targets, are kept, or all removed.
    columns : list of str or int, or mask of bool, default=None
        The columns that are compared, by name, number, or True or False for each. None is all.
    n_jobs : int, default=None
        Threads of the search for neighbours, `sklearn.neighbors.NearestNeighbors`.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        The rows that are kept.
    report_ : Removals
        What was removed and why, with the distance as the score.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where they are all strings.

    Examples
    --------
    >>> from fastnn.preprocessing import DuplicateRemover
    >>> remover = DuplicateRemover()
    >>> X, y = remover.fit_resample([[1, 2], [3, 4], [1, 2]], [0, 1, 0])
    >>> print(remover.report_)
    1 of 3 rows removed
    row  reason
      2  same as row 0
    """

    _parameter_constraints: ClassVar[dict] = {
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "metric": [OneOf({"chebyshev", "euclidean", "manhattan"})],
        "conflicts": [OneOf({"keep", "remove"})],
        "columns": [None, str, "array-like"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self, tolerance=0.0, *, metric="chebyshev", conflicts="keep", columns=None, n_jobs=None
    ):
        self.tolerance = tolerance
        self.metric = metric
        self.conflicts = conflicts
        self.columns = columns
        self.n_jobs = n_jobs

    def _find(self, table, y):
        columns = table.positions(self.columns)
        targets = np.zeros(table.n_rows, int) if y is None else _same(_as_table(y))
        alike = _same(table, columns)
        keep = np.ones(table.n_rows, bool)
        # Of each removed row the earlier one, the distance, and whether only targets differ.
        found: dict[int, tuple[int, float, bool]] = {}
        first: dict[tuple[int, int], int] = {}
        of_group: dict[int, list[int]] = {}
        for row, pair in enumerate(zip(alike.tolist(), targets.tolist(), strict=True)):
            earlier = first.setdefault(pair, row)
            if earlier < row:
                keep[row], found[row] = False, (earlier, 0.0, False)
            else:
                of_group.setdefault(pair[0], []).append(row)
        if self.tolerance > 0:
            self._find_near(table, columns, targets, keep, found)
        elif self.conflicts == "remove":
            for group in of_group.values():
                for row in group if len(group) > 1 else ():
                    other = group[1] if row == group[0] else group[0]
                    keep[row], found[row] = False, (other, 0.0, True)
        report = Removals(table.n_rows)
        for row, (other, distance, conflict) in sorted(found.items()):
            reason = f"{'near' if distance else 'same as'} row {other}"
            reason += f" (distance {distance:.3g})" if distance else ""
            reason += ", but another target" if conflict else ""
            report.add(row, reason, None, distance)
        return keep, report, {}

    def _find_near(self, table, columns, targets, keep, found):
        """Go through the rows that are left, with the neighbours of each."""
        from sklearn.neighbors import NearestNeighbors  # slow to import

        numeric = [number for number in columns if table.is_numeric(number)]
        if not numeric:
            raise ValueError(
                f"tolerance={self.tolerance!r} needs columns of numbers, and there are none: use "
                "tolerance=0."
            )
        others = [number for number in columns if number not in numeric]
        kinds = _same(table, others) if others else np.zeros(table.n_rows, int)
        values = _scaled(table.numbers(numeric), f"tolerance={self.tolerance!r}")
        rows = np.flatnonzero(keep)
        values = values[rows]
        search = NearestNeighbors(radius=self.tolerance, metric=self.metric, n_jobs=self.n_jobs)
        search.fit(values)
        conflicting = {}
        for begin in range(0, len(rows), _BLOCK):
            block = values[begin : begin + _BLOCK]
            distances, neighbours = search.radius_neighbors(block, sort_results=True)
            for row, far, near in zip(rows[begin:], distances, neighbours, strict=False):
                near = rows[near]
                like = (kinds[near] == kinds[row]) & (near != row)
                far, near = far[like], near[like]
                same = targets[near] == targets[row]
                if self.conflicts == "remove" and not same.all():
                    nearest = np.argmin(same)
                    conflicting[row] = (int(near[nearest]), float(far[nearest]), True)
                earlier = same & (near < row) & keep[near]
                if earlier.any():
                    nearest = np.argmax(earlier)
                    keep[row] = False
                    found[int(row)] = (int(near[nearest]), float(far[nearest]), False)
        for row, what in conflicting.items():
            keep[row], found[int(row)] = False, what


def _as_table(y):
    if np.ndim(y) == 1:
        y = codes_of(y, "y")
    return Table(y if hasattr(y, "columns") else np.reshape(y, (len(y), -1)), "y")


def _same(table, columns=None):
    """Numbers of the rows, the same where rows are equal."""
    columns = table.positions(None) if columns is None else columns
    known: dict[bytes, int] = {}
    return np.array(
        [known.setdefault(row.tobytes(), len(known)) for row in table.keys(columns)], dtype=int
    )


def _scaled(values, what):
    """Columns divided by their standard deviation; refuses what has no distance."""
    _refuse_missing(values, what)
    deviation = values.std(axis=0)
    return values / np.where(deviation > 0, deviation, 1)


def _refuse_missing(values, what):
    if not np.isfinite(values).all():
        raise ValueError(
            f"{what} compares whole rows, and values are missing or infinite: remove these rows "
            "first with NullRemover, or fill them in with sklearn.impute."
        )


_THRESHOLDS = {"zscore": 3.0, "iqr": 1.5, "isolation_forest": 0.6, "lof": 1.5}
_UNITS = {
    "zscore": "deviations from the mean",
    "iqr": "interquartile ranges beyond the quartiles",
    "mahalanobis": "robust Mahalanobis distance",
    "isolation_forest": "anomaly score",
    "lof": "local outlier factor",
}


class OutlierRemover(BaseCleaner):
    """Removes rows that lie far from the others, in one column or in all of them together.

    Each method gives a row a score, and a row whose score is above `threshold` is removed.

    Parameters
    ----------
    method : {'iqr', 'zscore', 'mahalanobis', 'isolation_forest', 'lof'}, default='iqr'
        - 'iqr' looks at each column: the score is how far a value lies below the first quartile or
          above the third, in interquartile ranges (Tukey 1977, chapter 2: his inner fences are at
          1.5, the outer ones at 3).
        - 'zscore' looks at each column: the score is abs(x - mean) / standard deviation. Among n
          rows it cannot exceed sqrt(n - 1), so that in fewer than 11 rows none is above 3.
        - 'mahalanobis' is the distance sqrt((x - m)' S^-1 (x - m)) from a robust mean m with a
          robust covariance S, the minimum covariance determinant (Rousseeuw and Van Driessen 1999;
          `sklearn.covariance.MinCovDet`).
        - 'isolation_forest' is the anomaly score of trees of random cuts, 2^(-E(h) / c), between 0
          and 1 (Liu et al. 2008, equation 2; `sklearn.ensemble.IsolationForest`).
        - 'lof' is the local outlier factor, how much thinner data lie around a row than around its
          neighbours (Breunig et al. 2000, definition 7; `sklearn.neighbors.LocalOutlierFactor`), of
          columns divided by their standard deviation.
    threshold : float, default=None
        The largest score that is kept. None is 1.5 for 'iqr', 3 for 'zscore', 0.6 for
        'isolation_forest' (Liu et al. 2008, figure 3), 1.5 for 'lof', and for 'mahalanobis' the
        root of the 0.999 quantile of chi-squared with a degree of freedom for each column: of
        normal data one row in 1000 is above. (The source takes the quantile 0.975.)
    contamination : float, default=None
        The part of the rows, above 0 and at most 0.5, that has the highest scores and is removed,
        in place of a threshold.
    columns : list of str or int, or mask of bool, default=None
        The columns that are looked at, by name, number, or True or False for each. None is all
        that hold numbers.
    n_neighbors : int, default=20
        For 'lof'.
    n_estimators : int, default=100
        Trees of 'isolation_forest'.
    random_state : int, RandomState instance or None, default=None
        For 'mahalanobis' and 'isolation_forest'.
    n_jobs : int, default=None
        Threads of 'isolation_forest' and 'lof'.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        The rows that are kept.
    report_ : Removals
        What was removed and why: of 'iqr' and 'zscore' with the column whose score was highest.
    scores_ : ndarray of shape (n_samples,)
        The score of each row.
    threshold_ : float
        The largest score that was kept.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where they are all strings.

    Notes
    -----
    'iqr' and 'zscore' pass over missing values, and over columns without a spread: 'iqr' over those
    whose quartiles are equal, such as rare indicators. The others need complete rows.

    References
    ----------
    Tukey, J. W. "Exploratory data analysis" (1977).
    Rousseeuw, P. J. and Van Driessen, K. "A fast algorithm for the minimum covariance determinant
    estimator" (1999).
    Liu, F. T., Ting, K. M. and Zhou, Z.-H. "Isolation forest" (2008).
    Breunig, M. M. et al. "LOF: identifying density-based local outliers" (2000).

    Examples
    --------
    >>> from fastnn.preprocessing import OutlierRemover
    >>> remover = OutlierRemover("iqr")
    >>> X, _ = remover.fit_resample([[1.0], [2.0], [3.0], [4.0], [100.0]])
    >>> print(remover.report_)
    1 of 5 rows removed
    row  reason
      4  column 0 = 100: 48 interquartile ranges beyond the quartiles, above 1.5
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [OneOf(_UNITS)],
        "threshold": [None, Interval(Real, 0, None, closed="left")],
        "contamination": [None, Interval(Real, 0, 0.5, closed="right")],
        "columns": [None, str, "array-like"],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        method="iqr",
        *,
        threshold=None,
        contamination=None,
        columns=None,
        n_neighbors=20,
        n_estimators=100,
        random_state=None,
        n_jobs=None,
    ):
        self.method = method
        self.threshold = threshold
        self.contamination = contamination
        self.columns = columns
        self.n_neighbors = n_neighbors
        self.n_estimators = n_estimators
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _find(self, table, y):
        if self.threshold is not None and self.contamination is not None:
            raise ValueError(
                "threshold and contamination both tell where to cut: leave one of them None."
            )
        columns = table.positions(self.columns)
        if self.columns is None:
            columns = [number for number in columns if table.is_numeric(number)]
            if not columns:
                raise ValueError("X has no column of numbers, in which to look for outliers.")
        values = table.numbers(columns)
        if np.isinf(values).any():
            raise ValueError("X holds infinite values: make them null, and use NullRemover.")
        each = self.method in ("zscore", "iqr")
        if each:
            cells = getattr(self, f"_{self.method}")(values)
            worst = cells.argmax(axis=1)
            scores = cells.max(axis=1)
        else:
            _refuse_missing(values, f"method={self.method!r}")
            scores = getattr(self, f"_{self.method}")(values)
        threshold = self._threshold(scores, len(columns))
        keep = scores <= threshold
        report = Removals(table.n_rows)
        for row in np.flatnonzero(~keep):
            reason = f"{scores[row]:.3g} {_UNITS[self.method]}, above {threshold:.3g}"
            name = None
            if each:
                name = table.name(columns[worst[row]])
                value, more = values[row, worst[row]], int((cells[row] > threshold).sum()) - 1
                label = name if table.names is not None else f"column {name}"
                reason = f"{label} = {value:.6g}: {reason}"
                reason += f"; {more} more column(s)" if more else ""
            else:
                reason = f"{_UNITS[self.method]} {scores[row]:.3g}, above {threshold:.3g}"
            report.add(int(row), reason, name, float(scores[row]))
        return keep, report, {"scores_": scores, "threshold_": float(threshold)}

    def _threshold(self, scores, n_columns):
        if self.contamination is not None:
            return np.quantile(scores, 1 - self.contamination, method="lower")
        if self.threshold is not None:
            return self.threshold
        if self.method == "mahalanobis":
            from scipy.special import chdtri  # the chi-squared quantile; scipy.stats is slow

            return np.sqrt(chdtri(n_columns, 0.001))
        return _THRESHOLDS[self.method]

    def _zscore(self, values):
        known = ~np.isnan(values)
        count = np.maximum(known.sum(axis=0), 1)
        centred = np.where(known, values, 0)
        centred = np.where(known, centred - centred.sum(axis=0) / count, 0)
        deviation = np.sqrt((centred**2).sum(axis=0) / count)
        # What rounding leaves of a constant column is no spread.
        size = np.abs(np.where(known, values, 0)).max(axis=0)
        spread = deviation > size * np.finfo(float).eps * 10
        return np.abs(centred) / np.where(spread, deviation, np.inf)

    def _iqr(self, values):
        known = ~np.isnan(values)
        quartiles = np.zeros((2, values.shape[1]))
        some = known.any(axis=0)
        quartiles[:, some] = np.nanquantile(values[:, some], (0.25, 0.75), axis=0)
        low, high = quartiles
        beyond = np.where(known, np.maximum(low - values, values - high), 0)
        return np.maximum(beyond, 0) / np.where(high > low, high - low, np.inf)

    def _mahalanobis(self, values):
        from sklearn.covariance import MinCovDet  # slow to import

        # In units of the deviation, so that the rank does not depend on the units of columns.
        scaled = _scaled(values, "method='mahalanobis'")
        scaled = scaled - scaled.mean(axis=0)
        n_rows, n_columns = scaled.shape
        if np.linalg.matrix_rank(scaled) < n_columns or n_rows < 2 * n_columns:
            raise ValueError(
                f"method='mahalanobis' needs columns that do not follow from each other, none of "
                f"them constant, and at least twice as many rows ({n_rows}) as columns "
                f"({n_columns}): leave some out by `columns`, or use method='isolation_forest'."
            )
        random_state = check_random_state(self.random_state)
        robust = MinCovDet(random_state=random_state).fit(scaled)
        return np.sqrt(robust.mahalanobis(scaled))

    def _isolation_forest(self, values):
        from sklearn.ensemble import IsolationForest  # slow to import

        forest = IsolationForest(
            n_estimators=self.n_estimators, random_state=self.random_state, n_jobs=self.n_jobs
        )
        return -forest.fit(values).score_samples(values)

    def _lof(self, values):
        from sklearn.neighbors import LocalOutlierFactor  # slow to import

        if len(values) < 2:
            raise ValueError("method='lof' compares rows with each other, and there is only one.")
        neighbours = min(self.n_neighbors, len(values) - 1)
        factor = LocalOutlierFactor(n_neighbors=neighbours, n_jobs=self.n_jobs)
        factor.fit(_scaled(values, "method='lof'"))
        return -factor.negative_outlier_factor_
