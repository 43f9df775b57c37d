"""Regressor for tables."""

from typing import ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from .. import _typing as t
from .._data.sample_weights import read_sample_weight
from .._specs.constraints import OneOf
from .._specs.suggestions import suggest_arguments_of
from ..data.passes import rows_of
from ..data.source import Source
from . import docstrings
from .base import BaseTabularMLP
from .targets import NumberTargets


@suggest_arguments_of
class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):
    __doc__ = docstrings.REGRESSOR

    _is_classifier = False
    _parameter_constraints: ClassVar[dict] = {
        **BaseTabularMLP._parameter_constraints,
        "target_transform": [None, OneOf({"auto", "log", "sqrt"})],
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        categorical_features: t.ArrayLike = "auto",
        n_networks: int | None = None,
        n_folds: int | None = None,
        time_limit: float | None = None,
        target_transform: str | None = "auto",
        n_jobs: int | None = None,
        callbacks: t.Callbacks = None,
        verbose: bool | int = False,
        random_state: t.Seed = None,
    ) -> None:
        self.preset = preset
        self.categorical_features = categorical_features
        self.n_networks = n_networks
        self.n_folds = n_folds
        self.time_limit = time_limit
        self.target_transform = target_transform
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _read_targets(self, y, sample_weight, X):
        """Return the targets of a fit, the number of each row, and the weights of rows."""
        weights = read_sample_weight(sample_weight, X, np.float32)
        y = y.astype(np.float64)
        return NumberTargets(y, weights, self.target_transform), y, weights

    def predict(self, X: t.Rows, return_std: bool = False) -> t.Arrays:
        """Predict the target of each row, within the range of the training targets.

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The rows. Columns of a frame are matched by name.
        return_std : bool, default=False
            Whether to also return the standard deviation of targets around their predictions. It is
            estimated from the errors on training rows held out, and depends on the prediction and
            on the disagreement among networks.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The targets.
        std : ndarray of shape (n_samples,)
            The standard deviations. Returned only if `return_std` is True.
        """
        if not return_std:
            return self._clipped(self._decisions(X))
        decisions, scales = self._decisions_and_scales(X)
        return self._clipped(decisions), self._ensemble.residuals.std(scales)

    def predict_quantiles(self, X: t.Rows, quantiles: t.ArrayLike = (0.05, 0.5, 0.95)) -> t.Array:
        """Predict quantiles of the target of each row.

        The first and last default quantile are the ends of an interval that contains 90% of the
        targets. Quantiles are computed from the errors on training rows held out (cross-conformal
        prediction).

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The rows. Columns of a frame are matched by name.
        quantiles : array-like of float, default=(0.05, 0.5, 0.95)
            Levels of the quantiles, between 0 and 1.

        Returns
        -------
        y : ndarray of shape (n_samples, n_quantiles)
            The quantiles, which may be beyond the range of the training targets.

        Notes
        -----
        For any distribution of errors, the probability that the target of a new row is below its
        quantile is close to the level, on average over rows like the training rows. For single rows
        it may be higher or lower. Errors on rows held out are a little too small, because these
        rows stop the training. With few rows, errors are inflated by a factor measured on simulated
        tables. If n rows were held out, quantiles below 1 / (n + 1) and above n / (n + 1) are those
        of Student's distribution.

        References
        ----------
        Barber, R. F. et al. "Predictive inference with the jackknife+" (2021), section 1.2.
        Vovk, V. "Cross-conformal predictors" (2015). Lei, J. et al. "Distribution-free predictive
        inference for regression" (2018), section 5.2.
        """
        levels = np.asarray(quantiles)
        is_list_of_numbers = levels.ndim == 1 and levels.size and levels.dtype.kind in "fiu"
        if not is_list_of_numbers or not ((levels > 0) & (levels < 1)).all():
            raise ValueError(
                "quantiles must be numbers between 0 and 1 in a list, such as (0.05, 0.95), and is "
                f"{quantiles!r}."
            )
        decisions, scales = self._decisions_and_scales(X)
        return self._ensemble.residuals.quantiles(decisions, scales, levels)

    def _decisions_and_scales(self, X):
        check_is_fitted(self, "_ensemble")
        if isinstance(X, Source):
            parts = [self._decisions_and_scales(rows.X) for rows in rows_of(X)]
            return tuple(map(np.concatenate, zip(*parts, strict=True)))
        return self._ensemble.decisions_and_scales(X, self.n_jobs)

    def _clipped(self, decisions):
        targets = self._ensemble.targets
        return np.clip(decisions, targets.low, targets.high)

    def score(
        self, X: t.Rows, y: t.Targets | None = None, sample_weight: t.Weights | None = None
    ) -> float:
        """Return the coefficient of determination R2 of the predictions.

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        y, sample_weight = self._targets(X, y, sample_weight)
        return super().score(X, y, read_sample_weight(sample_weight, y))
