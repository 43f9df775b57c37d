"""A fit is a transaction: it is seen whole or not at all, and two never train one estimator."""

import copy
import os
import pickle
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from fastnn import MLPClassifier, MLPRegressor
from fastnn.callbacks import Callback
from fastnn.estimators.base import BaseMLP

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)


class Call(Callback):
    """Calls a function at the end of each epoch; no dataclass, so that `clone` shares nothing."""

    def __init__(self, function=None):
        self.function = function

    def on_epoch_end(self, context):
        self.function()


def classifier(function=None, **parameters):
    callbacks = None if function is None else [Call(function)]
    parameters = {"max_iter": 3, "random_state": 0, **parameters}
    return MLPClassifier((5,), callbacks=callbacks, n_jobs=1, **parameters)


@pytest.mark.parametrize("partial", [False, True])
def test_an_estimator_that_is_fitted_refuses_another_fit(partial):
    errors = []

    def fit_again():
        for fit in (model.fit, model.partial_fit):
            with pytest.raises(RuntimeError, match="is being fitted by another call"):
                fit(X[:, :2], Y)
        # All else is allowed, and what is made of it is free.
        if "coefs_" in vars(model):
            model.predict(X), model.score(X, Y)
        for other in (pickle.loads(pickle.dumps(plain(model))), copy.deepcopy(plain(model))):
            other.partial_fit(X, Y, classes=[0, 1, 2])
        clone(plain(model)).fit(X, Y)
        errors.append(None)

    def plain(model):
        other = copy.copy(model)
        return other.set_params(callbacks=None)

    model = classifier(fit_again)
    fit = model.partial_fit if partial else model.fit
    for _ in range(2):
        fit(X, Y, **({"classes": [0, 1, 2]} if partial else {}))
    assert len(errors) == (2 if partial else 6)
    assert model.n_features_in_ == 4
    model.set_params(callbacks=None).fit(X, Y).partial_fit(X, Y)


def test_two_threads_cannot_train_one_estimator_nor_a_shallow_copy():
    entered, go_on = threading.Event(), threading.Event()
    model = classifier().partial_fit(X, Y, classes=[0, 1, 2])
    shallow = copy.copy(model)
    assert shallow._network is model._network
    model.set_params(callbacks=[Call(lambda: (entered.set(), go_on.wait(10)))])
    thread = threading.Thread(target=model.partial_fit, args=(X, Y))
    thread.start()
    assert entered.wait(10)
    for one in (model, shallow):
        with pytest.raises(RuntimeError, match="fitted by another call"):
            one.set_params(callbacks=None).partial_fit(X, Y)
    go_on.set()
    thread.join()
    model.partial_fit(X, Y)
    shallow.partial_fit(X, Y)


def test_a_fit_that_failed_or_a_fork_leaves_the_estimator_free():
    def fail():
        raise KeyError("mine")

    model = classifier(fail)
    with pytest.raises(KeyError):
        model.fit(X, Y)
    assert vars(model).keys() == model.get_params(deep=False).keys()
    forked = []

    def fork():
        if not forked:
            forked.append(os.fork())
            if forked == [0]:
                try:
                    model.set_params(callbacks=None).fit(X, Y)
                    os._exit(0)
                finally:
                    os._exit(1)

    model.set_params(callbacks=[Call(fork)]).fit(X, Y)
    assert os.waitpid(forked[0], 0)[1] == 0


def test_a_scorer_cannot_train_what_is_trained():
    def fits(estimator, X, y):
        with pytest.raises(RuntimeError, match="fitted by another call"):
            estimator.partial_fit(X, y)
        return 1.0

    classifier(scoring=fits).fit(X, Y, X_val=X, y_val=Y)


def test_what_is_learned_is_seen_whole():
    """Check that a fit does not change fitted attributes until it ends."""
    wide, labels = np.hstack([X, X]), np.array(["a", "b", "c"])[Y]
    before = []

    def look():
        if before:
            np.testing.assert_array_equal(model.predict(X), before[0])
            assert model.n_features_in_ == 4
            assert model.n_outputs_ == 3

    model = classifier(look).fit(X, Y)
    before.append(model.predict(X))
    model.fit(wide, labels)
    assert set(model.predict(wide)) <= set("abc")
    # A warm start trains a copy: the views of before stay as they are.
    model.set_params(warm_start=True, callbacks=None)
    shown, was = model.coefs_[0], model.coefs_[0].copy()
    model.fit(wide, labels)
    np.testing.assert_array_equal(shown, was)
    assert not np.array_equal(model.coefs_[0], was)


def test_nothing_is_left_of_another_fit():
    private = {"_network", "_history", "_labels", "_no_improvement_count"}
    for model, y in [(MLPClassifier, Y), (MLPRegressor, X), (MLPRegressor, Y)]:
        for solver, other in [("adam", "lbfgs"), ("lbfgs", "adam")]:
            fitted = model(hidden_layer_sizes=5, solver=solver, max_iter=2).fit(
                pd.DataFrame(X).add_prefix("x"), y
            )
            learned = vars(fitted).keys() - fitted.get_params(deep=False).keys()
            assert {name for name in learned if not name.endswith("_")} <= private
            assert "feature_names_in_" in learned
            fitted.set_params(solver=other).fit(X, y)
            assert vars(fitted).keys() == vars(clone(fitted).fit(X, y)).keys()


def test_parameters_and_attributes_that_are_set_meanwhile_stay():
    def change():
        model.set_params(alpha=0.5).mine = True
        model.n_features_in_ = 7
        vars(model).pop("coefs_", None)

    model = classifier(change)
    model.fit(X, Y).fit(X, Y)
    assert model.alpha == 0.5
    assert model.mine
    assert model.n_features_in_ == 4
    model.predict(X)


def test_rows_are_compared_with_the_network():
    """Check that rows are compared with the network, not with a public attribute."""
    model = classifier().fit(X, Y)
    for rows in (np.tile(X, 2000), X[:, :1]):
        model.n_features_in_ = rows.shape[1]
        with pytest.raises(ValueError, match=r"X has \d+ features, but the network has 4 inputs"):
            model.predict(rows)
        with pytest.raises(ValueError, match=r"X has \d+ features, but the network has 4 inputs"):
            model.partial_fit(rows, Y)
    model.n_features_in_ = 4
    model.predict(X)


def test_a_signal_handler_cannot_train_what_is_trained():
    """Check a signal handler that trains; if it does not catch the error, `fit` raises it."""
    model, refused = classifier(max_iter=100_000, tol=0, n_iter_no_change=np.inf), []

    def feed(*_):
        try:
            model.partial_fit(X, Y, classes=[0, 1, 2])
        except RuntimeError as error:
            refused.append(error)
            if len(refused) == 3:
                raise

    before = signal.signal(signal.SIGALRM, feed)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(RuntimeError, match="is being fitted by another call"):
            model.fit(X, Y)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(refused) == 3
    model.partial_fit(X, Y, classes=[0, 1, 2])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_of_one_model_while_another_fit_ends(monkeypatch, duplicate):
    model, other = classifier().fit(X, Y == 0), classifier().fit(X, Y)
    expected = model.predict_proba(X)
    get_state = BaseMLP.__getstate__

    def get_state_before_a_fit_ends(self):
        state = get_state(self)
        vars(self).update(vars(other))
        return state

    with monkeypatch.context() as patched:
        patched.setattr(BaseMLP, "__getstate__", get_state_before_a_fit_ends)
        copied = duplicate(model)
    np.testing.assert_array_equal(copied.predict_proba(X), expected)
