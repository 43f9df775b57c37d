"""Removal of outliers: rows that are far from the others."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state

from .. import _typing as t
from .._specs.constraints import Interval, OneOf
from .base import BaseCleaner, refuse_missing, scale_columns
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
    """Remove rows that are far from the others, in one column or in all columns together.

    Each method assigns a score to each row. Rows whose score exceeds `threshold` are removed.

    Parameters
    ----------
    method : {'iqr', 'zscore', 'mahalanobis', 'isolation_forest', 'lof'}, default='iqr'
        - 'iqr' scores each column by the distance below the first quartile or above the third, in
          interquartile ranges (Tukey 1977, chapter 2: inner fences at 1.5, outer ones at 3).
        - 'zscore' scores each column by abs(x - mean) / standard deviation. With n rows it cannot
          exceed sqrt(n - 1): with fewer than 11 rows none is above 3.
        - 'mahalanobis' is the distance sqrt((x - m)' S^-1 (x - m)) from a robust mean m with a
          robust covariance S, the minimum covariance determinant (Rousseeuw and Van Driessen 1999;
          `sklearn.covariance.MinCovDet`).
        - 'isolation_forest' is the anomaly score of trees of random cuts, 2^(-E(h) / c), between 0
          and 1 (Liu et al. 2008, equation 2; `sklearn.ensemble.IsolationForest`).
        - 'lof' is the local outlier factor, the density of data around the neighbours of a row
          relative to that around the row (Breunig et al. 2000, definition 7;
          `sklearn.neighbors.LocalOutlierFactor`), for columns divided by their standard deviation.
    threshold : float, default=None
        Rows with a larger score are removed. None is 1.5 for 'iqr', 3 for 'zscore', 0.6 for
        'isolation_forest' (Liu et al. 2008, figure 3), 1.5 for 'lof', and for 'mahalanobis' the
        square root of the 0.999 quantile of the chi-squared distribution with a degree of freedom
        for each column. One row in 1000 of normal data exceeds it. The paper uses the 0.975
        quantile.
    contamination : float, default=None
        The fraction of rows to remove, those with the highest scores, in (0, 0.5]. It is an
        alternative to `threshold`.
    columns : list of str or int, or mask of bool, default=None
        The columns to check, as names, indices, or a mask. None is all numeric columns.
    n_neighbors : int, default=20
        Number of neighbours for 'lof'.
    n_estimators : int, default=100
        Number of trees for 'isolation_forest'.
    random_state : int, RandomState instance or None, default=None
        Seed of 'mahalanobis' and 'isolation_forest'.
    n_jobs : int, default=None
        Number of threads of 'isolation_forest' and 'lof'.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        Indices of the remaining rows.
    report_ : Removals
        The removed rows and the reasons; for 'iqr' and 'zscore' also the column with the highest
        score.
    scores_ : ndarray of shape (n_samples,)
        The score of each row.
    threshold_ : float
        The threshold of the score.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns. Defined only if all are strings.

    Notes
    -----
    'iqr' and 'zscore' ignore missing values and constant columns. 'iqr' also ignores columns whose
    quartiles are equal, such as rare indicators. The other methods need complete rows.

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
        method: str = "iqr",
        *,
        threshold: float | None = None,
        contamination: float | None = None,
        columns: Any = None,
        n_neighbors: int = 20,
        n_estimators: int = 100,
        random_state: t.Seed = None,
        n_jobs: int | None = None,
    ) -> None:
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
                "threshold and contamination are alternatives: leave one of them None."
            )
        columns = table.positions(self.columns)
        if self.columns is None:
            columns = [number for number in columns if table.is_numeric(number)]
            if not columns:
                raise ValueError("X has no numeric column in which to look for outliers.")
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
        # The rounding error of a constant column is no spread.
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

        # Scaled, so that the rank does not depend on the units of columns.
        values = scale_columns(values, "method='mahalanobis'")
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
            raise ValueError("method='lof' compares rows with each other, but X has only one row.")
        neighbours = min(self.n_neighbors, len(values) - 1)
        factor = LocalOutlierFactor(n_neighbors=neighbours, n_jobs=self.n_jobs)
        factor.fit(scale_columns(values, "method='lof'"))
        return -factor.negative_outlier_factor_
