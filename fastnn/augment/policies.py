"""RandAugment and AutoAugment: operations drawn at random for each image."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval, OneOf
from .operations import N_OF_RANDAUGMENT, NAMES, OPERATIONS, Canvas
from .resampling import INTERPOLATION
from .rows import AT_LEAST_ONE, FINITE, NOT_NEGATIVE, OF_IMAGES, ImageTransform, interval_of, signs

# Sub-policies, of two operations each: a name, the probability that it is applied, and the
# magnitude from 0 to 9.
_POLICIES = {
    "cifar10": """
        Invert .1 0 Contrast .2 6; Rotate .7 2 TranslateX .3 9; Sharpness .8 1 Sharpness .9 3;
        ShearY .5 8 TranslateY .7 9; AutoContrast .5 0 Equalize .9 0;
        ShearY .2 7 Posterize .3 7; Color .4 3 Brightness .6 7; Sharpness .3 9 Brightness .7 9;
        Equalize .6 0 Equalize .5 0; Contrast .6 7 Sharpness .6 5; Color .7 7 TranslateX .5 8;
        Equalize .3 0 AutoContrast .4 0; TranslateY .4 3 Sharpness .2 6;
        Brightness .9 6 Color .2 8; Solarize .5 2 Invert 0 0; Equalize .2 0 AutoContrast .6 0;
        Equalize .2 0 Equalize .6 0; Color .9 9 Equalize .6 0; AutoContrast .8 0 Solarize .2 8;
        Brightness .1 3 Color .7 0; Solarize .4 5 AutoContrast .9 0;
        TranslateY .9 9 TranslateY .7 9; AutoContrast .9 0 Solarize .8 3;
        Equalize .8 0 Invert .1 0; TranslateY .7 9 AutoContrast .9 0""",
    "svhn": """
        ShearX .9 4 Invert .2 0; ShearY .9 8 Invert .7 0; Equalize .6 0 Solarize .6 6;
        Invert .9 0 Equalize .6 0; Equalize .6 0 Rotate .9 3; ShearX .9 4 AutoContrast .8 0;
        ShearY .9 8 Invert .4 0; ShearY .9 5 Solarize .2 6; Invert .9 0 AutoContrast .8 0;
        Equalize .6 0 Rotate .9 3; ShearX .9 4 Solarize .3 3; ShearY .8 8 Invert .7 0;
        Equalize .9 0 TranslateY .6 6; Invert .9 0 Equalize .6 0; Contrast .3 3 Rotate .8 4;
        Invert .8 0 TranslateY 0 2; ShearY .7 6 Solarize .4 8; Invert .6 0 Rotate .8 4;
        ShearY .3 7 TranslateX .9 3; ShearX .1 6 Invert .6 0; Solarize .7 2 TranslateY .6 7;
        ShearY .8 4 Invert .8 0; ShearX .7 9 TranslateY .8 3; ShearY .8 5 AutoContrast .7 0;
        ShearX .7 2 Invert .1 0""",
}


def policy_table(name: str):
    """Return numbers of operations, probabilities and levels, each of shape (2, n_pairs)."""
    words = [one.split() for one in _POLICIES[name].split(";")]
    columns = np.array(words).reshape(-1, 2, 3).transpose(2, 1, 0)
    numbers = np.array([[NAMES.index(one) for one in ones] for ones in columns[0].tolist()])
    return numbers, columns[1].astype(float), columns[2].astype(float) / 9


_CONSTRAINTS = {
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
        Strength of the operation, in [0, 10]. Where it has a direction, that is drawn at random.
    value_range : pair of float, default=(0.0, 1.0)
        Values of black and white. Some operations clip the pixels beyond.
    fill : float, default=0.0
        Value of the pixels outside the image.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        How pixels between those of the image are computed.
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
        **_CONSTRAINTS,
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
    magnitude_std : float, default=0.0
        Standard deviation of the magnitude, which is drawn from a normal distribution for each
        operation, and clipped to [0, 10]. timm has 0.5.
    value_range : pair of float, default=(0.0, 1.0)
        Values of black and white. Some operations clip the pixels beyond.
    fill : float, default=0.0
        Value of the pixels outside the image.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        How pixels between those of the image are computed.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.

    References
    ----------
    Cubuk, E. D. et al. "RandAugment: practical automated data augmentation with a reduced search
    space" (2020), section 3 and figure 2, with the ranges of torchvision. Wightman, R. et al.
    "ResNet strikes back: an improved training procedure in timm" (2021), section 3, for the
    standard deviation.
    """

    n_transforms: int = 2
    magnitude: float = 5.0
    magnitude_std: float = 0.0
    value_range: Any = (0.0, 1.0)
    fill: float = 0.0
    interpolation: str = "bilinear"
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "n_transforms": [AT_LEAST_ONE],
        "magnitude": [Interval(Real, 0, 10, closed="both")],
        "magnitude_std": [NOT_NEGATIVE],
        **_CONSTRAINTS,
    }

    def draw(self, n, rng):
        for _ in range(self.n_transforms):
            magnitudes = self.magnitude + self.magnitude_std * rng.standard_normal(n)
            yield rng.integers(0, N_OF_RANDAUGMENT, n), np.clip(magnitudes, 0, 10) / 10


@dataclass
class AutoAugment(PolicyTransform):
    """Apply a pair of operations to each image, drawn from a policy that was learned.

    A policy has 25 pairs. Each operation of a pair has a magnitude, and a probability that it
    is applied.

    Parameters
    ----------
    policy : {'cifar10', 'svhn'}, default='cifar10'
        The policy learned on CIFAR-10, mostly of colors; or on SVHN, house numbers, mostly
        geometric, and inverted images.
    value_range : pair of float, default=(0.0, 1.0)
        Values of black and white. Some operations clip the pixels beyond.
    fill : float, default=0.0
        Value of the pixels outside the image.
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        How pixels between those of the image are computed.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.

    References
    ----------
    Cubuk, E. D. et al. "AutoAugment: learning augmentation strategies from data" (2019), tables 7
    and 8 of the appendix, with the ranges of `RandAugment`.
    """

    policy: str = "cifar10"
    value_range: Any = (0.0, 1.0)
    fill: float = 0.0
    interpolation: str = "bilinear"
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {"policy": [OneOf(_POLICIES)], **_CONSTRAINTS}

    def draw(self, n, rng):
        pairs = rng.integers(0, 25, n)
        for numbers, probabilities, levels in zip(*policy_table(self.policy), strict=True):
            applied = rng.random(n) < probabilities[pairs]
            yield np.where(applied, numbers[pairs], NAMES.index("Identity")), levels[pairs]
