"""Base class of the estimators for tables."""

import math
import time
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from .. import _core
from .columns import Columns
from .configurations import draw
from .encodings import Statistics
from .members import Member, train_members
from .networks import Held
from .selection import greedy_weights


class BaseTabularMLP(BaseEstimator):
    """Base class of `TabularMLPClassifier` and `TabularMLPRegressor`."""

    def __init__(self, *, n_networks=32, n_folds=8, time_limit=None, n_jobs=None,
                 random_state=None, draw=draw, over=None):
        self.n_networks, self.n_folds, self.time_limit = n_networks, n_folds, time_limit
        self.n_jobs, self.random_state = n_jobs, random_state
        self.draw, self.over = draw, over

    def fit(self, X, y, sample_weight=None):
        deadline = math.inf if self.time_limit is None else time.monotonic() + self.time_limit
        random_state = check_random_state(self.random_state)
        self._columns = Columns.learn(X)
        values = self._columns.read(X)
        targets = self._targets(np.asarray(y))
        statistics = Statistics(values.numbers)
        n_members = max(1, self.n_networks // self.n_folds)
        n_rows = len(values.numbers)
        members = []
        for _ in range(n_members):
            configuration = self.draw(random_state, n_rows, self._is_classifier)
            configuration = replace(configuration, **(self.over or {}))
            held = [
                Held(*parts)
                for parts in self._folds(random_state).split(values.numbers, self._stratify)
            ]
            held = [Held(self._complete(h.train), h.validation) for h in held]
            members.append(Member(configuration, held, random_state.randint(1 << 30)))
        self.outputs_ = train_members(
            members, self._columns, statistics, values, targets, self._loss, self._n_outputs,
            _core.n_threads(self.n_jobs, math.inf), deadline,
        )
        self.members_ = members
        self.oof_decision_ = self._decisions(self.outputs_, members)
        self.weights_ = greedy_weights(self.oof_decision_, self._ensemble_loss)
        return self

    def _ensemble(self, X):
        values = self._columns.read(X)
        chosen = [i for i, w in enumerate(self.weights_) if w]
        members = [self.members_[i] for i in chosen]
        decisions = self._decisions(np.array([m.outputs(values) for m in members]), members)
        return np.tensordot(self.weights_[chosen], decisions, axes=1)
