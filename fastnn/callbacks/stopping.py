"""Callbacks that stop training or reduce the learning rate, depending on the history."""

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval, OneOf
from .._specs.spec import plain
from ..schedules import ReduceOnPlateau, Steps
from .base import Callback

MODE = [OneOf({"auto", "min", "max"})]
_SMALLER_IS_BETTER = "loss", "train_loss", "val_loss", "grad_norm", "seconds"
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_COUNT = Interval(Integral, 0, None, closed="left")


def sign_of(monitor: str, mode: str) -> int:
    """Return 1 if larger values are better, -1 if smaller; 'auto' decides by the name."""
    if mode == "auto":
        is_scorer = monitor.startswith(("train_", "val_"))  # such as val_neg_log_loss
        is_loss_of_head = monitor.endswith("_loss") and not is_scorer
        mode = "min" if monitor in _SMALLER_IS_BETTER or is_loss_of_head else "max"
    return 1 if mode == "max" else -1


@dataclass
class EarlyStopping(Callback):
    """Stop training when a metric of the history no longer improves.

    It is independent of `early_stopping` of the estimator. The rule of `tol` and `n_iter_no_change`
    can also end training; ``n_iter_no_change=np.inf`` turns it off. Each call of `partial_fit`
    counts as an epoch. After the call that should be the last one, `stopped_` of the estimator is
    True.

    Parameters
    ----------
    monitor : str, default="val_loss"
        Name of the metric in `history_`.
    patience : int, default=10
        Number of epochs without improvement after which training stops; 0 is the same as 1.
    min_delta : float, default=0.0
        Only a change larger than this counts as an improvement.
    mode : {"auto", "min", "max"}, default="auto"
        Whether smaller or larger values are better. 'auto' is "min" for "loss", "train_loss",
        "val_loss", the losses of heads, "grad_norm" and "seconds", and "max" for all others, as for
        scikit-learn's scores.
    restore_best : bool, default=False
        Whether to restore the parameters of the best epoch, also if training ends for another
        reason. `loss_` and `history_` still describe all epochs. Not available for `partial_fit`.

    References
    ----------
    Prechelt, L. "Early stopping - but when?" (1998); Keras's ``EarlyStopping``.
    """

    monitor: str = "val_loss"
    patience: int = 10
    min_delta: float = 0.0
    mode: str = "auto"
    restore_best: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "monitor": [str],
        "patience": [_COUNT],
        "min_delta": [_NOT_NEGATIVE],
        "mode": MODE,
        "restore_best": ["boolean"],
    }

    def on_fit_begin(self, context):
        if self.restore_best and context.is_partial:
            raise ValueError(
                "EarlyStopping(restore_best=True) needs the epochs of one fit, and partial_fit is "
                "one epoch: choose restore_best=False, or pass all rows to fit, as a source of "
                "fastnn.data."
            )
        self._sign = sign_of(self.monitor, self.mode)
        self._best, self._stalled, self._snapshot = -math.inf, 0, None
        for value in context.history.get(self.monitor, [])[context.first_epoch :]:
            self._improves(value)

    def _improves(self, value):
        better = self._sign * value > self._best + self.min_delta
        if better:
            self._best = self._sign * value
        self._stalled = 0 if better else self._stalled + 1
        return better

    def on_epoch_end(self, context):
        if self._improves(context.watched(self.monitor)) and self.restore_best:
            if self._snapshot is None:
                self._snapshot = context.snapshot()
            self._snapshot.update()
        return self._stalled >= max(self.patience, 1)

    def on_fit_end(self, context):
        snapshot, self._snapshot = self._snapshot, None
        if context.error is None and snapshot is not None:
            snapshot.restore()

    _snapshot: ClassVar[Any] = None

    def get_state(self):
        return None if self._snapshot is None else self._snapshot.get_state()

    def set_state(self, state, context):
        if self.restore_best:
            self._snapshot = context.snapshot()
            self._snapshot.set_state(state)


@dataclass
class ReduceLROnPlateau(Callback):
    """Reduce the learning rate when a metric of the history no longer improves.

    The factor multiplies the schedule of the estimator: ``learning_rate="cosine"`` continues on a
    lower curve. The schedule `ReduceOnPlateau` has the same parameters, and monitors the validation
    score or the training loss. The rate remains reduced in later calls that continue this one.

    Parameters
    ----------
    monitor : str, default="val_loss"
        Name of the metric in `history_`.
    factor : float, default=0.1
        The factor of a reduction, in (0, 1).
    patience : int, default=10
        Number of epochs without improvement that are tolerated; the next one reduces the rate.
    mode : {"auto", "min", "max"}, default="auto"
        Whether smaller or larger values are better, as for `EarlyStopping`.
    threshold : float, default=1e-4
        Only a change larger than this counts as an improvement.
    threshold_mode : {"rel", "abs"}, default="rel"
        Whether `threshold` is relative to the best value, or absolute.
    cooldown : int, default=0
        Number of epochs to ignore after a reduction.
    minimum : float, default=0.0
        Lower bound of the product of all reductions, in [0, 1].

    References
    ----------
    PyTorch's ``ReduceLROnPlateau``.
    """

    monitor: str = "val_loss"
    factor: float = 0.1
    patience: int = 10
    mode: str = "auto"
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    minimum: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "monitor": [str],
        "mode": MODE,
        **ReduceOnPlateau._parameter_constraints,
    }

    def _product(self, context) -> float:
        """Return the product of all reductions so far, computed from the history."""
        names = ReduceOnPlateau.names()
        rule = plain(ReduceOnPlateau(**{name: getattr(self, name) for name in names}))
        curve = context.history.get(self.monitor, [])[context.first_epoch :]
        steps = Steps(np.zeros(1), curve=curve, sign=sign_of(self.monitor, self.mode))
        return float(rule.factors(steps)[0])

    def on_fit_begin(self, context):
        if context.learning_rate is None:
            raise ValueError(
                "ReduceLROnPlateau needs a learning rate, and solver='lbfgs' has none: choose a "
                "solver such as 'sgd' or 'adam'."
            )
        self._applied = self._product(context)

    def on_epoch_end(self, context):
        context.watched(self.monitor)
        product = self._product(context)
        if product != self._applied:
            context.scale_learning_rate(product / self._applied)
            self._applied = product


@dataclass
class TerminateOnNaN(Callback):
    """Stop training when a metric of the history is not finite.

    If the training loss is not finite, training stops even without this callback, and the best
    parameters are restored. The callback also checks the validation loss and scores.
    """

    _parameter_constraints: ClassVar[dict] = {}

    def on_epoch_end(self, context):
        return not all(math.isfinite(value) for value in context.logs.values())
