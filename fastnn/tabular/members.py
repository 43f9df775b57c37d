"""Members of an ensemble: a configuration each, with a network for each fold."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.utils import check_random_state

from .encodings import Encoding
from .networks import Held, Rows, new_network, train


class Member:
    """A configuration, its encoding, and a network for each fold.

    Attributes
    ----------
    configuration : Configuration
    encoding : Encoding
    networks : list of Network
    held : list of Held
        Rows of each network.
    """

    def __init__(self, configuration, held, seed):
        self.configuration, self.held, self.seed = configuration, held, seed
        self.networks, self.n_iter = [None] * len(held), [0] * len(held)
        self.best_iter, self.seconds = [0] * len(held), [0.0] * len(held)
        self._lock, self._left, self._rows = threading.Lock(), len(held), None

    def encode(self, columns, statistics, values, target):
        """Return the rows of all networks, which the first of them encodes."""
        with self._lock:
            if self._rows is None:
                c = self.configuration
                self.encoding = Encoding(
                    c.scaling, c.expansion, c.n_bins, c.n_frequencies, c.frequency
                ).fit(columns, statistics, check_random_state(self.seed))
                self._rows = Rows(self.encoding.transform(values), *target)
            return self._rows

    def done(self):
        with self._lock:
            self._left -= 1
            if not self._left:
                self._rows = None

    def outputs(self, values):
        """Return the mean output of the networks."""
        X = self.encoding.transform(values)
        return np.mean([network.predict(X, 1)[0] for network in self.networks], axis=0)


def train_members(members, columns, statistics, values, targets, loss, n_outputs, n_threads, deadline):
    """Train the networks of all members; return the outputs for the rows held out.

    Returns
    -------
    outputs : ndarray of shape (n_members, n_rows, n_outputs)
        NaN for rows that a member's folds do not hold out.
    """
    n_rows = len(values.numbers)
    outputs = np.full((len(members), n_rows, n_outputs), np.nan, np.float32)

    def out_of_time():
        return time.monotonic() > deadline

    def run(task):
        i, fold = task
        member = members[i]
        target = targets[member.configuration.log_target]
        rows = member.encode(columns, statistics, values, target)
        random_state = check_random_state(member.seed + 1 + fold)
        begin = time.thread_time()
        network = new_network(
            member.configuration, rows.X.shape[1], n_outputs, loss, random_state
        )
        held = member.held[fold]
        member.n_iter[fold], member.best_iter[fold], _ = train(
            network, rows, held, member.configuration, random_state, out_of_time
        )
        outputs[i, held.validation] = network.predict(rows.X[held.validation], 1)[0]
        member.networks[fold] = network
        member.seconds[fold] = time.thread_time() - begin
        member.done()

    tasks = [(i, fold) for i, member in enumerate(members) for fold in range(len(member.held))]
    if n_threads == 1:
        for task in tasks:
            run(task)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(run, tasks))
    return outputs


def no_deadline():
    return math.inf
