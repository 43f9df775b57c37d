"""Epochs, validation and stopping: all that happens around an engine's steps. Knows no device.

The rules are scikit-learn's: what counts as progress, when training stops, what is drawn at random
and in which order. Its loss curves come out the same.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._core.codes import Column
from .._warnings import is_searched, warn
from ..schedules import Adaptive
from .history import History
from .settings import Data, Settings
from .snapshot import Snapshot
from .step_table import StepTables

# A table of coefficients has one row for each step: bound its size for tiny batches of long data.
STEPS_PER_CALL = 1 << 16

ADVICE = (
    "Lower learning_rate_init, scale the features (for example with StandardScaler), and check "
    "the targets for extreme values."
)
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed: the loss is not finite from the first batch on. Scale the features "
    "and check the targets."
)


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
    callbacks=None,
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
    callbacks : fastnn.callbacks.base.CallbackList, optional
        Called at epochs and batches; may end training.
    place : dict, optional
        Where to go on, as a checkpoint has it; state, history and generator
        are those of that time.
    """
    first_step, augmentation, rows = state.step, settings.augmentation, data.rows
    if augmentation is not None:
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
        best.set_state(place["best"])
        before = place["before"] and Snapshot(state).set_state(place["before"])

    def current_place(stops):
        return {
            "max_iter": settings.max_iter,
            "rows": rows,
            "stops": stops,
            "best": best.get_state(),
            "before": before and before.get_state(),
            "generator": random_state.get_state(),
        }

    try:
        while history.n_iter < settings.max_iter and not stops:
            if callbacks is not None and callbacks.on_epoch_begin():
                break
            began = time.perf_counter()
            if settings.shuffle:
                random_state.shuffle(rows)  # as sklearn.utils.shuffle draws
            if history.n_iter and not history.stops_early:
                if before is None:
                    before = Snapshot(state)
                else:
                    before.update()
            if augmentation is not None:
                data = augmentation.next_epoch()
            history.loss, grad_norm, rate, n_rows, stops = _epoch(
                engine, state, data, rows, sizes, tables, settings, history, random_state, callbacks
            )
            diverged = not math.isfinite(history.loss)
            if diverged and state.step == first_step and place is None:
                raise ValueError(NOT_FINITE)
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
                        best.update()
                    elif before is not None:
                        before, best = best, before
                stops = _stops(history, schedule, rate, settings) or stops
            if callbacks is not None:
                stops = callbacks.on_epoch_end(rate, stops or diverged, current_place)
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


def _epoch(engine, state, data, rows, sizes, tables, settings, history, random_state, callbacks):
    """One step for each batch, or until `callbacks` ends it.

    Returns the mean loss of the rows, NaN if a loss is not finite; the mean norm of the gradients
    of the steps that told theirs; the last learning rate; the number of the rows; and whether
    `callbacks` ended it.
    """
    batch_size, total, n_rows, n_steps, stops = settings.batch_size, 0.0, 0.0, 0, False
    for start in range(0, len(sizes), STEPS_PER_CALL):
        of_part = sizes[start : start + STEPS_PER_CALL]
        part = rows[start * batch_size : (start + STEPS_PER_CALL) * batch_size]
        losses = np.empty((len(of_part), 2))
        done = state.step
        table, rates = tables.take(len(of_part), start, done, history)
        rate = rates[-1]
        if settings.mixing is not None:
            settings.mixing.draw(table, of_part, data.X.shape[1], random_state)
        n_done, at_once = 0, STEPS_PER_CALL
        if callbacks is not None and callbacks.batch_interval:
            at_once = callbacks.batch_interval
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
                if callbacks is not None and callbacks.batch_interval:
                    its_loss = _sum_of_losses(losses, of_part, of_call, settings)
                    its_loss /= of_part[of_call].sum()
                    rate = rates[n_done - 1]
                    stops = callbacks.on_batch_end(start + n_done, float(its_loss), rate)
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
