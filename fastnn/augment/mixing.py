"""Rows of a batch mixed with each other by the engine, and their targets with them.

What is drawn at random is drawn here, for many steps at once; native code reads it from the table
of the steps.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._core.program import Column
from .._specs.constraints import Interval
from .._specs.spec import Spec
from .rows import image_sides

_POSITIVE = Interval(Real, 0, None, closed="neither")
_PROBABILITY = Interval(Real, 0, 1, closed="right")


class Mixing(Spec):
    """Base of the ways to mix rows.

    At a step, every row of the batch keeps a part `weight` of itself, and takes the rest from a
    partner: the row that comes `shift` rows later in the batch, which is shuffled already.
    """

    alpha: float
    probability: float

    def check(self, n_features: int) -> None:
        """Refuse rows that it does not fit."""

    def draw(self, coefficients, batch_sizes, n_features: int, random_state) -> None:
        """Fill the columns of the table of the steps that are about mixing.

        Parameters
        ----------
        coefficients : ndarray of shape (n_steps, n_columns)
        batch_sizes : ndarray of shape (n_steps,)
            Number of rows of each step; a row that is alone stays as it is.
        n_features : int
        random_state : RandomState
        """
        n_steps = len(batch_sizes)
        weights = random_state.beta(self.alpha, self.alpha, n_steps)
        shifts = 1 + np.floor(random_state.random_sample(n_steps) * (batch_sizes - 1))
        coefficients[:, Column.MIX_SHIFT] = shifts
        coefficients[:, Column.MIX_WEIGHT] = self._cut(
            coefficients, weights, n_features, random_state
        )
        plain = (random_state.random_sample(n_steps) >= self.probability) | (batch_sizes < 2)
        coefficients[plain, Column.MIX_WEIGHT] = 1

    def _cut(self, coefficients, weights, n_features, random_state):
        """Draw boxes, where there are any; returns the parts that rows keep."""
        return weights


@dataclass
class Mixup(Mixing):
    """Training rows are weighted means of two rows, and so is the loss of their targets.

    ::

        x = weight x_i + (1 - weight) x_j
        loss = weight loss(y_i) + (1 - weight) loss(y_j)

    The weight is drawn from Beta(`alpha`, `alpha`) for each batch, and so is the distance at which
    row j follows row i in the shuffled batch. For the cross-entropy that is the loss of the mixed
    targets. For the squared error it is that up to a constant: the gradient is the same. Each row
    has its own sample weight, whatever it is mixed with.

    Parameters
    ----------
    alpha : float, default=0.2
        Above 0. The weight is near 0 or 1 for small values, and near 1/2 for large ones.
    probability : float, default=1.0
        The part of the steps that mix rows, in (0, 1].

    References
    ----------
    Zhang, H., Cisse, M., Dauphin, Y. N. and Lopez-Paz, D. "mixup: beyond empirical risk
    minimization" (2018), equation 1 and figure 1.
    """

    alpha: float = 0.2
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {"alpha": [_POSITIVE], "probability": [_PROBABILITY]}


@dataclass
class CutMix(Mixing):
    """A box of each training row is replaced by the same box of another row.

    The loss is ``weight loss(y_i) + (1 - weight) loss(y_j)`` as for `Mixup`, with the part of the
    features that was kept as the weight. For each batch a weight is drawn from Beta(`alpha`,
    `alpha`), then the centre of the box; the part of a box that lies outside is lost, and the
    weight is what is really kept.

    Parameters
    ----------
    alpha : float, default=1.0
        Above 0. The weight is near 0 or 1 for small values, and near 1/2 for large ones.
    probability : float, default=1.0
        The part of the steps that mix rows, in (0, 1].
    shape : tuple of int, default=None
        What a row is: an image of shape (height, width) or (height, width, channels), row after
        row. A box of it has the sides ``height sqrt(1 - weight)`` and ``width sqrt(1 - weight)``,
        and all channels. None is a plain vector, of which ``1 - weight`` neighbouring features are
        replaced.

    References
    ----------
    Yun, S. et al. "CutMix: regularization strategy to train strong classifiers with localizable
    features" (2019), equations 1 and 2, and algorithm A1.
    """

    alpha: float = 1.0
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "alpha": [_POSITIVE],
        "probability": [_PROBABILITY],
        "shape": [None, "array-like"],
    }

    def _sides(self, n_features):
        return (1, n_features, 1) if self.shape is None else image_sides(self, n_features)

    def check(self, n_features):
        self._sides(n_features)

    def _cut(self, coefficients, weights, n_features, random_state):
        height, width, channels = self._sides(n_features)
        n_steps, part = len(weights), 1 - weights
        centres = random_state.random_sample((2, n_steps))

        def interval(length, share, centre):
            size = np.rint(length * share)
            begin = np.rint(length * centre - size / 2)
            return np.maximum(begin, 0), np.minimum(begin + size, length)

        if self.shape is None:
            top, bottom = np.zeros(n_steps), np.ones(n_steps)
            left, right = interval(width, part, centres[1])
        else:
            top, bottom = interval(height, np.sqrt(part), centres[0])
            left, right = interval(width, np.sqrt(part), centres[1])
        coefficients[:, Column.MIX_FIRST] = (top * width + left) * channels
        coefficients[:, Column.MIX_RUN] = (right - left) * channels
        coefficients[:, Column.MIX_N_RUNS] = bottom - top
        coefficients[:, Column.MIX_STRIDE] = width * channels
        return 1 - (bottom - top) * (right - left) / (height * width)


MIXINGS: dict[str, type[Mixing]] = {"mixup": Mixup, "cutmix": CutMix}
