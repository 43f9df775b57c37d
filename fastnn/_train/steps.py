"""The steps of an epoch, in blocks that share a table, and in calls of an engine."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._core.codes import Column
from .datasets import Dataset
from .training import EpochResult

# Steps of a block. Its table has a row for each: bound its size for tiny batches of long data.
STEPS_PER_CALL = 1 << 16

OTHER_PARTS = (
    "The checkpoint is of an epoch whose rows came in other parts, as by another version of "
    "fastnn: remove the file."
)

_NO_LOSSES = np.empty((0, 2))


class Begun(NamedTuple):
    """A block of steps that has begun, from which a checkpoint within an epoch goes on.

    Attributes
    ----------
    start : int
        Number of steps of the epoch before the block.
    total : float
        Sum of the losses of their rows.
    rate_factor, n_averaged
        What its table depends on, from when it began.
    losses : ndarray of shape (n_done, 2 + n_heads)
        Data losses and penalties of the steps that were taken, and losses of named heads.
    of_heads : float or ndarray of shape (n_heads,)
        Sum of the losses of these, of the rows before the block.
    """

    start: int
    total: float
    rate_factor: float
    n_averaged: int
    losses: np.ndarray
    of_heads: Any = 0.0

    @property
    def n_steps(self) -> int:
        """Number of steps of the epoch that were taken."""
        return self.start + len(self.losses)


def take_steps(training) -> EpochResult:
    """Take a step for each batch of an epoch of a `StochasticTraining`, or for those that are left.

    A loss that is not finite ends the epoch, and so may callbacks.
    """
    begun, training.begun = training.begun, None
    n_steps, total = (0, 0.0) if begun is None else (begun.start, begun.total)
    of_heads = 0.0 if begun is None else begun.of_heads
    n_rows, state, history = training.epochs.n_rows, training.state, training.history
    for rows in _tables_of(training, n_steps):
        if begun is None:
            now = history.rate_factor, state.n_averaged
            begun = Begun(n_steps, total, *now, _NO_LOSSES, of_heads)
        block = Block(training, rows, begun)
        stops, begun = block.run(), None
        n_steps += block.n_done
        grad_norm = training.tables.mean_norm(n_steps)
        if not block.is_finite:
            return EpochResult(math.nan, grad_norm, n_rows, block.learning_rate)
        total += block.sum_of_losses(slice(block.n_done))
        of_heads = of_heads + block.sums_of_heads()
        if stops:
            break
    history.n_steps += n_steps
    n_rows = min(n_steps * training.settings.batch_size, n_rows)
    loss, rate = float(total / n_rows), block.learning_rate
    return EpochResult(loss, grad_norm, n_rows, rate, stops, of_heads / n_rows)


def _tables_of(training, first):
    """Yield the rows of an epoch, from step `first` on, by the steps that share a table."""
    size, n_steps = training.settings.batch_size, 0
    n_rows = STEPS_PER_CALL * size
    for part in training.epochs.parts():
        for start in range(0, part.n_rows, n_rows):
            rows = part.rows[start : start + n_rows]
            before, n_steps = n_steps, n_steps + -(-len(rows) // size)
            if before >= first:
                yield part if len(rows) == part.n_rows else part._replace(rows=rows)
            elif n_steps > first:
                raise ValueError(OTHER_PARTS)


class Block:
    """Consecutive steps of an epoch, which share a table.

    Parameters
    ----------
    training : StochasticTraining
    data : Dataset
        Its rows are those of the steps.
    begun : Begun
        Start of the epoch, and its steps already taken.

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

    def __init__(self, training, data: Dataset, begun: Begun):
        settings, tables, state = training.settings, training.tables, training.state
        n_steps, n_done = -(-data.n_rows // settings.batch_size), len(begun.losses)
        if n_done > n_steps:
            raise ValueError(OTHER_PARTS)
        stop = begun.start + n_steps
        self._training, self._data, self._begun = training, data, begun
        self.sizes = training.batch_sizes[begun.start : stop]
        self._losses = np.empty((n_steps, 2 + settings.n_heads))
        if n_done:
            self._losses[:n_done] = begun.losses
        self._norms = tables.norms[begun.start : stop]
        #: State of the generator before it draws for the block.
        self.generator = training.checkpoint_interval and training.random_state.get_state()
        self._table, self._rates = self._next_steps(n_steps, state.step - n_done)
        if settings.mixing is not None:
            n_features = data.X.shape[1]
            settings.mixing.draw(self._table, self.sizes, n_features, training.random_state)
        self.n_done, self.is_finite = n_done, True
        # Steps whose loss callbacks have seen.
        self._n_shown = n_done and max(0, n_done - begun.n_steps % (training.batch_interval or 1))
        self.learning_rate = self._rates[self._n_shown - 1]

    def _next_steps(self, n_steps, first_step):
        """Return the table and the learning rates, by the state from when the block began."""
        state, history, begun = self._training.state, self._training.history, self._begun
        now = history.rate_factor, state.n_averaged
        history.rate_factor, state.n_averaged = begun.rate_factor, begun.n_averaged
        try:
            return self._training.tables.next_steps(n_steps, begun.start, first_step, history)
        finally:
            history.rate_factor, state.n_averaged = now

    def run(self) -> bool:
        """Take the steps, and return whether a callback ended training after one of them."""
        while self.n_done < len(self.sizes):
            self._take_steps_until(self._next_stop())
            if not self.is_finite:
                break
            if self._training.callbacks is not None:
                if self._show_loss():
                    return True
                self._training.offer_checkpoint(self)
        return False

    @property
    def batch(self) -> int:
        """Number of the last batch in its epoch, from 1."""
        return self._begun.start + self.n_done

    def begun(self) -> Begun:
        """Return what a checkpoint keeps of the block."""
        return self._begun._replace(losses=self._losses[: self.n_done])

    def _next_stop(self):
        """Return the number of steps after which a callback may be called, or all."""
        stop = len(self.sizes)
        for interval in self._training.batch_interval, self._training.checkpoint_interval:
            if interval:
                stop = min(stop, self.n_done + interval - self.batch % interval)
        return stop

    def _show_loss(self):
        """Show callbacks the loss of the last batches; return whether one ends training."""
        interval = self._training.batch_interval
        if not interval or (self.batch % interval and self.n_done < len(self.sizes)):
            return False
        shown, self._n_shown = slice(self._n_shown, self.n_done), self.n_done
        loss = float(self.sum_of_losses(shown) / self.sizes[shown].sum())
        self.learning_rate = self._rates[self.n_done - 1]
        size = self._training.settings.batch_size
        rows = self._data.rows[shown.start * size : shown.stop * size]
        rows = self._training.epochs.numbers(rows)
        return self._training.callbacks.on_batch_end(self.batch, loss, self.learning_rate, rows)

    def _take_steps_until(self, stop):
        (X, y, sample_weight, rows), start = self._data, self.n_done
        state, size = self._training.state, self._training.settings.batch_size
        before = state.step
        try:
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
        finally:
            if len(state.average):
                taken = self._table[start : start + state.step - before, Column.AVERAGE]
                state.n_averaged += int(np.count_nonzero(taken))
        self.is_finite = self.n_done == stop

    def sum_of_losses(self, steps: slice) -> float:
        """Return the sum of the losses of all rows of these steps."""
        data_loss, penalty = self._losses[steps, :2].T
        return self.sizes[steps] @ (data_loss / self._training.settings.loss_divisor + penalty)

    def sums_of_heads(self):
        """Return the sums of the losses of named heads over all rows that were trained on."""
        return self.sizes[: self.n_done] @ self._losses[: self.n_done, 2:]
