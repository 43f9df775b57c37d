"""Quantiles and standard deviations of new targets, from out-of-fold residuals."""

import numpy as np
from scipy.special import stdtrit

#: With fewer rows, residuals have the same scale everywhere.
_LEAST_ROWS = 40
#: Strengths of the penalty among which the scale model chooses, from weak to a constant scale.
_PENALTIES = np.logspace(-1, 5, 13)


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

    The residual of a row is divided by its scale, exp(a + b' v), where v is the prediction, its
    square, and the logarithm of the spread. The coefficients are those of a ridge regression of
    the logarithm of absolute residuals, and its penalty has the least leave-one-out error: where
    nothing tells small residuals from large ones, all have one scale. The quantiles of a new target
    are its prediction plus its scale times those of the scaled residuals, where n residuals leave
    a probability of 1 / (n + 1) beyond each end. Further out, they follow Student's distribution.

    Parameters
    ----------
    predictions, spreads : ndarray of shape (n_rows,)
        Predictions for rows held out, and how far members of the ensemble disagree about them.
    targets : ndarray of shape (n_rows,)
        The targets of these rows.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights of the rows.

    Notes
    -----
    The probability that a new target is below its quantile is the nominal one up to
    1 / (n_rows + 1), on average over tables and targets, if rows are exchangeable and residuals of
    rows held out are distributed as those of new rows. The latter is nearly so: the whole ensemble
    has more networks, which makes it a little more accurate. Coverage for a particular row is not
    guaranteed.

    References
    ----------
    Barber, R. F. et al. "Predictive inference with the jackknife+" (2021), section 1.2: the
    jackknife, here with folds in place of single rows. Vovk, V. "Cross-conformal predictors"
    (2015). Lei, J. et al. "Distribution-free predictive inference for regression" (2018), section
    5.2: locally weighted residuals.
    """

    def __init__(self, predictions, spreads, targets, sample_weight=None):
        residuals = targets - predictions
        if sample_weight is None:
            sample_weight = np.ones(len(residuals))
        self._scale = _Scale(predictions, spreads, residuals, sample_weight)
        scaled = residuals / self._scale(predictions, spreads)
        self._std = np.sqrt(np.average(scaled**2, weights=sample_weight))
        order = np.argsort(scaled, kind="stable")
        self._ordered = scaled[order]
        # With equal weights 1 / (n + 1), .., n / (n + 1).
        weight = sample_weight[order]
        self._levels = weight.cumsum() / (weight.sum() + weight.mean())

    def std(self, predictions, spreads):
        """Return the standard deviation of new targets about their predictions."""
        return self._std * self._scale(predictions, spreads)

    def quantiles(self, predictions, spreads, quantiles):
        """Return quantiles of new targets, of shape (n_rows, n_quantiles)."""
        of_residuals = self._of_residuals(np.asarray(quantiles))
        return predictions[:, None] + self._scale(predictions, spreads)[:, None] * of_residuals

    def _of_residuals(self, quantiles):
        inside = np.interp(quantiles, self._levels, self._ordered)
        n = len(self._ordered)
        tails = self._std * np.sqrt(1 + 1 / n) * stdtrit(max(n - 1, 1), quantiles)
        return np.where(
            quantiles < self._levels[0],
            np.minimum(inside, tails),
            np.where(quantiles > self._levels[-1], np.maximum(inside, tails), inside),
        )


class _Scale:
    """Scale of the residuals of a row, as a function of its prediction and its spread."""

    def __init__(self, predictions, spreads, residuals, sample_weight):
        size = np.abs(residuals)
        typical = np.median(size)
        self._regression = None
        if len(size) < _LEAST_ROWS or typical == 0:
            return
        from sklearn.linear_model import RidgeCV  # slow to import

        self._center, self._width = predictions.mean(), predictions.std() or 1.0
        self._least_spread = 0.1 * np.median(spreads) + np.finfo(np.float64).tiny
        features = self._features(predictions, spreads)
        self._low, self._high = features.min(axis=0), features.max(axis=0)
        self._mean, self._std = features.mean(axis=0), features.std(axis=0)
        self._std[self._std == 0] = 1
        # The logarithm of a residual of nearly 0 is far from all others.
        logs = np.log(size + 0.05 * typical)
        features = (features - self._mean) / self._std
        self._regression = RidgeCV(_PENALTIES).fit(features, logs, sample_weight)

    def __call__(self, predictions, spreads):
        if self._regression is None:
            return np.ones(len(predictions))
        features = np.clip(self._features(predictions, spreads), self._low, self._high)
        return np.exp(self._regression.predict((features - self._mean) / self._std))

    def _features(self, predictions, spreads):
        scaled = (predictions - self._center) / self._width
        scaled = scaled / np.sqrt(1 + (scaled / 3) ** 2)  # far predictions count less
        return np.column_stack([scaled, scaled**2, np.log(spreads + self._least_spread)])
