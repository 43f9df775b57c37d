"""Augmentation: training rows changed at random, anew in each epoch.

What changes rows, `RowTransform` and any function ``(X, y, rng) -> (X, y)``, runs in a thread
beside the engine (``beside.py``); what mixes the rows of a batch, `Mixup` and `CutMix`, in the
engine. Tokens are changed before they become numbers: ``text.py``.
"""

from typing import TYPE_CHECKING

from .mixing import CutMix, Mixing, Mixup
from .rows import RowTransform

if TYPE_CHECKING:
    from .colors import Blur, Brightness, ChannelJitter, Contrast, Erase, Sharpen
    from .geometry import Crop, Flip, Rotate, Shift, Zoom
    from .randaugment import RandAugment
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

# By the files that hold them. They are imported when they are first used.
_FILES = {
    "colors": ("Blur", "Brightness", "ChannelJitter", "Contrast", "Erase", "Sharpen"),
    "geometry": ("Crop", "Flip", "Rotate", "Shift", "Zoom"),
    "randaugment": ("RandAugment",),
    "signals": ("Gain", "Stretch", "TimeMask", "TimeShift"),
    "tables": ("LabelMixup", "Noise", "SwapNoise"),
    "text": (
        "TokenAugmenter",
        "delete_tokens",
        "insert_synonyms",
        "replace_synonyms",
        "swap_tokens",
    ),
}


def __getattr__(name):
    from importlib import import_module

    for file, names in _FILES.items():
        if name in names:
            return getattr(import_module(f".{file}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
