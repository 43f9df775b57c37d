"""Callbacks as parameters of estimators, in several fits at once, and errors in them."""

import contextlib
import copy
import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastnn import MLPClassifier, callbacks
from fastnn.callbacks import (
    Callback,
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    LossJumps,
    MLflow,
    ProgressBar,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)
from support.callback_fits import VALIDATION, Function, Remembers, X, Y, assert_same, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
EXAMPLES = [
    EarlyStopping("loss", 3, 0.1, "min", True),
    ReduceLROnPlateau("loss", 0.5, 3, "min", 0.1, "abs", 1, 0.1),
    TerminateOnNaN(),
    LossJumps(3.0, 5, 4),
    Checkpoint("a", 3, "loss", "min", True),
    CSVLogger("a.csv"),
    TensorBoard("runs"),
    MLflow("name"),
    ProgressBar(2),
]


# --- specs ----------------------------------------------------------------------------------------


def test_every_callback_has_an_example():
    exported = {getattr(callbacks, name) for name in callbacks.__all__}
    classes = {cls for cls in exported if dataclasses.is_dataclass(cls)}
    assert {type(spec) for spec in EXAMPLES} == classes


@pytest.mark.parametrize("spec", EXAMPLES, ids=repr)
def test_callbacks_may_be_copied_and_are_documented(spec):
    for copied in (clone(spec), pickle.loads(pickle.dumps(spec)), copy.copy(spec)):
        assert copied == spec
        assert copied is not spec
    assert eval(repr(spec), {name: getattr(callbacks, name) for name in callbacks.__all__}) == spec
    assert set(spec._parameter_constraints) == set(spec.names())
    heads = [line.split(" : ")[0].strip() for line in type(spec).__doc__.splitlines()]
    assert set(spec.names()) <= set(heads)


def test_callbacks_are_cloned_and_searched_over():
    model = classifier(EarlyStopping("loss"), Remembers([]), max_iter=40)
    copied = clone(model)
    assert copied.callbacks[0] == model.callbacks[0]
    assert copied.callbacks[0] is not model.callbacks[0]
    grid = {"callbacks__0__min_delta": [0.0, 10.0], "callbacks__0__patience": [2]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert repr(model) == repr(clone(model))
    fitted = search.best_estimator_
    again = pickle.loads(pickle.dumps(fitted))
    assert again.history_ == fitted.history_
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match=r"instances of fastnn\.callbacks\.Callback, got <class"):
        classifier(EarlyStopping).fit(X, Y)
    with pytest.raises(ValueError, match="The 'callbacks' parameter of MLPClassifier"):
        MLPClassifier(callbacks=EarlyStopping()).fit(X, Y)
    with pytest.raises(ValueError, match="The 'patience' parameter of EarlyStopping"):
        classifier(EarlyStopping(patience=-1)).fit(X, Y)


class Collects(Callback):
    """Callback with attributes set in `__init__`, in `on_fit_begin`, and by others."""

    stop = False

    def __init__(self):
        self.losses = []

    def on_fit_begin(self, context):
        self.epochs = []

    def on_epoch_end(self, context):
        self.losses.append(context.logs["loss"])
        self.epochs.append(context.epoch)
        return self.stop


def test_attributes_are_there_during_a_fit_and_after_it():
    collects = Collects()
    seen = Function(lambda context: len(collects.losses) == 3 and setattr(collects, "stop", True))
    model = classifier(seen, collects, max_iter=9).fit(X, Y)
    assert collects.losses == model.loss_curve_
    assert model.n_iter_ == 4  # it is seen an epoch later
    assert collects.epochs == [1, 2, 3, 4]
    with pytest.raises(ZeroDivisionError):
        classifier(collects, Function(lambda context: 1 / 0)).fit(X, Y)
    assert collects.epochs == [1]
    assert len(collects.losses) == 5


def in_a_fit(model):
    """Fit it while another is under way that has the same callbacks, after its second epoch."""
    others = []

    def fit(context):
        if context.epoch == 2:
            others.append(
                clone(model).set_params(callbacks=model.callbacks[:-1]).fit(X, Y, **VALIDATION)
            )

    model.callbacks.append(Function(fit))
    return model.fit(X, Y, **VALIDATION), others[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: EarlyStopping("loss", 3, 0.05, restore_best=True),
        lambda: ReduceLROnPlateau("loss", 0.5, 1, threshold=10.0, threshold_mode="abs"),
        TerminateOnNaN,
        ProgressBar,
        Collects,
    ],
)
def test_one_callback_in_two_fits_at_once(make):
    """A fit within a fit is as two in threads, whatever their timing."""
    options = {"max_iter": 30, "learning_rate_init": 0.01}
    alone = classifier(make(), **options).fit(X, Y, **VALIDATION)
    shared = make()
    for model in in_a_fit(classifier(shared, **options)):
        assert_same(model, alone)
    assert_same(classifier(shared, **options).fit(X, Y, **VALIDATION), alone)  # it is free again


