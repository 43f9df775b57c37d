"""Base classes of optimizers, and the table of coefficients that their rules read."""

from numbers import Real
from typing import ClassVar

import numpy as np

from .._core.codes import N_COEFFICIENTS
from .._core.program import NEUTRAL
from .._specs.constraints import Interval
from .._specs.spec import Spec

FRACTION = Interval(Real, 0, 1, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


class Optimizer(Spec):
    """Base class of optimizers.

    Attributes
    ----------
    code : int
        Code of the update rule in the native engine.
    n_slots : int
        Number of state arrays of the size of the parameters.
    full_batch : bool
        Whether a step needs the gradient of a deterministic loss over all rows.
    uses_alpha : bool
        Whether the penalty `alpha` is part of the gradient. Otherwise weight decay replaces it.
    """

    full_batch: ClassVar[bool] = False
    uses_alpha: ClassVar[bool] = True

    @property
    def slots_name(self) -> str:
        """Name of the content of the slots, which only optimizers of the same name continue."""
        return type(self).__name__


class StochasticOptimizer(Optimizer):
    """Base class of optimizers that take a step after each batch.

    In their formulas g is the gradient of the loss and the penalty (`alpha` of the estimators), and
    lr is the learning rate. Optimizers with a `weight_decay` also subtract ``lr weight_decay w``
    from the weights at each step. This decay enters neither the moments nor the denominator
    (Loshchilov and Hutter 2019, algorithms 1 and 2).
    """

    def coefficients(self, learning_rates, alpha: float, first_step: int) -> np.ndarray:
        """Return a table of shape (n_steps, N_COEFFICIENTS), a row for each step.

        The columns are the effective learning rate, the L2 penalty, the fraction of a weight that
        decays at the step, and then those of the update rule.

        Parameters
        ----------
        learning_rates : ndarray of shape (n_steps,)
        alpha : float
            Strength of the L2 penalty.
        first_step : int
            Number of earlier steps.
        """
        raise NotImplementedError

    def proximal_rates(self, learning_rates, first_step: int) -> np.ndarray | None:
        """Return the thresholds of a proximal step by a penalty ``abs(w)``; None if unsupported.

        A threshold is the length of the step along a constant gradient of 1, so that a weight is
        stationary if the gradient of the loss balances the penalty. Rules that divide by a root
        also divide the threshold by it (Yun, J., Lozano, A. C. and Yang, E. "Adaptive proximal
        gradient methods for structured neural networks" 2021, algorithm 1).

        Parameters
        ----------
        learning_rates : ndarray of shape (n_steps,)
        first_step : int
            Number of earlier steps.
        """
        return None


def table_of(learning_rates, alpha, *own, decay=0.0):
    """Return a table of these columns; `decay` is the fraction of a weight that decays."""
    table = np.zeros((len(learning_rates), N_COEFFICIENTS))
    for i, column in enumerate((learning_rates, alpha, decay, *own)):
        table[:, i] = column
    for column, value in NEUTRAL.items():
        table[:, column] = value
    return table


def step_numbers(n_steps, first_step):
    """Return the numbers of the steps, counted from 1."""
    return np.arange(first_step + 1, first_step + 1 + n_steps, dtype=np.float64)
