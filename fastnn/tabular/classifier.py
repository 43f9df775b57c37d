"""Classifier for tables."""

from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from .. import _typing as t
from .._data.sample_weights import read_sample_weight, row_weights
from .._specs.constraints import OneOf
from .._specs.suggestions import suggest_arguments_of
from . import docstrings
from .base import BaseTabularMLP
from .targets import ClassTargets


@suggest_arguments_of
class TabularMLPClassifier(ClassifierMixin, BaseTabularMLP):
    __doc__ = docstrings.CLASSIFIER

    _is_classifier = True
    _parameter_constraints: ClassVar[dict] = {
        **BaseTabularMLP._parameter_constraints,
        "class_weight": [None, OneOf({"balanced"}), dict],
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        categorical_features: t.ArrayLike = "auto",
        n_networks: int | None = None,
        n_folds: int | None = None,
        time_limit: float | None = None,
        class_weight: t.ClassWeight = None,
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
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _read_targets(self, y, sample_weight, X):
        """Return the targets of a fit, the class number of each row, and the weights of rows."""
        targets = ClassTargets(y)
        weights = row_weights(
            sample_weight,
            X,
            np.dtype(np.float32),
            class_weight=self.class_weight,
            labels=targets.labels,
            y=y,
            balance=(y, sample_weight),
        )
        return targets, targets.labels.codes(y), weights

    def predict(self, X: t.Rows) -> t.Array:
        """Predict the class of each row.

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The rows. Columns of a frame are matched by name.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The classes, of the type passed to `fit`.
        """
        probabilities = self._decisions(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: t.Rows) -> t.Arrays:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The rows. Columns of a frame are matched by name.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`.
        """
        return self._decisions(X)

    def predict_log_proba(self, X: t.Rows) -> t.Arrays:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The rows. Columns of a frame are matched by name.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Log-probabilities in the order of `classes_`.
        """
        with np.errstate(divide="ignore"):  # -inf is the logarithm of what was rounded to 0
            return np.log(self.predict_proba(X))

    def score(
        self, X: t.Rows, y: t.Targets | None = None, sample_weight: t.Weights | None = None
    ) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        y, sample_weight = self._targets(X, y, sample_weight)
        return super().score(X, y, read_sample_weight(sample_weight, y))

    @property
    def classes_(self) -> t.Array:
        """Labels of the classes, sorted: ndarray of shape (n_classes,)."""
        check_is_fitted(self, "_ensemble")
        return self._ensemble.targets.labels.classes
