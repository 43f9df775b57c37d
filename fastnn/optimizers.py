"""Optimizers: what they remember, and the coefficients of their update rule at every step.

The update itself is native code. All that changes from step to step is computed here, for many
steps at once, as a table that the native loop reads row by row.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from ._core.codes import N_COEFFICIENTS, Rule
from ._core.program import NEUTRAL
from ._specs.constraints import Interval, OneOf
from ._specs.registry import register
from ._specs.spec import Spec
from .schedules import Scheduled

_FRACTION = Interval(Real, 0, 1, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


class Optimizer(Spec):
    """Base of the optimizers.

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
    """Base of the optimizers that take a step after each batch.

    In their formulas g is the gradient of the loss with its penalty (`alpha` of the estimators),
    and lr the learning rate. Those that have a `weight_decay` also take ``lr weight_decay w`` off
    the weights at each step: decay that no moment and no denominator gets to see (Loshchilov and
    Hutter 2019, algorithm 1 and 2).
    """

    def coefficients(self, learning_rates, alpha: float, first_step: int) -> np.ndarray:
        """Table of shape (n_steps, N_COEFFICIENTS), a row for each step.

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


def _table(learning_rates, alpha, *own, decay=0.0):
    table = np.zeros((len(learning_rates), N_COEFFICIENTS))
    for i, column in enumerate((learning_rates, alpha, decay, *own)):
        table[:, i] = column
    for column, value in NEUTRAL.items():
        table[:, column] = value
    return table


def _decay(learning_rates, weight_decay):
    """The part of a weight that is taken away at each step."""
    return np.multiply(learning_rates, weight_decay)


def _steps(n_steps, first_step):
    """The numbers of the steps, of which the first of all is 1."""
    return np.arange(first_step + 1, first_step + 1 + n_steps, dtype=np.float64)


@dataclass
class SGD(StochasticOptimizer):
    """Stochastic gradient descent with momentum.

    ::

        v = momentum v - lr g
        w = w + v

    With Nesterov's momentum the gradient g is that of ``w + momentum v``, ahead of w. In the usual
    form (``nesterov=True``) the parameters stand for that point themselves, and the step is
    ``w = w + momentum v - lr g`` with the new v. In the other (``nesterov="look_ahead"``) they
    stand for w: a network is trained at the point ahead, and predicts with w. At a constant rate
    both walk the same way.

    Parameters
    ----------
    momentum : float, default=0.9
        How much of the last update is repeated, from 0 (nothing) to 1.
    nesterov : bool or "look_ahead", default=True
        Whether to use Nesterov's momentum, and in which form.
    weight_decay : float, default=0.0
        What is taken off the weights at each step, as a part of learning rate times weight, beside
        the penalty `alpha`.

    References
    ----------
    Sutskever, I. et al. "On the importance of initialization and momentum in deep learning" (2013),
    equations 1 to 4; with the parameters at the point ahead: Bengio, Y. et al. "Advances in
    optimizing recurrent networks" (2013), section 3.5.
    """

    momentum: float = 0.9
    nesterov: bool | str = True
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterov": ["boolean", OneOf({"look_ahead"})],
        "weight_decay": [_NOT_NEGATIVE, Scheduled],
    }

    @property
    def code(self):
        if self.momentum == 0:
            return Rule.SGD
        if self.nesterov == "look_ahead":
            return Rule.LOOK_AHEAD
        return Rule.NESTEROV if self.nesterov else Rule.MOMENTUM

    @property
    def n_slots(self):
        return 0 if self.momentum == 0 else 1

    def coefficients(self, learning_rates, alpha, first_step):
        decay = _decay(learning_rates, self.weight_decay)
        return _table(learning_rates, alpha, self.momentum, decay=decay)


@dataclass
class Momentum(StochasticOptimizer):
    """Steps along the moving average of the gradient.

    ::

        m = beta m + (1 - beta) g
        w = w - lr m

    At a constant rate this is ``SGD(momentum=beta, nesterov=False)`` at ``lr * (1 - beta)``. At
    another rate it is not: here a new rate acts on all of the step, there on the new gradient only.

    Parameters
    ----------
    beta : float, default=0.9
        Decay rate of the average, in [0, 1).
    weight_decay : float, default=0.0
        What is taken off the weights at each step, as a part of learning rate times weight, beside
        the penalty `alpha`.

    References
    ----------
    Kingma, D. P. and Ba, J. "Adam: a method for stochastic optimization" (2015), algorithm 1: its
    first moment, of which the bias towards zero is not corrected here.
    """

    beta: float = 0.9
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "beta": [_FRACTION],
        "weight_decay": [_NOT_NEGATIVE, Scheduled],
    }
    code: ClassVar[int] = Rule.AVERAGED
    n_slots: ClassVar[int] = 1

    def coefficients(self, learning_rates, alpha, first_step):
        decay = _decay(learning_rates, self.weight_decay)
        return _table(learning_rates, alpha, self.beta, 1 - self.beta, decay=decay)


@dataclass
class Adagrad(StochasticOptimizer):
    """Steps divided by the root of the sum of all squared gradients of the parameter.

    ::

        s = s + g^2
        w = w - lr g / (sqrt(s) + epsilon)

    Parameters
    ----------
    epsilon : float, default=1e-10
        Added to the denominator, so that it is never zero.
    weight_decay : float, default=0.0
        What is taken off the weights at each step, as a part of learning rate times weight, beside
        the penalty `alpha`.

    References
    ----------
    Duchi, J., Hazan, E. and Singer, Y. "Adaptive subgradient methods for online learning and
    stochastic optimization" (2011), figure 1 with diagonal matrices.
    """

    epsilon: float = 1e-10
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "epsilon": [_POSITIVE],
        "weight_decay": [_NOT_NEGATIVE, Scheduled],
    }
    code: ClassVar[int] = Rule.ADAGRAD
    n_slots: ClassVar[int] = 1

    def coefficients(self, learning_rates, alpha, first_step):
        decay = _decay(learning_rates, self.weight_decay)
        return _table(learning_rates, alpha, self.epsilon, decay=decay)


@dataclass
class Adadelta(StochasticOptimizer):
    """Steps in the units of the parameter: their own mean size replaces a learning rate.

    ::

        s = rho s + (1 - rho) g^2
        d = sqrt(u + epsilon) / sqrt(s + epsilon) g
        u = rho u + (1 - rho) d^2
        w = w - lr d

    The paper has no learning rate: that is ``learning_rate_init=1``, not the default of the
    estimators, at which it hardly moves.

    Parameters
    ----------
    rho : float, default=0.9
        Decay rate of both averages, in [0, 1).
    epsilon : float, default=1e-6
        Added under the roots: it keeps the denominator from zero, and begins the first step.
    weight_decay : float, default=0.0
        What is taken off the weights at each step, as a part of learning rate times weight, beside
        the penalty `alpha`.

    References
    ----------
    Zeiler, M. D. "ADADELTA: an adaptive learning rate method" (2012), algorithm 1.
    """

    rho: float = 0.9
    epsilon: float = 1e-6
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "rho": [_FRACTION],
        "epsilon": [_POSITIVE],
        "weight_decay": [_NOT_NEGATIVE, Scheduled],
    }
    code: ClassVar[int] = Rule.ADADELTA
    n_slots: ClassVar[int] = 2

    def coefficients(self, learning_rates, alpha, first_step):
        decay = _decay(learning_rates, self.weight_decay)
        return _table(learning_rates, alpha, self.rho, 1 - self.rho, self.epsilon, decay=decay)


@dataclass
class RMSprop(StochasticOptimizer):
    """Steps divided by the root of the moving average of the squared gradient.

    ::

        s = rho s + (1 - rho) g^2
        v = momentum v + g / (sqrt(s) + epsilon)
        w = w - lr v

    Centred, ``s - a^2`` takes the place of s under the root: the variance of the gradient, with its
    average ``a = rho a + (1 - rho) g``.

    Parameters
    ----------
    rho : float, default=0.99
        Decay rate of the averages, in [0, 1).
    momentum : float, default=0.0
        How much of the last step is repeated, from 0 (nothing) to 1.
    centered : bool, default=False
        Whether to divide by the root of the variance.
    epsilon : float, default=1e-8
        Added to the denominator, so that it is never zero.
    weight_decay : float, default=0.0
        What is taken off the weights at each step, as a part of learning rate times weight, beside
        the penalty `alpha`.

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
        "rho": [_FRACTION],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "centered": ["boolean"],
        "epsilon": [_POSITIVE],
        "weight_decay": [_NOT_NEGATIVE, Scheduled],
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
        decay = _decay(learning_rates, self.weight_decay)
        return _table(learning_rates, alpha, *own, decay=decay)


