"""Adam and its variants."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._core.codes import Rule
from ..schedules import Scheduled
from .base import FRACTION, NOT_NEGATIVE, POSITIVE, StochasticOptimizer, step_numbers, table_of


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
        Constant added to the denominator for numerical stability.

    References
    ----------
    Kingma, D. P. and Ba, J. "Adam: a method for stochastic optimization" (2015).
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    _parameter_constraints: ClassVar[dict] = {
        "beta_1": [FRACTION],
        "beta_2": [FRACTION],
        "epsilon": [POSITIVE],
    }
    code: ClassVar[int] = Rule.ADAM
    n_slots: ClassVar[int] = 2

    def coefficients(self, learning_rates, alpha, first_step):
        b1, b2 = self.beta_1, self.beta_2
        t = step_numbers(len(learning_rates), first_step)
        rates = learning_rates * np.sqrt(1 - b2**t) / (1 - b1**t)
        return table_of(rates, alpha, b1, 1 - b1, b2, 1 - b2, self.epsilon)

    def proximal_rates(self, learning_rates, first_step):
        # The bias of the first moment is none of the penalty's, which is not averaged.
        t = step_numbers(len(learning_rates), first_step)
        return learning_rates * np.sqrt(1 - self.beta_2**t)


class _Moments(StochasticOptimizer):
    """Base of those that follow Adam, with epsilon added after the bias is corrected.

    ::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2

    The update from the two moments is ``w = w - (a m + b g) / (c sqrt(v) + d)``. Variants differ in
    the coefficients a to d, which vary with the number t of the step.
    """

    beta_1: float
    beta_2: float
    epsilon: float

    _parameter_constraints: ClassVar[dict] = Adam._parameter_constraints
    code: ClassVar[int] = Rule.MOMENTS
    n_slots: ClassVar[int] = 2

    def _betas(self):
        return self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2


@dataclass
class AdamW(_Moments):
    """Adam with decoupled weight decay, in place of a penalty that is part of the gradient.

    ::

        w = w - lr weight_decay w
        w = w - lr m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Biases and the parameters of normalizations do not decay. `weight_decay` replaces the parameter
    `alpha` of the estimators, which is not used.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Constant added to the denominator for numerical stability.
    weight_decay : float or Scheduled, default=0.01
        Decoupled weight decay: each step subtracts ``lr weight_decay w`` from the weights w.

    References
    ----------
    Loshchilov, I. and Hutter, F. "Decoupled weight decay regularization" (2019), algorithm 2.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float | Scheduled = 0.01

    _parameter_constraints: ClassVar[dict] = {
        **Adam._parameter_constraints,
        "weight_decay": [NOT_NEGATIVE, Scheduled],
    }
    uses_alpha: ClassVar[bool] = False

    def coefficients(self, learning_rates, alpha, first_step):
        t = step_numbers(len(learning_rates), first_step)
        rates, root = learning_rates / (1 - self.beta_1**t), 1 / np.sqrt(1 - self.beta_2**t)
        decay = learning_rates * self.weight_decay
        return table_of(rates, 0.0, *self._betas(), root, self.epsilon, decay=decay)


