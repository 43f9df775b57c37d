"""Resilient propagation."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from .._core.codes import Rule
from .._specs.constraints import Interval
from .base import POSITIVE, StochasticOptimizer, table_of


@dataclass
class Rprop(StochasticOptimizer):
    """Resilient propagation: step sizes per parameter, adapted by the signs of gradients.

    The size increases while the gradient keeps its sign, and decreases when it changes::

        size = eta_plus size   if g g_last > 0
        size = eta_minus size  if g g_last < 0, and then g = 0
        w = w - sign(g) size

    The size is clipped to [`step_min`, `step_max`]. The learning rate is the initial size, and has
    no further effect. With ``wait=False``, g is not set to 0 when its sign changes: the parameter
    takes the smaller step at once.

    A step needs the gradient of all rows, which ``batch_size="auto"`` selects. Smaller batches
    cause a warning: for gradients of 0.1, 0.1, 0.1 and -0.5 in four batches, Rprop takes steps of
    the same size, and moves in the wrong direction.

    Parameters
    ----------
    eta_minus : float, default=0.5
        Factor of the size if the gradient has changed its sign, in (0, 1).
    eta_plus : float, default=1.2
        Factor of the size if the gradient has kept its sign, above 1.
    step_min, step_max : float, default=1e-6 and 50
        The smallest and the largest size.
    wait : bool, default=True
        Whether a parameter is not updated in a step in which its gradient changes its sign.

    References
    ----------
    Riedmiller, M. and Braun, H. "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm" (1993), section 3. Steps are not reverted when the gradient changes its sign:
    Igel, C. and Huesken, M. "Improving the Rprop learning algorithm" (2000), iRprop-, which sets
    the derivative to zero, as in PyTorch; with ``wait=False``, Rprop-.
    """

    eta_minus: float = 0.5
    eta_plus: float = 1.2
    step_min: float = 1e-6
    step_max: float = 50.0
    wait: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "eta_minus": [Interval(Real, 0, 1, closed="neither")],
        "eta_plus": [Interval(Real, 1, None, closed="neither")],
        "step_min": [POSITIVE],
        "step_max": [POSITIVE],
        "wait": ["boolean"],
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
        # A gradient is forgotten where its product with the last is below this.
        return table_of(learning_rates, alpha, *own, 0.0 if self.wait else -np.inf)