def test_one_callback_in_threads():
    def make(seed):
        return classifier(shared, max_iter=60, random_state=seed, solver="sgd")

    shared = EarlyStopping("loss", 2, 0.01)
    alone = [make(seed).fit(X, Y).n_iter_ for seed in range(8)]
    assert len(set(alone)) > 2
    with ThreadPoolExecutor(4) as pool:
        models = [*pool.map(lambda seed: make(seed).fit(X, Y), range(8))]
    assert [model.n_iter_ for model in models] == alone


def test_one_callback_twice_in_a_list():
    shared = EarlyStopping("loss", 6, 10.0)
    assert classifier(shared, shared, max_iter=20).fit(X, Y).n_iter_ == 7


def disfigure(context):
    """Modify all arrays and lists that a callback can reach."""
    model = context.model
    snapshot = context.snapshot()
    arrays = [*model.coefs_, *model.intercepts_, *model._network.arenas()]
    arrays += [array for _, array in snapshot._pairs]
    for array in arrays:
        for owner in (array, array.base):
            with contextlib.suppress(AttributeError, ValueError):
                owner.resize((1, 1), refcheck=False)
        for name, value in (("shape", -1), ("dtype", np.uint8), ("strides", (0,) * array.ndim)):
            with contextlib.suppress(AttributeError, TypeError, ValueError):
                setattr(array, name, value)
    model.coefs_.clear()


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")  # NumPy 2.4 and later
def test_arrays_that_a_callback_sees_are_its_own():
    options = {"averaging": "ema", "normalization": "batch", "max_iter": 4}
    hooks = "on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_fit_end"
    model = classifier(*(Function(disfigure, hook) for hook in hooks), **options).fit(X, Y)
    assert_same(model, classifier(**options).fit(X, Y))


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")  # NumPy 2.4 and later
def test_fitted_arrays_are_not_resized():
    """Check that fitted arrays, which are views of the network's, cannot be resized."""
    model = classifier(normalization="batch").fit(X, Y)
    expected, again = model.predict_proba(X), classifier(normalization="batch").fit(X, Y)
    for array in (*model.coefs_, *model.intercepts_, *model.normalizations_[0].values()):
        for owner in (array, array.base):
            with pytest.raises((ValueError, AttributeError), match=r"resize|its data"):
                owner.resize((1, 1), refcheck=False)
        with contextlib.suppress(AttributeError):  # where there is padding
            array.shape = (-1, 1)
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    assert_same(pickle.loads(pickle.dumps(model)).partial_fit(X, Y), again.partial_fit(X, Y))


@pytest.mark.parametrize("change", [list.clear, list.pop, lambda values: values.append(0.0)])
def test_a_history_that_a_callback_changes_harms_nothing(change):
    """Check that changes of the history cause an error or another length, but no crash."""
    model = classifier(Function(lambda context: change(context.history["loss"])), max_iter=4)
    with contextlib.suppress(IndexError, ValueError):
        model.fit(X, Y)
        model.partial_fit(X, Y)
    assert classifier().fit(X, Y).n_iter_ == 5


# --- what fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("hook", ["on_fit_begin", "on_epoch_begin", "on_epoch_end", "on_fit_end"])
def test_a_callback_that_raises(solver, hook):
    calls = []

    def fail(context):
        if hook != "on_fit_end" or context.error is None:
            raise ZeroDivisionError("of the user's")

    model = classifier(solver=solver, warm_start=True).fit(X, Y)
    before, remembers = pickle.dumps(model), Remembers(calls)
    model.set_params(callbacks=[remembers, Function(fail, hook)])
    with pytest.raises(ZeroDivisionError, match="of the user's") as caught:
        model.fit(X, Y)
    assert f"This was {hook} of Function(" in caught.value.__notes__[0]
    assert calls[-1][0] == "fit end"
    assert (remembers.error is caught.value) == (hook != "on_fit_end")
    assert pickle.dumps(model.set_params(callbacks=[])) == before


def test_a_scorer_that_fails():
    def fail(model, X, y):
        raise ZeroDivisionError

    calls = []
    model = classifier(Remembers(calls), scoring=["accuracy", fail], early_stopping=True)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y)
    assert calls[-1][0] == "fit end"
    assert not hasattr(model, "coefs_")
