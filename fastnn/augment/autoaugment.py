"""AutoAugment: pairs of operations from a policy that was learned."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import OneOf
from .operations import NAMES
from .randaugment import OF_POLICIES, PolicyTransform

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
        Method of interpolation between pixels.
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

    _parameter_constraints: ClassVar[dict] = {"policy": [OneOf(_POLICIES)], **OF_POLICIES}

    def draw(self, n, rng):
        pairs = rng.integers(0, 25, n)
        for numbers, probabilities, levels in zip(*policy_table(self.policy), strict=True):
            applied = rng.random(n) < probabilities[pairs]
            yield np.where(applied, numbers[pairs], NAMES.index("Identity")), levels[pairs]
