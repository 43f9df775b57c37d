"""Base class of schedules, and the steps for which they are computed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._specs.constraints import Interval, OneOf
from .._specs.spec import Spec

# Constraints that several schedules share.
FRACTION = Interval(Real, 0, 1, closed="both")
ABOVE_ZERO = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
COUNT = Interval(Integral, 0, None, closed="left")
AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")
PER = OneOf({"step", "epoch"})


@dataclass(slots=True)
class Steps:
    """Consecutive steps of one epoch, and the state of training before them.

    Attributes
    ----------
    number : ndarray of shape (n,)
        Numbers of the steps, counted from 0 over all calls of `fit`.
    epoch : int or ndarray of shape (n,)
        Number of their epoch, from 0.
    n_steps, n_epochs : int
        Planned numbers of steps and epochs, including earlier ones: each call of `fit` adds
        `max_iter` epochs; all calls of `partial_fit` together have `max_iter`.
    steps_per_epoch : int
    ends_epoch : bool
        Whether the last of these steps is the last of its epoch.
    n_seen : int
        Number of training rows seen before the epoch.
    n_reductions : int
        Number of times that training stalled and continued with a lower rate.
    curve : sequence of float
        The validation scores of the epochs so far, or the training losses if there is no validation
        data.
    sign : {1, -1}
        Whether larger (1) or smaller (-1) values of the curve are better.
    """

    number: np.ndarray
    epoch: Any = 0
    n_steps: int = 1
    n_epochs: int = 1
    steps_per_epoch: int = 1
    ends_epoch: bool = True
    n_seen: int = 0
    n_reductions: int = 0
    curve: Sequence[float] = ()
    sign: int = 1

    def after(self, n: int):
        """Return the same steps, counted from step n (and epochs from its epoch)."""
        n_epochs = n // self.steps_per_epoch
        return replace(
            self,
            number=np.maximum(self.number - n, 0),
            epoch=np.maximum(self.epoch - n_epochs, 0),
            n_steps=max(1, self.n_steps - n),
            n_epochs=max(1, self.n_epochs - n_epochs),
        )


class Schedule(Spec):
    """Base class of the schedules.

    In their formulas t is the number of the step or epoch, depending on `per`, counted from 0, and
    n is the planned number of them. All bounds are relative to the initial value.
    """

    per: str = "epoch"
    last_words: str = "Stopping."

    def factors(self, steps: Steps) -> np.ndarray:
        """Return the factors of the initial value.

        Parameters
        ----------
        steps : Steps

        Returns
        -------
        factors : ndarray of shape (n,)
        """
        if self.per == "step":
            values = self.at(steps.number, steps.n_steps)
        else:
            values = self.at(np.asarray(steps.epoch), steps.n_epochs)
        return np.broadcast_to(np.asarray(values, np.float64), steps.number.shape)

    def at(self, t: np.ndarray, n: int):
        """Return the factors at t of n, for schedules that depend on these only."""
        raise NotImplementedError

    def reduces(self, rate: float) -> bool:
        """Return whether training continues with a lower rate after stalling at this one."""
        return False
