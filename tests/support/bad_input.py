"""Rows and targets for estimators that are to refuse something."""

import warnings

import numpy as np
from scipy import sparse

from fastnn import MLPClassifier, MLPRegressor

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
Y = {MLPClassifier: np.array(["a", "b", "c"])[np.arange(60) % 3], MLPRegressor: X[:, 0]}
ESTIMATORS = list(Y)


def spoiled(value, container=np.asarray):
    rows = X.copy()
    rows[17, 2] = value
    return container(rows)


def fitted(estimator, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator(hidden_layer_sizes=(5,), max_iter=3, **options).fit(X, Y[estimator])


def wrong(name, position, value, container=sparse.csr_array):
    """A sparse matrix with a wrong number in one of its arrays."""
    rows = container(X)
    array = getattr(rows, name)
    array[position] = value
    return rows
