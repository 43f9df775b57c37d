"""What an engine reads at each step, and how much of it is made at once."""

import math

import numpy as np

from .._core.codes import Column
from ..schedules import Constant, Scheduled, Steps, spec_at, value_at
from .history import History
from .settings import Settings

# Of so many steps the table is made at once where nothing in it depends on how training goes.
STEPS_AHEAD = 1 << 10

# So many steps of an epoch tell the norm of their gradient, one in so many of a short epoch: with
# few rows and weights, another look at the gradient takes 6 % of a step.
NORMS_PER_EPOCH = STEPS_PER_NORM = 8


class StepTables:
    """What an engine reads at the steps of one epoch after the other: see `step_table`.

    The arguments are those of `train`. Where nothing depends on how training goes, the table of
    several epochs is made at once, and handed out part by part.
    """

    def __init__(self, optimizer, schedule, settings: Settings, steps_per_epoch: int):
        self._optimizer, self._schedule, self._settings = optimizer, schedule, settings
        self._steps_per_epoch = steps_per_epoch
        numbers = [settings.alpha, *settings.columns.values(), *vars(optimizer).values()]
        follows = any(isinstance(number, Scheduled) or callable(number) for number in numbers)
        self._ahead = 1 if follows or type(schedule) is not Constant else STEPS_AHEAD
        #: The steps of an epoch that tell the norm of their gradient, and room for those of all.
        self.telling, self.norms = _telling(steps_per_epoch), np.empty(steps_per_epoch)
        self._tells_norm = np.zeros(steps_per_epoch)
        self._tells_norm[self.telling] = 1.0
        self._begin, self._table, self._rates = 0, np.empty((0, 0)), np.empty(0)
        self._rate_factor = 1.0

    def take(
        self, n: int, start: int, step: int, history: History
    ) -> tuple[np.ndarray, np.ndarray]:
        """The table of the next n steps, and their learning rates.

        The epoch began `start` steps ago; the optimizer has taken `step` steps.
        """
        if self._begin == len(self._table) or self._rate_factor != history.rate_factor:
            n_epochs = 1
            if n == self._steps_per_epoch:
                epochs_left = self._settings.max_iter - history.n_iter
                n_epochs = max(1, min(epochs_left, self._ahead // n))
            self._make(n_epochs * n, start, step, history)
        end = self._begin + n
        part, rates = self._table[self._begin : end], self._rates[self._begin : end]
        self._begin = end
        return part, rates

    def mean_norm(self, n_steps: int) -> float:
        """Of the gradients of those that told theirs among the first steps of an epoch."""
        telling = self.telling
        if n_steps < self._steps_per_epoch:
            telling = telling[telling < n_steps]
        norms = self.norms[telling].tolist()
        return sum(norms) / len(norms) if norms else math.nan

    def _make(self, n, start, step, history):
        settings, first, per_epoch = self._settings, history.n_steps + start, self._steps_per_epoch
        curve, sign = history.progress()
        steps = Steps(
            number=np.arange(first, first + n),
            epoch=len(history.loss_curve),
            n_steps=settings.planned_epochs * per_epoch,
            n_epochs=settings.planned_epochs,
            steps_per_epoch=per_epoch,
            ends_epoch=start + n >= per_epoch,
            n_seen=history.n_seen,
            n_reductions=history.n_reductions,
            curve=curve,
            sign=sign,
        )
        self._rate_factor = history.rate_factor
        self._table, self._rates = self._of(steps, step)
        self._table[:, Column.GRAD_NORM] = np.resize(self._tells_norm[start:], n)  # or of epochs
        self._begin = 0

    def _of(self, steps: Steps, step: int) -> tuple[np.ndarray, np.ndarray]:
        settings = self._settings
        rates = settings.learning_rate_init * self._rate_factor * self._schedule.factors(steps)
        return step_table(self._optimizer, rates, settings, steps, step), rates

    def check_plan(self, max_iter: int, history: History) -> None:
        """Refuse to go on from a training that this one would not have come through.

        That had another `max_iter`, and schedules may follow it.
        """
        settings, per_epoch = self._settings, self._steps_per_epoch
        looked_at = np.unique(np.linspace(0, per_epoch - 1, STEPS_AHEAD).astype(int))
        if history.n_iter > settings.max_iter:
            raise ValueError(
                f"The checkpoint is of epoch {history.n_iter}, beyond max_iter="
                f"{settings.max_iter}: give a larger one, or remove the file."
            )
        plans = settings.planned_epochs, settings.planned_epochs - settings.max_iter + max_iter
        curve, sign = history.progress()
        begun = len(history.loss_curve) - history.n_iter
        for epoch in range(history.n_iter if plans[0] != plans[1] else 0):
            first = history.n_steps - (history.n_iter - epoch) * per_epoch
            one, other = (
                self._of(
                    Steps(
                        number=first + looked_at,
                        epoch=begun + epoch,
                        n_steps=plan * per_epoch,
                        n_epochs=plan,
                        steps_per_epoch=per_epoch,
                        curve=curve[: begun + epoch],
                        sign=sign,
                    ),
                    step=0,
                )[0]
                for plan in plans
            )
            if not np.array_equal(one, other, equal_nan=True):
                raise ValueError(
                    f"The checkpoint is of a training with max_iter={max_iter}, which its schedule "
                    f"follows, and here it is {settings.max_iter}: give the same, or remove the "
                    "file."
                )


def _telling(n_steps: int) -> np.ndarray:
    """Some steps of an epoch, evenly spaced, the first and the last among them."""
    n = min(NORMS_PER_EPOCH, max(2, -(-n_steps // STEPS_PER_NORM)), n_steps)
    return np.linspace(0, n_steps - 1, n).round().astype(int)


def step_table(optimizer, rates, settings: Settings, steps: Steps, first_step: int) -> np.ndarray:
    """What an engine reads at each step: all that changes in the course of training, and only that.

    The first columns are the optimizer's, made of the learning rates and of `alpha`. The numbers of
    the optimizer and `alpha` may be `Scheduled`: what computes with them sees arrays of one number
    for each step.

    Anything else that changes from step to step has a column of its own in
    `fastnn._core.program.Column`, and in ``settings.columns`` a number, or a
    function ``f(steps)`` that returns one for each step or one for all. Where nothing is said about
    a column, what it is about is off.

    Parameters
    ----------
    optimizer : StochasticOptimizer
    rates : ndarray of shape (n_steps,)
        The learning rates.
    settings : Settings
    steps : Steps
    first_step : int
        Number of steps that the optimizer has taken before.

    Returns
    -------
    table : ndarray of shape (n_steps, N_COEFFICIENTS)
    """
    alpha = value_at(settings.alpha, steps)
    table = spec_at(optimizer, steps).coefficients(rates, alpha, first_step)
    settings.regularization.fill(table)
    for column, values in settings.columns.items():
        table[:, column] = values(steps) if callable(values) else values
    return table
