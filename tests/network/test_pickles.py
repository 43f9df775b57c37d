"""Pickles whose parts do not belong together are refused, before anything is made of them."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastnn import BatchNorm, Dense, MLPClassifier, MLPRegressor
from fastnn._data.encoders import make_labels
from fastnn._network.network import Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)


def half(arrays):
    return [[array.astype(np.float16) for array in group] for group in arrays]


def turned(arrays):
    return [[array.T for array in group] for group in arrays]


NO_NETWORKS = {
    "dtype": ["float16", "object", "longdouble", "int64", "O8"],
    "bfloat16": [True],
    "tf32": [True],
    "n_features": [0, -1, 1 << 40, 3, 3.0, None],
    "layers": [
        [],
        [Dense(20, "relu")],
        [Dense(21, "relu"), Dense(1, "identity")],
        [Dense(1 << 40, "relu"), Dense(1, "identity")],
        [Dense(20, "rely"), Dense(1, "identity")],
        [Dense(20, "relu"), Dense(-1, "identity")],
        [Dense(20, "relu"), Dense(1, "softmax")],
        [Dense(20, "relu", BatchNorm()), Dense(1, "identity")],
    ],
    "loss": ["log_loss", "squared_errow", None],
    "input_dropout": [-1.0, 1.0, "a"],
    "input_noise": [-1.0, np.nan, None],
    "seed": [-1, 0.5, 1 << 70],
    "step": [-1, 0.5, 1 << 70, None],
    "averaging": ["EMA"],
    "arrays": [half, turned, lambda arrays: arrays[:1], lambda arrays: [*arrays, []]],
    "trained": [[([], True), ([], True)]],
}


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in NO_NETWORKS.items() for value in values]
)
def test_networks_that_cannot_be_are_refused_by_pickle(name, value):
    model = MLPRegressor(hidden_layer_sizes=(20,), max_iter=1)
    state = model.fit(X, Y)._network.__getstate__()
    network = Network.__new__(Network)
    network.__setstate__(state.copy())
    state[name] = value(state[name]) if callable(value) else value
    with pytest.raises(ValueError, match="pickle of a network is damaged, or was changed by hand"):
        network.__setstate__(state)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("_history"),
        lambda state: state.pop("_fastnn_format"),
        lambda state: state.update(n_features_in_=9),
        lambda state: state.update(_network=3),
        lambda state: state.update(_fastnn_format="2"),
        lambda state: state.update(_labels=make_labels(np.arange(7))),
    ],
)
def test_estimators_that_cannot_be_are_refused_by_pickle(change):
    state = MLPClassifier((20,), max_iter=1).fit(X, Y).__getstate__()
    change(state)
    copied = MLPClassifier.__new__(MLPClassifier)
    with pytest.raises(ValueError, match="pickle of MLPClassifier is damaged, or was changed"):
        copied.__setstate__(state)


@pytest.mark.parametrize(
    "state", [{"kind": "multi"}, {"classes": np.array([0, 2, 1])}, {"classes": np.zeros((2, 2))}]
)
def test_labels_that_cannot_be_are_refused_by_pickle(state):
    labels = make_labels(np.arange(3))
    with pytest.raises(ValueError, match="pickle of labels is damaged, or was changed by hand"):
        labels.__setstate__(state)
