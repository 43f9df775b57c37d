"""Data, estimators and functions of a user for diagnostics to look at."""

import numpy as np
from sklearn.datasets import load_digits, make_regression
from sklearn.preprocessing import scale

from fastnn import MLPClassifier, MLPRegressor

rng = np.random.default_rng(0)
X, Y = load_digits(return_X_y=True)
X, Y = X[:600] / 16, Y[:600]
X_R, Y_R = make_regression(300, 10, noise=10, random_state=0)
Y_R = scale(Y_R)


def classifier(**parameters):
    return MLPClassifier((30,), **{"random_state": 0, "max_iter": 60, "n_jobs": 1, **parameters})


def regressor(**parameters):
    own = {"hidden_layer_sizes": (30,), "random_state": 0, "n_jobs": 1}
    return MLPRegressor(**own | parameters)


def square(x):
    return x * x if x > 0 else 0.0


def square_derivative(x):
    return 2 * x if x > 0 else 0.0


def wrong_derivative(x):
    return 1.5 * x if x > 0 else 0.0


def loss_value(z, y):
    return (z - y) ** 2


def loss_derivative(z, y):
    return 2 * (z - y)


def half_derivative(z, y):
    return z - y


def found(finding, *words):
    assert not finding.ok
    assert all(word in finding.verdict for word in words), finding.verdict
