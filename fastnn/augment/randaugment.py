"""RandAugment: operations drawn at random for each image."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval, OneOf
from .operations import N_OF_RANDAUGMENT, NAMES, OPERATIONS, Canvas
from .resampling import INTERPOLATION
from .rows import AT_LEAST_ONE, FINITE, NOT_NEGATIVE, OF_IMAGES, ImageTransform, interval_of, signs

OF_POLICIES = {
    "value_range": ["array-like"],
    "fill": [FINITE],
    **INTERPOLATION,
    **OF_IMAGES,
}


class PolicyTransform(ImageTransform):
    """Base class of the transforms that apply operations drawn for each image."""

    value_range: Any
    fill: float
    interpolation: str

    def check(self, n_features):
        super().check(n_features)
        low, high = interval_of(self, "value_range")
        if low == high:
            raise ValueError(f"value_range of {type(self).__name__} has the same number twice.")

    def draw(self, n, rng):
        """Yield the numbers of operations of n images, and their levels, one after the other."""
        raise NotImplementedError

    def change_images(self, images, rng):
        low, high = interval_of(self, "value_range")
        canvas = Canvas(low, high, self.fill, self.interpolation)
        self._check_values(images, canvas)
        images = images.copy()
        for numbers, levels in self.draw(len(images), rng):
            turned = levels * signs(rng, len(images))
            for number in np.unique(numbers):
                function, is_signed = OPERATIONS[NAMES[number]]
                own = np.flatnonzero(numbers == number)
                level = (turned if is_signed else levels)[own]
                images[own] = function(images[own], level, canvas)
        return images

    def _check_values(self, images, canvas):
        """Refuse images of other units; noise may leave the range a little."""
        width = canvas.high - canvas.low
        least, most = images.min(), images.max()
        if least < canvas.low - width or most > canvas.high + width:
            raise ValueError(
                f"{type(self).__name__}(value_range={self.value_range!r}) is for images between "
                f"these values, and X has values from {least:g} to {most:g}: give the values of "
                "black and white."
            )


@dataclass
class Operation(PolicyTransform):
    """Apply one of the operations of `RandAugment` and `AutoAugment`.

    Parameters
    ----------
    name : str, default='AutoContrast'
        'Identity', 'AutoContrast', 'Equalize', 'Rotate', 'Solarize', 'Color', 'Posterize',
        'Contrast', 'Brightness', 'Sharpness', 'ShearX', 'ShearY', 'TranslateX', 'TranslateY' or
        'Invert'; see `RandAugment`.
    magnitude : float, default=5.0
        Strength of the operation, in [0, 10]. If it has a direction, this is drawn at random.
    value_range : pair of float, default=(0.0, 1.0)
        Values of black and white. Some operations clip the pixels beyond.
    fill : float, default=0.0
        Value of the pixels outside the image.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    """

    name: str = "AutoContrast"
    magnitude: float = 5.0
    value_range: Any = (0.0, 1.0)
    fill: float = 0.0
    interpolation: str = "bilinear"
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "name": [OneOf(NAMES)],
        "magnitude": [Interval(Real, 0, 10, closed="both")],
        **OF_POLICIES,
    }

    def draw(self, n, rng):
        yield np.full(n, NAMES.index(self.name)), np.full(n, self.magnitude / 10)


@dataclass
class RandAugment(PolicyTransform):
    """Apply operations to each image, drawn at random with equal probability, of one magnitude.

    There are 14 operations. At magnitude 10: 'Rotate' by 30 degrees; 'ShearX' and 'ShearY' by 0.3;
    'TranslateX' and 'TranslateY' by 45 % of the side; 'Brightness', 'Color', 'Contrast' and
    'Sharpness' by a factor of 0.1 or 1.9; 'Posterize' to 4 bits; 'Solarize' of all pixels. These
    are proportional to the magnitude, and directions are drawn at random. 'Identity',
    'AutoContrast' and 'Equalize' have no magnitude. 'Color' leaves grey images unchanged.

    Parameters
    ----------
    n_transforms : int, default=2
        Number of operations applied to each image, drawn with replacement.
    magnitude : float, default=5.0
        Strength of the operations, in [0, 10].
    fill : float, default=0.0
        Value of the pixels outside the image.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.
    magnitude_std : float, default=0.0
        Standard deviation of the magnitude, which is drawn from a normal distribution for each
        operation, and clipped to [0, 10]. timm has 0.5.
    value_range : pair of float, default=(0.0, 1.0)
        Values of black and white. Some operations clip the pixels beyond.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels.

    References
    ----------
    Cubuk, E. D. et al. "RandAugment: practical automated data augmentation with a reduced search
    space" (2020), section 3 and figure 2, with the ranges of torchvision and the standard deviation
    of timm.
    """

    n_transforms: int = 2
    magnitude: float = 5.0
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None
    magnitude_std: float = 0.0
    value_range: Any = (0.0, 1.0)
    interpolation: str = "bilinear"

    _parameter_constraints: ClassVar[dict] = {
        "n_transforms": [AT_LEAST_ONE],
        "magnitude": [Interval(Real, 0, 10, closed="both")],
        "magnitude_std": [NOT_NEGATIVE],
        **OF_POLICIES,
    }

    def draw(self, n, rng):
        for _ in range(self.n_transforms):
            magnitudes = self.magnitude + self.magnitude_std * rng.standard_normal(n)
            yield rng.integers(0, N_OF_RANDAUGMENT, n), np.clip(magnitudes, 0, 10) / 10
