"""Classifier for tables."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import StratifiedKFold

from .._data.labels import Labels
from .base import BaseTabularMLP


class TabularMLPClassifier(ClassifierMixin, BaseTabularMLP):
    """Classifier for tables."""

    _is_classifier = True

    def _targets(self, y):
        self._labels = Labels(y)
        self.classes_ = self._labels.classes
        self._loss, self._n_outputs = self._labels.loss("log_loss"), self._labels.n_outputs
        self._stratify = self._labels.codes(y)
        targets = self._labels.encode(y, np.float32, self._loss), None
        return {False: targets}

    def _folds(self, random_state):
        return StratifiedKFold(self.n_folds, shuffle=True, random_state=random_state)

    def _complete(self, rows):
        missing = np.setdiff1d(np.arange(len(self.classes_)), self._stratify[rows])
        return np.concatenate([rows, np.flatnonzero(np.isin(self._stratify, missing))])

    def _decisions(self, outputs, members):
        if self._n_outputs == 1:
            return np.concatenate([1 - outputs, outputs], axis=-1)
        return outputs

    def _ensemble_loss(self, probabilities):
        own = probabilities[np.arange(len(probabilities)), self._stratify]
        return -np.log(np.clip(own, 1e-6, 1)).mean()

    def predict_proba(self, X):
        return self._ensemble(X)

    def predict(self, X):
        return self.classes_[self._ensemble(X).argmax(axis=1)]
