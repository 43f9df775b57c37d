"""Rows that lie far from all others are removed."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from .._specs.constraints import Interval, OneOf
from .base import BaseCleaner, refuse_missing, scaled
from .removals import Removals

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
            refuse_missing(values, f"method={self.method!r}")
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
        values = scaled(values, "method='mahalanobis'")
        values -= values.mean(axis=0)
        n_rows, n_columns = values.shape
        if np.linalg.matrix_rank(values) < n_columns or n_rows < 2 * n_columns:
            raise ValueError(
                f"method='mahalanobis' needs columns that do not follow from each other, none of "
                f"them constant, and at least twice as many rows ({n_rows}) as columns "
                f"({n_columns}): leave some out by `columns`, or use method='isolation_forest'."
            )
        random_state = check_random_state(self.random_state)
        robust = MinCovDet(random_state=random_state).fit(values)
        return np.sqrt(robust.mahalanobis(values))

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
        factor.fit(scaled(values, "method='lof'"))
        return -factor.negative_outlier_factor_
