"""Base of the specs that change rows: functions of rows, targets and a generator."""

import math
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval
from .._specs.spec import Spec

# Constraints that many transforms have.
ABOVE_ZERO = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
FINITE = Interval(Real, None, None, closed="neither")
BELOW_ONE = Interval(Real, 0, 1, closed="neither")
PROBABILITY = Interval(Real, 0, 1, closed="right")

#: Elements that are changed at a time: they and what is made of them stay in the caches, and are so
#: small that the allocator of a thread does not give their memory back and ask for it anew.
_BLOCK = 1 << 15


class RowTransform(Spec):
    """Base of the specs that change rows. Each is a function of these, as users write them.

    ``transform(X, y, rng)`` returns new rows and targets, as many and as wide, and leaves those
    that it is given alone. Integers are changed as float32.

    Attributes
    ----------
    by_row : bool
        Whether what becomes of a row depends on no other row, and targets stay as they are.
    """

    by_row: ClassVar[bool] = True
    probability: float

    def check(self, n_features: int) -> None:
        """Refuse rows that it does not fit."""

    def __call__(self, X, y, rng):
        """Change rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
        rng : numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n_rows, n_features)
        y : the same targets
        """
        X = as_rows(X)
        self.validate().check(X.shape[1])
        out = np.empty(X.shape, X.dtype)
        for rows in blocks(*X.shape):
            out[rows] = self.changed(X[rows], rng)
        return out, y

    def changed(self, rows, rng):
        """Rows of which some, `probability` of them, are changed: these, or a copy."""
        if self.probability == 1:
            return self.change(rows, rng)
        chosen = np.flatnonzero(rng.random(len(rows)) < self.probability)
        if len(chosen):
            rows = rows.copy()
            rows[chosen] = self.change(rows[chosen], rng)
        return rows

    def change(self, rows, rng):
        """A changed copy of all these rows, an array of floats in C order."""
        raise NotImplementedError


def as_rows(X):
    """Rows as transforms read them: a matrix of floats."""
    X = np.asarray(X)
    if X.ndim != 2:
        raise ValueError(f"Transforms are for rows in a matrix, and X has the shape {X.shape}.")
    return X if X.dtype in (np.float32, np.float64) else X.astype(np.float32)


def blocks(n_rows: int, n_features: int):
    """Slices of all rows, that depend on nothing but the shape."""
    step = max(1, _BLOCK // n_features)
    return (slice(start, min(n_rows, start + step)) for start in range(0, n_rows, step))


def uniform(rng, low, high, n, like):
    """Numbers of n rows, of the type of `like` and to be broadcast with it."""
    numbers = low + (high - low) * rng.random(n)
    return numbers.astype(like.dtype).reshape(n, *[1] * (like.ndim - 1))


def signs(rng, n):
    """As many of 1 and -1, at random."""
    return 1.0 - 2.0 * rng.integers(0, 2, n)


def image_sides(spec, n_features: int) -> tuple[int, int, int]:
    """Height, width and number of channels that the `shape` of a spec tells, if it fits."""
    name, shape = type(spec).__name__, tuple(spec.shape)
    whole = all(isinstance(side, Integral) for side in shape)
    if not whole or len(shape) not in (2, 3) or min(shape) <= 0:
        raise ValueError(
            f"shape of {name} must be (height, width) or (height, width, channels), whole "
            f"numbers above 0, got {spec.shape!r}."
        )
    if math.prod(shape) != n_features:
        raise ValueError(
            f"{name}(shape={spec.shape!r}) is for rows of {math.prod(shape)} features, and X "
            f"has {n_features}: give the shape of your images, or see what None is."
        )
    height, width, channels = (*map(int, shape), 1)[:3]
    return height, width, channels


class ImageTransform(RowTransform):
    """Base of the transforms of images: rows of pixels, channel by channel for each."""

    shape: Any

    def sides(self, n_features: int) -> tuple[int, int, int]:
        """Height, width and number of channels of the images in the rows."""
        if self.shape is None:
            side = int(np.sqrt(n_features) + 0.5)
            if side * side != n_features:
                raise ValueError(
                    f"Rows of {n_features} features are no square images: give the shape of your "
                    f"images, {type(self).__name__}(shape=(height, width)) or (height, width, "
                    "channels)."
                )
            return side, side, 1
        return image_sides(self, n_features)

    def check(self, n_features):
        self.sides(n_features)

    def change(self, rows, rng):
        images = rows.reshape(len(rows), *self.sides(rows.shape[1]))
        return self.change_images(images, rng).reshape(rows.shape)

    def change_images(self, images, rng):
        """As `change`, of shape (n, height, width, channels)."""
        raise NotImplementedError
