"""Training by a stochastic optimizer, with validation and early stopping.

The rules are scikit-learn's: what counts as progress, when training stops, what is drawn at random
and in which order. Its loss curves come out the same.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._warnings import is_searched, warn
from ..schedules import Adaptive
from .history import History
from .regularization import zero_fraction
from .settings import Settings
from .snapshot import Snapshot
from .step_table import StepTables
from .steps import Begun, Block, take_steps
from .training import INTERRUPTED, NOT_FINITE, EpochResult, Training


class StochasticTraining(Training):
    """Train until nothing improves, or for `max_iter` epochs.

    Parameters
    ----------
    engine, state
        The engine, and the state whose arenas it trains in place.
    epochs : RowsInMemory or RowsInParts
        The rows of each epoch.
    optimizer : StochasticOptimizer
    schedule : Schedule
    settings : Settings
    history : History
        Continued in place.
    random_state : RandomState
        Draws how rows are mixed; a checkpoint keeps its state.
    validate : callable, optional
        Returns the validation score of the current parameters, or of their average, or None without
        validation data; and a dict of scores for the history. With `early_stopping`, training stops
        when the score stalls, and leaves the parameters that had the best.
    callbacks : fastnn.callbacks.base.CallbackList, optional
        Called at epochs and batches; may end training.
    checkpoint : dict, optional
        Result of `checkpoint` in an earlier process, to go on from; state, history and generator
        are those of that time.
    """

    def __init__(
        self,
        engine,
        state,
        epochs,
        optimizer,
        schedule,
        settings: Settings,
        history: History,
        random_state,
        validate: Callable[[], tuple[float | None, dict[str, float]]] | None = None,
        callbacks=None,
        checkpoint: dict[str, Any] | None = None,
    ):
        super().__init__(state, settings, history, callbacks)
        self.engine, self.epochs = engine, epochs
        self.random_state, self._schedule, self._score = random_state, schedule, validate
        history.stops_early = history.validates and settings.early_stopping

        n_rows, size = epochs.n_rows, settings.batch_size
        n_batches = -(-n_rows // size)
        self.batch_sizes = np.full(n_batches, float(size))
        self.batch_sizes[-1] = n_rows - size * (n_batches - 1)
        self.tables = StepTables(optimizer, schedule, settings, n_batches)

        # Without early stopping, parameters are judged by the loss of the epoch that starts with
        # them: `best` is a copy from before the best epoch. Else it is one from after it.
        self._before_epoch: Snapshot | None = None
        self._diverged, self._is_finite = False, _FiniteCheck(state)
        self._first_step = state.step if checkpoint is None else None
        self.begun: Begun | None = None
        self.batch_interval = 0 if callbacks is None else callbacks.batch_interval
        self.checkpoint_interval = 0 if callbacks is None else callbacks.checkpoint_interval
        if checkpoint is not None:
            self._resume(checkpoint)

    def run(self) -> None:
        """Train until the end, or until the user interrupts."""
        try:
            while self.begin_epoch():
                self.end_epoch(self.take_epoch())
        except KeyboardInterrupt:
            warn(INTERRUPTED)
        self.finish()

    def take_epoch(self) -> EpochResult:
        """Take the steps of an epoch."""
        return take_steps(self)

    def begin_epoch(self):
        if self.begun is not None:  # a checkpoint was written within the epoch
            self._began = time.perf_counter()
            return True
        if not super().begin_epoch():
            return False
        history = self.history
        self.epochs.begin()
        if history.n_iter and not history.stops_early:
            if self._before_epoch is None:
                self._before_epoch = Snapshot(self.state)
            else:
                self._before_epoch.update()
        return True

    def end_epoch(self, result):
        history, settings = self.history, self.settings
        self._diverged = not math.isfinite(result.loss)
        if self._diverged and self.state.step == self._first_step:
            raise ValueError(NOT_FINITE)
        history.n_seen += result.n_rows
        history.loss_curve.append(result.loss)
        super().end_epoch(result)
        at_limit = history.n_iter == settings.max_iter and not settings.partial
        if at_limit and not self.stops and not is_searched("max_iter"):
            warn(
                f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and "
                "the optimization hasn't converged yet.",
                ConvergenceWarning,
            )

    def finish(self) -> None:
        """Leave the best parameters, after divergence or with early stopping."""
        history = self.history
        if self._diverged or not self._is_finite():
            self.best.restore()
            self.state.slots[...] = 0  # they are no more finite than the loss
            self.state.step = 0
            warn(
                f"Training diverged in epoch {history.n_iter}: the loss or the parameters are not "
                "finite. It was stopped, and the best parameters so far were restored. Lower "
                "learning_rate_init, scale the features (for example with StandardScaler), and "
                "check the targets for extreme values.",
                ConvergenceWarning,
            )
        elif history.stops_early and history.n_iter:
            if any(map(math.isfinite, history.validation_scores[-history.n_iter :])):
                self.best.restore()
            else:
                warn(
                    "No validation score was finite, so early_stopping could not select the best "
                    "epoch: the parameters are those of the last one. Check the validation data "
                    "and `scoring`.",
                    ConvergenceWarning,
                )

    def offer_checkpoint(self, block: Block) -> None:
        """Offer callbacks a checkpoint within the epoch, if it is time for one."""
        batch, interval, tables = block.batch, self.checkpoint_interval, self.tables
        if not interval or batch % interval or batch == len(self.batch_sizes):
            return

        def checkpoint(stops):
            within = block.begun()._asdict() | {"norms": tables.norms[tables.measured(batch)]}
            return self.checkpoint(stops) | {"within": within, "generator": block.generator}

        self.callbacks.after_batch(batch, checkpoint)

    def checkpoint(self, stops):
        before = self._before_epoch
        return super().checkpoint(stops) | {
            "max_iter": self.settings.max_iter,
            "best": self.best.get_state(),
            "before": before and before.get_state(),
            "generator": self.random_state.get_state(),
            **self.epochs.get_state(),
        }

    def _resume(self, checkpoint):
        n_begun = self.history.n_iter + ("within" in checkpoint)
        self.tables.check_plan(checkpoint["max_iter"], self.history, n_begun)
        self.epochs.set_state(checkpoint)
        self.stops = checkpoint["stops"]
        self.best.set_state(checkpoint["best"])
        if checkpoint["before"]:
            self._before_epoch = Snapshot(self.state)
            self._before_epoch.set_state(checkpoint["before"])
        if "within" in checkpoint:
            self._resume_within(**checkpoint["within"])

    def _resume_within(self, norms, **begun):
        """Continue after some steps of an epoch."""
        self.begun = Begun(**begun)
        if not 0 < self.begun.n_steps < len(self.batch_sizes):
            raise ValueError("The checkpoint was changed by hand: its epoch has other batches.")
        self.tables.norms[self.tables.measured(self.begun.n_steps)] = norms

    def _validate(self, result):
        if self._score is None:
            return {}
        score, scores = (math.nan, {}) if self._diverged else self._score()
        if self.history.validates:
            self.history.validation_scores.append(score)
        return scores

    def _print(self, row):
        super()._print(row)
        of_rows = [f"{name[6:]} {row[name]:f}" for name in row if name.startswith("train_")]
        if of_rows:
            print(f"Training rows: {', '.join(of_rows)} ({row['seconds']:.3g} s)")
        if self.history.validates:
            print(f"Validation score: {self.history.validation_scores[-1]:f}")

    def _describe_parameters(self):
        if not self.settings.regularization.is_proximal:
            return {}
        return {"zero_fraction": zero_fraction(self.engine.program, self.state.parameters)}

    def _ends_after(self, result):
        if self._diverged:
            return True
        if self.history.improves(self.settings.tol):
            if self.history.stops_early:
                self.best.update()
            elif self._before_epoch is not None:
                self._before_epoch, self.best = self.best, self._before_epoch
        return self._has_stalled(result.learning_rate) or result.stops

    def _has_stalled(self, rate):
        """Return whether training ends for lack of progress; else it may go on at a lower rate."""
        history, settings, schedule = self.history, self.settings, self._schedule
        if history.n_stalled <= settings.n_iter_no_change:
            return False
        ends = not schedule.reduces(rate)
        if ends:
            outcome = schedule.last_words
        else:
            history.n_reductions += 1
            history.n_stalled = 0
            outcome = "Continuing with a lower learning rate."
            if isinstance(schedule, Adaptive):
                factor = schedule.divisor**history.n_reductions
                outcome = f"Setting learning rate to {settings.learning_rate_init / factor:f}"
        if settings.verbose:
            what = "Validation score" if history.stops_early else "Training loss"
            print(
                f"{what} did not improve more than tol={settings.tol:f} for "
                f"{settings.n_iter_no_change} consecutive epochs. {outcome}"
            )
        return ends and not settings.partial  # where only callbacks and divergence stop


class _FiniteCheck:
    """Checks that all numbers that predict are finite, without taking memory."""

    def __init__(self, state):
        arenas = state.parameters, state.statistics, state.average
        self._arenas = [arena for arena in arenas if len(arena)]
        self._room = np.empty(max(map(len, self._arenas)), bool)

    def __call__(self):
        return all(np.isfinite(arena, out=self._room[: len(arena)]).all() for arena in self._arenas)
