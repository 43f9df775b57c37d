"""Epochs, validation and stopping: all that happens around an engine's steps. Knows no device.

The rules are scikit-learn's: what counts as progress, when training stops, what is drawn at random
and in which order. Its loss curves come out the same.
"""

import math
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from .._core.program import Column, aligned_zeros
from .._network.regularizers import Regularization
from .._warnings import is_searched, warn
from ..schedules import Adaptive, Constant, Scheduled, Steps, spec_at, value_at
from .blas import one_thread

# A table of coefficients has one row for each step: bound its size for tiny batches of long data.
STEPS_PER_CALL = 1 << 16
# Of so many steps the table is made at once where nothing in it depends on how training goes.
STEPS_AHEAD = 1 << 10

# So many steps of an epoch tell the norm of their gradient, one in so many of a short epoch: with
# few rows and weights, another look at the gradient takes 6 % of a step.
NORMS_PER_EPOCH = STEPS_PER_NORM = 8

# SciPy's status after as many iterations as were allowed, and where the callback raised
# StopIteration.
_AT_LIMIT, _STOPPED = 1, 99

ADVICE = (
    "Lower learning_rate_init, scale the features (for example with StandardScaler), and check "
    "the targets for extreme values."
)
_NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed: the loss is not finite from the first batch on. Scale the features "
    "and check the targets."
)


class Data(NamedTuple):
    """What an engine trains on, and which rows of it."""

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    rows: np.ndarray


@dataclass
class Settings:
    """The estimator's parameters that belong to training.

    `columns` has what else is in the table of the steps, by its column: see `step_table`.
    """

    alpha: float | Scheduled
    batch_size: int
    learning_rate_init: float
    max_iter: int
    n_iter_no_change: float
    shuffle: bool
    tol: float
    verbose: Any
    loss_divisor: int = 1  # what the engine's data loss is divided by to be reported
    partial: bool = False  # a single epoch, that is not expected to converge
    regularization: Regularization = field(default_factory=Regularization)
    planned_epochs: int = 1  # in all calls, for schedules
    early_stopping: bool = False  # whether the validation score decides
    columns: dict[int, float | Callable[[Steps], Any]] = field(default_factory=dict)
    augment: Any = None  # how the engine mixes rows, see ``augment/mixing.py``
    beside: Any = None  # what changes the rows of each epoch, see ``augment/beside.py``
    label_smoothing: float | Scheduled = 0.0


