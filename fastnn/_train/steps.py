"""The steps of an epoch, in blocks that share a table, and in calls of an engine."""

import math

import numpy as np

from .._core.codes import Column
from .training import EpochResult

# Steps of a block. Its table has a row for each: bound its size for tiny batches of long data.
STEPS_PER_CALL = 1 << 16


def take_steps(training) -> EpochResult:
    """Take a step for each batch of an epoch of a `StochasticTraining`.

    A loss that is not finite ends the epoch, and so may callbacks.
    """
    total = 0.0
    for start in range(0, len(training.batch_sizes), STEPS_PER_CALL):
        block = Block(training, start)
        stops = block.run()
        n_steps = start + block.n_done
        grad_norm = training.tables.mean_norm(n_steps)
        if not block.is_finite:
            return EpochResult(math.nan, grad_norm, len(training.rows), block.learning_rate)
        total += block.sum_of_losses(slice(block.n_done))
        if stops:
            break
    training.history.n_steps += n_steps
    n_rows = min(n_steps * training.settings.batch_size, len(training.rows))
    return EpochResult(float(total / n_rows), grad_norm, n_rows, block.learning_rate, stops)


class Block:
    """Consecutive steps of an epoch, from number `start` on.

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

    def __init__(self, training, start: int):
        settings, tables, stop = training.settings, training.tables, start + STEPS_PER_CALL
        size = self._batch_size = settings.batch_size
        self._training, self._start, self._first_step = training, start, training.state.step
        self.sizes = training.batch_sizes[start:stop]
        n_steps = len(self.sizes)
        self._rows = training.rows[start * size : stop * size]
        self._losses = np.empty((n_steps, 2))
        self._norms = tables.norms[start:stop]
        self._table, self._rates = tables.next_steps(
            n_steps, start, self._first_step, training.history
        )
        self.learning_rate = self._rates[-1]
        if settings.mixing is not None:
            n_features = training.data.X.shape[1]
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
        training, size, start = self._training, self._batch_size, self.n_done
        stop = min(stop, len(self.sizes))
        self.n_done += training.engine.train_steps(
            *training.data[:3],
            self._rows[start * size : stop * size],
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
