"""Regressor for tables."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.model_selection import KFold

from .base import BaseTabularMLP


class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):
    """Regressor for tables."""

    _is_classifier = False

    def _targets(self, y):
        self._y = y = y.astype(np.float64)
        self._loss, self._n_outputs, self._stratify = "squared_error", 1, None
        self._mean, self._std = y.mean(), y.std() or 1.0
        self._bounds = y.min(), y.max()
        targets = {False: (self._column((y - self._mean) / self._std), None)}
        if y.min() > 0:
            logs = np.log(y)
            self._log_mean, self._log_std = logs.mean(), logs.std() or 1.0
            targets[True] = (self._column((logs - self._log_mean) / self._log_std), None)
        return targets

    def _column(self, y):
        return np.ascontiguousarray(y.reshape(-1, 1), np.float32)

    def _folds(self, random_state):
        return KFold(self.n_folds, shuffle=True, random_state=random_state)

    def _complete(self, rows):
        return rows

    def _decisions(self, outputs, members):
        decisions = outputs[..., 0].astype(float)
        for i, member in enumerate(members):
            if member.configuration.log_target:
                p = np.exp(decisions[i] * self._log_std + self._log_mean)
                if not hasattr(member, "factor"):
                    member.factor = (p * self._y).sum() / (p * p).sum()
                decisions[i] = p * member.factor
            else:
                decisions[i] = decisions[i] * self._std + self._mean
        return decisions

    def _ensemble_loss(self, predictions):
        return np.mean((predictions - self._y) ** 2)

    def predict(self, X):
        return np.clip(self._ensemble(X), *self._bounds)
