"""Mixing of the rows of a batch, and of their targets, by the engine.

The random numbers are drawn here for many steps at once. Native code reads them from the table of
steps.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._core.codes import Column
from .._specs.registry import register
from .._specs.spec import Spec
from .rows import ABOVE_ZERO, OF_IMAGES, OF_ROWS, image_sides


class Mixing(Spec):
    """Base class of the specs that mix rows.

    At each step, a row of the batch becomes `weight` times itself plus ``1 - weight`` times its
    partner, the row `shift` rows later in the shuffled batch.
    """

    def check(self, n_features: int) -> None:
        """Raise a ValueError if rows of so many features do not fit."""

    def draw(self, coefficients, batch_sizes, n_features: int, random_state) -> None:
        """Draw the columns of the table of steps that describe the mixing.

        Parameters
        ----------
        coefficients : ndarray of shape (n_steps, n_columns)
        batch_sizes : ndarray of shape (n_steps,)
            Number of rows of each step; a single row is not mixed.
        n_features : int
        random_state : RandomState
        """
        raise NotImplementedError


class BetaMixing(Mixing):
    """Base class of the specs whose weights are drawn from a beta distribution."""

    alpha: float
    probability: float

    def draw(self, coefficients, batch_sizes, n_features, random_state):
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
        """Draw boxes, if any, and return the fraction of itself that each row keeps."""
        return weights


@dataclass
class Mixup(BetaMixing):
    """Train on weighted means of two rows, with the same weighted mean of their losses.

    ::

        x = weight x_i + (1 - weight) x_j
        loss = weight loss(y_i) + (1 - weight) loss(y_j)

    The weight is drawn from Beta(`alpha`, `alpha`) for each batch. Row j is the one a random
    distance after row i in the shuffled batch, also drawn for each batch. For the cross-entropy
    this equals the loss of the mixed targets. For the squared error it differs by a constant, so
    the gradient is the same. Each row keeps its own sample weight.

    Parameters
    ----------
    alpha : float, default=0.2
        Parameter of the beta distribution, above 0. The weight is near 0 or 1 for small values, and
        near 1/2 for large ones.
    probability : float, default=1.0
        The fraction of steps that mix rows, in (0, 1].

    References
    ----------
    Zhang, H., Cisse, M., Dauphin, Y. N. and Lopez-Paz, D. "mixup: beyond empirical risk
    minimization" (2018), equation 1 and figure 1.
    """

    alpha: float = 0.2
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {"alpha": [ABOVE_ZERO], **OF_ROWS}


@dataclass
class CutMix(BetaMixing):
    """Replace a box of each training row by the same box of another row.

    The loss is ``weight loss(y_i) + (1 - weight) loss(y_j)`` as for `Mixup`. For each batch a
    weight is drawn from Beta(`alpha`, `alpha`), then the centre of the box. The box is clipped at
    the borders of the image, and the weight is the fraction of the features that is really kept.

    Parameters
    ----------
    alpha : float, default=1.0
        Parameter of the beta distribution, above 0. The weight is near 0 or 1 for small values, and
        near 1/2 for large ones.
    probability : float, default=1.0
        The fraction of steps that mix rows, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row, in C order: (height, width) or (height, width, channels). A
        box has the sides ``height sqrt(1 - weight)`` and ``width sqrt(1 - weight)``, and all
        channels. None is a plain vector, in which a fraction ``1 - weight`` of the features, next
        to each other, is replaced.

    References
    ----------
    Yun, S. et al. "CutMix: regularization strategy to train strong classifiers with localizable
    features" (2019), equations 1 and 2, and algorithm A1.
    """

    alpha: float = 1.0
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "alpha": [ABOVE_ZERO],
        **OF_IMAGES,
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


@dataclass
class RandomChoice(Mixing):
    """Mix the rows of each batch by one of several specs, drawn at random.

    ``RandomChoice([Mixup(0.8), CutMix(1.0)])`` is timm's mixup and CutMix with a `switch_prob` of
    0.5. A batch is unchanged where the `probability` of its spec says so.

    Parameters
    ----------
    mixings : list of Mixup and CutMix, default=(Mixup(0.8), CutMix(1.0))
        The specs to choose from.
    p : list of float, default=None
        The probability of each, with a sum of 1. None is the same for all.
    """

    mixings: Any = (Mixup(0.8), CutMix(1.0))
    p: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "mixings": [list, tuple],
        "p": [None, "array-like"],
    }

    def check(self, n_features):
        if not self.mixings or not all(isinstance(one, Mixing) for one in self.mixings):
            raise ValueError(
                "RandomChoice chooses how a batch is mixed, between objects such as Mixup() and "
                f"CutMix(), got {self.mixings!r}; RandAugment chooses transforms of rows."
            )
        n = len(self.mixings)
        p = np.full(n, 1 / n) if self.p is None else np.asarray(self.p, float)
        if p.shape != (n,) or (p < 0).any() or not np.isclose(p.sum(), 1):
            raise ValueError(
                f"p of RandomChoice must be {n} probabilities with a sum of 1, one for each "
                f"mixing, got {self.p!r}."
            )
        for one in self.mixings:
            one.validate().check(n_features)

    def draw(self, coefficients, batch_sizes, n_features, random_state):
        chosen = random_state.choice(len(self.mixings), len(batch_sizes), p=self.p)
        for number, mixing in enumerate(self.mixings):
            own = np.flatnonzero(chosen == number)
            part = coefficients[own]
            mixing.draw(part, batch_sizes[own], n_features, random_state)
            coefficients[own] = part


MIXINGS: dict[str, type[Mixing]] = {"mixup": Mixup, "cutmix": CutMix}
register(MIXINGS, "augment")
