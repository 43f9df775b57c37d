"""RandAugment: random transforms of images, all of one magnitude."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval
from .colors import Blur, ChannelJitter, Contrast, Erase, Sharpen
from .geometry import Crop, Rotate, Shift, Zoom
from .rows import AT_LEAST_ONE, FINITE, OF_IMAGES, ImageTransform, RowTransform


@dataclass
class RandAugment(ImageTransform):
    """Apply transforms to each image, drawn at random with equal probability.

    At magnitude 10 they are: no change; `Shift` by 30 % of the larger side; `Rotate` by 30
    degrees; `Zoom` by 0.3; `Crop` of half the area; `Contrast` and `ChannelJitter` (factors only)
    by 0.9; `Blur` with sigma 2; `Sharpen` by 3; `Erase` of 30 %. These are the largest values
    drawn, and they are proportional to the magnitude. None depends on the units of X.

    Parameters
    ----------
    n_transforms : int, default=2
        Number of transforms applied to each image, drawn with replacement.
    magnitude : float, default=5.0
        Strength of the transforms, in (0, 10].
    fill : float, default=0.0
        Value of the pixels outside an image, and in erased boxes.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a
        square image of one channel.

    References
    ----------
    Cubuk, E. D. et al. "RandAugment: practical automated data augmentation with a reduced search
    space" (2020), section 3, with the transforms of this module.
    """

    n_transforms: int = 2
    magnitude: float = 5.0
    fill: float = 0.0
    probability: float = 1.0
    shape: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "n_transforms": [AT_LEAST_ONE],
        "magnitude": [Interval(Real, 0, 10, closed="right")],
        "fill": [FINITE],
        **OF_IMAGES,
    }

    def transforms(self, n_features: int) -> list[RowTransform]:
        """Return the transforms to choose from, for rows of `n_features`."""
        shape = self.sides(n_features)
        part = self.magnitude / 10
        own: dict[str, Any] = {"shape": shape, "probability": 1.0}
        filled = own | {"fill": self.fill}
        return [
            Shift(max(1, round(0.3 * part * max(shape[:2]))), **filled),
            Rotate(30 * part, **filled),
            Zoom(0.3 * part, **filled),
            Crop(1 - part / 2, **own),
            Contrast(0.9 * part),
            ChannelJitter(0.9 * part, 0.0, **own),
            Blur(2 * part, **own),
            Sharpen(3 * part, **own),
            Erase(0.3 * part, **filled),
        ]

    def change(self, rows, rng):
        rows, transforms = rows.copy(), self.transforms(rows.shape[1])
        for _ in range(self.n_transforms):
            chosen = rng.integers(0, len(transforms) + 1, len(rows))  # the last is no change
            for number, transform in enumerate(transforms):
                own = np.flatnonzero(chosen == number)
                if len(own):
                    rows[own] = transform.change(rows[own], rng)
        return rows
