"""Schedules that reduce the value when training no longer improves."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from .._specs.constraints import Interval, OneOf
from .base import ABOVE_ZERO, COUNT, FRACTION, NOT_NEGATIVE, Schedule


@dataclass
class Adaptive(Schedule):
    """Divide the learning rate whenever training stalls: 'adaptive'.

    After `n_iter_no_change` epochs without improvement, training continues instead of stopping.

    Parameters
    ----------
    divisor : float, default=5.0
        The divisor of the rate each time training stalls.
    minimum : float, default=1e-6
        Training stops when it stalls at this learning rate or a lower one. The rate is absolute,
        not relative to the initial one.
    """

    divisor: float = 5.0
    minimum: float = 1e-6

    _parameter_constraints: ClassVar[dict] = {
        "divisor": [Interval(Real, 1, None, closed="neither")],
        "minimum": [ABOVE_ZERO],
    }
    last_words = "Learning rate too small. Stopping."

    def factors(self, steps):
        return np.full(len(steps.number), 1 / self.divisor**steps.n_reductions)

    def reduces(self, rate):
        return rate > self.minimum


@dataclass
class ReduceOnPlateau(Schedule):
    """Reduce the value when the validation score, or the training loss, no longer improves.

    The validation score is used if there is validation data, otherwise the training loss.
    `early_stopping` and `tol` end training independently of it. If `patience` is not below
    `n_iter_no_change`, training ends before the first reduction.

    Parameters
    ----------
    factor : float, default=0.1
        The factor of a reduction, in (0, 1).
    patience : int, default=5
        Number of epochs without improvement that are tolerated; the next one reduces the value.
    threshold : float, default=1e-4
        Only a change larger than this counts as an improvement.
    threshold_mode : {"rel", "abs"}, default="rel"
        Whether `threshold` is relative to the best score or loss, or absolute.
    cooldown : int, default=0
        Number of epochs to ignore after a reduction.
    minimum : float, default=0.0
        Lower bound of the factor, in [0, 1].

    References
    ----------
    PyTorch's ``ReduceLROnPlateau``.
    """

    factor: float = 0.1
    patience: int = 5
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    minimum: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "factor": [Interval(Real, 0, 1, closed="neither")],
        "patience": [COUNT],
        "threshold": [NOT_NEGATIVE],
        "threshold_mode": [OneOf({"rel", "abs"})],
        "cooldown": [COUNT],
        "minimum": [FRACTION],
    }

    def factors(self, steps):
        # Recomputed from all epochs each time, so that there is no state between calls of `fit`.
        factor, needed, n_bad, n_cool = 1.0, -np.inf, 0, 0
        for value in steps.curve:
            score = steps.sign * value
            if score > needed:
                margin = abs(score) if self.threshold_mode == "rel" else 1.0
                needed, n_bad = score + self.threshold * margin, 0
            else:
                n_bad += 1
            if n_cool > 0:
                n_cool, n_bad = n_cool - 1, 0
            if n_bad > self.patience:
                factor = max(factor * self.factor, self.minimum)
                n_bad, n_cool = 0, self.cooldown
        return np.full(len(steps.number), factor)
