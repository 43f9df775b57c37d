"""
Augmentation of digits
======================

`augment=` applies random transforms to the training rows in each epoch, in a thread while the
engine trains. The figure shows the same digits after each transform, and the test error of a
network trained on 200 of scikit-learn's digits with and without it.

The best transforms depend on the data. Digits keep their class when they are rotated and zoomed a
little: this lowers the test error from 6.45 % to 5.82 %, and together with noise and mixup to
5.30 % (means of five seeds). Erased boxes hide the differences between these small digits: 8.17 %.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier
from fastnn import augment as a

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, SEEDS = (200, 2) if FAST else (600, 5)
ZOOM = 3
SIDE = 8 * ZOOM

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X, X_test, y, y_test = train_test_split(X, y, train_size=200, stratify=y, random_state=0)

# Two digits of each of three classes, enlarged.
chosen = np.concatenate([np.flatnonzero(y == digit)[:2] for digit in (2, 4, 7)])
shown = zoom(X[chosen].reshape(-1, 8, 8), (1, ZOOM, ZOOM), order=1).reshape(len(chosen), -1)
TRANSFORMS = {
    "original": None,
    "Shift(4)": a.Shift(4),
    "Rotate(30)": a.Rotate(30.0),
    "Zoom(0.3)": a.Zoom(0.3),
    "Flip()": a.Flip(probability=1.0),
    "Crop(0.5)": a.Crop(0.5),
    "Brightness(0.4)": a.Brightness(0.4),
    "Contrast(0.9)": a.Contrast(0.9),
    "Blur(3)": a.Blur(3.0, probability=1.0),
    "Sharpen(3)": a.Sharpen(3.0, 2.0, probability=1.0),
    "Erase(0.2)": a.Erase(0.2, 0.5, probability=1.0),
    "ChannelJitter(0.5)": a.ChannelJitter(0.5, 0.2),
    "RandAugment()": a.RandAugment(),
    "Noise(0.2)": a.Noise(0.2),
    "SwapNoise(0.15)": a.SwapNoise(0.15),
    "LabelMixup(1)": a.LabelMixup(1.0),
}
TRAINED = {
    "none": None,
    "Rotate, Zoom": [a.Rotate(10.0), a.Zoom(0.1)],
    "Noise": a.Noise(0.1),
    "Erase": a.Erase(0.1),
    "LabelMixup": a.LabelMixup(1.0),
    "'mixup'": "mixup",
    "Rotate, Zoom,\nNoise, 'mixup'": [a.Rotate(10.0), a.Zoom(0.1), a.Noise(0.1), "mixup"],
}


def test_errors(augment):
    """Return test errors of networks with different seeds, in %."""
    options = {"batch_size": 32, "learning_rate_init": 0.003, "learning_rate": "linear"}
    options |= {"max_iter": EPOCHS, "n_iter_no_change": EPOCHS, "augment": augment}
    models = (MLPClassifier(**options, random_state=seed).fit(X, y) for seed in range(SEEDS))
    return [100 * (1 - model.score(X_test, y_test)) for model in models]


with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are given
    errors = {name: test_errors(augment) for name, augment in TRAINED.items()}
for name, of_seeds in errors.items():
    spread = f"{np.mean(of_seeds):5.2f} ± {np.std(of_seeds):.2f} %"
    print(" ".join(name.split()).ljust(30), spread, f"of {len(y_test)} test digits wrong")

figure = plt.figure(figsize=(15, 9), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(2, 1))
left.suptitle("The same digits through each transform")
cells = left.subplots(len(TRANSFORMS) // 2, 2).T.ravel()
for cell, (name, transform) in zip(cells, TRANSFORMS.items(), strict=True):
    images = shown
    if transform is not None:
        images = transform(shown, y[chosen], np.random.default_rng(1))[0]
    framed = [np.pad(one.reshape(SIDE, SIDE), 1, constant_values=0.5) for one in images]
    gaps = [np.pad(one, ((0, 0), (0, 3))) for one in framed]
    cell.imshow(np.hstack(gaps), cmap="gray_r", vmin=0, vmax=1)
    cell.set_title(name, fontsize=11, loc="left")
    cell.axis("off")

axes = right.subplots()
names = list(errors)
for number, name in enumerate(names):
    axes.plot(errors[name], [number] * SEEDS, "o", color="tab:blue", alpha=0.5)
    axes.plot(np.mean(errors[name]), number, "|", color="black", markersize=22, markeredgewidth=2)
axes.set_yticks(range(len(names)), names)
axes.invert_yaxis()
axes.set_xlabel("test error, % (points: seeds; line: mean)")
axes.set_title(f"{len(y)} training digits, {EPOCHS} epochs")
axes.set_ylabel("augment")
axes.grid(axis="x", alpha=0.3)
plt.show()
