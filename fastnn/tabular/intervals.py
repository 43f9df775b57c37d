"""Quantiles and standard deviations of new targets, from out-of-fold residuals."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

#: With fewer rows, residuals have the same scale everywhere.
_LEAST_ROWS = 40
#: The scale does not depend on rows of more encoded columns and their squares.
_MOST_FEATURES = 200
#: Strengths of the penalty among which the scale model chooses, from weak to a constant scale.
_PENALTIES = np.logspace(-1, 5, 7)


def spread(predictions, weights):
    """Return the weighted standard deviation of the predictions of members, for each row.

    Parameters
    ----------
    predictions : ndarray of shape (n_members, n_rows)
    weights : ndarray of shape (n_members,)
        They sum to 1.
    """
    return np.sqrt(weights @ (predictions - weights @ predictions) ** 2)


class ResidualDistribution:
    """Distribution of targets about predictions, learned from rows held out.

    The residual of a row is divided by its scale. Quantiles of a new target are its prediction plus
    its scale times those of the scaled residuals, where n residuals leave a probability of
    1 / (n + 1) beyond each end. Further out, they follow Student's distribution.

    Parameters
    ----------
    encoding : Encoding
        Encoding of the rows, on which the scale may depend.
    predictions, spreads : ndarray of shape (n_rows,)
        Predictions for rows held out, and how far members of the ensemble disagree about them.
    values : Values
        These rows.
    targets : ndarray of shape (n_rows,)
        The targets of these rows.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights of the rows.
    inflation : float, default=1.0
        Ratio of the residuals of new rows to those of rows held out.

    Notes
    -----
    The probability that a new target is below its quantile is the nominal one up to
    1 / (n_rows + 1), on average over tables and targets, if rows are exchangeable and residuals of
    rows held out, times `inflation`, are distributed as those of new rows. Coverage for a
    particular row is not guaranteed.

    References
    ----------
    Barber, R. F. et al. "Predictive inference with the jackknife+" (2021), section 1.2: the
    jackknife, here with folds in place of single rows. Vovk, V. "Cross-conformal predictors"
    (2015). Lei, J. et al. "Distribution-free predictive inference for regression" (2018), section
    5.2: locally weighted residuals.
    """

    def __init__(
        self,
        encoding,
        predictions,
        spreads,
        values,
        targets,
        sample_weight=None,
        inflation=1.0,
    ):
        residuals = inflation * (targets - predictions)
        if sample_weight is None:
            sample_weight = np.ones(len(residuals))
        self._scale = _Scale(encoding, predictions, spreads)
        scaled = residuals / self._scale.fit(predictions, spreads, values, residuals, sample_weight)
        self._std = np.sqrt(np.average(scaled**2, weights=sample_weight))
        order = np.argsort(scaled, kind="stable")
        self._ordered = scaled[order]
        # With equal weights 1 / (n + 1), .., n / (n + 1).
        weight = sample_weight[order]
        self._levels = weight.cumsum() / (weight.sum() + weight.mean())

    def scales(self, predictions, spreads, values):
        """Return the scale of the residuals of new rows."""
        return self._scale.predict(predictions, spreads, values)

    def std(self, scales):
        """Return the standard deviation of new targets about their predictions."""
        return self._std * scales

    def quantiles(self, predictions, scales, quantiles):
        """Return quantiles of new targets, of shape (n_rows, n_quantiles)."""
        return predictions[:, None] + scales[:, None] * self._of_residuals(np.asarray(quantiles))

    def _of_residuals(self, quantiles):
        inside = np.interp(quantiles, self._levels, self._ordered)
        n = len(self._ordered)
        tails = self._std * np.sqrt(1 + 1 / n) * stdtrit(max(n - 1, 1), quantiles)
        return np.where(
            quantiles < self._levels[0],
            np.minimum(inside, tails),
            np.where(quantiles > self._levels[-1], np.maximum(inside, tails), inside),
        )


class LinearModel(NamedTuple):
    """Linear model of standardised features, in plain arrays.

    Attributes
    ----------
    mean, std, coef : ndarray of shape (n_features,)
    intercept : float
    """

    mean: np.ndarray
    std: np.ndarray
    coef: np.ndarray
    intercept: float

    @classmethod
    def of(cls, pipeline):
        """Return the model of a fitted StandardScaler and linear regression."""
        scaler, regression = (step for _, step in pipeline.steps)
        return cls(scaler.mean_, scaler.scale_, regression.coef_, float(regression.intercept_))

    def predict(self, features):
        """Return the predictions for rows of features."""
        return (features - self.mean) / self.std @ self.coef + self.intercept


class _Scale:
    """Scale of residuals: a linear model of the logarithm of their absolute values.

    Its features are the prediction, its square and the logarithm of the spread, then the encoded
    row and its squares. The coefficients of both parts are those of ridge regressions, whose
    penalties have the least leave-one-out error: where nothing tells small residuals from large
    ones, all have one scale.

    Parameters
    ----------
    encoding : Encoding
    predictions, spreads : ndarray of shape (n_rows,)
        Predictions and spreads of the rows held out.
    """

    def __init__(self, encoding, predictions, spreads):
        self._encoding = encoding
        self._center, self._width = predictions.mean(), predictions.std() or 1.0
        self._low, self._high = spreads.min(), spreads.max()
        self._least = 0.1 * np.median(spreads) + np.finfo(np.float64).tiny
        self._parts = []

    def fit(self, predictions, spreads, values, residuals, sample_weight):
        """Learn from residuals; return the scale of each, as if its row were new."""
        size = np.abs(residuals)
        typical, logs = np.median(size), np.zeros(len(size))
        if len(size) < _LEAST_ROWS or typical == 0:
            return np.exp(logs)
        from sklearn.linear_model import RidgeCV  # slow to import
        from sklearn.model_selection import KFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        folds = KFold(3, shuffle=True, random_state=0)
        given = {"ridgecv__sample_weight": sample_weight}
        # The logarithm of a residual of nearly 0 is far from all others.
        left = np.log(size + 0.05 * typical)
        for features in self._features(predictions, spreads, values):
            if features.shape[1] > _MOST_FEATURES:
                break
            part = make_pipeline(StandardScaler(), RidgeCV(_PENALTIES))
            found = cross_val_predict(part, features, left, cv=folds, params=given)
            self._parts.append(LinearModel.of(part.fit(features, left, **given)))
            logs, left = logs + found, left - found
        return np.exp(logs)

    def predict(self, predictions, spreads, values):
        """Return the scale of the residuals of new rows."""
        features = self._features(predictions, spreads, values)
        parts = zip(self._parts, features, strict=False)
        logs = sum((part.predict(each) for part, each in parts), start=np.zeros(len(predictions)))
        return np.exp(logs)

    def _features(self, predictions, spreads, values):
        """Yield the features of each part."""
        scaled = (predictions - self._center) / self._width
        scaled = scaled / np.sqrt(1 + (scaled / 3) ** 2)  # far predictions count less
        spreads = np.clip(spreads, self._low, self._high)
        yield np.column_stack([scaled, scaled**2, np.log(spreads + self._least)])
        rows = self._encoding.transform(values).astype(np.float64)
        if rows.shape[1]:
            yield np.hstack([rows, rows**2])
