"""Small models that are saved, with labels of every kind."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.datasets import load_iris

from fastnn import MLPClassifier

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
NAMES = np.array(["setosa", "versicolor", "virginica"])
LABELS = {
    "int": Y,
    "uint8": Y.astype(np.uint8),
    "negative": -3 * Y,
    "bool": Y == 1,
    "float": Y * 2.0,
    "str": NAMES[Y],
    "object": NAMES.astype(object)[Y],
    "one class": np.zeros(len(Y), int),
    "indicators": np.eye(3, dtype=int)[Y],
    "sparse matrix": csr_array(np.eye(3, dtype=int)[Y]),
    "probabilities": np.eye(3)[Y] * 0.7 + 0.1,
    "several columns": np.stack([Y, Y == 1], axis=1),
    "columns of kinds": np.stack([NAMES.astype(object)[Y], (Y == 1).astype(object)], axis=1),
}


def classifier(**options):
    options = {"max_iter": 3, "random_state": 0} | options
    if "layers" not in options:
        options["hidden_layer_sizes"] = (6,)
    return MLPClassifier(**options)


def predictions(model, X):
    names = ("predict", "predict_proba", "decision_function", "predict_log_proba")
    return [getattr(model, name)(X) for name in names if hasattr(model, name)]
