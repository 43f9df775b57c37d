"""Transforms of the channels of images: hue, saturation, exchanged channels, lighting."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .rows import (
    ABOVE_ZERO,
    FRACTION,
    OF_IMAGES,
    ImageTransform,
    uniform,
)

# Weights of red, green and blue in the luminance (ITU-R recommendation BT.601).
_LUMINANCE = np.array([0.299, 0.587, 0.114])
# Eigenvalues, and eigenvectors in columns, of red, green and blue in the images of ImageNet, of
# values from 0 to 1, as implementations of Krizhevsky et al. (2012) have them.
_EIGENVALUES = np.array([0.2175, 0.0188, 0.0045])
_EIGENVECTORS = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)


def luminance(images):
    """Return the luminance of images of three channels, as one channel; else the mean channel."""
    if images.shape[-1] == 3:
        return images @ _LUMINANCE.astype(images.dtype)[:, np.newaxis]
    return images.mean(axis=-1, keepdims=True)


class ColorTransform(ImageTransform):
    """Base class of the transforms of red, green and blue."""

    def check(self, n_features):
        name, channels = type(self).__name__, self.sides(n_features)[2]
        if channels != 3:
            raise ValueError(
                f"{name} changes red, green and blue, and these images have {channels} "
                f"channel{'s' * (channels > 1)}: give shape=(height, width, 3), or leave {name} "
                "out."
            )


@dataclass
class Hue(ColorTransform):
    """Turn the hues of an image around the circle of colors.

    Parameters
    ----------
    amount : float, default=0.1
        The turn is drawn between ``-amount`` and `amount`, of 1 for the whole circle, as of
        torchvision's `ColorJitter`; in (0, 1].
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width, 3).

    Notes
    -----
    Value and chroma of the hexagonal model are unchanged (Smith, A. R. "Color gamut transform
    pairs", 1978), whatever the units of X.
    """

    amount: float = 0.1
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {"amount": [FRACTION], **OF_IMAGES}

    def change_images(self, images, rng):
        turns = 6 * uniform(rng, -self.amount, self.amount, len(images), images[..., 0])
        red, green, blue = (np.ascontiguousarray(images[..., i]) for i in range(3))
        value = np.maximum(np.maximum(red, green), blue)
        chroma = value - np.minimum(np.minimum(red, green), blue)
        sixths = _sixths(red, green, blue, value, chroma) + turns
        out = np.empty_like(images)
        for channel, offset in enumerate((5, 3, 1)):
            places = (sixths + offset) % 6
            out[..., channel] = value - chroma * np.clip(np.minimum(places, 4 - places), 0, 1)
        return out


def _sixths(red, green, blue, value, chroma):
    """Return the hue of each pixel, from 0 (red) to 6 (red again); 0 for grey."""
    divisor = np.where(chroma > 0, chroma, 1)
    to_blue = np.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    return np.where(value == red, (green - blue) / divisor, to_blue)


@dataclass
class Saturation(ColorTransform):
    """Make the colors of an image more or less vivid.

    Distances of pixels from their luminance, of ITU-R BT.601, are multiplied by a random factor.

    Parameters
    ----------
    amount : float, default=0.3
        The factor is drawn between ``1 - amount`` and ``1 + amount``; not negative.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width, 3).
    """

    amount: float = 0.3
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {"amount": [ABOVE_ZERO], **OF_IMAGES}

    def change_images(self, images, rng):
        factors = uniform(rng, 1 - self.amount, 1 + self.amount, len(images), images)
        grey = luminance(images)
        return grey + factors * (images - grey)


@dataclass
class ChannelShuffle(ImageTransform):
    """Exchange the channels of an image: put them into a random order.

    Parameters
    ----------
    probability : float, default=0.5
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width, channels), with two channels or more.
    """

    probability: float = 0.5
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {**OF_IMAGES}

    def check(self, n_features):
        if self.sides(n_features)[2] < 2:
            raise ValueError(
                "ChannelShuffle exchanges channels, and these images have one: give "
                "shape=(height, width, channels), or leave ChannelShuffle out."
            )

    def change_images(self, images, rng):
        channels = np.tile(np.arange(images.shape[3]), (len(images), 1))
        order = rng.permuted(channels, axis=1)[:, np.newaxis, np.newaxis]
        return np.take_along_axis(images, order, axis=3)


@dataclass
class Lighting(ColorTransform):
    """Add random multiples of the principal components of colors to all pixels of an image.

    For eigenvectors p_i and eigenvalues l_i of the covariance of red, green and blue, the sum of
    a_i l_i p_i is added, with a_i drawn from a normal distribution for each image.

    Parameters
    ----------
    std : float, default=0.1
        Standard deviation of a_i.
    covariance : array-like of shape (3, 3), default=None
        The covariance of the colors of the training images: ``np.cov(X.reshape(-1, 3).T)``. None
        is that of ImageNet, for values from 0 to 1.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width, 3).

    References
    ----------
    Krizhevsky, A., Sutskever, I. and Hinton, G. E. "ImageNet classification with deep
    convolutional neural networks" (2012), section 4.1.
    """

    std: float = 0.1
    covariance: Any = None
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "std": [ABOVE_ZERO],
        "covariance": [None, "array-like"],
        **OF_IMAGES,
    }

    def check(self, n_features):
        super().check(n_features)
        covariance = np.asarray(np.eye(3) if self.covariance is None else self.covariance, float)
        if covariance.shape != (3, 3) or not np.allclose(covariance, covariance.T):
            raise ValueError(
                "covariance of Lighting must be a symmetric matrix of shape (3, 3), such as "
                f"np.cov(X.reshape(-1, 3).T), got {self.covariance!r}."
            )

    def change_images(self, images, rng):
        values, vectors = _EIGENVALUES, _EIGENVECTORS
        if self.covariance is not None:
            values, vectors = np.linalg.eigh(np.asarray(self.covariance, float))
        amounts = rng.normal(0, self.std, (len(images), 3)) * values
        return images + (amounts @ vectors.T).astype(images.dtype)[:, np.newaxis, np.newaxis]
