"""Transforms of the pixel values of images: brightness, contrast, sharpness, erased boxes."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .rows import (
    ABOVE_ZERO,
    FINITE,
    FRACTION,
    NOT_NEGATIVE,
    OF_IMAGES,
    OF_ROWS,
    ImageTransform,
    RowTransform,
    uniform,
)


@dataclass
class Brightness(RowTransform):
    """Add a random number to all pixels of an image.

    Parameters
    ----------
    amount : float, default=0.2
        The number is drawn between ``-amount`` and ``amount``, in the units of X.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    """

    amount: float = 0.2
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "amount": [ABOVE_ZERO],
        **OF_ROWS,
    }

    def change(self, rows, rng):
        return rows + uniform(rng, -self.amount, self.amount, len(rows), rows)


@dataclass
class Contrast(RowTransform):
    """Multiply the distances of pixels from the mean of their image by a random factor.

    Parameters
    ----------
    amount : float, default=0.3
        The factor is drawn between ``1 - amount`` and ``1 + amount``; in (0, 1].
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    """

    amount: float = 0.3
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "amount": [FRACTION],
        **OF_ROWS,
    }

    def change(self, rows, rng):
        factors = uniform(rng, 1 - self.amount, 1 + self.amount, len(rows), rows)
        mean = rows.mean(axis=1, keepdims=True)
        return mean + factors * (rows - mean)


def blurred(images, sigma):
    """Return images convolved with a Gaussian; edge pixels are repeated outside."""
    for axis in (1, 2):
        images = gaussian_filter1d(images, sigma, axis=axis, mode="nearest", truncate=3.0)
    return images


@dataclass
class Blur(ImageTransform):
    """Blur images: take a random weighted mean of an image and its convolution with a Gaussian.

    Parameters
    ----------
    sigma : float, default=1.0
        Standard deviation of the Gaussian, in pixels. The weight of the blurred image is drawn
        between 0 and 1.
    probability : float, default=0.5
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    """

    sigma: float = 1.0
    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "sigma": [ABOVE_ZERO],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        part = uniform(rng, 0, 1, len(images), images)
        return images + part * (blurred(images, self.sigma) - images)


@dataclass
class Sharpen(ImageTransform):
    """Sharpen images: increase their difference from a blurred copy (unsharp masking).

    Parameters
    ----------
    amount : float, default=1.0
        The difference ``images - blurred`` is added, times a number drawn between 0 and this.
    sigma : float, default=1.0
        Standard deviation of the Gaussian, in pixels.
    probability : float, default=0.5
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    """

    amount: float = 1.0
    sigma: float = 1.0
    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "amount": [ABOVE_ZERO],
        "sigma": [ABOVE_ZERO],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        amount = uniform(rng, 0, self.amount, len(images), images)
        return images + amount * (images - blurred(images, self.sigma))


@dataclass
class Erase(ImageTransform):
    """Replace a box of each image by one number.

    Parameters
    ----------
    area : float, default=0.2
        Largest area of a box, as a fraction of the image, in (0, 1].
    fill : float, default=0.0
        The number in the box.
    probability : float, default=0.5
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.

    References
    ----------
    Zhong, Z. et al. "Random erasing data augmentation" (2020), algorithm 1, with aspect ratios
    between 1:2 and 2:1. A box that does not fit is clipped.
    """

    area: float = 0.2
    fill: float = 0.0
    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "area": [FRACTION],
        "fill": [FINITE],
        **OF_IMAGES,
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
    """Multiply each channel of an image by a random number, and add another to it.

    Parameters
    ----------
    scale : float, default=0.1
        The factor is drawn between ``1 - scale`` and ``1 + scale``; not negative.
    offset : float, default=0.1
        The summand is drawn between ``-offset`` and ``offset``, in the units of X; not negative.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    """

    scale: float = 0.1
    offset: float = 0.1
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "scale": [NOT_NEGATIVE],
        "offset": [NOT_NEGATIVE],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        numbers = rng.uniform(-1, 1, (2, len(images), 1, 1, images.shape[3])).astype(images.dtype)
        scale, offset = images.dtype.type(self.scale), images.dtype.type(self.offset)
        return images * (1 + scale * numbers[0]) + offset * numbers[1]
