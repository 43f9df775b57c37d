"""Affine maps of images, drawn at random, and transforms by several of them."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval
from .resampling import INTERPOLATION, resampled
from .rows import ABOVE_ZERO, FINITE, NOT_NEGATIVE, OF_IMAGES, ImageTransform


class AffineTransform(ImageTransform):
    """Base class of the transforms that resample images through affine maps."""

    fill: Any
    interpolation: str

    def maps(self, n, sides, rng):
        """Draw matrices and centres for n images of given height and width; see `resampled`."""
        raise NotImplementedError

    def change_images(self, images, rng):
        maps = self.maps(len(images), np.array(images.shape[1:3]), rng)
        return resampled(images, *maps, self.fill, self.interpolation)


def rotations(angles):
    """Return the matrices of rotations by angles in radians."""
    cosines, sines = np.cos(angles), np.sin(angles)
    return np.array([[cosines, -sines], [sines, cosines]]).transpose(2, 0, 1)


def drawn_rotations(rng, n, degrees):
    """Draw the matrices of n rotations; see `Rotate`."""
    return rotations(np.deg2rad(rng.uniform(-degrees, degrees, n)))


def drawn_zooms(rng, n, amount, stretch):
    """Draw the matrices of n enlargements; see `Zoom`."""
    factors = rng.uniform(1 - amount, 1 + amount, n)[:, np.newaxis]
    if stretch:
        half = np.log1p(stretch) / 2
        factors = factors * np.exp(np.multiply.outer(rng.uniform(-half, half, n), [1, -1]))
    return np.eye(2) / factors[..., np.newaxis]


def drawn_shears(rng, n, amount):
    """Draw the matrices of n shears; see `Shear`."""
    down, right = rng.uniform(-amount, amount, (2, n))
    one = np.ones(n)
    return np.array([[one, down], [right, one + down * right]]).transpose(2, 0, 1)


@dataclass
class Shear(AffineTransform):
    """Slant images: shift each line in proportion to its distance from the middle.

    Parameters
    ----------
    amount : float, default=0.1
        Rows are shifted by their distance times a number drawn between ``-amount`` and `amount`,
        then columns by another.
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

    amount: float = 0.1
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None
    interpolation: str = "bilinear"

    _parameter_constraints: ClassVar[dict] = {
        "amount": [ABOVE_ZERO],
        "fill": [FINITE],
        **OF_IMAGES,
        **INTERPOLATION,
    }

    def maps(self, n, sides, rng):
        return drawn_shears(rng, n, self.amount), np.zeros((n, 2))


@dataclass
class Affine(AffineTransform):
    """Rotate, zoom, stretch, slant and shift images, all in one affine map.

    Pixels are interpolated once, which is faster, and blurs less, than `Rotate`, `Zoom`, `Shear`
    and `Shift` one after the other.

    Parameters
    ----------
    degrees : float, default=10.0
        Largest angle of the rotation, as of `Rotate`, or 0.
    zoom : float, default=0.1
        The `amount` of `Zoom`.
    stretch : float, default=0.1
        The `stretch` of `Zoom`.
    shear : float, default=0.1
        The `amount` of `Shear`, or 0.
    shift : float, default=1.0
        Largest shift in each direction, in pixels and parts of them.
    fill : float, default=0.0
        Value of the pixels outside the image.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels.

    References
    ----------
    Simard, P. Y., Steinkraus, D. and Platt, J. C. "Best practices for convolutional neural networks
    applied to visual document analysis" (2003), section 2.
    """

    degrees: float = 10.0
    zoom: float = 0.1
    stretch: float = 0.1
    shear: float = 0.1
    shift: float = 1.0
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None
    interpolation: str = "bilinear"

    _parameter_constraints: ClassVar[dict] = {
        "degrees": [Interval(Real, 0, 180, closed="both")],
        "zoom": [Interval(Real, 0, 1, closed="left")],
        "stretch": [NOT_NEGATIVE],
        "shear": [NOT_NEGATIVE],
        "shift": [NOT_NEGATIVE],
        "fill": [FINITE],
        **OF_IMAGES,
        **INTERPOLATION,
    }

    def maps(self, n, sides, rng):
        matrices = drawn_rotations(rng, n, self.degrees)
        matrices = matrices @ drawn_zooms(rng, n, self.zoom, self.stretch)
        matrices = matrices @ drawn_shears(rng, n, self.shear)
        return matrices, rng.uniform(-self.shift, self.shift, (n, 2))