@dataclass
class Rprop(StochasticOptimizer):
    """Resilient propagation: each parameter has a step size, and only the gradient's sign counts.

    The size grows while the gradient keeps its sign, and shrinks where it turns::

        size = eta_plus size   if g g_last > 0
        size = eta_minus size  if g g_last < 0, and then g = 0
        w = w - sign(g) size

    with the size kept between `step_min` and `step_max`. The learning rate is the first size, and
    has no further effect.

    A step needs the gradient of all rows, so that ``batch_size="auto"`` is all of them. With less
    there is a warning: Rprop takes steps of the same size for gradients of 0.1, 0.1, 0.1 and -0.5
    in four batches, and goes the wrong way.

    Parameters
    ----------
    eta_minus : float, default=0.5
        What a size is multiplied by where the gradient has turned, in (0, 1).
    eta_plus : float, default=1.2
        What it is multiplied by where the gradient has kept its sign, above 1.
    step_min, step_max : float, default=1e-6 and 50
        The smallest and the largest size.

    References
    ----------
    Riedmiller, M. and Braun, H. "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm" (1993), section 3. A step is not taken back where the gradient turns: Igel, C.
    and Huesken, M. "Improving the Rprop learning algorithm" (2000), Rprop- with the derivative set
    to zero (iRprop-), as in PyTorch.
    """

    eta_minus: float = 0.5
    eta_plus: float = 1.2
    step_min: float = 1e-6
    step_max: float = 50.0

    _parameter_constraints: ClassVar[dict] = {
        "eta_minus": [Interval(Real, 0, 1, closed="neither")],
        "eta_plus": [Interval(Real, 1, None, closed="neither")],
        "step_min": [_POSITIVE],
        "step_max": [_POSITIVE],
    }
    code: ClassVar[int] = Rule.RPROP
    n_slots: ClassVar[int] = 2
    full_batch: ClassVar[bool] = True

    def validate(self):
        super().validate()
        if self.step_min > self.step_max:
            raise ValueError(
                f"step_min of Rprop must not be above step_max, got {self.step_min} and "
                f"{self.step_max}."
            )
        return self

    def coefficients(self, learning_rates, alpha, first_step):
        own = self.eta_minus, self.eta_plus, self.step_min, self.step_max
        return _table(learning_rates, alpha, *own)


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
        "epsilon": [_POSITIVE],
    }
    code: ClassVar[int] = Rule.ADAM
    n_slots: ClassVar[int] = 2

    def coefficients(self, learning_rates, alpha, first_step):
        b1, b2 = self.beta_1, self.beta_2
        t = _steps(len(learning_rates), first_step)
        rates = learning_rates * np.sqrt(1 - b2**t) / (1 - b1**t)
        return _table(rates, alpha, b1, 1 - b1, b2, 1 - b2, self.epsilon)


