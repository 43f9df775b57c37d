"""A fit, phase by phase: from a table to an ensemble."""

import math
import time

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from .. import _core
from .._core.device_arrays import to_host
from .._data.rows import read_one_target
from .._fit.side_by_side import SideBySide
from .._train.training import INTERRUPTED
from .._warnings import warn
from .candidates import Candidate, Data
from .columns import Columns
from .configurations import draw, plan
from .encodings import Statistics
from .ensemble import Ensemble
from .folds import draw_folds
from .progress import Progress
from .selection import greedy_weights
from .training import Training


class Fit:
    """A call of `fit`, which changes nothing of the estimator.

    Parameters
    ----------
    estimator : TabularMLPClassifier or TabularMLPRegressor

    Attributes
    ----------
    data : Data
        The training data.
    rows : ndarray of int
        Numbers of the rows whose weight is not 0.
    candidates : list of Candidate
    """

    def __init__(self, estimator):
        self.estimator, self._name = estimator, type(estimator).__name__
        limit = estimator.time_limit
        self._deadline = math.inf if limit is None else time.monotonic() + limit
        self._random_state = check_random_state(estimator.random_state)
        self._error = None

    def run(self, X, y, sample_weight):
        """Return the attributes that the estimator gets, by name."""
        self.read(X, y, sample_weight)
        self.draw()
        n_networks = sum(len(candidate.folds) for candidate in self.candidates)
        with Progress(self.estimator, n_networks, len(self.rows)) as self._progress:
            self.train()
            self.choose()
        return self.attributes()

    def read(self, X, y, sample_weight):
        """Read columns, targets and weights."""
        model = self.estimator
        columns = Columns.learn(X, model.categorical_features, self._name)
        values = columns.read(X)
        y = read_one_target(model, y)
        check_consistent_length(values.numbers, y)
        targets, y, weights = model._read_targets(y, to_host(sample_weight), values.numbers)
        statistics = Statistics(values.numbers)
        self.data = Data(columns, values, statistics, targets, y, weights)
        self.rows = np.arange(len(y)) if weights is None else np.flatnonzero(weights)

    def draw(self):
        """Draw configurations, and the folds of each."""
        model, random_state, data = self.estimator, self._random_state, self.data
        planned = plan(model.preset, len(self.rows))
        n_folds = planned.n_folds if model.n_folds is None else model.n_folds
        n_networks = model.n_networks or planned.n_configurations * n_folds
        classes = data.y if model._is_classifier else None
        split_seed = random_state.randint(np.iinfo(np.int32).max)
        self.candidates = []
        for _ in range(max(1, n_networks // n_folds)):
            configuration = draw(
                random_state, len(self.rows), model._is_classifier, data.targets.transforms
            )
            # Candidates are compared on rows that all of them hold out.
            splits = check_random_state(split_seed) if n_folds == 1 else random_state
            folds = draw_folds(self.rows, classes, n_folds, splits)
            self.candidates.append(Candidate(configuration, folds, random_state))

    def train(self):
        """Train the networks of all candidates, or as many as there is time for."""
        n_threads = _core.n_threads(self.estimator.n_jobs, math.inf)
        n_first = len(self.candidates[0].folds)
        # Encoded rows of about two candidates are in memory at a time.
        self._n_workers = min(n_threads, 2 * n_first)
        self._n_jobs = max(1, n_threads // self._n_workers)
        self._n_begun = 0
        self._threads = SideBySide(self._train_network)
        self._threads.run(
            [(i, fold) for i, one in enumerate(self.candidates) for fold in range(len(one.folds))],
            self._n_workers,
        )
        if self._error is not None:
            raise self._error
        self._complete = [one for one in self.candidates if one.is_complete]
        self._tell_what_is_missing()

    def _train_network(self, task):
        """Train a network, and keep it unless time was over."""
        number, fold = task
        is_first, now = number == 0, time.monotonic()
        end = self._deadline
        if is_first:  # a share of the time that is left
            n_left = len(self.candidates[0].folds) - fold
            end = now + max(0.0, end - now) / math.ceil(n_left / self._n_workers)

        def is_over():
            return self._threads.stops or time.monotonic() > end

        if not is_first and is_over():
            return
        try:
            candidate = self.candidates[number]
            trained = candidate.train(fold, self.data, self._n_jobs, is_over)
            if self._threads.stops or (is_over() and not is_first):
                return
            candidate.trained[fold] = trained
            row = {"configuration": number, "fold": fold}
            row |= {name: value for name, value in trained._asdict().items() if name != "network"}
            self._threads.stops |= self._progress.record(**row)
        except Exception as error:
            self._error = self._error or error
            self._threads.stops = True

    def _tell_what_is_missing(self):
        """Warn of candidates that were not trained, or raise an error if there are no others."""
        n_missing = len(self.candidates) - len(self._complete)
        if self._threads.interrupted and not self._complete:
            raise KeyboardInterrupt(
                f"No network is complete, so that this {self._name} is as it was before."
            )
        if not self._complete:
            raise ValueError(
                "No network could be trained: their losses are not finite, or a callback ended the "
                "fit before the first were complete. Check the targets for extreme values."
            )
        if self._threads.interrupted:
            warn(INTERRUPTED)
        if n_missing:
            warn(
                f"{n_missing} of {len(self.candidates)} configurations were left out, because "
                f"{self._why_missing()}."
            )

    def _why_missing(self):
        if self._threads.interrupted:
            return "training was interrupted"
        if time.monotonic() > self._deadline:
            return f"time_limit={self.estimator.time_limit!r} was over"
        return "a callback ended the fit, or their losses were not finite"

    def choose(self):
        """Choose an ensemble by its loss on rows held out."""
        data, candidates = self.data, self._complete
        y, weights, targets = data.y, data.weights, data.targets
        decisions = [
            targets.decode(one.outputs, one.configuration.target_transform) for one in candidates
        ]
        first = decisions[0].reshape(len(y), -1)[:, 0]
        rows = np.flatnonzero(~np.isnan(first))
        own_weights = None if weights is None else weights[rows]
        members = [candidate.member() for candidate in candidates]
        for i, member in enumerate(members):
            if member.configuration.target_transform is not None:
                member.factor = targets.bias_factor(decisions[i][rows], y[rows], own_weights)
                decisions[i] = decisions[i] * member.factor
        chosen = greedy_weights(
            [one[rows] for one in decisions],
            lambda mean: targets.mean_loss(mean, y[rows], own_weights),
        )
        for member, weight in zip(members, chosen, strict=True):
            member.weight = float(weight)
        order = [i for i in np.argsort(-chosen, kind="stable") if chosen[i]]
        self.ensemble = Ensemble(data.columns, targets, [members[i] for i in order])
        self.oof_decision = np.full(decisions[0].shape, np.nan)
        self.oof_decision[rows] = self.ensemble.learn_errors(
            np.array([decisions[i][rows] for i in order]), y[rows], own_weights
        )
        self.folds = [candidates[i].folds for i in order]

    def attributes(self):
        """Return the fitted attributes by name."""
        columns, history = self.data.columns, self._progress.history
        names = columns.feature_names_in
        order = np.lexsort((history["fold"], history["configuration"]))
        return {
            "_ensemble": self.ensemble,
            "_training": Training(
                self.data, self.folds, self._random_state.randint(np.iinfo(np.int32).max)
            ),
            "networks_": self.ensemble.members,
            "oof_decision_": self.oof_decision,
            "history_": {name: [values[i] for i in order] for name, values in history.items()},
            "n_iter_": sum(history["n_iter"]),
            "columns_": columns.table(),
            "n_features_in_": columns.n_features_in,
            **({} if names is None else {"feature_names_in_": names}),
        }
