"""Small images, and an instance of every transform of rows."""

import numpy as np

from fastnn.augment import (
    Blur,
    Brightness,
    ChannelJitter,
    Contrast,
    Crop,
    Erase,
    Flip,
    Gain,
    LabelMixup,
    Noise,
    RandAugment,
    Rotate,
    Sharpen,
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
    *(cls(shape=SHAPE) for cls in (Shift, Rotate, Zoom, Flip, Crop, Blur, Sharpen, Erase)),
    ChannelJitter(shape=SHAPE),
    RandAugment(shape=SHAPE),
]
SPECS = [*OF_IMAGES, Brightness(), Contrast(), Noise(), SwapNoise(), LabelMixup()]
SPECS += [TimeShift(), Stretch(), Gain(), TimeMask()]


def rng(seed=0):
    return np.random.default_rng(seed)


def as_images(X, shape=SHAPE):
    return X.reshape(-1, *shape)