class _Moments(StochasticOptimizer):
    """Base of those that follow Adam, with epsilon added after the bias is corrected.

    ::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2

    What they make of the two moments is ``w = w - (a m + b g) / (c sqrt(v) + d)``: they differ in
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
    """Adam whose weights decay by themselves, rather than by a penalty that is rescaled with it.

    ::

        w = w - lr weight_decay w
        w = w - lr m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Weights decay; biases and the parameters of normalisation do not. `weight_decay` takes the place
    of the estimators' `alpha`, which is not used.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator, so that it is never zero.
    weight_decay : float or Scheduled, default=0.01
        What is taken off the weights at each step, as a part of learning rate times weight.

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
        "weight_decay": [_NOT_NEGATIVE, Scheduled],
    }
    uses_alpha: ClassVar[bool] = False

    def coefficients(self, learning_rates, alpha, first_step):
        t = _steps(len(learning_rates), first_step)
        rates, root = learning_rates / (1 - self.beta_1**t), 1 / np.sqrt(1 - self.beta_2**t)
        decay = _decay(learning_rates, self.weight_decay)
        return _table(rates, 0.0, *self._betas(), root, self.epsilon, decay=decay)


@dataclass
class NAdam(_Moments):
    """Adam with Nesterov's momentum, which is warmed up.

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
        Added to the denominator, so that it is never zero.
    momentum_decay : float, default=0.004
        How fast the momentum grows from half of `beta_1` to all of it.

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
        "momentum_decay": [_NOT_NEGATIVE],
    }

    def coefficients(self, learning_rates, alpha, first_step):
        n_steps = len(learning_rates)
        t = _steps(n_steps, first_step)
        # From the first step of all to the one after the last: the products need them.
        momenta = self.beta_1 * (
            1 - 0.5 * 0.96 ** (self.momentum_decay * _steps(first_step + n_steps + 1, 0))
        )
        products = np.cumprod(momenta)
        now, after = slice(first_step, -1), slice(first_step + 1, None)
        rates = learning_rates * momenta[after] / (1 - products[after])
        of_gradient = learning_rates * (1 - momenta[now]) / (1 - products[now])
        root = 1 / np.sqrt(1 - self.beta_2**t)
        return _table(rates, alpha, *self._betas(), root, self.epsilon, of_gradient)


@dataclass
class RAdam(_Moments):
    """Adam that waits until the variance of its denominator can be told, and then rectifies it.

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
        Added to the denominator, so that it is never zero.

    References
    ----------
    Liu, L. et al. "On the variance of the adaptive learning rate and beyond" (2020), algorithm 2,
    with the threshold of 5 of the authors' code, as in PyTorch.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def coefficients(self, learning_rates, alpha, first_step):
        t = _steps(len(learning_rates), first_step)
        limit, correction = 2 / (1 - self.beta_2) - 1, 1 - self.beta_2**t
        length = limit - 2 * t * self.beta_2**t / correction
        tells = length > 5
        known = length[tells]
        rectified = (known - 4) * (known - 2) * limit / ((limit - 4) * (limit - 2) * known)
        rates = learning_rates / (1 - self.beta_1**t)
        rates[tells] *= np.sqrt(rectified * correction[tells])
        epsilon = np.where(tells, self.epsilon, 1.0)
        return _table(rates, alpha, *self._betas(), tells, epsilon)


