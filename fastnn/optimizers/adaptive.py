"""Optimizers that divide steps by the root of squared gradients."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

from .._core.codes import Rule
from .._specs.constraints import Interval
from ..schedules import Scheduled
from .base import FRACTION, NOT_NEGATIVE, POSITIVE, StochasticOptimizer, table_of


@dataclass
class Adagrad(StochasticOptimizer):
    """Adagrad: steps divided by the root of the sum of squared gradients.

    ::

        s = s + g^2
        w = w - lr g / (sqrt(s) + epsilon)

    Parameters
    ----------
    epsilon : float, default=1e-10
        Constant added to the denominator for numerical stability.
    weight_decay : float, default=0.0
        Decoupled weight decay: each step subtracts ``lr weight_decay w`` from the weights w, in
        addition to the penalty `alpha`.

    References
    ----------
    Duchi, J., Hazan, E. and Singer, Y. "Adaptive subgradient methods for online learning and
    stochastic optimization" (2011), figure 1 with diagonal matrices.
    """

    epsilon: float = 1e-10
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "epsilon": [POSITIVE],
        "weight_decay": [NOT_NEGATIVE, Scheduled],
    }
    code: ClassVar[int] = Rule.ADAGRAD
    n_slots: ClassVar[int] = 1

    def coefficients(self, learning_rates, alpha, first_step):
        decay = learning_rates * self.weight_decay
        return table_of(learning_rates, alpha, self.epsilon, decay=decay)

    def proximal_rates(self, learning_rates, first_step):
        return learning_rates


@dataclass
class Adadelta(StochasticOptimizer):
    """Adadelta: steps in the units of the parameter, scaled by their own moving average.

    ::

        s = rho s + (1 - rho) g^2
        d = sqrt(u + epsilon) / sqrt(s + epsilon) g
        u = rho u + (1 - rho) d^2
        w = w - lr d

    The paper has no learning rate, which corresponds to ``learning_rate_init=1``. With the default
    of the estimators, 0.001, training makes hardly any progress.

    Parameters
    ----------
    rho : float, default=0.9
        Decay rate of both averages, in [0, 1).
    epsilon : float, default=1e-6
        Constant added under the roots, for numerical stability and for a first step above zero.
    weight_decay : float, default=0.0
        Decoupled weight decay: each step subtracts ``lr weight_decay w`` from the weights w, in
        addition to the penalty `alpha`.

    References
    ----------
    Zeiler, M. D. "ADADELTA: an adaptive learning rate method" (2012), algorithm 1.
    """

    rho: float = 0.9
    epsilon: float = 1e-6
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "rho": [FRACTION],
        "epsilon": [POSITIVE],
        "weight_decay": [NOT_NEGATIVE, Scheduled],
    }
    code: ClassVar[int] = Rule.ADADELTA
    n_slots: ClassVar[int] = 2

    def coefficients(self, learning_rates, alpha, first_step):
        decay = learning_rates * self.weight_decay
        return table_of(learning_rates, alpha, self.rho, 1 - self.rho, self.epsilon, decay=decay)


@dataclass
class RMSprop(StochasticOptimizer):
    """RMSprop: steps divided by the root of the moving average of the squared gradient.

    ::

        s = rho s + (1 - rho) g^2
        v = momentum v + g / (sqrt(s) + epsilon)
        w = w - lr v

    If `centered`, ``s - a^2`` replaces s under the root: the variance of the gradient, with the
    moving average ``a = rho a + (1 - rho) g``.

    Parameters
    ----------
    rho : float, default=0.99
        Decay rate of the averages, in [0, 1).
    momentum : float, default=0.0
        Coefficient of momentum, in [0, 1].
    centered : bool, default=False
        Whether to divide by the standard deviation of the gradient.
    epsilon : float, default=1e-8
        Constant added to the denominator for numerical stability.
    weight_decay : float, default=0.0
        Decoupled weight decay: each step subtracts ``lr weight_decay w`` from the weights w, in
        addition to the penalty `alpha`.

    References
    ----------
    Tieleman, T. and Hinton, G. "Lecture 6.5: rmsprop" (Neural networks for machine learning,
    Coursera, 2012). Centred, with momentum: Graves, A. "Generating sequences with recurrent neural
    networks" (2013), equations 38 to 41, with epsilon outside of the root as PyTorch has it.
    """

    rho: float = 0.99
    momentum: float = 0.0
    centered: bool = False
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "rho": [FRACTION],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "centered": ["boolean"],
        "epsilon": [POSITIVE],
        "weight_decay": [NOT_NEGATIVE, Scheduled],
    }

    @property
    def code(self):
        if self.centered:
            return Rule.RMSPROP_CENTERED
        return Rule.RMSPROP if self.momentum == 0 else Rule.RMSPROP_MOMENTUM

    @property
    def n_slots(self):
        return {Rule.RMSPROP: 1, Rule.RMSPROP_MOMENTUM: 2, Rule.RMSPROP_CENTERED: 3}[self.code]

    def coefficients(self, learning_rates, alpha, first_step):
        own = self.rho, 1 - self.rho, self.epsilon, self.momentum
        decay = learning_rates * self.weight_decay
        return table_of(learning_rates, alpha, *own, decay=decay)
