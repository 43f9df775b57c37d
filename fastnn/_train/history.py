"""The history of a training, over all calls of `fit`."""

import math
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass
class History:
    """Losses, scores and counts of a training, from one call to the next.

    Attributes
    ----------
    loss_curve : list of float
        Loss of each epoch.
    validation_scores : list of float
        Score after each epoch, if there is validation data.
    best_loss, best_validation_score : float
        The best of each curve.
    validates : bool
        Whether the last call had validation data.
    stops_early : bool
        Whether the validation scores decided about progress, rather than the losses.
    scoring : str
        The `scoring` of the validation scores.
    loss : float
        Loss of the last epoch.
    n_iter : int
        Number of epochs of the last call.
    n_calls : int
        Number of calls of `partial_fit`.
    stopped : bool
        Whether the last call ended because training stopped, rather than at `max_iter`.
    n_seen, n_steps : int
        Numbers of training rows seen, and of steps taken, in all epochs.
    n_stalled : int
        Number of epochs since the last progress.
    n_reductions : int
        Number of times that the schedule reduced the learning rate for lack of progress.
    rate_factor : float
        Factor of the learning rate, set by callbacks.
    columns : dict of list
        Values of each epoch, by name; NaN where there was none.
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
    n_calls: int = 0
    stopped: bool = False
    n_seen: int = 0
    n_steps: int = 0
    n_stalled: int = 0
    n_reductions: int = 0
    rate_factor: float = 1.0
    columns: dict[str, list] = field(default_factory=dict)

    def __setstate__(self, state):
        self.__init__(**state)  # fields that the pickle lacks have their defaults

    def continued(self, in_place: bool) -> "History":
        """Return a history that continues this one, in its curves or in copies of them."""
        if in_place:
            return replace(self, n_iter=0, stopped=False)
        return replace(
            self,
            n_iter=0,
            stopped=False,
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
        """Restore the curves if the block raises an error."""
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
        """Forget scores of another kind, which cannot be compared."""
        if scoring != self.scoring:
            self.scoring, self.validation_scores = scoring, []
            self.best_validation_score = -np.inf

    def improves(self, tol: float) -> bool:
        """Update the best values by the last epoch, and return whether it was the best so far.

        A score that is NaN is never progress.
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
        """Return the curve that measures progress, and 1 if more is better or -1 if less."""
        return (self.validation_scores, 1) if self.validates else (self.loss_curve, -1)
