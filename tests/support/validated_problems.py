"""Problems of every kind, for fits that hold rows out."""

import numpy as np
from sklearn.datasets import load_digits, make_multilabel_classification, make_regression

from fastnn import MLPClassifier, MLPRegressor

RNG = np.random.RandomState(0)
X_DIGITS, Y_DIGITS = load_digits(n_class=4, return_X_y=True)
X_DIGITS, Y_DIGITS = X_DIGITS[:300] / 16, np.array(["zero", "one", "two", "three"])[Y_DIGITS[:300]]
X_REGRESSION, Y_REGRESSION = make_regression(300, 12, n_targets=2, random_state=3)
Y_REGRESSION = Y_REGRESSION / Y_REGRESSION.std()
X_LABELS, Y_LABELS = make_multilabel_classification(300, 10, random_state=0)
PROBLEMS = {
    "multiclass": (MLPClassifier, X_DIGITS, Y_DIGITS),
    "binary": (MLPClassifier, X_DIGITS, Y_DIGITS == "one"),
    "multilabel": (MLPClassifier, X_LABELS / 10, Y_LABELS),
    "regression": (MLPRegressor, X_REGRESSION, Y_REGRESSION[:, 0]),
    "outputs": (MLPRegressor, X_REGRESSION, Y_REGRESSION),
}
OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 6, "random_state": 0, "batch_size": 32}


def problem(name, **options):
    """An estimator; rows for training and for validation."""
    estimator, X, y = PROBLEMS[name]
    return estimator(**OPTIONS | options), (X[:220], y[:220]), (X[220:], y[220:])
