"""Data augmentation: random transforms of the training rows, drawn anew in each epoch.

Transforms of rows, `RowTransform` and any function ``(X, y, rng) -> (X, y)``, run in a thread
while the engine trains on earlier rows. `Exclude`, `Append` and `RepeatedAugmentation` apply them
to some of the rows, or to copies. `Mixup` and `CutMix`, which mix the rows of a batch, run in the
engine. `TokenAugmenter` transforms texts before they are vectorized.
"""

from typing import TYPE_CHECKING

from .._lazy import lazy_names
from .mixing import CutMix, Mixing, Mixup, RandomChoice
from .rows import RowTransform

if TYPE_CHECKING:
    from .affine import Affine, Shear
    from .autoaugment import AutoAugment
    from .channels import ChannelShuffle, Hue, Lighting, Saturation
    from .colors import Blur, Brightness, ChannelJitter, Contrast, Erase, Sharpen
    from .geometry import Crop, Flip, Rotate, Shift, Zoom
    from .randaugment import Operation, RandAugment
    from .signals import Gain, Stretch, TimeMask, TimeShift
    from .tables import LabelMixup, Noise, SwapNoise
    from .text import (
        TokenAugmenter,
        back_translate,
        delete_tokens,
        insert_synonyms,
        replace_synonyms,
        swap_tokens,
    )
    from .wrappers import Append, Exclude, RepeatedAugmentation

__all__ = [
    "Affine",
    "Append",
    "AutoAugment",
    "Blur",
    "Brightness",
    "ChannelJitter",
    "ChannelShuffle",
    "Contrast",
    "Crop",
    "CutMix",
    "Erase",
    "Exclude",
    "Flip",
    "Gain",
    "Hue",
    "LabelMixup",
    "Lighting",
    "Mixing",
    "Mixup",
    "Noise",
    "Operation",
    "RandAugment",
    "RandomChoice",
    "RepeatedAugmentation",
    "Rotate",
    "RowTransform",
    "Saturation",
    "Sharpen",
    "Shear",
    "Shift",
    "Stretch",
    "SwapNoise",
    "TimeMask",
    "TimeShift",
    "TokenAugmenter",
    "Zoom",
    "back_translate",
    "delete_tokens",
    "insert_synonyms",
    "replace_synonyms",
    "swap_tokens",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "affine": ("Affine", "Shear"),
        "autoaugment": ("AutoAugment",),
        "channels": ("ChannelShuffle", "Hue", "Lighting", "Saturation"),
        "colors": ("Blur", "Brightness", "ChannelJitter", "Contrast", "Erase", "Sharpen"),
        "geometry": ("Crop", "Flip", "Rotate", "Shift", "Zoom"),
        "randaugment": ("Operation", "RandAugment"),
        "signals": ("Gain", "Stretch", "TimeMask", "TimeShift"),
        "tables": ("LabelMixup", "Noise", "SwapNoise"),
        "text": (
            "TokenAugmenter",
            "back_translate",
            "delete_tokens",
            "insert_synonyms",
            "replace_synonyms",
            "swap_tokens",
        ),
        "wrappers": ("Append", "Exclude", "RepeatedAugmentation"),
    },
)
