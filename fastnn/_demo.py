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
from .callbacks import Callback
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


class Advance(Callback):
    """Callback that advances a progress bar of rich after each epoch."""

    def __init__(self, progress, task):
        self.progress, self.task = progress, task

    def on_epoch_end(self, context):
        self.progress.advance(self.task)


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
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Table
    except ImportError as error:
        library = str(error.name).partition(".")[0]
        raise ImportError(f"The demo needs {library}: {pip_install('demo')}.") from None

    X_train, X_test, y_train, y_test = digits()
    models = {
        "fastnn": MLPClassifier(**SETTINGS),
        "scikit-learn": sklearn.neural_network.MLPClassifier(**SETTINGS),
    }
    console = Console()
    columns = TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn()
    times = {}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("fastnn", total=SETTINGS["max_iter"])
        models["fastnn"].callbacks = [Advance(progress, task)]
        times["fastnn"] = train(models["fastnn"], X_train, y_train)
        task = progress.add_task("scikit-learn", total=None)  # its progress is unknown
        times["scikit-learn"] = train(models["scikit-learn"], X_train, y_train)
        n_epochs = models["scikit-learn"].n_iter_
        progress.update(task, total=n_epochs, completed=n_epochs)

    table = Table("", "test accuracy", "training time", "epochs")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, model in models.items():
        accuracy = model.score(X_test, y_test)
        table.add_row(name, f"{accuracy:.2%}", f"{times[name]:.2f} s", str(model.n_iter_))
    console.print(table)
    ratio = times["scikit-learn"] / times["fastnn"]
    console.print(f"fastnn trained {ratio:.1f} times as fast as scikit-learn.")

    draw(models, X_test, y_test).savefig(PICTURE)
    console.print(f"Loss curves and misclassified digits: {PICTURE}")
