"""What the pixels of an image are: brightness, contrast, sharpness, and boxes that are erased."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .._specs.constraints import Interval
from .rows import ABOVE_ZERO, FINITE, PROBABILITY, ImageTransform, RowTransform, uniform

_FRACTION = Interval(Real, 0, 1, closed="right")


@dataclass
class Brightness(RowTransform):
    """A number is added to all pixels of an image.

    Parameters
    ----------
    amount : float, default=0.2
        The number is between ``-amount`` and ``amount``, in the units of X.
    probability : float, default=1.0
        The part of the rows that are changed, in (0, 1].
    """

    amount: float = 0.2
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "amount": [ABOVE_ZERO],
        "probability": [PROBABILITY],
    }

    def change(self, rows, rng):
        return rows + uniform(rng, -self.amount, self.amount, len(rows), rows)


@dataclass
class Contrast(RowTransform):
    """Pixels come closer to the mean of their image, or go away from it.

    Parameters
    ----------
    amount : float, default=0.3
        The distances are multiplied by a number between ``1 - amount`` and ``1 + amount``, in
        (0, 1].
    probability : float, default=1.0
        The part of the rows that are changed, in (0, 1].
    """

    amount: float = 0.3
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "amount": [_FRACTION],
        "probability": [PROBABILITY],
    }

    def change(self, rows, rng):
        factors = uniform(rng, 1 - self.amount, 1 + self.amount, len(rows), rows)
        mean = rows.mean(axis=1, keepdims=True)
        return mean + factors * (rows - mean)


def blurred(images, sigma):
    """Images in which each pixel is the mean of its neighbours; the edge goes on outside."""
    for axis in (1, 2):
        images = gaussian_filter1d(images, sigma, axis=axis, mode="nearest", truncate=3.0)
    return images


@dataclass
class Blur(ImageTransform):
    """Images are blurred: weighted with one between them and a Gaussian mean of their neighbours.

    Parameters
    ----------
    sigma : float, default=1.0
        Standard deviation of the Gaussian, in pixels. How much of it a row has is drawn, between
        nothing and all.
    probability : float, default=0.5
        The part of the rows that are changed, in (0, 1].
    shape : tuple of int, default=None
        What a row is: (height, width) or (height, width, channels). None is a square of one
        channel.
    """

    sigma: float = 1.0
    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "sigma": [ABOVE_ZERO],
        "probability": [PROBABILITY],
        "shape": [None, "array-like"],
    }

    def change_images(self, images, rng):
        part = uniform(rng, 0, 1, len(images), images)
        return images + part * (blurred(images, self.sigma) - images)


@dataclass
class Sharpen(ImageTransform):
    """Images are sharpened: their distance from a blurred copy grows (unsharp masking).

    Parameters
    ----------
    amount : float, default=1.0
        A number between 0 and this times ``images - blurred`` is added.
    sigma : float, default=1.0
        Standard deviation of the Gaussian that blurs, in pixels.
    probability : float, default=0.5
        The part of the rows that are changed, in (0, 1].
    shape : tuple of int, default=None
        What a row is: (height, width) or (height, width, channels). None is a square of one
        channel.
    """

    amount: float = 1.0
    sigma: float = 1.0
    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "amount": [ABOVE_ZERO],
        "sigma": [ABOVE_ZERO],
        "probability": [PROBABILITY],
        "shape": [None, "array-like"],
    }

    def change_images(self, images, rng):
        amount = uniform(rng, 0, self.amount, len(images), images)
        return images + amount * (images - blurred(images, self.sigma))


@dataclass
class Erase(ImageTransform):
    """A box of each image is replaced by one number.

    Parameters
    ----------
    area : float, default=0.2
        The part of the image that a box has at most, in (0, 1].
    fill : float, default=0.0
        The number.
    probability : float, default=0.5
        The part of the rows that are changed, in (0, 1].
    shape : tuple of int, default=None
        What a row is: (height, width) or (height, width, channels). None is a square of one
        channel.

    References
    ----------
    Zhong, Z. et al. "Random erasing data augmentation" (2020), algorithm 1, with proportions
    between 1:2 and 2:1. A box that would not fit is made narrower.
    """

    area: float = 0.2
    fill: float = 0.0
    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "area": [_FRACTION],
        "fill": [FINITE],
        "probability": [PROBABILITY],
        "shape": [None, "array-like"],
    }

    def change_images(self, images, rng):
        n, sides = len(images), np.array(images.shape[1:3])
        area, stretch = rng.uniform(0, self.area, n), 2 ** rng.uniform(-0.5, 0.5, n)
        lengths = np.sqrt(area) * np.array([stretch, 1 / stretch])
        lengths = np.clip(np.rint(lengths * sides[:, np.newaxis]), 1, sides[:, np.newaxis])
        begins = np.floor(rng.random((2, n)) * (sides[:, np.newaxis] - lengths + 1))

        def inside(axis):
            places = np.arange(sides[axis])
            begin, length = begins[axis][:, np.newaxis], lengths[axis][:, np.newaxis]
            return (places >= begin) & (places < begin + length)

        box = inside(0)[:, :, np.newaxis] & inside(1)[:, np.newaxis]
        return np.where(box[..., np.newaxis], images.dtype.type(self.fill), images)


@dataclass
class ChannelJitter(ImageTransform):
    """Each channel of an image is multiplied by a number, and another is added to it.

    Parameters
    ----------
    scale : float, default=0.1
        The first is between ``1 - scale`` and ``1 + scale``; not negative.
    offset : float, default=0.1
        The second is between ``-offset`` and ``offset``, in the units of X; not negative.
    probability : float, default=1.0
        The part of the rows that are changed, in (0, 1].
    shape : tuple of int, default=None
        What a row is: (height, width) or (height, width, channels). None is a square of one
        channel.
    """

    scale: float = 0.1
    offset: float = 0.1
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "scale": [Interval(Real, 0, None, closed="left")],
        "offset": [Interval(Real, 0, None, closed="left")],
        "probability": [PROBABILITY],
        "shape": [None, "array-like"],
    }

    def change_images(self, images, rng):
        numbers = rng.uniform(-1, 1, (2, len(images), 1, 1, images.shape[3])).astype(images.dtype)
        scale, offset = images.dtype.type(self.scale), images.dtype.type(self.offset)
        return images * (1 + scale * numbers[0]) + offset * numbers[1]
