"""Averages of the parameters over training, used for prediction instead of the last parameters.

An average is an additional array of the size of the parameters. After a step the engine updates it
by ``a = a + weight (w - a)``, with the weight of the step from the table of steps.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from ._specs.constraints import Interval
from ._specs.registry import register
from ._specs.spec import Spec
from .schedules import Steps


class Averaging(Spec):
    """Base class of the averages of parameters."""

    def weights(self, steps: Steps, n_averaged: int) -> np.ndarray:
        """Return the weights of the new parameters in the average after each step.

        Parameters
        ----------
        steps : Steps
        n_averaged : int
            Number of steps that the average already contains.

        Returns
        -------
        weights : ndarray of shape (n,)
            With a weight of 0, the average does not change.
        """
        raise NotImplementedError

    def starts_from(self, parameters: np.ndarray) -> np.ndarray | float:
        """Return the average before the first step, given the parameters then."""
        return 0.0


@dataclass
class EMA(Averaging):
    """Exponential moving average of the parameters, over all steps.

    ::

        a = decay a + (1 - decay) w

    Parameters
    ----------
    decay : float, default=0.999
        The weight of the previous average at a step, in [0, 1). The average covers about the last
        ``1 / (1 - decay)`` steps.
    bias_correction : bool, default=True
        Whether to start with the parameters after the first step and a decay of ``(decay -
        decay^t) / (1 - decay^t)`` at step t, as Adam corrects the bias of its moments. Otherwise
        the average starts with the initial parameters.

    References
    ----------
    Polyak, B. T. and Juditsky, A. B. "Acceleration of stochastic approximation by averaging"
    (1992). Tarvainen, A. and Valpola, H. "Mean teachers are better role models" (2017), section 2.
    """

    decay: float = 0.999
    bias_correction: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "decay": [Interval(Real, 0, 1, closed="left")],
        "bias_correction": ["boolean"],
    }

    def weights(self, steps, n_averaged):
        weights = np.full(len(steps.number), 1.0 - self.decay)
        if self.bias_correction:
            t = n_averaged + 1 + np.arange(len(weights), dtype=np.float64)
            weights /= 1.0 - self.decay**t
        return weights

    def starts_from(self, parameters):
        return 0.0 if self.bias_correction else parameters


@dataclass
class SWA(Averaging):
    """Stochastic weight averaging: the mean of the parameters at the end of the last epochs.

    Use it with a learning rate that stays high in these epochs.

    Parameters
    ----------
    start : int or float, default=0.75
        Number of epochs before averaging begins, or (a float) their fraction of the planned epochs.
    every : int, default=1
        Interval between the epochs that are averaged, the first included.

    References
    ----------
    Izmailov, P. et al. "Averaging weights leads to wider optima and better generalization" (2018),
    algorithm 1.
    """

    start: Any = 0.75
    every: int = 1

    _parameter_constraints: ClassVar[dict] = {
        "start": [
            Interval(Integral, 0, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "every": [Interval(Integral, 1, None, closed="left")],
    }

    def weights(self, steps, n_averaged):
        weights = np.zeros(len(steps.number))
        start = self.start
        if not isinstance(start, Integral):
            start = int(start * steps.n_epochs)
        since = steps.epoch - start
        if steps.ends_epoch and since >= 0 and since % self.every == 0:
            weights[-1] = 1.0 / (n_averaged + 1)
        return weights


AVERAGES: dict[str, type[Averaging]] = {"ema": EMA, "swa": SWA}
register(AVERAGES, "averaging")
