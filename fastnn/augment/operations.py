"""The operations of AutoAugment and RandAugment, each a function of images and a level.

Cubuk, E. D. et al. "AutoAugment: learning augmentation strategies from data" (2019), table 6 of the
appendix. Most are functions of Pillow, which has values from 0 to 255. Here black and white are any
two numbers, and values between them are not rounded.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter

from .affine import rotations
from .channels import luminance
from .resampling import resampled
from .rows import of_rows


class Canvas(NamedTuple):
    """Values of black and white, and what images are resampled with."""

    low: float
    high: float
    fill: float
    interpolation: str

    def clipped(self, images):
        """Return images whose values are between black and white."""
        return np.clip(images, self.low, self.high)

    def levels(self, images):
        """Return the values as whole numbers from 0 to 255."""
        unit = (self.clipped(images) - self.low) * (255 / (self.high - self.low))
        return np.rint(unit).astype(np.uint8)

    def values(self, levels, dtype):
        """Return the values of numbers from 0 to 255."""
        return (levels * ((self.high - self.low) / 255) + self.low).astype(dtype)


class Operation(NamedTuple):
    """An operation, and whether its level may be negative.

    The function takes images of shape (n, height, width, channels), a level between -1 and 1 for
    each, and a `Canvas`.
    """

    function: Callable[[Any, Any, Canvas], Any]
    is_signed: bool = False


def _blended(others, images, level, canvas):
    """Return others and images mixed: images at level 0, and beyond them above it."""
    return canvas.clipped(others + of_rows(1 + 0.9 * level, images) * (images - others))


def brightness(images, level, canvas):
    """Mix images with black."""
    return _blended(images.dtype.type(canvas.low), images, level, canvas)


def color(images, level, canvas):
    """Mix images with their luminance; grey ones are unchanged."""
    return _blended(luminance(images), images, level, canvas) if images.shape[3] == 3 else images


def contrast(images, level, canvas):
    """Mix images with the mean of their luminance."""
    grey = luminance(images).mean(axis=(1, 2), keepdims=True)
    return _blended(grey, images, level, canvas)


def sharpness(images, level, canvas):
    """Mix images with smooth ones: means of 3 x 3 pixels, of which the middle one counts 5 times.

    Pixels at the edges are unchanged.
    """
    smooth = images.copy()
    nine = uniform_filter(images, (1, 3, 3, 1))
    smooth[:, 1:-1, 1:-1] = ((9 * nine + 4 * images) / 13)[:, 1:-1, 1:-1]
    return _blended(smooth, images, level, canvas)


def invert(images, level, canvas):
    """Exchange black and white."""
    return images.dtype.type(canvas.low + canvas.high) - images


def solarize(images, level, canvas):
    """Invert the pixels that are brighter than a threshold, lower at a higher level."""
    threshold = of_rows(canvas.high - level * (canvas.high - canvas.low), images)
    return np.where(images >= threshold, invert(images, level, canvas), images)


def posterize(images, level, canvas):
    """Keep the first 8 to 4 bits of each value."""
    lost = np.rint(4 * level).astype(np.uint8)[:, np.newaxis, np.newaxis, np.newaxis]
    return canvas.values(canvas.levels(images) >> lost << lost, images.dtype)


def auto_contrast(images, level, canvas):
    """Stretch each channel so that its darkest pixel is black, and its brightest white."""
    low, high = (f(axis=(1, 2), keepdims=True) for f in (images.min, images.max))
    width = np.where(high > low, high - low, 1)
    stretched = canvas.low + (images - low) * ((canvas.high - canvas.low) / width)
    return np.where(high > low, stretched, images).astype(images.dtype)


def equalize(images, level, canvas):
    """Change the values of each channel so that all are about equally frequent."""
    n, _, _, channels = images.shape
    groups = np.arange(n * channels).reshape(n, 1, 1, channels) * 256
    indices = canvas.levels(images) + groups
    counts = np.bincount(indices.ravel(), minlength=n * channels * 256).reshape(-1, 256)
    brightest = 255 - (counts[:, ::-1] > 0).argmax(axis=1)
    last = np.take_along_axis(counts, brightest[:, np.newaxis], axis=1)
    step = (counts.sum(axis=1, keepdims=True) - last) // 255
    before = np.cumsum(counts, axis=1) - counts
    table = np.where(step, (before + step // 2) // np.maximum(step, 1), np.arange(256))
    return canvas.values(np.minimum(table, 255).take(indices), images.dtype)


def rotate(images, level, canvas):
    """Rotate images counterclockwise, by up to 30 degrees."""
    matrices, centres = rotations(np.deg2rad(-30 * level)), np.zeros((len(images), 2))
    return resampled(images, matrices, centres, canvas.fill, canvas.interpolation)


def _sheared(axis):
    def shear(images, level, canvas):
        """Shift each line by up to 0.3 of its distance from the first."""
        other = 1 - axis
        matrices = np.tile(np.eye(2), (len(images), 1, 1))
        matrices[:, axis, other] = 0.3 * level
        centres = np.zeros((len(images), 2))
        centres[:, axis] = 0.3 * level * images.shape[1 + other] / 2
        return resampled(images, matrices, centres, canvas.fill, canvas.interpolation)

    return shear


def _translated(axis):
    def translate(images, level, canvas):
        """Shift images by up to 150 / 331 of their side, by whole pixels."""
        matrices = np.tile(np.eye(2), (len(images), 1, 1))
        centres = np.zeros((len(images), 2))
        centres[:, axis] = np.trunc(150 / 331 * level * images.shape[1 + axis])
        return resampled(images, matrices, centres, canvas.fill, "nearest")

    return translate


OPERATIONS: dict[str, Operation] = {
    "Identity": Operation(lambda images, level, canvas: images),
    "AutoContrast": Operation(auto_contrast),
    "Equalize": Operation(equalize),
    "Rotate": Operation(rotate, is_signed=True),
    "Solarize": Operation(solarize),
    "Color": Operation(color, is_signed=True),
    "Posterize": Operation(posterize),
    "Contrast": Operation(contrast, is_signed=True),
    "Brightness": Operation(brightness, is_signed=True),
    "Sharpness": Operation(sharpness, is_signed=True),
    "ShearX": Operation(_sheared(1), is_signed=True),
    "ShearY": Operation(_sheared(0), is_signed=True),
    "TranslateX": Operation(_translated(1), is_signed=True),
    "TranslateY": Operation(_translated(0), is_signed=True),
    "Invert": Operation(invert),
}
NAMES = list(OPERATIONS)
#: Those of RandAugment.
N_OF_RANDAUGMENT = NAMES.index("Invert")
