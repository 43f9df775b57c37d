"""
A wardrobe: Fashion-MNIST, MNIST or digits
==========================================

A network classifies images as rows of pixels. Its errors are instructive: the confusion matrix, and
the misclassified images with the most confident predictions. They reveal wrong labels, and clothes
that are hard to distinguish.

The environment variable ``FASTNN_EXAMPLE_IMAGES`` selects the images:

- ``fashion`` downloads the 70000 images of Fashion-MNIST from OpenML; ``fashion FOLDER`` reads the
  IDX files in a folder. The network is trained on 55000 of the 60000 training images, validated on
  the other 5000, and tested on the 10000 test images;
- ``mnist`` and ``mnist FOLDER`` do the same for MNIST;
- by default, scikit-learn's 1797 digits of 8 x 8 pixels, which need no download. The figure in the
  documentation shows these.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier
from fastnn.datasets import FASHION_MNIST_CLASSES, load_fashion_mnist, load_mnist
from fastnn.plots import FailureCasesDisplay, TrainingCurveDisplay

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"

# %%
# Rows of pixels between 0 and 1, and their labels, which may be names.


def load(name, folder=None):
    """Return pixels, labels, and the number of training images, which come first, if known."""
    n_train = 0
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    elif name == "mnist":
        X, y, n_train = load_mnist(folder, return_n_train=True)
    elif name == "fashion":
        X, y, n_train = load_fashion_mnist(folder, return_n_train=True)
        y = np.array(FASHION_MNIST_CLASSES)[y]
    else:
        raise ValueError(
            f"FASTNN_EXAMPLE_IMAGES begins with digits, mnist or fashion, got {name!r}."
        )
    return X.astype(np.float32) / X.max(), y, n_train


source = os.environ.get("FASTNN_EXAMPLE_IMAGES", "digits").split(maxsplit=1)
X, y, n_train = load(*source)
print(f"{source[0]}: {len(X)} images of {X.shape[1]} pixels")
if 0 < n_train < len(X):
    X_train, X_test, y_train, y_test = X[:n_train], X[n_train:], y[:n_train], y[n_train:]
    held_out = 5000 / n_train
else:
    parts = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
    X_train, X_test, y_train, y_test = parts
    held_out = 0.1

# %%
# Some of the training images are set aside, and the epoch that is best on them is kept.

model = MLPClassifier(
    hidden_layer_sizes=(256, 128),
    normalization="batch",
    dropout=0.2,
    early_stopping=True,
    validation_fraction=held_out,
    max_iter=30 if FAST else 200,
    random_state=0,
).fit(X_train, y_train)
print(f"{model.n_iter_} epochs, {model.score(X_test, y_test):.4f} of the test images right")

# %%
# 97.5 % of the digits for testing are right, and the nine mistakes are hard to read at 8 x 8
# pixels. With the 10000 images in MNIST's test files, 8000 of them for training, 95.9 % are right:
# 4 and 9 are mistaken for each other 14 times, more often than any other two.

figure = plt.figure(figsize=(12, 8.5), layout="constrained")
places = figure.subplot_mosaic(
    [["curve", "confusion"], ["failures", "failures"]], width_ratios=(3, 2)
)
TrainingCurveDisplay.from_estimator(model, ax=places["curve"])
ConfusionMatrixDisplay.from_estimator(
    model,
    X_test,
    y_test,
    ax=places["confusion"],
    cmap="Blues",
    xticks_rotation=45 if y.dtype.kind == "U" else 0,
    im_kw={"norm": "symlog"},
    text_kw={"fontsize": "x-small"},
    colorbar=False,
)
FailureCasesDisplay.from_estimator(
    model, X_test, y_test, ax=places["failures"], image_shape="square", n_cases=10
)
plt.show()
