"""
Operations on images
====================

Every transform of images in `fastnn.augment`, drawn several times for the same patch of a photo.
Below are the operations of `RandAugment` and `AutoAugment` at magnitude 8, and what the two make of
them. The script prints by how much each changes a pixel, on average.

`Resize` first makes the patch smaller, as it would in a pipeline before the network. All transforms
keep the number of pixels, because a network has a fixed number of features: a crop is enlarged to
the full size. The best choice depends on the data; see
:ref:`sphx_glr_auto_examples_augmentation.py` for digits.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from fastnn import augment as a
from fastnn.augment.operations import NAMES
from fastnn.preprocessing import Resize

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
SIDE, DRAWS = (48, 2) if FAST else (72, 4)
SHAPE = (SIDE, SIDE, 3)

photo = load_sample_image("china.jpg")[60:276, 20:236] / np.float32(255)
patch = Resize((SIDE, SIDE), shape=photo.shape).fit_transform(photo.reshape(1, -1))

TRANSFORMS = {
    "original": a.Operation("Identity"),
    "Shift(12)": a.Shift(12),
    "Rotate(30)": a.Rotate(30.0),
    "Zoom(0.3)": a.Zoom(0.3),
    "Zoom(0, stretch=1)": a.Zoom(0.0, stretch=1.0),
    "Shear(0.4)": a.Shear(0.4),
    "Affine(30, 0.2, 0.5, 0.2, 8)": a.Affine(30.0, 0.2, 0.5, 0.2, 8.0),
    "Flip()": a.Flip(),
    "Crop(0.08, ratio=(3/4, 4/3))": a.Crop(0.08, ratio=(3 / 4, 4 / 3)),
    "Brightness(0.4)": a.Brightness(0.4),
    "Contrast(0.9)": a.Contrast(0.9),
    "Saturation(1)": a.Saturation(1.0),
    "Hue(0.5)": a.Hue(0.5),
    "ChannelShuffle(1)": a.ChannelShuffle(1.0),
    "ChannelJitter(0.5)": a.ChannelJitter(0.5),
    "Lighting(1)": a.Lighting(1.0),
    "Noise(0.1)": a.Noise(0.1),
    "Blur(3)": a.Blur(3.0, 1.0),
    "Sharpen(3)": a.Sharpen(3.0, probability=1.0),
    "Erase(0.3)": a.Erase(0.3, 0.5, 1.0),
}
DRAWN = {
    **{name: a.Operation(name, 8.0) for name in NAMES if name != "Identity"},
    "RandAugment(2, 8)": a.RandAugment(2, 8.0),
    "RandAugment(2, 8 ± 2)": a.RandAugment(2, 8.0, magnitude_std=2.0),
    "AutoAugment('cifar10')": a.AutoAugment("cifar10"),
    "AutoAugment('svhn')": a.AutoAugment("svhn"),
}


def strip(name, transform):
    """Return several draws of a transform of the patch, side by side."""
    if "shape" in transform.names():
        transform.set_params(shape=SHAPE)
    images = transform(np.tile(patch, (DRAWS, 1)), None, np.random.default_rng(3))[0]
    print(f"{name:30} {abs(images - patch).mean():.3f}")
    framed = np.pad(images.reshape(-1, *SHAPE), ((0, 0), (0, 0), (0, 4), (0, 0)), constant_values=1)
    return np.clip(np.hstack(framed), 0, 1)


def show(figure, title, transforms):
    """Draw the strips of transforms, with their names."""
    figure.suptitle(title)
    cells = figure.subplots(-(-len(transforms) // 4), 4).ravel()
    for cell in cells:
        cell.axis("off")
    for cell, name, transform in zip(cells, transforms, transforms.values(), strict=False):
        cell.imshow(strip(name, transform))
        cell.set_title(name, fontsize=9, loc="left", pad=2)


figure = plt.figure(figsize=(13, 9), layout="constrained")
above, below = figure.subfigures(2, 1)
show(above, "Transforms", TRANSFORMS)
show(below, "Operations of RandAugment and AutoAugment", DRAWN)
plt.show()
