"""Regressor for tables."""

from typing import ClassVar

import numpy as np
from sklearn.base import RegressorMixin

from .._data.rows import read_targets
from .._data.sample_weights import read_sample_weight
from .._specs.constraints import OneOf
from .._specs.suggestions import suggest_arguments_of
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
        preset="default",
        *,
        categorical_features="auto",
        n_networks=None,
        n_folds=None,
        time_limit=None,
        target_transform="auto",
        n_jobs=None,
        callbacks=None,
        verbose=False,
        random_state=None,
    ):
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

    def predict(self, X):
        """Predict the target of each row, within the range of the training targets.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The rows. Columns of a frame are matched by name.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The targets.
        """
        decisions, targets = self._decisions(X), self._ensemble.targets
        return np.clip(decisions, targets.low, targets.high)

    def score(self, X, y, sample_weight=None):
        """Return the coefficient of determination R2 of the predictions.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        y = read_targets(self, y)
        return super().score(X, y, read_sample_weight(sample_weight, y))
