"""Phases of a fit, from a table to an ensemble."""

import math
import time
from collections import Counter

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from .. import _core
from .._core.device_arrays import to_host
from .._data.rows import read_one_target
from .._fit.side_by_side import SideBySide
from .._printed_tables import PrintedColumns
from .._train.training import INTERRUPTED
from .._warnings import warn
from .candidates import Candidate, Data
from .columns import Columns
from .configurations import draw, plan
from .ensemble import Ensemble
from .folds import draw_folds, numbers_of_folds
from .importances import permutation_importances
from .progress import Progress
from .selection import greedy_weights
from .statistics import Statistics
from .training import Training

#: Of more rows than this, no more encodings than needed are in memory.
_MANY_ROWS = 20_000


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
    n_networks : int
        Number of networks to train.
    """

    def __init__(self, estimator):
        self.estimator, self._name = estimator, type(estimator).__name__
        limit = estimator.time_limit
        self._deadline = math.inf if limit is None else time.monotonic() + limit
        self._random_state = check_random_state(estimator.random_state)
        self._seed = self._random_state.randint(np.iinfo(np.int32).max)
        self._error, self._stops, self._interrupted, self._late = None, False, False, False

    def run(self, X, y, sample_weight):
        """Return the attributes that the estimator gets, by name."""
        self.read(X, y, sample_weight)
        self.draw()
        with Progress(self.estimator, self.n_networks, len(self.rows)) as self._progress:
            self.train()
            self.choose()
            self.learn_errors()
        return self.attributes()

    def read(self, X, y, sample_weight):
        """Read columns, targets and weights."""
        model = self.estimator
        columns = Columns.learn(X, model.categorical_features, self._name)
        values = columns.read(X)
        y = read_one_target(model, y)
        check_consistent_length(values.numbers, y)
        targets, y, weights = model._read_targets(y, to_host(sample_weight), values.numbers)
        statistics = Statistics(values, columns.n_levels)
        self.data = Data(columns, values, statistics, targets, y, weights)
        self.rows = np.arange(len(y)) if weights is None else np.flatnonzero(weights)

    def draw(self):
        """Draw the folds, and the configurations that compete."""
        model, random_state, data = self.estimator, self._random_state, self.data
        classes = data.y if model._is_classifier else None
        self.plan = plan(
            model.preset, len(self.rows), model._is_classifier, model.n_networks, model.n_folds
        )
        self.folds = draw_folds(self.rows, classes, self.plan.n_folds, random_state)
        n_numbers = data.values.numbers.shape[1]
        of_table = len(self.rows), n_numbers, model._is_classifier, data.targets.transforms
        self.candidates = [
            Candidate(draw(random_state, *of_table), self.folds, random_state)
            for _ in range(self.plan.n_candidates)
        ]
        n_others = len(self.folds) - 1  # there may be fewer folds than planned
        self.n_networks = self.plan.n_candidates + self.plan.n_finalists * n_others

    def train(self):
        """Train candidates in two waves: the first finds columns that the second may leave out."""
        n, n_finalists = self.plan.n_candidates, self.plan.n_finalists
        n_waves = min(2, n_finalists)
        self._complete = []
        for wave in range(n_waves):
            candidates = self.candidates[wave * n // n_waves : (wave + 1) * n // n_waves]
            if self._complete and not self._stops:
                self._leave_out_columns(candidates)
            end = self._until(1 / (n_waves - wave))
            self._compete(candidates, (n_finalists + wave) // n_waves, end)
        self._tell_what_is_missing()

    def _compete(self, candidates, n_finalists, end):
        """Train a network of each candidate, and those of the other folds for the best of them.

        That is one step of successive halving (Jamieson & Talwalkar 2016).
        """
        is_sure = not self._complete
        self._train_networks([(one, 0) for one in candidates], int(is_sure), self._until(0.5, end))
        finalists = self._ranked(candidates)[:n_finalists]
        others = range(1, len(self.folds))
        tasks = [(one, fold) for one in finalists for fold in others]
        self._train_networks(tasks, len(others) if is_sure else 0, end)
        self._complete += [one for one in finalists if one.is_complete]

    def _until(self, part, end=None):
        """Return the time when this part of what is left until `end` will be over."""
        now, end = time.monotonic(), self._deadline if end is None else end
        return now + part * (end - now)

    def _ranked(self, candidates):
        """Return candidates by their loss on the rows that the first fold holds out."""
        held_out, data = self.folds[0].held_out, self.data
        begun = [one for one in candidates if one.n_trained]
        losses = [data.loss(one.decisions(data, held_out), held_out) for one in begun]
        return [begun[i] for i in np.argsort(losses, kind="stable")]

    def _leave_out_columns(self, candidates):
        """Leave unimportant columns of the table out, each candidate those below its own limit."""
        self.choose()
        columns, n_jobs = self.data.columns, self.estimator.n_jobs
        importances = permutation_importances(self.ensemble, self.training, n_jobs)
        of_values = importances[[*columns.number_sources, *columns.category_sources]]
        for candidate in candidates:
            least = candidate.configuration.least_importance * importances.mean()
            if (of_values > 0).any():
                candidate.is_kept = of_values >= least

    def _train_networks(self, tasks, n_sure, end):
        """Train networks side by side until `end`: the first `n_sure` have a share of the time."""
        if self._stops or not tasks:
            return
        n_of_each = Counter(candidate for candidate, _ in tasks)
        for candidate, n_networks in n_of_each.items():
            candidate.expect(n_networks)
        n_threads, n_side_by_side = _core.n_threads(self.estimator.n_jobs, math.inf), len(tasks)
        if len(self.rows) > _MANY_ROWS:  # encoded rows of two candidates in memory are enough
            n_side_by_side = min(n_side_by_side, 2 * max(n_of_each.values()))
        self._n_workers = min(n_threads, n_side_by_side)
        self._n_jobs = n_threads // self._n_workers
        self._n_sure, self._end = n_sure, end
        self._threads = SideBySide(self._train_network)
        self._threads.run(enumerate(tasks), self._n_workers)
        self._interrupted |= self._threads.interrupted
        self._stops |= self._interrupted
        if self._error is not None:
            raise self._error

    def _train_network(self, task):
        """Train a network, and keep it unless time was over."""
        number, (candidate, fold) = task
        is_sure, now, end = number < self._n_sure, time.monotonic(), self._end
        if is_sure:  # a share of the time that is left
            end = now + max(0.0, end - now) / math.ceil((self._n_sure - number) / self._n_workers)

        def is_late():
            late = time.monotonic() > end
            self._late |= late
            return late

        def is_over():
            return self._threads.stops or is_late()

        if not is_sure and is_over():
            return
        try:
            trained = candidate.train(fold, self.data, self._n_jobs, is_over)
            if self._threads.stops or (is_over() and not is_sure):
                return
            candidate.trained[fold] = trained
            row = {"configuration": self.candidates.index(candidate), "fold": fold}
            row |= {name: value for name, value in trained._asdict().items() if name != "network"}
            if self._progress.record(**row):
                self._threads.stops = self._stops = True
        except Exception as error:
            self._error = self._error or error
            self._threads.stops = True

    def _tell_what_is_missing(self):
        """Warn of networks that were not trained; raise an error if no member is complete."""
        why = self._why_missing()
        if not self._complete:
            kind = KeyboardInterrupt if self._interrupted else ValueError
            raise kind(
                f"{why} No network was trained on each fold: this {self._name} is unchanged."
            )
        n_trained = sum(one.n_trained for one in self.candidates)
        if n_trained < self.n_networks:
            warn(f"{why} {n_trained} of {self.n_networks} networks were trained.")

    def _why_missing(self):
        """Return a sentence about what ended the training of networks early."""
        if self._interrupted:
            return INTERRUPTED
        if self._stops:
            return "A callback ended the fit."
        if self._late:
            return f"The fit reached time_limit={self.estimator.time_limit!r}."
        return "Some networks diverged: check X and y for extreme values."

    def choose(self):
        """Choose an ensemble by its loss on rows held out."""
        data, candidates = self.data, self._complete
        numbers = numbers_of_folds(self.folds, len(data.y))
        self.training = Training(data, self.folds, numbers, self._seed)
        rows = self.training.rows_held_out()
        decisions = np.array([one.decisions(data, rows) for one in candidates])
        weights = greedy_weights(decisions, lambda mean: data.loss(mean, rows))
        order = [i for i in np.argsort(-weights, kind="stable") if weights[i]]
        members = [candidates[i].member(float(weights[i])) for i in order]
        self.ensemble = Ensemble(data.columns, data.targets, members)
        self._decisions = decisions[order]

    def learn_errors(self):
        """Learn how far predictions are from targets, by predictions for rows held out."""
        data, rows = self.data, self.training.rows_held_out()
        mean = self.ensemble.learn_errors(self._decisions, data, rows)
        self.oof_decision = np.full((len(data.y), *mean.shape[1:]), np.nan)
        self.oof_decision[rows] = mean

    def attributes(self):
        """Return the fitted attributes by name."""
        columns, history = self.data.columns, self._progress.history
        names = columns.feature_names_in
        order = np.lexsort((history["fold"], history["configuration"]))
        return {
            "_ensemble": self.ensemble,
            "_training": self.training,
            "networks_": self.ensemble.members,
            "oof_decision_": self.oof_decision,
            "history_": PrintedColumns(
                {name: [values[i] for i in order] for name, values in history.items()}
            ),
            "n_iter_": sum(history["n_iter"]),
            "columns_": columns.table(),
            "n_features_in_": columns.n_features_in,
            **({} if names is None else {"feature_names_in_": names}),
        }
