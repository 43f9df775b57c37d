"""Augmentation: training rows changed at random, anew in each epoch.

What changes rows, `RowTransform` and any function ``(X, y, rng) -> (X, y)``, runs in a thread
beside the engine (``beside.py``); what mixes the rows of a batch, `Mixup` and `CutMix`, in the
engine. Tokens are changed before they become numbers: ``text.py``.
"""

from .colors import Blur, Brightness, ChannelJitter, Contrast, Erase, Sharpen
from .geometry import Crop, Flip, Rotate, Shift, Zoom
from .mixing import MIXINGS, CutMix, Mixing, Mixup
from .randaugment import RandAugment
from .rows import RowTransform
from .signals import Gain, Stretch, TimeMask, TimeShift
from .tables import LabelMixup, Noise, SwapNoise
from .text import (
    TokenAugmenter,
    delete_tokens,
    insert_synonyms,
    replace_synonyms,
    swap_tokens,
)

__all__ = [
    "MIXINGS",
    "Blur",
    "Brightness",
    "ChannelJitter",
    "Contrast",
    "Crop",
    "CutMix",
    "Erase",
    "Flip",
    "Gain",
    "LabelMixup",
    "Mixing",
    "Mixup",
    "Noise",
    "RandAugment",
    "Rotate",
    "RowTransform",
    "Sharpen",
    "Shift",
    "Stretch",
    "SwapNoise",
    "TimeMask",
    "TimeShift",
    "TokenAugmenter",
    "Zoom",
    "delete_tokens",
    "insert_synonyms",
    "replace_synonyms",
    "swap_tokens",
]
