"""A user's script, which `mypy --strict` accepts: `.ci/run` checks that it does."""

from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import fastnn
from fastnn import (
    SWA,
    Adam,
    AdamW,
    BatchNorm,
    CosineDecay,
    Dense,
    Huber,
    LeakyReLU,
    Mixup,
    MLPClassifier,
    MLPRegressor,
    OneCycle,
    Scheduled,
    TabularMLPClassifier,
    TabularMLPRegressor,
    fit_many,
    suggest_params,
)
from fastnn.callbacks import Callback, Context, EarlyStopping, ProgressBar
from fastnn.data import CSV, Arrays, Parquet
from fastnn.datasets import make_mnist1d
from fastnn.diagnostics import TrainingReport, check_training
from fastnn.plots import TrainingCurveDisplay
from fastnn.preprocessing import DuplicateRemover, train_val_test_split


class Stop(Callback):
    """Callback of a user."""

    def on_epoch_end(self, context: Context) -> bool:
        return context.logs["loss"] < 0.1


def classify(X: npt.NDArray[np.float32], y: npt.NDArray[np.int64]) -> float:
    """Train a classifier with specs, callbacks and validation data."""
    model = MLPClassifier(
        (100, 50),
        ["relu", LeakyReLU(0.1)],
        solver=AdamW(weight_decay=0.01),
        learning_rate=OneCycle(),
        alpha=Scheduled(1e-3, CosineDecay()),
        normalization=BatchNorm(),
        dropout=[0.0, 0.1, 0.2],
        augment=Mixup(),
        averaging=SWA(),
        callbacks=[Stop(), EarlyStopping(patience=3), ProgressBar()],
        class_weight={0: 2.0},
        verbose=True,
        random_state=0,
    )
    X_train, X_val, _, y_train, y_val, _ = train_val_test_split(X, y, random_state=0)
    assert_type(model.fit(X_train, y_train, X_val=X_val, y_val=y_val), MLPClassifier)
    assert_type(model.predict(X), npt.NDArray[Any])
    probabilities: npt.NDArray[np.float32] = model.predict_proba(X)
    print(model.summary(), probabilities.shape, model.history_["loss"][-1])
    TrainingCurveDisplay.from_estimator(model).plot(log_scale=True)
    model.save("model.fastnn")
    return model.score(X_val, y_val)


def regress(X: list[list[float]], y: list[float]) -> npt.NDArray[Any]:
    """Train regressors, side by side and from files."""
    fit_many([MLPRegressor(Huber(), layers=[Dense(8), "relu"]) for _ in range(3)], X, y)
    MLPRegressor(solver=Adam(), random_state=0).fit(Arrays(np.array(X), np.array(y)))
    MLPRegressor().fit(CSV("table.csv", target="y"), X_val=Parquet(["a.parquet"], target="y"))
    X_kept, y_kept = DuplicateRemover(tolerance=0.1).fit_resample(X, y)
    return MLPRegressor(batch_size=32).partial_fit(X_kept, y_kept).predict(X_kept)


def tables(X: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> None:
    """Train ensembles for tables."""
    regressor = TabularMLPRegressor("fast", time_limit=60, random_state=0).fit(X, y)
    low, median, high = regressor.predict_quantiles(X, (0.05, 0.5, 0.95)).T
    assert_type(TabularMLPClassifier(n_jobs=2).fit(X, y > 0).compress(), TabularMLPClassifier)
    print(low, median, high, regressor.feature_importances_.argmax(), regressor.score(X, y))


def diagnose(X: npt.NDArray[np.float32], y: npt.NDArray[np.int64]) -> bool:
    """Check a training, and search."""
    report = check_training(MLPClassifier(), X, y, skip=["curvature"], random_state=1)
    assert_type(report, TrainingReport)
    assert_type(report.faults, list[str])
    space = suggest_params("classification", n_samples=len(X))
    print(space, fastnn.load("model.fastnn").predict(X))
    return report.ok


if __name__ == "__main__":
    X, y = make_mnist1d(n_samples=200, random_state=0)
    print(classify(X, y), regress(X.tolist(), y.tolist()), diagnose(X, y))
    tables(X, y)
    fastnn.show_versions()