@dataclass
class NAdam(_Moments):
    """Adam with Nesterov momentum, which is warmed up.

    ::

        mu_t = beta_1 (1 - 0.96^(t momentum_decay) / 2)
        n = mu_{t+1} m / (1 - mu_1 ... mu_{t+1}) + (1 - mu_t) g / (1 - mu_1 ... mu_t)
        w = w - lr n / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Constant added to the denominator for numerical stability.
    momentum_decay : float, default=0.004
        Rate at which the momentum grows from half of `beta_1` to `beta_1`.

    References
    ----------
    Dozat, T. "Incorporating Nesterov momentum into Adam" (2016), algorithm 2, with PyTorch's
    schedule of the momentum.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 0.004

    _parameter_constraints: ClassVar[dict] = {
        **Adam._parameter_constraints,
        "momentum_decay": [NOT_NEGATIVE],
    }

    def coefficients(self, learning_rates, alpha, first_step):
        n_steps = len(learning_rates)
        t = step_numbers(n_steps, first_step)
        # From the first step of all to the one after the last: the products need them.
        momenta = self.beta_1 * (
            1 - 0.5 * 0.96 ** (self.momentum_decay * step_numbers(first_step + n_steps + 1, 0))
        )
        products = np.cumprod(momenta)
        now, after = slice(first_step, -1), slice(first_step + 1, None)
        rates = learning_rates * momenta[after] / (1 - products[after])
        of_gradient = learning_rates * (1 - momenta[now]) / (1 - products[now])
        root = 1 / np.sqrt(1 - self.beta_2**t)
        return table_of(rates, alpha, *self._betas(), root, self.epsilon, of_gradient)


@dataclass
class RAdam(_Moments):
    """Rectified Adam: division by the second moment's root only if its variance is tractable.

    ::

        rho_inf = 2 / (1 - beta_2) - 1
        rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        w = w - lr m / (1 - beta_1^t) r sqrt(1 - beta_2^t) / (sqrt(v) + epsilon)  if rho > 5
        w = w - lr m / (1 - beta_1^t)  otherwise

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Constant added to the denominator for numerical stability.

    References
    ----------
    Liu, L. et al. "On the variance of the adaptive learning rate and beyond" (2020), algorithm 2,
    with the threshold of 5 of the authors' code, as in PyTorch.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def coefficients(self, learning_rates, alpha, first_step):
        t = step_numbers(len(learning_rates), first_step)
        limit, correction = 2 / (1 - self.beta_2) - 1, 1 - self.beta_2**t
        length = limit - 2 * t * self.beta_2**t / correction
        tells = length > 5
        known = length[tells]
        rectified = (known - 4) * (known - 2) * limit / ((limit - 4) * (limit - 2) * known)
        rates = learning_rates / (1 - self.beta_1**t)
        rates[tells] *= np.sqrt(rectified * correction[tells])
        epsilon = np.where(tells, self.epsilon, 1.0)
        return table_of(rates, alpha, *self._betas(), tells, epsilon)


@dataclass
class AMSGrad(_Moments):
    """Adam divided by the largest second moment so far, so that step sizes never increase.

    ::

        u = max(u, v)
        w = w - lr m / (1 - beta_1^t) / (sqrt(u / (1 - beta_2^t)) + epsilon)

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Constant added to the denominator for numerical stability.

    References
    ----------
    Reddi, S. J., Kale, S. and Kumar, S. "On the convergence of Adam and beyond" (2018), algorithm
    2, with Adam's correction of the bias, as in PyTorch.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    code: ClassVar[int] = Rule.AMSGRAD
    n_slots: ClassVar[int] = 3

    def coefficients(self, learning_rates, alpha, first_step):
        t = step_numbers(len(learning_rates), first_step)
        rates, root = learning_rates / (1 - self.beta_1**t), 1 / np.sqrt(1 - self.beta_2**t)
        return table_of(rates, alpha, *self._betas(), root, self.epsilon)


@dataclass
class LAMB(_Moments):
    """Adam for large batches, with steps scaled to the norm of the weights of each layer.

    ::

        u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon) + weight_decay w
        w = w - lr ||w|| / ||u|| u

    The norms are taken over all weights of a layer. If one of them is 0, the ratio of norms is 1.
    As in the authors' code, biases and the parameters of normalizations do not decay, and their
    ratio is 1. `weight_decay` replaces the parameter `alpha` of the estimators, which is not used.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-6
        Constant added to the denominator for numerical stability.
    weight_decay : float, default=0.01
        Factor of the weights in the direction u.

    References
    ----------
    You, Y. et al. "Large batch optimization for deep learning: training BERT in 76 minutes" (2020),
    algorithm 2, with the identity for phi.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-6
    weight_decay: float = 0.01

    _parameter_constraints: ClassVar[dict] = AdamW._parameter_constraints
    code: ClassVar[int] = Rule.LAMB
    uses_alpha: ClassVar[bool] = False

    def coefficients(self, learning_rates, alpha, first_step):
        t = step_numbers(len(learning_rates), first_step)
        first, root = 1 / (1 - self.beta_1**t), 1 / np.sqrt(1 - self.beta_2**t)
        own = *self._betas(), root, self.epsilon, first
        return table_of(learning_rates, 0.0, *own, decay=self.weight_decay)
