"""Transforms of tables, and of rows of any kind: noise, swapped values, interpolated rows."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .rows import ABOVE_ZERO, FRACTION, NOT_NEGATIVE, OF_ROWS, RowTransform, as_rows, blocks

# Drawing and comparing 16-bit integers is several times as fast as floats.
_LEVELS = 1 << 16


@dataclass
class Noise(RowTransform):
    """Add normal noise to the features (for signals: jitter).

    Parameters
    ----------
    std : float or array-like of shape (n_features,), default=0.1
        Standard deviation of the noise, for all features or for each, such as
        ``0.1 * X.std(axis=0)``.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].

    Notes
    -----
    The parameter `input_noise` of the estimators adds noise of one standard deviation in the
    engine, drawn anew at each step.
    """

    std: Any = 0.1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "std": [NOT_NEGATIVE, "array-like"],
        **OF_ROWS,
    }

    def check(self, n_features):
        std = np.asarray(self.std)
        if std.shape not in ((), (n_features,)) or not (np.isfinite(std) & (std >= 0)).all():
            raise ValueError(
                "std of Noise must be a number or one for each feature, finite and not negative; "
                f"X has {n_features} features, and std the shape {std.shape}."
            )

    def change(self, rows, rng):
        noise = rng.standard_normal(rows.shape, rows.dtype)
        noise *= np.asarray(self.std, rows.dtype)
        noise += rows
        return noise


@dataclass
class SwapNoise(RowTransform):
    """Replace some values of each row by those of other rows in the same columns.

    Each feature keeps its distribution, and may be numeric or the code of a category.

    Parameters
    ----------
    rate : float, default=0.15
        The fraction of values that are replaced, in (0, 1].
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].

    References
    ----------
    Jahrer, M. "1st place with representation learning", discussion of the competition "Porto
    Seguro's safe driver prediction", Kaggle (2017), the source of the name. Bahri, D. et al.
    "SCARF: self-supervised contrastive learning using random feature corruption" (2022),
    algorithm 1.
    """

    rate: float = 0.15
    probability: float = 1.0

    by_row: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict] = {
        "rate": [FRACTION],
        **OF_ROWS,
    }

    def __call__(self, X, y, rng):
        X = as_rows(X, y)
        self.validate()
        below = max(1, round(self.rate * _LEVELS))
        out = X.copy("C")
        for rows in blocks(*X.shape):
            part = out[rows]
            replaced = rng.integers(0, _LEVELS, part.shape, np.uint16) < below
            if self.probability < 1:
                replaced &= rng.random((len(part), 1)) < self.probability
            places = np.flatnonzero(replaced)
            others = rng.integers(0, len(X), len(places))
            np.put(part, places, X[others, places % X.shape[1]])
        return out, y


@dataclass
class LabelMixup(RowTransform):
    """Replace rows by weighted means of two rows of the same class, or of similar targets.

    ::

        x = weight x_i + (1 - weight) x_j

    The weight is drawn from Beta(`alpha`, `alpha`) for each row. With `bandwidth` 0, row j is one
    with the same target as row i, of any type, and targets are unchanged. Otherwise targets are
    numbers, row j is the one whose target is closest to a number drawn from a normal distribution
    about y_i, and targets are mixed as rows are. A row without a partner is unchanged.

    Parameters
    ----------
    alpha : float, default=0.2
        Parameter of the beta distribution, above 0. The weight is near 0 or 1 for small values, and
        near 1/2 for large ones.
    bandwidth : float, default=0.0
        Standard deviation of that normal distribution, as a fraction of that of the targets.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].

    References
    ----------
    DeVries, T. and Taylor, G. W. "Dataset augmentation in feature space" (2017), section 3.2, for
    rows instead of features and with a random weight. With a bandwidth: Yao, H. et al. "C-Mixup:
    improving generalization in regression" (2022), equation 6.
    """

    alpha: float = 0.2
    bandwidth: float = 0.0
    probability: float = 1.0

    by_row: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict] = {
        "alpha": [ABOVE_ZERO],
        "bandwidth": [NOT_NEGATIVE],
        **OF_ROWS,
    }

    def __call__(self, X, y, rng):
        X, y = as_rows(X, y), np.asarray(y)
        self.validate()
        n = len(X)
        similar = self._similar if self.bandwidth else self._same
        partners = similar(y, rng)
        weights = rng.beta(self.alpha, self.alpha, n)
        weights[rng.random(n) >= self.probability] = 1
        of_rows = weights.astype(X.dtype)[:, np.newaxis]
        out = np.empty(X.shape, X.dtype)
        for rows in blocks(*X.shape):
            others = X[partners[rows]]
            out[rows] = others + of_rows[rows] * (X[rows] - others)
        alone = (partners == np.arange(n)) | (weights == 1)
        out[alone] = X[alone]  # to the last bit
        if self.bandwidth:
            y = np.where(alone, y, y[partners] + weights * (y - y[partners]))
        return out, y

    def _same(self, y, rng):
        """Draw for each row another with the same target, or the row itself if there is none."""
        along = None if y.ndim == 1 else 0  # objects have no axis
        groups = np.unique(y, axis=along, return_inverse=True)[1].ravel()
        order = np.argsort(groups, kind="stable")
        counts = np.bincount(groups)
        begin = (np.cumsum(counts) - counts)[groups]
        count, place = counts[groups], np.empty(len(y), np.intp)
        place[order] = np.arange(len(y))
        by = 1 + np.floor(rng.random(len(y)) * (count - 1)).astype(np.intp)
        return order[begin + (place - begin + np.where(count > 1, by, 0)) % count]

    def _similar(self, y, rng):
        """Draw for each row one whose target is near; it may be the row itself."""
        if y.ndim != 1 or y.dtype.kind not in "iuf":
            raise ValueError(
                "LabelMixup with a bandwidth is for targets that are one number for each row: set "
                "bandwidth=0 for classes and for several outputs."
            )
        order = np.argsort(y, kind="stable")
        ranked = y[order].astype(np.float64)
        drawn = y + self.bandwidth * ranked.std() * rng.standard_normal(len(y))
        after = np.clip(np.searchsorted(ranked, drawn), 1, len(y) - 1) if len(y) > 1 else 0
        before = np.maximum(after - 1, 0)
        nearer = drawn - ranked[before] < ranked[after] - drawn
        return order[np.where(nearer, before, after)]
