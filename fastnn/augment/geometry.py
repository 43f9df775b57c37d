"""Geometric transforms of images: shifts, flips, and affine maps with interpolation."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval, OneOf
from .rows import AT_LEAST_ONE, BELOW_ONE, FINITE, FRACTION, OF_IMAGES, ImageTransform


def moved(images, rows, columns, fill):
    """Return images shifted down and to the right by whole pixels, with `fill` outside."""
    n, height, width, channels = images.shape
    by = max(np.abs(rows).max(), np.abs(columns).max())
    padded = np.full((n, height + 2 * by, width + 2 * by, channels), fill, images.dtype)
    padded[:, by : by + height, by : by + width] = images
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    out = windows[np.arange(n), by - rows, by - columns]
    return np.ascontiguousarray(out.transpose(0, 2, 3, 1))


def resampled(images, matrices, centres, fill):
    """Return images resampled through affine maps, with bilinear interpolation.

    Equivalent to `scipy.ndimage.affine_transform` of each image with ``order=1`` and
    ``mode="grid-constant"``, and faster for many small images.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
    matrices : ndarray of shape (n, 2, 2)
        Map the offset of a new pixel from the middle to that of the point it samples.
    centres : ndarray of shape (n, 2)
        The point sampled by the middle pixel, as an offset from the middle.
    fill : float
        Value of the pixels outside.
    """
    n, height, width, channels = images.shape
    dtype = images.dtype
    padded = np.full((n, height + 2, width + 2, channels), fill, dtype)
    padded[:, 1:-1, 1:-1] = images
    pixels = padded.reshape(-1, channels) if channels > 1 else padded.ravel()
    y = (np.arange(height) - (height - 1) / 2).astype(dtype)[:, np.newaxis]
    x = (np.arange(width) - (width - 1) / 2).astype(dtype)
    parts, indices = [], np.arange(n)[:, np.newaxis, np.newaxis] * (height + 2) * (width + 2)
    for axis, (size, step) in enumerate([(height, width + 2), (width, 1)]):
        a, b = (matrices[:, axis, i].astype(dtype)[:, np.newaxis, np.newaxis] for i in (0, 1))
        middle = centres[:, axis].astype(dtype)[:, np.newaxis, np.newaxis] + (size + 1) / 2
        places = a * y + (b * x + middle.astype(dtype))
        np.clip(places, 0, size + 1, out=places)
        whole = places.astype(np.intp)  # the pixel before
        np.minimum(whole, size, out=whole)
        places -= whole
        whole *= step
        indices = whole + indices
        parts.append(places if channels == 1 else places[..., np.newaxis])
    down, right = parts

    def between(indices):
        """Interpolate between two neighbouring pixels of a row."""
        first = pixels.take(indices, axis=0, mode="clip")  # skips the bounds check
        indices += 1
        second = pixels.take(indices, axis=0, mode="clip")
        second -= first
        second *= right
        first += second
        return first

    upper = between(indices)
    indices += width + 1
    lower = between(indices)
    lower -= upper
    lower *= down
    upper += lower
    return upper.reshape(images.shape)


@dataclass
class Shift(ImageTransform):
    """Shift images by whole pixels, up or down and to the left or right.

    Parameters
    ----------
    pixels : int, default=2
        Largest shift in each direction.
    fill : float, default=0.0
        Value of the pixels that are shifted in.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row, in C order: (height, width) or (height, width, channels).
        None is a square image of one channel.
    """

    pixels: int = 2
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "pixels": [AT_LEAST_ONE],
        "fill": [FINITE],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        by = rng.integers(-self.pixels, self.pixels, (2, len(images)), endpoint=True)
        limits = np.array(images.shape[1:3])[:, np.newaxis]
        return moved(images, *np.clip(by, -limits, limits), self.fill)


@dataclass
class Rotate(ImageTransform):
    """Rotate images about their middle, with bilinear interpolation.

    Parameters
    ----------
    degrees : float, default=10.0
        Largest angle in either direction.
    fill : float, default=0.0
        Value of the pixels outside the image.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    """

    degrees: float = 10.0
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "degrees": [Interval(Real, 0, 180, closed="right")],
        "fill": [FINITE],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        angles = np.deg2rad(rng.uniform(-self.degrees, self.degrees, len(images)))
        cosines, sines = np.cos(angles), np.sin(angles)
        matrices = np.array([[cosines, -sines], [sines, cosines]]).transpose(2, 0, 1)
        return resampled(images, matrices, np.zeros((len(images), 2)), self.fill)


@dataclass
class Zoom(ImageTransform):
    """Enlarge or shrink images about their middle, with bilinear interpolation.

    Parameters
    ----------
    amount : float, default=0.1
        Lengths are multiplied by a number drawn between ``1 - amount`` and ``1 + amount``; below 1.
    fill : float, default=0.0
        Value of the pixels outside the image.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    """

    amount: float = 0.1
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "amount": [BELOW_ONE],
        "fill": [FINITE],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        factors = rng.uniform(1 - self.amount, 1 + self.amount, len(images))
        matrices = np.eye(2) / factors[:, np.newaxis, np.newaxis]
        return resampled(images, matrices, np.zeros((len(images), 2)), self.fill)


@dataclass
class Flip(ImageTransform):
    """Mirror images.

    Parameters
    ----------
    direction : {'horizontal', 'vertical'}, default='horizontal'
        'horizontal' swaps left and right, 'vertical' top and bottom.
    probability : float, default=0.5
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    """

    direction: str = "horizontal"
    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "direction": [OneOf({"horizontal", "vertical"})],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        return np.flip(images, 1 if self.direction == "vertical" else 2)


@dataclass
class Crop(ImageTransform):
    """Enlarge a random box of each image, with the image's aspect ratio, to its full size.

    Parameters
    ----------
    area : float, default=0.8
        Smallest area of a box, as a fraction of the image, in (0, 1]. The area is drawn first, then
        the position.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.

    References
    ----------
    Szegedy, C. et al. "Going deeper with convolutions" (2015), section 6, without the change of
    aspect ratio.
    """

    area: float = 0.8
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "area": [FRACTION],
        **OF_IMAGES,
    }

    def change_images(self, images, rng):
        n = len(images)
        sides = np.sqrt(rng.uniform(self.area, 1, n))[:, np.newaxis]
        room = (np.array(images.shape[1:3]) - 1) * (1 - sides)
        return resampled(
            images, np.eye(2) * sides[..., np.newaxis], room * (rng.random((n, 2)) - 0.5), 0.0
        )
