"""The table that an engine reads, one row a step, and how much of it is made at once."""

import math
from dataclasses import replace

import numpy as np

from .._core.codes import Column
from .._warnings import warn
from ..schedules import Constant, Scheduled, Steps, spec_at, value_at
from .history import History
from .settings import Settings

# Steps whose table is made at once, where nothing in it depends on how training goes.
STEPS_AHEAD = 1 << 10

# Most steps of an epoch that measure the norm of their gradient. A short epoch has fewer, one in
# STEPS_PER_NORM: with few rows and weights, another look at the gradient takes 6 % of a step.
NORMS_PER_EPOCH = 8
STEPS_PER_NORM = 8


class StepTables:
    """Tables of steps, as `step_table` makes them, for one epoch after the other.

    The arguments are those of `StochasticTraining`. Where nothing depends on how training goes, the
    table of several epochs is made at once, and handed out part by part.

    Attributes
    ----------
    norms : ndarray of shape (steps_per_epoch,)
        Room for the norms of the gradients of an epoch, of the steps that measure them.
    """

    def __init__(self, optimizer, schedule, settings: Settings, steps_per_epoch: int):
        self._optimizer, self._schedule, self._settings = optimizer, schedule, settings
        self._steps_per_epoch = steps_per_epoch
        numbers = [settings.alpha, *settings.columns.values(), *vars(optimizer).values()]
        follows = any(isinstance(number, Scheduled) or callable(number) for number in numbers)
        self._ahead = 1 if follows or type(schedule) is not Constant else STEPS_AHEAD
        self.norms = np.empty(steps_per_epoch)
        self._measuring = measuring_steps(steps_per_epoch)
        self._measures_norm = np.zeros(steps_per_epoch)
        self._measures_norm[self._measuring] = 1.0
        self._begin, self._table, self._rates = 0, np.empty((0, 0)), np.empty(0)
        self._rate_factor = 1.0

    def next_steps(
        self, n: int, start: int, step: int, history: History
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the table of the next n steps, and their learning rates.

        The epoch began `start` steps ago; the optimizer has taken `step` steps.
        """
        if self._begin == len(self._table) or self._rate_factor != history.rate_factor:
            n_epochs = 1
            if n == self._steps_per_epoch:
                epochs_left = self._settings.max_iter - history.n_iter
                n_epochs = max(1, min(epochs_left, self._ahead // n))
            self._fill(n_epochs * n, start, step, history)
        end = self._begin + n
        part, rates = self._table[self._begin : end], self._rates[self._begin : end]
        self._begin = end
        return part, rates

    def measured(self, n_steps: int) -> np.ndarray:
        """Return those of the first steps of an epoch that measure the norm of their gradient."""
        measuring = self._measuring
        return measuring if n_steps == self._steps_per_epoch else measuring[measuring < n_steps]

    def mean_norm(self, n_steps: int) -> float:
        """Return the mean of the norms that were measured in the first steps of an epoch."""
        norms = self.norms[self.measured(n_steps)].tolist()
        return sum(norms) / len(norms) if norms else math.nan

    def _fill(self, n, start, step, history):
        settings, first, per_epoch = self._settings, history.n_steps + start, self._steps_per_epoch
        curve, sign = history.progress()
        steps = Steps(
            number=np.arange(first, first + n),
            epoch=len(history.loss_curve),
            n_steps=self._planned_steps(settings.planned_epochs, history),
            n_epochs=settings.planned_epochs,
            steps_per_epoch=per_epoch,
            ends_epoch=start + n >= per_epoch,
            n_seen=history.n_seen,
            n_reductions=history.n_reductions,
            curve=curve,
            sign=sign,
        )
        self._rate_factor = history.rate_factor
        if settings.partial and start == 0 and steps.epoch >= settings.planned_epochs:
            self._warn_beyond_plan(steps, history)
        self._table, self._rates = self._table_and_rates(steps, step)
        # Of a part of an epoch, or of several epochs.
        self._table[:, Column.GRAD_NORM] = np.resize(self._measures_norm[start:], n)
        self._begin = 0

    def _table_and_rates(self, steps: Steps, step: int) -> tuple[np.ndarray, np.ndarray]:
        settings = self._settings
        rates = settings.learning_rate_init * self._rate_factor * self._schedule.factors(steps)
        return step_table(self._optimizer, rates, settings, steps, step), rates

    def _planned_steps(self, n_epochs: int, history: History) -> int:
        """Return the number of steps of so many epochs: those done, and the rest as this one.

        Calls of `partial_fit` may have different numbers of rows.
        """
        n_left = n_epochs - len(history.loss_curve)
        return max(1, history.n_steps + n_left * self._steps_per_epoch)

    def _warn_beyond_plan(self, steps: Steps, history: History) -> None:
        """Warn at the first call of `partial_fit` beyond the end of a schedule, if there is one."""
        planned = self._settings.planned_epochs
        if steps.epoch > planned and history.n_calls:
            return
        n_steps = self._planned_steps(2 * planned, history)
        longer = replace(steps, n_steps=n_steps, n_epochs=2 * planned)
        (table, rates), (other, _) = (self._table_and_rates(s, 0) for s in (steps, longer))
        follows = np.arange(table.shape[1]) != Column.AVERAGE  # an average goes on
        if not np.array_equal(table[:, follows], other[:, follows], equal_nan=True):
            warn(
                f"partial_fit counts each call as an epoch, and this is epoch {steps.epoch + 1}: "
                f"the schedules are planned for max_iter={planned}, and stay at their end "
                f"(learning rate {rates[-1]:.3g}). Set max_iter to the number of all calls, or "
                "pass all rows to fit, as a source of fastnn.data."
            )

    def check_plan(self, max_iter: int, history: History, n_begun: int) -> None:
        """Refuse to resume a training whose schedules would have been others with this `max_iter`.

        `max_iter` is that of the training, which has begun so many epochs.
        """
        settings, per_epoch = self._settings, self._steps_per_epoch
        if n_begun > settings.max_iter:
            raise ValueError(
                f"The checkpoint is of epoch {n_begun}, beyond max_iter="
                f"{settings.max_iter}: give a larger one, or remove the file."
            )
        if max_iter == settings.max_iter:
            return
        planned = settings.planned_epochs
        looked_at = np.unique(np.linspace(0, per_epoch - 1, STEPS_AHEAD).astype(int))
        curve, sign = history.progress()
        begun = len(history.loss_curve) - history.n_iter
        for epoch in range(n_begun):
            first = history.n_steps - (history.n_iter - epoch) * per_epoch
            steps = Steps(
                number=first + looked_at,
                epoch=begun + epoch,
                steps_per_epoch=per_epoch,
                curve=curve[: begun + epoch],
                sign=sign,
            )
            here, there = (
                self._table_and_rates(replace(steps, n_steps=n * per_epoch, n_epochs=n), 0)[0]
                for n in (planned, planned - settings.max_iter + max_iter)
            )
            if not np.array_equal(here, there, equal_nan=True):
                raise ValueError(
                    f"The checkpoint is of a training with max_iter={max_iter}, which its schedule "
                    f"follows, and here it is {settings.max_iter}: give the same, or remove the "
                    "file."
                )


def measuring_steps(n_steps: int) -> np.ndarray:
    """Return the steps of an epoch that measure the norm of their gradient.

    They are evenly spaced, the first and the last among them.
    """
    n = min(NORMS_PER_EPOCH, max(2, -(-n_steps // STEPS_PER_NORM)), n_steps)
    between = (n_steps - 1) / max(1, n - 1)
    return np.array([round(i * between) for i in range(n)])


def step_table(optimizer, rates, settings: Settings, steps: Steps, first_step: int) -> np.ndarray:
    """Return the table that an engine reads, one row a step, of all that changes during training.

    The first columns are the optimizer's, computed from the learning rates and `alpha`. Where the
    optimizer's parameters or `alpha` are `Scheduled`, it computes with arrays that have a number
    for each step.

    Anything else that changes from step to step has a column of its own in
    `fastnn._core.program.Column`, and in ``settings.columns`` a number, or a function ``f(steps)``
    that returns one for each step or one for all. A column that is not given has its neutral value.

    Parameters
    ----------
    optimizer : StochasticOptimizer
    rates : ndarray of shape (n_steps,)
        The learning rates.
    settings : Settings
    steps : Steps
    first_step : int
        Number of steps that the optimizer took before.

    Returns
    -------
    table : ndarray of shape (n_steps, N_COEFFICIENTS)
    """
    alpha = value_at(settings.alpha, steps)
    spec = spec_at(optimizer, steps)
    table = spec.coefficients(rates, alpha, first_step)
    settings.regularization.fill(table, spec, rates, first_step)
    for column, values in settings.columns.items():
        table[:, column] = values(steps) if callable(values) else values
    return table