@dataclass
class AMSGrad(_Moments):
    """Adam that divides by the largest second moment so far, so that step sizes never grow.

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
        Added to the denominator, so that it is never zero.

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
        t = _steps(len(learning_rates), first_step)
        rates, root = learning_rates / (1 - self.beta_1**t), 1 / np.sqrt(1 - self.beta_2**t)
        return _table(rates, alpha, *self._betas(), root, self.epsilon)


@dataclass
class LAMB(_Moments):
    """Adam whose step is, for each layer's weights, as long as they are: for large batches.

    ::

        u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon) + weight_decay w
        w = w - lr ||w|| / ||u|| u

    The norms are of all weights of a layer; where one of them is 0, the ratio is 1. As in the
    authors' code, biases and the parameters of normalisation do not decay, and have a ratio of 1.
    `weight_decay` takes the place of the estimators' `alpha`, which is not used.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay rate of the average of the gradient, in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the average of the squared gradient, in [0, 1).
    epsilon : float, default=1e-6
        Added to the denominator, so that it is never zero.
    weight_decay : float, default=0.01
        What the weights add to the direction, as a part of them.

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
        t = _steps(len(learning_rates), first_step)
        first, root = 1 / (1 - self.beta_1**t), 1 / np.sqrt(1 - self.beta_2**t)
        own = *self._betas(), root, self.epsilon, first
        return _table(learning_rates, 0.0, *own, decay=self.weight_decay)


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
    code: ClassVar[int] = Rule.SGD  # not used: SciPy takes the steps
    n_slots: ClassVar[int] = 0
    full_batch: ClassVar[bool] = True


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "rprop": Rprop,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "radam": RAdam,
    "amsgrad": AMSGrad,
    "lamb": LAMB,
    "lbfgs": LBFGS,
}
register(OPTIMIZERS, "solver")
