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
        How the native code knows the update rule.
    n_slots : int
        How many arrays of the size of the parameters the rule remembers.
    full_batch : bool
        Whether a step needs the gradient of all rows, always of the same loss.
    uses_alpha : bool
        Whether the penalty is a part of the gradient, and no decay takes its place.
    """

    full_batch: ClassVar[bool] = False
    uses_alpha: ClassVar[bool] = True


class StochasticOptimizer(Optimizer):
    """Base class of optimizers that take a step after each batch.

    In their formulas g is the gradient of the loss with its penalty (`alpha` of the estimators),
    and lr the learning rate. Those that have a `weight_decay` also take ``lr weight_decay w`` off
    the weights at each step: decay that enters neither the moments nor the denominator (Loshchilov
    and Hutter 2019, algorithm 1 and 2).
    """

    def coefficients(self, learning_rates, alpha: float, first_step: int) -> np.ndarray:
        """Return a table of shape (n_steps, N_COEFFICIENTS), a row for each step.

        Its columns are the effective learning rate, the L2 penalty, the part of a weight that
        decays at the step, and then the rule's own.

        Parameters
        ----------
        learning_rates : ndarray of shape (n_steps,)
        alpha : float
            Strength of the L2 penalty.
        first_step : int
            Number of steps taken before.
        """
        raise NotImplementedError

    def proximal_rates(self, learning_rates, first_step: int) -> np.ndarray | None:
        """Return the thresholds of a proximal step by a penalty ``abs(w)``; None: there is no such.

        It is the length of the rule's step along a constant gradient of 1, so that a weight rests
        where the gradient of the loss balances the penalty. Rules that divide by a root divide the
        threshold by it too (Yun, J., Lozano, A. C. and Yang, E. "Adaptive proximal gradient methods
        for structured neural networks" 2021, algorithm 1).

        Parameters
        ----------
        learning_rates : ndarray of shape (n_steps,)
        first_step : int
            Number of steps taken before.
        """
        return None


def table_of(learning_rates, alpha, *own, decay=0.0):
    """Return a table with these columns; `decay` is the part of a weight that a step takes away."""
    table = np.zeros((len(learning_rates), N_COEFFICIENTS))
    for i, column in enumerate((learning_rates, alpha, decay, *own)):
        table[:, i] = column
    for column, value in NEUTRAL.items():
        table[:, column] = value
    return table


def step_numbers(n_steps, first_step):
    """Return the numbers of the steps, counted from 1."""
    return np.arange(first_step + 1, first_step + 1 + n_steps, dtype=np.float64)
