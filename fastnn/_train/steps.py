"""The steps of an epoch, in blocks that share a table, and in calls of an engine."""

import math

import numpy as np

from .._core.codes import Column
from .datasets import Dataset
from .training import EpochResult

# Steps of a block. Its table has a row for each: bound its size for tiny batches of long data.
STEPS_PER_CALL = 1 << 16


def take_steps(training) -> EpochResult:
    """Take a step for each batch of an epoch of a `StochasticTraining`.

    A loss that is not finite ends the epoch, and so may callbacks.
    """
    total, n_steps, n_rows = 0.0, 0, training.epochs.n_rows
    for rows in _tables_of(training):
        block = Block(training, rows, n_steps)
        stops = block.run()
        n_steps += block.n_done
        grad_norm = training.tables.mean_norm(n_steps)
        if not block.is_finite:
            return EpochResult(math.nan, grad_norm, n_rows, block.learning_rate)
        total += block.sum_of_losses(slice(block.n_done))
        if stops:
            break
    training.history.n_steps += n_steps
    n_rows = min(n_steps * training.settings.batch_size, n_rows)
    return EpochResult(float(total / n_rows), grad_norm, n_rows, block.learning_rate, stops)


def _tables_of(training):
    """Yield the rows of an epoch by the steps that share a table."""
    n_rows = STEPS_PER_CALL * training.settings.batch_size
    for part in training.epochs.parts():
        if part.n_rows <= n_rows:
            yield part
            continue
        for start in range(0, part.n_rows, n_rows):
            yield part._replace(rows=part.rows[start : start + n_rows])


class Block:
    """Consecutive steps of an epoch, from number `start` on, which share a table.

    Parameters
    ----------
    training : StochasticTraining
    data : Dataset
        Its rows are those of the steps.
    start : int

    Attributes
    ----------
    sizes : ndarray of shape (n_steps,)
        Numbers of rows of the batches.
    learning_rate : float
        Learning rate of the last step.
    n_done : int
        Number of steps taken.
    is_finite : bool
        Whether their losses are finite.
    """

    def __init__(self, training, data: Dataset, start: int):
        settings, tables = training.settings, training.tables
        n_steps = -(-data.n_rows // settings.batch_size)
        stop = start + n_steps
        self._training, self._data = training, data
        self._start, self._first_step = start, training.state.step
        self.sizes = training.batch_sizes[start:stop]
        self._losses = np.empty((n_steps, 2))
        self._norms = tables.norms[start:stop]
        self._table, self._rates = tables.next_steps(
            n_steps, start, self._first_step, training.history
        )
        self.learning_rate = self._rates[-1]
        if settings.mixing is not None:
            n_features = data.X.shape[1]
            settings.mixing.draw(self._table, self.sizes, n_features, training.random_state)
        self.n_done, self.is_finite = 0, True

    def run(self) -> bool:
        """Take the steps, and return whether a callback ended training after one of them."""
        callbacks, state = self._training.callbacks, self._training.state
        try:
            if callbacks is not None and callbacks.batch_interval:
                return self._run_with(callbacks)
            self._take_steps_until(len(self.sizes))
            return False
        finally:
            if len(state.average):
                averaged = self._table[: state.step - self._first_step, Column.AVERAGE]
                state.n_averaged += int(np.count_nonzero(averaged))

    def _run_with(self, callbacks):
        interval = callbacks.batch_interval
        while self.n_done < len(self.sizes):
            first, batch = self.n_done, self._start + self.n_done
            self._take_steps_until(first + interval - batch % interval)
            if not self.is_finite:
                break
            done = slice(first, self.n_done)
            loss = float(self.sum_of_losses(done) / self.sizes[done].sum())
            self.learning_rate = self._rates[self.n_done - 1]
            if callbacks.on_batch_end(self._start + self.n_done, loss, self.learning_rate):
                return True
        return False

    def _take_steps_until(self, stop):
        (X, y, sample_weight, rows), start = self._data, self.n_done
        size, stop = self._training.settings.batch_size, min(stop, len(self.sizes))
        self.n_done += self._training.engine.train_steps(
            X,
            y,
            sample_weight,
            rows[start * size : stop * size],
            size,
            self._table[start:stop],
            self._losses[start:stop],
            self._norms[start:stop],
        )
        self.is_finite = self.n_done == stop

    def sum_of_losses(self, steps: slice) -> float:
        """Return the sum of the losses of all rows of these steps."""
        data_loss, penalty = self._losses[steps].T
        return self.sizes[steps] @ (data_loss / self._training.settings.loss_divisor + penalty)
