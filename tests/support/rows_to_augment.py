"""Small images, and an instance of every transform of rows."""

import numpy as np

from fastnn.augment import (
    Affine,
    AutoAugment,
    Blur,
    Brightness,
    ChannelJitter,
    ChannelShuffle,
    Contrast,
    Crop,
    Erase,
    Flip,
    Gain,
    Hue,
    LabelMixup,
    Lighting,
    Noise,
    Operation,
    RandAugment,
    Rotate,
    Saturation,
    Sharpen,
    Shear,
    Shift,
    Stretch,
    SwapNoise,
    TimeMask,
    TimeShift,
    Zoom,
)

SHAPE = (6, 8, 2)
IMAGES = np.random.default_rng(0).random((40, 96), np.float32)
LABELS = np.arange(40) % 4
OF_IMAGES = [
    *(
        cls(shape=SHAPE)
        for cls in (Shift, Rotate, Zoom, Flip, Crop, Blur, Sharpen, Erase, Shear, Affine)
    ),
    ChannelJitter(shape=SHAPE),
    *(cls(shape=SHAPE, value_range=(0, 256)) for cls in (RandAugment, AutoAugment)),
    Operation("Rotate", shape=SHAPE, value_range=(0, 256)),
]
OF_COLORS = [cls(shape=(4, 8, 3)) for cls in (Hue, Saturation, ChannelShuffle, Lighting)]
SPECS = [*OF_IMAGES, *OF_COLORS, Brightness(), Contrast(), Noise(), SwapNoise(), LabelMixup()]
SPECS += [TimeShift(), Stretch(), Gain(), TimeMask()]


def rng(seed=0):
    return np.random.default_rng(seed)


def as_images(X, shape=SHAPE):
    return X.reshape(-1, *shape)
