"""Optimizers: what they remember, and the coefficients of their update rule at every step.

The update itself is native code. All that changes from step to step is computed here, for many
steps at once, as a table that the native loop reads row by row.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .specs import Spec

N_COEFFICIENTS = 8
_FRACTION = Interval(Real, 0, 1, closed="left")


class Optimizer(Spec):
    """Base of the optimizers.

    Attributes
    ----------
    code : int
        How the native code knows the update rule.
    n_slots : int
        How many arrays of the size of the parameters the rule remembers.
    """


class StochasticOptimizer(Optimizer):
    """Base of the optimizers that take a step after each batch."""

    def coefficients(self, learning_rates, alpha: float, first_step: int) -> np.ndarray:
        """Table of shape (n_steps, 8): effective learning rate, L2 penalty, and the rule's own.

        Parameters
        ----------
        learning_rates : ndarray of shape (n_steps,)
        alpha : float
            Strength of the L2 penalty.
        first_step : int
            Number of steps taken before.
        """
        raise NotImplementedError


def _table(learning_rates, alpha, *own):
    table = np.zeros((len(learning_rates), N_COEFFICIENTS))
    table[:, 0] = learning_rates
    table[:, 1 : 2 + len(own)] = alpha, *own
    return table


@dataclass
class SGD(StochasticOptimizer):
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    momentum : float, default=0.9
        How much of the last update is repeated, from 0 (nothing) to 1.
    nesterov : bool, default=True
        Whether to use Nesterov's momentum.
    """

    momentum: float = 0.9
    nesterov: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterov": ["boolean"],
    }

    @property
    def code(self):
        if self.momentum == 0:
            return 0
        return 2 if self.nesterov else 1

    @property
    def n_slots(self):
        return 0 if self.momentum == 0 else 1

    def coefficients(self, learning_rates, alpha, first_step):
        return _table(learning_rates, alpha, self.momentum)


@dataclass
class Adam(StochasticOptimizer):
    """Adam: steps scaled by moving averages of the gradient and of its square.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator, so that it is never zero.

    References
    ----------
    Kingma, D. P. and Ba, J. "Adam: a method for stochastic optimization" (2015).
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    _parameter_constraints: ClassVar[dict] = {
        "beta_1": [_FRACTION],
        "beta_2": [_FRACTION],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
    }
    code: ClassVar[int] = 3
    n_slots: ClassVar[int] = 2

    def coefficients(self, learning_rates, alpha, first_step):
        b1, b2 = self.beta_1, self.beta_2
        t = np.arange(first_step + 1, first_step + 1 + len(learning_rates), dtype=np.float64)
        rates = learning_rates * np.sqrt(1 - b2**t) / (1 - b1**t)
        return _table(rates, alpha, b1, 1 - b1, b2, 1 - b2, self.epsilon)


@dataclass
class LBFGS(Optimizer):
    """Limited-memory BFGS, a quasi-Newton method: all rows at every step, and no learning rate.

    Parameters
    ----------
    max_fun : int, default=15000
        Maximum number of evaluations of the loss.
    """

    max_fun: int = 15000

    _parameter_constraints: ClassVar[dict] = {
        "max_fun": [Interval(Integral, 1, None, closed="left")]
    }
    code: ClassVar[int] = 0  # SciPy takes the steps
    n_slots: ClassVar[int] = 0


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "lbfgs": LBFGS}
