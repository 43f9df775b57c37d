"""Data, and pairs of estimators to train on it: scikit-learn's and ours."""

import numpy as np
from sklearn.datasets import load_digits, make_multilabel_classification, make_regression
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from fastnn import MLPClassifier, MLPRegressor

PAIRS = {MLPClassifier: TheirClassifier, MLPRegressor: TheirRegressor}


def _digits(n_classes=10):
    X, y = load_digits(n_class=n_classes, return_X_y=True)
    return X[:350] / 16, y[:350]


def _regression(n_targets):
    X, y = make_regression(300, 12, n_targets=n_targets, random_state=3)
    return X, y / y.std()


def _counts():
    X, y = _regression(1)
    return X, np.random.RandomState(0).poisson(np.exp(y))


DATA = {
    "multiclass": _digits(),
    "binary": _digits(2),
    "multilabel": make_multilabel_classification(200, 10, random_state=0),
    "regression": _regression(1),
    "outputs": _regression(3),
    "counts": _counts(),
}
DATA["multilabel"] = DATA["multilabel"][0] / 10, DATA["multilabel"][1]
OPTIONS = {"hidden_layer_sizes": (20, 10), "max_iter": 12, "batch_size": 64, "random_state": 0}
SGD_OPTIONS = {"solver": "sgd", "learning_rate_init": 0.02}


def estimators(data, **options):
    """Ours and scikit-learn's, with the same options."""
    ours = MLPRegressor if data in ("regression", "outputs", "counts") else MLPClassifier
    if data == "counts":
        options |= {"loss": "poisson"}
    return [estimator(**OPTIONS | options) for estimator in (ours, PAIRS[ours])]
