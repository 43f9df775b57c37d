"""``fastnn demo``: compare fastnn with scikit-learn on handwritten digits.

Trains both libraries' ``MLPClassifier`` with the same settings on the same split of scikit-learn's
bundled digits, prints accuracies and times, and saves a figure of the loss curves and of the digits
that fastnn misclassified.
"""

import time
import warnings

import numpy as np
import sklearn.neural_network
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ._extras import pip_install
from ._printed_tables import PrintedTable
from .callbacks import ProgressBar
from .estimators import MLPClassifier

PICTURE = "fastnn-demo.png"
SETTINGS = {
    "hidden_layer_sizes": (256, 128),
    "batch_size": 32,
    "max_iter": 100,
    "n_iter_no_change": 100,  # both run all epochs
    "random_state": 0,
}


def digits():
    """Return the 8 x 8 digits as rows of float32 between 0 and 1, split into train and test."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)


class Results(PrintedTable):
    """Table of the results of both libraries."""

    _right = frozenset(("test accuracy", "training time", "epochs"))

    def __init__(self, rows):
        self._lines = rows

    def _rows(self):
        yield ("library", "test accuracy", "training time", "epochs")
        yield from self._lines


def train(model, X, y):
    """Fit a model and return the seconds it takes."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed
        model.fit(X, y)
    return time.perf_counter() - start


def draw(models, X, y):
    """Draw loss curves on the left, and the digits that fastnn misclassified on the right."""
    from matplotlib.figure import Figure

    from .plots import FailureCasesDisplay, TrainingCurveDisplay

    figure = Figure(figsize=(12, 5), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    for (name, model), dashes in zip(models.items(), ("-", (0, (3, 2))), strict=True):
        style = {"linewidth": 2, "linestyle": dashes}
        TrainingCurveDisplay.from_history(
            {"loss": model.loss_curve_}, ax=left, name=name, log_scale=True, line_kw=style
        )
    FailureCasesDisplay.from_estimator(models["fastnn"], X, y, image_shape="square", ax=right)
    return figure


def run():
    """Train, compare and draw both libraries."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError(f"The demo needs matplotlib: {pip_install('demo')}.") from None

    X_train, X_test, y_train, y_test = digits()
    models = {
        "fastnn": MLPClassifier(**SETTINGS, callbacks=[ProgressBar(every=50)]),
        "scikit-learn": sklearn.neural_network.MLPClassifier(**SETTINGS),
    }
    times, rows = {}, []
    for name, model in models.items():
        print(f"{name} learns {len(X_train):,} digits ..", flush=True)
        times[name] = train(model, X_train, y_train)
        accuracy = model.score(X_test, y_test)
        rows.append((name, f"{accuracy:.2%}", f"{times[name]:.2f} s", str(model.n_iter_)))
    ratio = times["scikit-learn"] / times["fastnn"]
    print(f"\n{Results(rows)}\n\nfastnn trained {ratio:.1f} times as fast as scikit-learn.")

    draw(models, X_test, y_test).savefig(PICTURE)
    print(f"Loss curves and misclassified digits: {PICTURE}")
