"""Schedules of one or several cycles."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from .._specs.constraints import Interval, OneOf
from .base import AT_LEAST_ONE, FRACTION, PER, Schedule


@dataclass
class CosineDecay(Schedule):
    """Decrease along half a cosine to a minimum, with optional restarts.

    ::

        factor = minimum + (1 - minimum) (1 + cos(pi t / period)) / 2

    where t is counted from the last restart.

    Parameters
    ----------
    minimum : float, default=0.0
        The factor at the end, in [0, 1].
    period : int or None, default=None
        Length of the first cycle, after which the factor is 1 again. None is one cycle over the
        planned training.
    multiplier : int, default=1
        Ratio of the lengths of successive cycles. Not used without `period`.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Loshchilov, I. and Hutter, F. "SGDR: stochastic gradient descent with warm restarts" (2017),
    equation 5.
    """

    minimum: float = 0.0
    period: int | None = None
    multiplier: int = 1
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "minimum": [FRACTION],
        "period": [AT_LEAST_ONE, None],
        "multiplier": [AT_LEAST_ONE],
        "per": [PER],
    }

    def at(self, t, n):
        period = n if self.period is None else self.period
        if self.period is None:
            t = np.minimum(t, n)
        elif self.multiplier == 1:
            t = t % period
        else:
            start, last = 0, int(np.max(t, initial=0))
            lengths = np.full(np.shape(t), period, np.float64)
            begun = np.zeros(np.shape(t))
            while start + period <= last:  # a few times: cycles grow
                start, period = start + period, period * self.multiplier
                begun = np.where(t >= start, start, begun)
                lengths = np.where(t >= start, period, lengths)
            t, period = t - begun, lengths
        return self.minimum + (1 - self.minimum) * 0.5 * (1 + np.cos(np.pi * t / period))


@dataclass
class OneCycle(Schedule):
    """Increase from a low value to the initial one, then decrease to a much lower one.

    `learning_rate_init` is the highest rate. The momentum does not change.

    Parameters
    ----------
    pct_start : float, default=0.3
        The fraction of the cycle in which the value increases, in (0, 1).
    div_factor : float, default=25.0
        The first factor is ``1 / div_factor``.
    final_div_factor : float, default=1e4
        The last factor is ``1 / (div_factor * final_div_factor)``.
    anneal_strategy : {"cos", "linear"}, default="cos"
        Whether to follow half a cosine or a straight line.
    three_phase : bool, default=False
        Whether to decrease first to the first factor, as fast as the value increased, and then to
        the last factor.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Smith, L. N. and Topin, N. "Super-convergence: very fast training of neural networks using large
    learning rates" (2018), with the parameters of PyTorch's ``OneCycleLR``.
    """

    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    anneal_strategy: str = "cos"
    three_phase: bool = False
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "pct_start": [Interval(Real, 0, 1, closed="neither")],
        "div_factor": [Interval(Real, 1, None, closed="left")],
        "final_div_factor": [Interval(Real, 1, None, closed="left")],
        "anneal_strategy": [OneOf({"cos", "linear"})],
        "three_phase": ["boolean"],
        "per": [PER],
    }

    def at(self, t, n):
        first = 1 / self.div_factor
        top = self.pct_start * n - 1
        ends, values = [0.0, top, n - 1.0], [first, 1.0, first / self.final_div_factor]
        if self.three_phase:
            ends, values = [0.0, top, 2 * top, n - 1.0], [first, 1.0, first, values[-1]]
        t = np.minimum(t, n - 1.0)
        factors = np.full(np.shape(t), values[-1])
        for i in reversed(range(len(ends) - 1)):  # the first phase that is not over counts
            length = ends[i + 1] - ends[i]
            part = (t - ends[i]) / length if length else np.ones_like(t)
            if self.anneal_strategy == "cos":
                part = (1 - np.cos(np.pi * part)) / 2
            phase = values[i] + (values[i + 1] - values[i]) * part
            factors = np.where(t <= ends[i + 1], phase, factors)
        return factors
