"""Training on a cluster: epochs of rounds, and L-BFGS with sums of gradients."""

import math
from typing import Any

import numpy as np

from .._core.codes import Column
from .._train.lbfgs import LBFGSTraining
from .._train.stochastic import StochasticTraining
from .._train.training import EpochResult
from .partitions import PartitionedDataset
from .rounds import (
    Plan,
    Round,
    pack,
    report_of,
    rows_of_round,
    take_round,
    unpack,
    vector_of,
    weighted_sum,
)
from .sums import gradient_of, sum_of_gradients


class Rounds:
    """Epochs of rows on a cluster, the `epochs` of a `RoundsTraining`.

    Parameters
    ----------
    data : PartitionedDataset
    plan : Plan
    steps_per_round : int
        Number of steps that partitions take by themselves before their states are averaged.

    Attributes
    ----------
    n_rows : int
        Number of rows of the longest partition, which takes the most steps.
    """

    def __init__(self, data: PartitionedDataset, plan: Plan, steps_per_round: int):
        self.steps_per_round, self.cluster = steps_per_round, data.cluster
        self.n_rows = max(data.n_rows_each)
        self._data, self._plan = data, plan
        self._held = data.cluster.hold(plan)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        """Do nothing: no thread is to be ended."""

    def begin(self) -> None:
        """Do nothing: seed, epoch and partition tell the order of the rows."""

    def get_state(self) -> dict[str, Any]:
        """Return nothing, for the same reason."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Do nothing."""

    def take(self, vector, round: Round):
        """Take a round from a state.

        Partitions whose rows are all used in this epoch take no part.

        Parameters
        ----------
        vector : Future of ndarray
        round : Round

        Returns
        -------
        vector : Future of ndarray
            The mean of the states after the round, weighted by rows.
        report : Future of (float, ndarray)
            Loss and norms, see `Result`.
        n_rows : int
            Number of rows of the round.
        """
        size, n_steps = self._plan.batch_size, len(round.table)
        n_rows = [rows_of_round(n, size, round.start, n_steps) for n in self._data.n_rows_each]
        numbers = [number for number, n in enumerate(n_rows) if n]
        total, cluster = sum(n_rows), self.cluster
        results = cluster.map(
            take_round,
            [self._data.datasets[number] for number in numbers],
            numbers,
            plan=self._held,
            vector=vector,
            round=round,
        )
        mean = cluster.sum(weighted_sum, results, [n_rows[number] / total for number in numbers])
        vector = cluster.submit(vector_of, mean, self._plan.architecture.dtype)
        return vector, cluster.submit(report_of, mean), total


class RoundsTraining(StochasticTraining):
    """Train by rounds: partitions take steps from one state, and their states are averaged.

    Within an epoch, the state is on the cluster. If callbacks follow the batches, it comes back
    after each round, and `on_batch_end` is called then.

    References
    ----------
    Stich, S. U. "Local SGD converges fast and communicates little" (2019), algorithm 1; here the
    state of the optimizer is averaged, too. Povey, D., Zhang, X. and Khudanpur, S. "Parallel
    training of DNNs with natural gradient and parameter averaging" (2015), section 2.
    """

    def take_epoch(self):
        epoch, stops = _Epoch(self), False
        follows = self.callbacks is not None and self.callbacks.batch_interval
        while epoch.n_submitted < epoch.n_steps and not stops:
            epoch.submit_round()
            if follows:
                loss = epoch.catch_up()
                if not math.isfinite(loss):
                    break
                stops = self.callbacks.on_batch_end(epoch.n_rounds, loss, epoch.rate)
                epoch.start_from_state()
        epoch.catch_up()
        return epoch.result(stops)


class _Epoch:
    """Rounds of an epoch that are under way.

    Attributes
    ----------
    n_steps, n_submitted : int
        Numbers of steps of the epoch, and of those in rounds that have begun.
    n_rounds : int
        Number of these.
    """

    def __init__(self, training):
        self._training = training
        self.n_steps, self.n_submitted, self.n_rounds = len(training.batch_sizes), 0, 0
        self._step, self._n_done = training.state.step, 0
        self._table, self._rates = training.tables.next_steps(
            self.n_steps, 0, self._step, training.history
        )
        self._loss, self._norms, self._n_rows, self._under_way = 0.0, np.zeros(2), 0, []
        self.start_from_state()

    @property
    def rate(self):
        return self._rates[self.n_submitted - 1]

    def start_from_state(self):
        """Send the state of the client, from which the next round begins."""
        training = self._training
        self._vector = training.epochs.cluster.hold(pack(training.state))

    def submit_round(self):
        """Begin a round, without waiting for those before it."""
        epochs, start = self._training.epochs, self.n_submitted
        table = self._table[start : start + epochs.steps_per_round]
        round = Round(len(self._training.history.loss_curve), start, self._step + start, table)
        self._vector, report, n_rows = epochs.take(self._vector, round)
        self._under_way.append((report, n_rows))
        self.n_submitted += len(table)
        self.n_rounds += 1

    def catch_up(self):
        """Wait for the rounds under way, take over their state, and return their mean loss."""
        if not self._under_way:
            return math.nan
        training, state = self._training, self._training.state
        reports, n_rows = zip(*self._under_way, strict=True)
        vector, *reports = training.epochs.cluster.results([self._vector, *reports])
        unpack(vector, state)
        table = self._table[self._n_done : self.n_submitted]
        state.step += len(table)
        training.history.n_steps += len(table)
        if len(state.average):
            state.n_averaged += int(np.count_nonzero(table[:, Column.AVERAGE]))
        losses, norms = zip(*reports, strict=True)
        self._loss += sum(losses)
        self._norms += sum(norms)
        self._n_rows += sum(n_rows)
        self._under_way, self._n_done = [], self.n_submitted
        return sum(losses) / sum(n_rows)

    def result(self, stops):
        norms, n_norms = self._norms
        norm = float(norms / n_norms) if n_norms else math.nan
        return EpochResult(self._loss / self._n_rows, norm, self._n_rows, self.rate, stops)


class SummedLBFGSTraining(LBFGSTraining):
    """Minimise the loss of all rows of a cluster: partitions compute their parts of the gradient.

    The arguments are those of `LBFGSTraining`, after a plan.
    """

    def __init__(self, plan, *arguments):
        super().__init__(*arguments)
        self._cluster = self._data.cluster
        self._held = self._cluster.hold(plan)

    def _add_gradients(self):
        cluster, settings = self._cluster, self.settings
        parts = cluster.map(
            gradient_of,
            self._data.datasets,
            plan=self._held,
            vector=cluster.hold(self.state.parameters.copy()),
            total=self._total_weight,
            label_smoothing=settings.label_smoothing,
        )
        [(loss, gradient)] = cluster.results([cluster.sum(sum_of_gradients, parts)])
        self._gradient[...] = gradient
        return loss
