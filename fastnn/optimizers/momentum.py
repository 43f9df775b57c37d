"""Optimizers with steps along gradients or their averages."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

from .._core.codes import Rule
from .._specs.constraints import Interval, OneOf
from ..schedules import Scheduled
from .base import FRACTION, NOT_NEGATIVE, StochasticOptimizer, table_of


@dataclass
class SGD(StochasticOptimizer):
    """Stochastic gradient descent with momentum.

    ::

        v = momentum v - lr g
        w = w + v

    With Nesterov momentum, the gradient g is evaluated at the look-ahead point ``w + momentum v``.
    In the usual form (``nesterov=True``), the parameters are the look-ahead point itself, and the
    step is ``w = w + momentum v - lr g`` with the new v. With ``nesterov="look_ahead"``, the
    parameters are w: gradients are computed at the look-ahead point, and predictions with w. At a
    constant rate, both forms follow the same path.

    The velocity v is a sum of updates, each with the learning rate of its own step. With
    ``velocity="gradients"`` it is a sum of gradients, as in PyTorch, and a change of the rate
    affects the whole step::

        v = momentum v + g
        w = w - lr v                        or, with nesterov=True, w - lr (g + momentum v)

    Both forms differ only when the rate changes.

    Parameters
    ----------
    momentum : float, default=0.9
        Coefficient of the previous update, in [0, 1].
    nesterov : bool or "look_ahead", default=True
        Whether to use Nesterov momentum, and its form. "look_ahead" requires
        ``velocity="updates"``.
    weight_decay : float, default=0.0
        Decoupled weight decay: each step subtracts ``lr weight_decay w`` from the weights w, in
        addition to the penalty `alpha`.
    velocity : {"updates", "gradients"}, default="updates"
        Whether the velocity is a sum of updates, as in scikit-learn, or of gradients.

    References
    ----------
    Sutskever, I. et al. "On the importance of initialization and momentum in deep learning" (2013),
    equations 1 to 4; with the parameters at the point ahead: Bengio, Y. et al. "Advances in
    optimizing recurrent networks" (2013), section 3.5. With a velocity of gradients: Paszke, A. et
    al. "PyTorch: an imperative style, high-performance deep learning library" (2019),
    `torch.optim.SGD`.
    """

    momentum: float = 0.9
    nesterov: bool | str = True
    weight_decay: float = 0.0
    velocity: str = "updates"

    _parameter_constraints: ClassVar[dict] = {
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterov": ["boolean", OneOf({"look_ahead"})],
        "weight_decay": [NOT_NEGATIVE, Scheduled],
        "velocity": [OneOf({"updates", "gradients"})],
    }

    def validate(self):
        super().validate()
        if self.nesterov == "look_ahead" and self.velocity == "gradients":
            raise ValueError(
                "nesterov='look_ahead' of SGD needs a velocity that is a sum of updates: "
                "set velocity='updates' or nesterov=True."
            )
        return self

    @property
    def code(self):
        if self.momentum == 0:
            return Rule.SGD
        if self.velocity == "gradients":
            return Rule.NESTEROV_AVERAGED if self.nesterov else Rule.AVERAGED
        if self.nesterov == "look_ahead":
            return Rule.LOOK_AHEAD
        return Rule.NESTEROV if self.nesterov else Rule.MOMENTUM

    @property
    def n_slots(self):
        return 0 if self.momentum == 0 else 1

    @property
    def slots_name(self):
        return "SGD" if self.velocity == "updates" else "SGD of gradients"

    def coefficients(self, learning_rates, alpha, first_step):
        decay = learning_rates * self.weight_decay
        # The weight of a gradient is read where the velocity is a sum of gradients.
        return table_of(learning_rates, alpha, self.momentum, 1.0, decay=decay)

    def proximal_rates(self, learning_rates, first_step):
        if self.velocity == "gradients":  # a sum of 1 / (1 - momentum) gradients
            return None if self.momentum == 1 else learning_rates / (1 - self.momentum)
        # A velocity of updates contains those by the threshold (Ochs, P., Chen, Y., Brox, T. and
        # Pock, T. "iPiano: inertial proximal algorithm for nonconvex optimization" 2014, algorithm
        # 2): under a schedule, one of gradients alone would be of other rates than the threshold.
        return learning_rates * (1 + self.momentum if self.code == Rule.NESTEROV else 1)


@dataclass
class Momentum(StochasticOptimizer):
    """Momentum: steps along the moving average of the gradient.

    ::

        m = beta m + (1 - beta) g
        w = w - lr m

    At a constant rate this equals ``SGD(momentum=beta, nesterov=False)`` with the rate ``lr * (1 -
    beta)``. When the rate changes, they differ: here the new rate applies to the whole step, but in
    `SGD` to the new gradient only, unless ``velocity="gradients"``.

    Parameters
    ----------
    beta : float, default=0.9
        Decay rate of the average, in [0, 1).
    weight_decay : float, default=0.0
        Decoupled weight decay: each step subtracts ``lr weight_decay w`` from the weights w, in
        addition to the penalty `alpha`.

    References
    ----------
    Kingma, D. P. and Ba, J. "Adam: a method for stochastic optimization" (2015), algorithm 1: its
    first moment, without the correction of its bias towards zero.
    """

    beta: float = 0.9
    weight_decay: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "beta": [FRACTION],
        "weight_decay": [NOT_NEGATIVE, Scheduled],
    }
    code: ClassVar[int] = Rule.AVERAGED
    n_slots: ClassVar[int] = 1

    def coefficients(self, learning_rates, alpha, first_step):
        decay = learning_rates * self.weight_decay
        return table_of(learning_rates, alpha, self.beta, 1 - self.beta, decay=decay)

    def proximal_rates(self, learning_rates, first_step):
        return learning_rates
