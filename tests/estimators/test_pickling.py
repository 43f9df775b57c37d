"""Pickles of estimators, and copies."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import MLPRegressor
from fastnn.estimators import persistence
from support.small_fits import ALL, X_REGRESSION, Y_REGRESSION, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("estimator, X, y", ALL)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_training_goes_on_after_pickling_to_the_same_bits(estimator, X, y, solver):
    model = estimator(
        hidden_layer_sizes=(20,),
        solver=solver,
        normalization="batch",
        dropout=0.2,
        max_iter=5,
        random_state=0,
    ).fit(X, y)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    for _ in range(3):
        model.partial_fit(X, y)
        copied.partial_fit(X, y)
    assert copied.loss_curve_ == model.loss_curve_
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    for ours, theirs in zip(copied.coefs_, model.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_pickle_holds_parameters_and_little_else():
    X = np.random.default_rng(0).uniform(size=(20_000, 10))
    model = regressor(hidden_layer_sizes=(50,), max_iter=1).fit(X, X[:, 0])
    n_numbers = 3 * (11 * 50 + 51)  # parameters, and two moments of Adam
    assert len(pickle.dumps(model)) < 8 * n_numbers + 5000
    assert pickle.loads(pickle.dumps(model)).loss_curve_ == model.loss_curve_
    state = model.__getstate__()
    assert state["_fastnn_version"]
    assert state["_fastnn_format"] == persistence.PICKLE_FORMAT


def test_unfitted_and_fitted_models_can_be_copied():
    assert pickle.loads(pickle.dumps(classifier())).get_params() == classifier().get_params()
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    assert not hasattr(clone(model), "coefs_")


def test_a_pickle_of_the_future_is_refused(monkeypatch):
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    monkeypatch.setattr("fastnn.__version__", "9.8.7")
    monkeypatch.setattr(persistence, "PICKLE_FORMAT", persistence.PICKLE_FORMAT + 1)
    pickled = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"was saved by fastnn 9\.8\.7, in a format that fastnn"):
        pickle.loads(pickled)


def test_a_pickle_without_a_new_parameter_gets_its_default():
    state = regressor().fit(X_REGRESSION, Y_REGRESSION).__getstate__()
    del state["n_jobs"]
    model = MLPRegressor.__new__(MLPRegressor)
    model.__setstate__(state)
    assert model.n_jobs is None
    assert model.predict(X_REGRESSION).shape == Y_REGRESSION.shape