@dataclass
class History:
    """What training remembers from one call to the next.

    Attributes
    ----------
    loss_curve : list of float
        Loss of each epoch.
    validation_scores : list of float
        Score after each epoch, where there is validation data.
    best_loss, best_validation_score : float
        The best of each.
    validates : bool
        Whether the last call had validation data.
    stops_early : bool
        Whether they decided about progress, and not the losses.
    scoring : str
        By what it was scored.
    loss : float
        Loss of the last epoch.
    n_iter : int
        Epochs of the last call.
    n_seen, n_steps : int
        Training rows seen and steps taken in all epochs.
    n_stalled : int
        Epochs since the last progress.
    n_reductions : int
        How often the learning rate was reduced because of that.
    rate_factor : float
        What callbacks have multiplied it by.
    columns : dict of list
        What is known of each epoch, by name; NaN where it was not known.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    best_validation_score: float = -np.inf
    validates: bool = False
    stops_early: bool = False
    scoring: str = "None"
    loss: float = np.nan
    n_iter: int = 0
    n_seen: int = 0
    n_steps: int = 0
    n_stalled: int = 0
    n_reductions: int = 0
    rate_factor: float = 1.0
    columns: dict[str, list] = field(default_factory=dict)

    def __setstate__(self, state):
        self.__init__(**state)  # what came after the pickle has its default

    def continued(self, in_place: bool) -> "History":
        """A history that goes on where this one ends, with copies of its curves or in place."""
        if in_place:
            return replace(self, n_iter=0)
        return replace(
            self,
            n_iter=0,
            loss_curve=self.loss_curve.copy(),
            validation_scores=self.validation_scores.copy(),
            columns={name: values.copy() for name, values in self.columns.items()},
        )

    @property
    def n_recorded(self) -> int:
        """Number of epochs in the columns."""
        return len(self.columns.get("epoch", ()))

    def record(self, **row) -> None:
        """Add an epoch to the columns."""
        before = self.n_recorded
        for name, values in self.columns.items():
            values.append(row.pop(name, before + 1 if name == "epoch" else math.nan))
        if not before:
            row = {"epoch": 1, **row}
        for name, value in row.items():
            self.columns[name] = [*[math.nan] * before, value]

    def add(self, name: str, value) -> None:
        """Add a number to the last epoch."""
        if name not in self.columns:
            self.columns[name] = [math.nan] * self.n_recorded
        self.columns[name][-1] = value

    @contextmanager
    def unchanged_on_failure(self):
        """What fails inside leaves the curves as they were."""
        curves = [self.loss_curve, self.validation_scores, *self.columns.values()]
        lengths, names = [len(curve) for curve in curves], list(self.columns)
        try:
            yield
        except BaseException:
            for curve, length in zip(curves, lengths, strict=True):
                del curve[length:]
            for name in self.columns.keys() - set(names):
                del self.columns[name]
            raise

    def score_by(self, scoring: str) -> None:
        """Scores of another kind cannot be compared: forget them."""
        if scoring != self.scoring:
            self.scoring, self.validation_scores = scoring, []
            self.best_validation_score = -np.inf

    def improves(self, tol: float) -> bool:
        """Take account of the last epoch; tell whether it was the best so far.

        A score that is NaN is no progress, whatever else.
        """
        best = self.best_validation_score
        if self.validates and self.validation_scores[-1] > best:
            self.best_validation_score = self.validation_scores[-1]
        if self.stops_early:
            score = self.validation_scores[-1]
            stalled, better = not score >= best + tol, score > best
        else:
            stalled, better = not self.loss <= self.best_loss - tol, self.loss < self.best_loss
            if better:
                self.best_loss = self.loss
        self.n_stalled = self.n_stalled + 1 if stalled else 0
        return better

    def progress(self) -> tuple[list[float], int]:
        """What the epochs were worth, and 1 if more of it is better or -1 if less."""
        return (self.validation_scores, 1) if self.validates else (self.loss_curve, -1)


class Snapshot:
    """A copy of the parameters, their average and the moving averages, to go back to."""

    def __init__(self, state):
        arenas = state.parameters, state.statistics, state.average
        self._state, self._n_averaged = state, state.n_averaged
        self._pairs = [(arena, arena.copy()) for arena in arenas if len(arena)]

    def numbers(self):
        """All that it holds, to be pickled."""
        return self._n_averaged, [copied.copy() for _, copied in self._pairs]

    def set(self, numbers):
        """Hold what another one held."""
        self._n_averaged, arrays = numbers
        for (_, copied), array in zip(self._pairs, arrays, strict=True):
            np.copyto(copied, array)
        return self

    def take(self):
        self._n_averaged = self._state.n_averaged
        for arena, copied in self._pairs:
            np.copyto(copied, arena)

    def restore(self):
        self._state.n_averaged = self._n_averaged
        for arena, copied in self._pairs:
            np.copyto(arena, copied)


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


def train(
    engine,
    state,
    data: Data,
    optimizer,
    schedule,
    settings: Settings,
    history: History,
    random_state,
    validate: Callable[[], tuple[float, dict[str, float]]] | None = None,
    watch=None,
    place: dict[str, Any] | None = None,
):
    """Train by a stochastic optimizer until nothing improves, or for `max_iter` epochs.

    Parameters
    ----------
    engine, state
        The engine, and the state whose arenas it trains in place.
    data : Data
    optimizer : StochasticOptimizer
    schedule : Schedule
    settings : Settings
    history : History
        Continued in place.
    random_state : RandomState
        Shuffles the rows, and draws how they are mixed.
    validate : callable, optional
        Returns the validation score of the current parameters, or of their average, and what the
        history is to know of them. With `early_stopping`, training stops when the score stalls,
        and leaves those that had the best.
    watch : fastnn.callbacks.base.Watch, optional
        Told of epochs and batches, and may end training.
    place : dict, optional
        Where to go on, as `watch` was told it in an earlier process; state, history and generator
        are those of that time.
    """
    first_step, beside, rows = state.step, settings.beside, data.rows
    if beside is not None:
        rows = np.arange(len(rows))  # of what it hands out
    if settings.shuffle:
        rows = rows.copy()
    steps_per_epoch = -(-len(rows) // settings.batch_size)
    tables = StepTables(optimizer, schedule, settings, steps_per_epoch)
    sizes = np.full(steps_per_epoch, float(settings.batch_size))
    sizes[-1] = len(rows) - settings.batch_size * (steps_per_epoch - 1)
    history.validates = validate is not None
    history.stops_early = history.validates and settings.early_stopping
    # Without early stopping, what is known of some parameters is the loss of the epoch that starts
    # with them, so that `best` is a copy from before the best epoch. Else it is one from after it.
    best, before = Snapshot(state), None
    is_finite = _Finite(state)
    diverged = stops = False
    if place is not None:
        tables.check_plan(place["max_iter"], history)
        rows, stops = place["rows"], place["stops"]
        best.set(place["best"])
        before = place["before"] and Snapshot(state).set(place["before"])

    def current_place(stops):
        return {
            "max_iter": settings.max_iter,
            "rows": rows,
            "stops": stops,
            "best": best.numbers(),
            "before": before and before.numbers(),
            "generator": random_state.get_state(),
        }

    try:
        while history.n_iter < settings.max_iter and not stops:
            if watch is not None and watch.begins_epoch():
                break
            began = time.perf_counter()
            if settings.shuffle:
                random_state.shuffle(rows)  # as sklearn.utils.shuffle draws
            if history.n_iter and not history.stops_early:
                if before is None:
                    before = Snapshot(state)
                else:
                    before.take()
            if beside is not None:
                data = beside.take()
            history.loss, grad_norm, rate, n_rows, stops = _epoch(
                engine, state, data, rows, sizes, tables, settings, history, random_state, watch
            )
            diverged = not math.isfinite(history.loss)
            if diverged and state.step == first_step and place is None:
                raise ValueError(_NOT_FINITE)
            history.n_iter += 1
            history.n_seen += n_rows
            history.loss_curve.append(history.loss)
            if settings.verbose:
                print(f"Iteration {history.n_iter}, loss = {history.loss:.8f}")
            scores: dict[str, float] = {}
            if validate is not None:
                score = math.nan
                if not diverged:
                    score, scores = validate()
                history.validation_scores.append(score)
                if settings.verbose:
                    print(f"Validation score: {score:f}")
            seconds = time.perf_counter() - began
            history.record(
                loss=history.loss,
                **scores,
                grad_norm=grad_norm,
                learning_rate=rate,
                seconds=seconds,
            )
            if not diverged:
                if history.improves(settings.tol):
                    if history.stops_early:
                        best.take()
                    elif before is not None:
                        before, best = best, before
                stops = _stops(history, schedule, rate, settings) or stops
            if watch is not None:
                stops = watch.ends_epoch(rate, stops or diverged, current_place)
            if diverged or stops:
                break
            at_limit = history.n_iter == settings.max_iter and not settings.partial
            if at_limit and not is_searched("max_iter"):
                warn(
                    f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and "
                    "the optimization hasn't converged yet.",
                    ConvergenceWarning,
                )
    except KeyboardInterrupt:
        warn("Training interrupted by user.")

    if diverged or not is_finite():
        best.restore()
        state.slots[...] = 0  # they are no more finite than the loss
        state.step = 0
        warn(
            f"Training diverged in epoch {history.n_iter}: the loss or the parameters are not "
            f"finite. It was stopped, and the best parameters so far were restored. {ADVICE}",
            ConvergenceWarning,
        )
    elif history.stops_early and history.n_iter:
        if any(map(math.isfinite, history.validation_scores[-history.n_iter :])):
            best.restore()
        else:
            warn(
                "No validation score was finite, so that early_stopping had nothing to choose by: "
                "the parameters are those of the last epoch. Check the validation data and "
                "`scoring`.",
                ConvergenceWarning,
            )


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


def _epoch(engine, state, data, rows, sizes, tables, settings, history, random_state, watch):
    """One step for each batch, or until `watch` ends it.

    Returns the mean loss of the rows, NaN if a loss is not finite; the mean norm of the gradients
    of the steps that told theirs; the last learning rate; the number of the rows; and whether
    `watch` ended it.
    """
    batch_size, total, n_rows, n_steps, stops = settings.batch_size, 0.0, 0.0, 0, False
    for start in range(0, len(sizes), STEPS_PER_CALL):
        of_part = sizes[start : start + STEPS_PER_CALL]
        part = rows[start * batch_size : (start + STEPS_PER_CALL) * batch_size]
        losses = np.empty((len(of_part), 2))
        done = state.step
        table, rates = tables.take(len(of_part), start, done, history)
        rate = rates[-1]
        if settings.augment is not None:
            settings.augment.draw(table, of_part, data.X.shape[1], random_state)
        n_done, at_once = 0, STEPS_PER_CALL
        if watch is not None and watch.batch_interval:
            at_once = watch.batch_interval
        try:
            while n_done < len(of_part) and not stops:
                end = n_done + at_once - (start + n_done) % at_once
                of_call = slice(n_done, min(end, len(of_part)))
                its_rows = part[of_call.start * batch_size : of_call.stop * batch_size]
                its_norms = tables.norms[start + of_call.start : start + of_call.stop]
                n_done += engine.train_steps(
                    *data[:3], its_rows, batch_size, table[of_call], losses[of_call], its_norms
                )
                if n_done < of_call.stop:
                    norm = tables.mean_norm(n_steps + n_done)
                    return math.nan, norm, rate, len(rows), False
                if watch is not None and watch.batch_interval:
                    its_loss = _sum_of_losses(losses, of_part, of_call, settings)
                    its_loss /= of_part[of_call].sum()
                    rate = rates[n_done - 1]
                    stops = watch.ends_batch(start + n_done, float(its_loss), rate)
        finally:
            if len(state.average):
                averaged = table[: state.step - done, Column.AVERAGE]
                state.n_averaged += int(np.count_nonzero(averaged))
        total += _sum_of_losses(losses, of_part, slice(n_done), settings)
        n_rows += of_part[:n_done].sum()
        n_steps += n_done
        if stops:
            break
    history.n_steps += n_steps
    return float(total / n_rows), tables.mean_norm(n_steps), rate, int(n_rows), stops


def _sum_of_losses(losses, sizes, steps, settings):
    """Of all rows of these steps."""
    of_data, of_penalty = losses[steps].T
    return sizes[steps] @ (of_data / settings.loss_divisor + of_penalty)


def _stops(history, schedule, rate, settings):
    """Whether training ends because it stalled; if not, perhaps at a lower learning rate."""
    if history.n_stalled <= settings.n_iter_no_change:
        return False
    stops = not schedule.reduces(rate)
    if stops:
        outcome = schedule.last_words
    else:
        history.n_reductions += 1
        history.n_stalled = 0
        outcome = "Going on at a lower learning rate."
        if isinstance(schedule, Adaptive):
            factor = schedule.divisor**history.n_reductions
            outcome = f"Setting learning rate to {settings.learning_rate_init / factor:f}"
    if settings.verbose:
        what = "Validation score" if history.stops_early else "Training loss"
        print(
            f"{what} did not improve more than tol={settings.tol:f} for "
            f"{settings.n_iter_no_change} consecutive epochs. {outcome}"
        )
    return stops


class _Finite:
    """Whether all that predicts is finite; a look takes no memory that could be refused."""

    def __init__(self, state):
        self._arenas = state.parameters, state.statistics, state.average
        self._room = np.empty(max(map(len, self._arenas)), bool)

    def __call__(self):
        return all(np.isfinite(arena, out=self._room[: len(arena)]).all() for arena in self._arenas)


def train_lbfgs(
    engine,
    state,
    data: Data,
    optimizer,
    settings: Settings,
    history: History,
    watch=None,
):
    """Minimise the loss of all rows by L-BFGS, and leave the best parameters that were seen.

    The arguments are those of `train`.
    """
    X, y, sample_weight, _ = data
    gradient = aligned_zeros(len(state.parameters), state.parameters.dtype)
    biases_too = settings.regularization.penalize_intercepts
    best, least, began = Snapshot(state), np.inf, time.perf_counter()

    def objective(parameters):
        nonlocal least
        state.parameters[...] = parameters
        data_loss, penalty = engine.loss_and_grad(
            X,
            y,
            sample_weight,
            settings.alpha,
            gradient,
            settings.label_smoothing,
            penalize_intercepts=biases_too,
        )
        loss = data_loss + penalty
        if not np.isfinite(loss) and least == np.inf:
            raise ValueError(_NOT_FINITE)
        if loss < least:
            least = loss
            best.take()
            history.loss = data_loss / settings.loss_divisor + penalty
        return loss, gradient.astype(np.float64)

    def after_iteration(parameters):
        nonlocal began
        history.n_iter += 1
        if settings.verbose:
            print(f"Iteration {history.n_iter}, loss = {history.loss:.8f}")
        history.record(
            loss=history.loss,
            grad_norm=float(np.linalg.norm(gradient)),
            seconds=time.perf_counter() - began,
        )
        if watch is not None:
            state.parameters[...] = parameters  # that the line search may have gone beyond
            ends = history.n_iter == settings.max_iter
            if watch.ends_epoch(None, ends, lambda stops: {"stops": stops}) or (
                not ends and watch.begins_epoch()
            ):
                raise StopIteration
        began = time.perf_counter()

    if watch is not None and watch.begins_epoch():
        return
    try:
        with one_thread():
            result = minimize(
                objective,
                state.parameters.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=after_iteration,
                options={
                    "maxfun": optimizer.max_fun,
                    "maxiter": settings.max_iter,
                    "gtol": settings.tol,
                },
            )
    except KeyboardInterrupt:
        warn("Training interrupted by user.")
    else:
        history.n_iter = min(result.nit, settings.max_iter)
        at_limit = result.status == _AT_LIMIT
        if result.status not in (0, _STOPPED) and not (at_limit and is_searched("max_iter")):
            warn(
                f"lbfgs failed to converge after {history.n_iter} iteration(s) "
                f"(status={result.status}): {result.message}. Increase max_iter or max_fun, or "
                "scale the data (for example with StandardScaler).",
                ConvergenceWarning,
            )
    best.restore()
