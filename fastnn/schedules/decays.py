"""Schedules that decrease monotonically, as a function of the step, epoch or rows seen."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from .._specs.constraints import Interval
from .base import ABOVE_ZERO, AT_LEAST_ONE, FRACTION, NOT_NEGATIVE, PER, Schedule


@dataclass
class Constant(Schedule):
    """Keep the initial value."""

    def factors(self, steps):
        return np.ones(len(steps.number))


@dataclass
class InvScaling(Schedule):
    """Divide by a power of the number of rows seen before the epoch: 'invscaling'.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent. The factor is ``1 / (n_seen + 1) ** power_t``.
    """

    power_t: float = 0.5

    _parameter_constraints: ClassVar[dict] = {"power_t": [NOT_NEGATIVE]}

    def factors(self, steps):
        return np.full(len(steps.number), 1 / (steps.n_seen + 1) ** self.power_t)


@dataclass
class LinearDecay(Schedule):
    """Decrease linearly to a floor, and stay there.

    ::

        factor = (1 - a) + a floor,  a = min(t / tau, 1)

    Parameters
    ----------
    floor : float, default=0.01
        The last factor, in [0, 1].
    tau : int or None, default=None
        The step or epoch at which the floor is reached. None is the end of the planned training.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Goodfellow, I., Bengio, Y. and Courville, A. "Deep learning" (2016), equation 8.14.
    """

    floor: float = 0.01
    tau: int | None = None
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "floor": [FRACTION],
        "tau": [AT_LEAST_ONE, None],
        "per": [PER],
    }

    def at(self, t, n):
        a = np.minimum(t / (n if self.tau is None else self.tau), 1)
        return (1 - a) + a * self.floor


@dataclass
class InverseDecay(Schedule):
    """Decay as the inverse of a linear function: ``factor = 1 / (1 + epsilon t)``.

    Parameters
    ----------
    epsilon : float, default=0.01
        The rate of decay.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Robbins, H. and Monro, S. "A stochastic approximation method" (1951): with a rate that decays as
    1 / t, noise averages out and the sum of the steps is unbounded.
    """

    epsilon: float = 0.01
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {"epsilon": [ABOVE_ZERO], "per": [PER]}

    def at(self, t, n):
        return 1 / (1 + self.epsilon * t)


@dataclass
class PolynomialDecay(Schedule):
    """Decay as an inverse power: ``factor = 1 / (t + 1) ** power``.

    `InvScaling` has the same formula, but counts rows.

    Parameters
    ----------
    power : float, default=0.5
        The exponent.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Bottou, L. "Stochastic gradient descent tricks" (2012), section 5.2.
    """

    power: float = 0.5
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {"power": [ABOVE_ZERO], "per": [PER]}

    def at(self, t, n):
        return 1 / (t + 1.0) ** self.power


@dataclass
class ExponentialDecay(Schedule):
    """Decay exponentially: ``factor = gamma ** t``.

    Parameters
    ----------
    gamma : float, default=0.95
        The base, in (0, 1].
    per : {"step", "epoch"}, default="epoch"
        The unit of t.

    References
    ----------
    PyTorch's ``ExponentialLR``.
    """

    gamma: float = 0.95
    per: str = "epoch"

    _parameter_constraints: ClassVar[dict] = {
        "gamma": [Interval(Real, 0, 1, closed="right")],
        "per": [PER],
    }

    def at(self, t, n):
        return float(self.gamma) ** t


@dataclass
class StepDecay(Schedule):
    """Decay by steps: ``factor = gamma ** floor(t / step_size)``.

    Parameters
    ----------
    step_size : int, default=30
        Number of steps or epochs between reductions.
    gamma : float, default=0.1
        The factor of a reduction, in (0, 1].
    per : {"step", "epoch"}, default="epoch"
        The unit of t.

    References
    ----------
    PyTorch's ``StepLR``. The defaults are those of He, K. et al. "Deep residual learning for image
    recognition" (2016) for ImageNet.
    """

    step_size: int = 30
    gamma: float = 0.1
    per: str = "epoch"

    _parameter_constraints: ClassVar[dict] = {
        "step_size": [AT_LEAST_ONE],
        "gamma": [Interval(Real, 0, 1, closed="right")],
        "per": [PER],
    }

    def at(self, t, n):
        return float(self.gamma) ** (t // self.step_size)
