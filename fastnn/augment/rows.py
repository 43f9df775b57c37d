"""Base class of the transforms of rows: functions of rows, targets and a generator."""

import math
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length

from .._specs.constraints import Interval
from .._specs.spec import Spec

# Constraints that several transforms share.
ABOVE_ZERO = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
FINITE = Interval(Real, None, None, closed="neither")
BELOW_ONE = Interval(Real, 0, 1, closed="neither")
FRACTION = Interval(Real, 0, 1, closed="right")
AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")
OF_ROWS = {"probability": [FRACTION]}
OF_IMAGES = OF_ROWS | {"shape": [None, "array-like"]}
OF_SIGNALS = OF_ROWS | {"n_channels": [AT_LEAST_ONE]}

#: Number of elements transformed at a time: small enough that they and their temporaries stay in
#: the caches, and that the allocator of a thread keeps their memory instead of returning it.
_BLOCK = 1 << 15


class About(NamedTuple):
    """Labels of rows and marks of copies, beside their features.

    Attributes
    ----------
    labels : ndarray or None
        Their labels, as in y; None if they have none.
    is_copy : ndarray of bool or None
        Mask of the rows that are copies of others, if there are any.
    """

    labels: Any = None
    is_copy: Any = None

    def of(self, rows) -> "About":
        """Return what is known about some of the rows."""
        return About(*(None if values is None else values[rows] for values in self))


class RowTransform(Spec):
    """Base class of the transforms of rows, callable like a user's own function.

    ``transform(X, y, rng)`` returns new rows and targets of the same shapes, and does not modify
    its arguments. Integers are converted to float32.

    Attributes
    ----------
    by_row : bool
        Whether each row is transformed independently of the others, and targets are unchanged.
    adds_rows : bool
        Whether copies of the rows are added to them.
    """

    by_row: ClassVar[bool] = True
    adds_rows: ClassVar[bool] = False
    probability: float

    def check(self, n_features: int) -> None:
        """Raise a ValueError if rows of so many features do not fit."""

    def check_classes(self, classes) -> None:
        """Raise a ValueError if targets have not the right classes; None if a row has not one."""

    def __call__(self, X, y, rng):
        """Transform rows.

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
        X = as_rows(X, y)
        self.validate().check(X.shape[1])
        out, about = np.empty(X.shape, X.dtype), About(y if isinstance(y, np.ndarray) else None)
        for rows in blocks(*X.shape):
            out[rows] = self.changed(X[rows], rng, about.of(rows))
        return out, y

    def changed(self, rows, rng, about=None):
        """Return rows of which a fraction `probability` is transformed; may be the argument."""
        if self.probability == 1:
            return self.change(rows, rng)
        chosen = np.flatnonzero(rng.random(len(rows)) < self.probability)
        if len(chosen):
            rows = rows.copy()
            rows[chosen] = self.change(rows[chosen], rng)
        return rows

    def change(self, rows, rng):
        """Return a transformed copy of all rows, an array of floats in C order."""
        raise NotImplementedError


def as_rows(X, y):
    """Return rows as a matrix of floats, after checking that there are as many targets, if any."""
    X = np.asarray(X)
    if X.ndim != 2 or not X.shape[1]:
        raise ValueError(f"Transforms are for rows in a matrix, and X has the shape {X.shape}.")
    check_consistent_length(X, y)
    return X if X.dtype in (np.float32, np.float64) else X.astype(np.float32)


def blocks(n_rows: int, n_features: int):
    """Return slices that cover all rows; they depend on the shape only."""
    step = max(1, _BLOCK // n_features)
    return (slice(start, min(n_rows, start + step)) for start in range(0, n_rows, step))


def of_rows(numbers, like):
    """Return a number for each row, of the type of `like` and shaped to broadcast with it."""
    return np.asarray(numbers).astype(like.dtype).reshape(-1, *[1] * (like.ndim - 1))


def uniform(rng, low, high, n, like):
    """Draw a number for each of n rows, of the type of `like` and shaped to broadcast with it."""
    return of_rows(low + (high - low) * rng.random(n), like)


def signs(rng, n):
    """Draw n signs, 1 or -1."""
    return 1.0 - 2.0 * rng.integers(0, 2, n)


def interval_of(spec, name: str) -> tuple[float, float]:
    """Return the bounds that a parameter of a spec gives, after checking them."""
    bounds = np.asarray(getattr(spec, name))
    are_numbers = bounds.dtype.kind in "iuf" and np.isfinite(bounds).all()
    if bounds.shape != (2,) or not are_numbers or bounds[0] > bounds[1]:
        raise ValueError(
            f"{name} of {type(spec).__name__} must be a pair of finite numbers, the smaller one "
            f"first, got {getattr(spec, name)!r}."
        )
    return float(bounds[0]), float(bounds[1])


def image_sides(spec, n_features: int) -> tuple[int, int, int]:
    """Return height, width and number of channels from the `shape` of a spec, after checking it.

    None is a square image of one channel.
    """
    name = type(spec).__name__
    if spec.shape is None:
        side = int(np.sqrt(n_features) + 0.5)
        if side * side != n_features:
            raise ValueError(
                f"Rows of {n_features} features are no square images: give the shape of your "
                f"images, {name}(shape=(height, width)) or (height, width, channels)."
            )
        return side, side, 1
    shape = tuple(spec.shape)
    whole = all(isinstance(side, Integral) for side in shape)
    if not whole or len(shape) not in (2, 3) or min(shape) <= 0:
        raise ValueError(
            f"shape of {name} must be (height, width) or (height, width, channels), whole "
            f"numbers above 0, got {spec.shape!r}."
        )
    if math.prod(shape) != n_features:
        raise ValueError(
            f"{name}(shape={spec.shape!r}) is for rows of {math.prod(shape)} features, and X "
            f"has {n_features}: give the shape of your images."
        )
    height, width, channels = (*map(int, shape), 1)[:3]
    return height, width, channels


class ImageTransform(RowTransform):
    """Base class of the transforms of images: rows of pixels in C order, channels last."""

    shape: Any

    def sides(self, n_features: int) -> tuple[int, int, int]:
        """Return height, width and number of channels of the images in the rows."""
        return image_sides(self, n_features)

    def check(self, n_features):
        self.sides(n_features)

    def change(self, rows, rng):
        images = rows.reshape(len(rows), *self.sides(rows.shape[1]))
        return self.change_images(images, rng).reshape(rows.shape)

    def change_images(self, images, rng):
        """Transform images of shape (n, height, width, channels); see `change`."""
        raise NotImplementedError
