"""Geometric transforms of images: shifts, flips, and affine maps with interpolation."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval, OneOf
from .affine import AffineTransform, drawn_rotations, drawn_zooms
from .resampling import INTERPOLATION, moved, resampled
from .rows import ABOVE_ZERO, FINITE, FRACTION, NOT_NEGATIVE, OF_IMAGES, ImageTransform, interval_of

# Boxes drawn for each crop, of which the first that fits is taken.
_TRIES = 10


@dataclass
class Shift(ImageTransform):
    """Shift images up or down, and to the left or right.

    Parameters
    ----------
    pixels : float, default=2
        Largest shift in each direction; a whole number if `whole`.
    fill : float, default=0.0
        Value of the pixels that are shifted in.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row, in C order: (height, width) or (height, width, channels).
        None is a square image of one channel.
    whole : bool, default=True
        Whether images are shifted by whole pixels. If not, also by parts of a pixel.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels, unless `whole`.
    """

    pixels: float = 2
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None
    whole: bool = True
    interpolation: str = "bilinear"

    _parameter_constraints: ClassVar[dict] = {
        "pixels": [ABOVE_ZERO],
        "fill": [FINITE],
        **OF_IMAGES,
        "whole": ["boolean"],
        **INTERPOLATION,
    }

    def check(self, n_features):
        super().check(n_features)
        if self.whole and self.pixels != int(self.pixels):
            raise ValueError(
                f"Shift(pixels={self.pixels}) is no whole number of pixels: give whole=False to "
                "shift by parts of a pixel."
            )

    def change_images(self, images, rng):
        if not self.whole:
            by = rng.uniform(-self.pixels, self.pixels, (len(images), 2))
            matrices = np.broadcast_to(np.eye(2), (len(images), 2, 2))
            return resampled(images, matrices, by, self.fill, self.interpolation)
        by = rng.integers(-int(self.pixels), int(self.pixels), (2, len(images)), endpoint=True)
        limits = np.array(images.shape[1:3])[:, np.newaxis]
        return moved(images, *np.clip(by, -limits, limits), self.fill)


@dataclass
class Rotate(AffineTransform):
    """Rotate images about their middle.

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
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels.
    """

    degrees: float = 10.0
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None
    interpolation: str = "bilinear"

    _parameter_constraints: ClassVar[dict] = {
        "degrees": [Interval(Real, 0, 180, closed="right")],
        "fill": [FINITE],
        **OF_IMAGES,
        **INTERPOLATION,
    }

    def maps(self, n, sides, rng):
        return drawn_rotations(rng, n, self.degrees), np.zeros((n, 2))


@dataclass
class Zoom(AffineTransform):
    """Enlarge, shrink and stretch images about their middle.

    Parameters
    ----------
    amount : float, default=0.1
        Lengths are multiplied by a number drawn between ``1 - amount`` and ``1 + amount``; in
        [0, 1).
    fill : float, default=0.0
        Value of the pixels outside the image.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    stretch : float, default=0.0
        The height is also multiplied by the square root of a number, and the width divided by it.
        The number is drawn between ``1 / (1 + stretch)`` and ``1 + stretch``, uniformly in its
        logarithm.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels.
    """

    amount: float = 0.1
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None
    stretch: float = 0.0
    interpolation: str = "bilinear"

    _parameter_constraints: ClassVar[dict] = {
        "amount": [Interval(Real, 0, 1, closed="left")],
        "fill": [FINITE],
        **OF_IMAGES,
        "stretch": [NOT_NEGATIVE],
        **INTERPOLATION,
    }

    def maps(self, n, sides, rng):
        return drawn_zooms(rng, n, self.amount, self.stretch), np.zeros((n, 2))


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
class Crop(AffineTransform):
    """Enlarge a random box of each image to its full size.

    ``Crop(area=0.08, ratio=(3 / 4, 4 / 3))`` is the "Inception crop", the defaults of torchvision's
    `RandomResizedCrop`.

    Parameters
    ----------
    area : float or pair of float, default=0.8
        Smallest area of a box, as a fraction of the image, in (0, 1]; or the smallest and the
        largest. The area is drawn first, then the position.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    ratio : pair of float or None, default=None
        Smallest and largest ratio of width and height of a box, in pixels, drawn uniformly in its
        logarithm. If a box does not fit, others are drawn, ten in all; then one is cut to the sides
        of the image. None is the ratio of the image.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels.

    References
    ----------
    Szegedy, C. et al. "Going deeper with convolutions" (2015), section 6.
    """

    area: Any = 0.8
    probability: float = 1.0
    shape: Any = None
    ratio: Any = None
    interpolation: str = "bilinear"

    fill = None  # pixels at the edges are repeated
    _parameter_constraints: ClassVar[dict] = {
        "area": [FRACTION, "array-like"],
        **OF_IMAGES,
        "ratio": [None, "array-like"],
        **INTERPOLATION,
    }

    def check(self, n_features):
        super().check(n_features)
        if not 0 < self._areas[0] <= self._areas[1] <= 1:
            raise ValueError(f"area of Crop must be above 0 and at most 1, got {self.area!r}.")
        if self.ratio is not None and interval_of(self, "ratio")[0] <= 0:
            raise ValueError(f"ratio of Crop must be above 0, got {self.ratio!r}.")

    @property
    def _areas(self):
        return (self.area, 1.0) if np.ndim(self.area) == 0 else interval_of(self, "area")

    def maps(self, n, sides, rng):
        lengths = self._lengths(n, sides, rng)
        room = (sides - 1) * (1 - lengths)
        return np.eye(2) * lengths[..., np.newaxis], room * (rng.random((n, 2)) - 0.5)

    def _lengths(self, n, sides, rng):
        """Draw heights and widths of boxes, as fractions of those of the image."""
        if self.ratio is None:
            return np.sqrt(rng.uniform(*self._areas, n))[:, np.newaxis]
        areas = rng.uniform(*self._areas, (_TRIES, n))
        ratios = np.exp(rng.uniform(*np.log(interval_of(self, "ratio")), (_TRIES, n)))
        ratios *= sides[0] / sides[1]  # of fractions
        lengths = np.sqrt(np.stack([areas / ratios, areas * ratios], axis=-1))
        fits = (lengths <= 1).all(axis=-1)
        fits[-1] = True
        return np.minimum(lengths[fits.argmax(axis=0), np.arange(n)], 1)
