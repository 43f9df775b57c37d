"""Candidates for an ensemble, during their training."""

import threading
import time
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from .encodings import Encoding
from .folds import numbers_of_folds
from .members import Member
from .networks import Rows, new_network, train
from .statistics import Statistics


class Data(NamedTuple):
    """Training data of all candidates.

    Attributes
    ----------
    columns : Columns
    values : Values
    statistics : Statistics
        Statistics of the values.
    targets : ClassTargets or NumberTargets
    y : ndarray
        Classes or numbers to predict.
    weights : ndarray or None
        Weights of the rows.
    """

    columns: Any
    values: Any
    statistics: Statistics
    targets: Any
    y: np.ndarray
    weights: np.ndarray | None

    def weights_of(self, rows):
        """Return the weights of some rows, or None."""
        return None if self.weights is None else self.weights[rows]

    def loss(self, decisions, rows):
        """Return the loss of predictions for some rows."""
        return self.targets.mean_loss(decisions, self.y[rows], self.weights_of(rows))


class Trained(NamedTuple):
    """A trained network, and how it came about."""

    network: Any
    n_iter: int
    best_iter: int
    loss: float
    seconds: float


class Candidate:
    """A configuration whose networks are trained, in any order and in several threads.

    Parameters
    ----------
    configuration : Configuration
    folds : list of Fold
        Rows of each network.
    random_state : RandomState
        Draws the seeds of the encoding and of the networks.

    Attributes
    ----------
    trained : list of (Trained or None)
    outputs : ndarray of shape (n_rows, n_outputs)
        Outputs for the rows held out, NaN for others.
    factor : float
        Factor of predictions, see `decisions`.
    is_kept : ndarray of bool or None
        Whether each number, and each category after them, is read; None is all.
    """

    def __init__(self, configuration, folds, random_state):
        self.configuration, self.folds = configuration, folds
        self._encoding_seed, *self._seeds = random_state.randint(
            np.iinfo(np.int32).max, size=len(folds) + 1
        )
        self.trained = [None] * len(folds)
        self.outputs = self._encoding = self._rows = None
        self.factor, self.is_kept = 1.0, None
        self._lock, self._n_left = threading.Lock(), 0

    def expect(self, n_networks):
        """Keep encoded rows for so many networks."""
        self._n_left = n_networks

    def train(self, fold, data, n_jobs, is_over):
        """Train the network of a fold, and return it; it counts when it is put into `trained`."""
        begin = time.perf_counter()
        rows, (_, held_out) = self._encoded(data), self.folds[fold]
        random_state = check_random_state(self._seeds[fold])
        network = new_network(
            self.configuration,
            rows.X.shape[1],
            data.targets.n_outputs,
            data.targets.loss,
            random_state,
        )
        result = train(
            network, rows, self.folds[fold], self.configuration, random_state, n_jobs, is_over
        )
        if np.isfinite(result[-1]):
            self.outputs[held_out] = network.predict(rows.X[held_out], n_jobs)[0]
        self._finish()
        return Trained(network, *result, time.perf_counter() - begin)

    def _encoded(self, data):
        """Return the rows of all networks, which the first of them encodes."""
        with self._lock:
            if self._rows is None:
                y = data.targets.encode(data.y, self.configuration.target_transform)
                folds = numbers_of_folds(self.folds, len(y))
                if self._encoding is None:
                    self._encoding = self._fitted_encoding(data, y, folds)
                    self.outputs = np.full((len(y), data.targets.n_outputs), np.nan, np.float32)
                encoded = self._encoding.transform(data.values, folds)
                self._rows = Rows(encoded, y, data.weights)
            return self._rows

    def _fitted_encoding(self, data, y, folds):
        """Return the encoding of the columns that are kept."""
        c, random_state = self.configuration, check_random_state(self._encoding_seed)
        encoding = Encoding(c.scaling, c.expansion, c.n_bins, c.n_frequencies, c.frequency)
        encoding.fit(data.columns, data.statistics, random_state)
        encoding.fit_means(data.values, y, data.weights, folds)
        if self.is_kept is not None:
            encoding.keep(self.is_kept)
        return encoding

    def _finish(self):
        """Free the rows after the last network."""
        with self._lock:
            self._n_left -= 1
            if not self._n_left:
                self._rows = None

    @property
    def n_trained(self):
        """Number of folds that have a network of a finite loss."""
        return sum(one is not None and np.isfinite(one.loss) for one in self.trained)

    @property
    def is_complete(self):
        """True if each fold has a network of a finite loss."""
        return self.n_trained == len(self.folds)

    def decisions(self, data, rows):
        """Return predictions for rows held out, and set `factor`, which corrects their bias."""
        transform, targets = self.configuration.target_transform, data.targets
        decisions = targets.decode(self.outputs[rows], transform)
        if transform is not None:
            self.factor = targets.bias_factor(decisions, data.y[rows], data.weights_of(rows))
        return self.factor * decisions

    def member(self, weight):
        """Return the networks as a member of an ensemble."""
        networks = [one.network for one in self.trained]
        return Member(weight, self.configuration, networks, self._encoding, self.factor)
