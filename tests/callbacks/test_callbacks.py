"""Callbacks: when they are called, what each does, what happens when one fails; and the history."""

import contextlib
import copy
import csv
import dataclasses
import errno
import io
import itertools
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.metrics import make_scorer, median_absolute_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import SGD, BatchNorm, Constant, MLPClassifier, MLPRegressor, Scheduled, callbacks
from fastnn._train import training
from fastnn._train.history import History
from fastnn._train.settings import Data, Settings
from fastnn.callbacks import (
    Callback,
    Checkpoint,
    Context,
    CSVLogger,
    EarlyStopping,
    MLflow,
    ProgressBar,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
    files,
    load_checkpoint,
    sealed,
)
from fastnn.callbacks.base import CallbackList

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X_VAL, Y_VAL = X[::3], Y[::3]
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL}
EXAMPLES = [
    EarlyStopping("loss", 3, 0.1, "min", True),
    ReduceLROnPlateau("loss", 0.5, 3, "min", 0.1, "abs", 1, 0.1),
    TerminateOnNaN(),
    Checkpoint("a", 3, "loss", "min", True),
    CSVLogger("a.csv"),
    TensorBoard("runs"),
    MLflow("name"),
    ProgressBar(2),
]


def classifier(*given, **options):
    options = {"max_iter": 5, "n_iter_no_change": 99, "random_state": 0, "batch_size": 25} | options
    return MLPClassifier((8,), callbacks=list(given), **options)


def numbers(model):
    """All that predicts, and all that training goes on from."""
    state = model._network.state
    return np.concatenate(
        [state.parameters, state.statistics, state.slots.ravel(), state.average, model.loss_curve_]
    )


def assert_same(one, other):
    np.testing.assert_array_equal(numbers(one), numbers(other))
    assert (one.n_iter_, one.t_) == (other.n_iter_, other.t_)
    history, others = one.history_, other.history_
    assert list(history) == list(others)
    for name in set(history) - {"seconds"}:
        np.testing.assert_array_equal(history[name], others[name], err_msg=name)


class Remembers(Callback):
    """Every call, and what it was told."""

    def __init__(self, calls=None):
        self.calls = calls

    def _add(self, name, context):
        self.calls.append((name, context.epoch, context.batch))

    def on_fit_begin(self, context):
        self._add("fit begin", context)

    def on_epoch_begin(self, context):
        self._add("epoch begin", context)

    def on_epoch_end(self, context):
        self._add("epoch end", context)

    def on_fit_end(self, context):
        self._add("fit end", context)
        self.error = context.error


class RemembersBatches(Remembers):
    def on_batch_end(self, context):
        self._add("batch", context)
        assert np.isfinite(context.logs["loss"])


class Function(Callback):
    """Calls a function at the end of each epoch, or in another hook."""

    def __init__(self, function, hook="on_epoch_end"):
        self.function, self.hook = function, hook
        setattr(self, hook, function)


# --- hooks ----------------------------------------------------------------------------------------


def test_order_of_hooks():
    calls = []
    classifier(RemembersBatches(calls), max_iter=2, batch_size=60).fit(X, Y)
    epochs = [
        [("epoch begin", i - 1, 0), *(("batch", i - 1, b) for b in (1, 2, 3)), ("epoch end", i, 0)]
        for i in (1, 2)
    ]
    assert calls == [("fit begin", 0, 0), *epochs[0], *epochs[1], ("fit end", 2, 0)]


def test_lbfgs_calls_epochs_for_iterations():
    calls = []
    model = classifier(RemembersBatches(calls), solver="lbfgs", max_iter=3).fit(X, Y)
    names = [name for name, *_ in calls]
    assert names == ["fit begin", *["epoch begin", "epoch end"] * 3, "fit end"]
    np.testing.assert_array_equal(model.coefs_[0], classifier(**vars_of(model)).fit(X, Y).coefs_[0])


def vars_of(model):
    return {"solver": model.solver, "max_iter": model.max_iter}


@pytest.mark.parametrize("interval, batches", [(1, [1, 2, 3, 4, 5, 6]), (4, [4, 6])])
def test_batch_hooks_change_no_bit(interval, batches):
    options = {"dropout": 0.2, "normalization": BatchNorm(), "averaging": "ema", "augment": "mixup"}
    calls = []
    watched = RemembersBatches(calls)
    watched.batch_interval = interval
    model = classifier(watched, **options).fit(X, Y)
    assert_same(model, classifier(**options).fit(X, Y))
    assert [batch for name, epoch, batch in calls if name == "batch" and epoch == 0] == batches


def test_batches_are_counted_over_calls(monkeypatch):
    monkeypatch.setattr(training, "STEPS_PER_CALL", 5)
    calls = []
    watched = RemembersBatches(calls)
    watched.batch_interval = 2
    model = classifier(watched, max_iter=1, batch_size=20).fit(X, Y)
    assert [batch for name, _, batch in calls if name == "batch"] == [2, 4, 6, 8]
    assert_same(model, classifier(max_iter=1, batch_size=20).fit(X, Y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("hook, n_iter", [("on_epoch_end", 3), ("on_epoch_begin", 3)])
def test_true_stops(recwarn, solver, hook, n_iter):
    class Stops(Callback):
        def on_fit_end(self, context):
            self.epoch = context.epoch

    stops = Stops()
    setattr(stops, hook, lambda context: context.epoch == 3)
    model = classifier(stops, solver=solver, max_iter=20).fit(X, Y)
    assert model.n_iter_ == stops.epoch == len(model.history_["loss"]) == n_iter
    assert not recwarn.list
    alone = classifier(solver=solver, max_iter=n_iter).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), alone.predict_proba(X))


def test_true_of_a_batch_ends_its_epoch_and_training():
    class Stops(Callback):
        def on_batch_end(self, context):
            return context.epoch == 1 and context.batch == 2

    model = classifier(Stops()).fit(X, Y)
    assert model.n_iter_ == 2
    assert model.t_ == 150 + 2 * 25
    assert model._network.state.step == 8


def test_the_learning_rate_of_each_batch():
    """That of the step that was taken; the history has the last, also where an epoch ends early."""
    rates = []

    class Looks(Callback):
        def on_batch_end(self, context):
            rates.append(context.learning_rate)
            return len(rates) == 20

    model = classifier(Looks(), learning_rate="cosine").fit(X, Y)
    np.testing.assert_allclose(rates, 0.0005 * (1 + np.cos(np.pi * np.arange(20) / 30)))
    assert model.history_["learning_rate"] == [rates[5], rates[11], rates[17], rates[19]]


def test_context_tells_what_there_is():
    seen = []

    def look(context):
        seen.append(context)
        assert context.logs == {name: values[-1] for name, values in context.history.items()}
        assert context.learning_rate == context.logs["learning_rate"]
        assert (context.n_epochs, context.n_batches, context.n_rows) == (5, 6, 150)
        assert context.parameters["batch_size"] == 25
        assert "alpha" not in context.parameters

    model = classifier(Function(look), learning_rate="cosine").fit(X, Y, **VALIDATION)
    assert seen[0].history is model.history_


@pytest.mark.parametrize(
    "options", [{}, {"averaging": "ema", "normalization": "batch"}, {"solver": "lbfgs"}], ids=str
)
def test_the_model_of_a_context_is_as_if_training_had_ended(options):
    models = []
    keep = Function(lambda context: models.append(context.model))
    model = classifier(keep, **options).fit(X, Y)
    for n_iter, kept in enumerate(models, 1):
        shorter = classifier(max_iter=n_iter, **options).fit(X, Y)
        np.testing.assert_array_equal(kept.predict_proba(X), shorter.predict_proba(X))
        assert len(kept.history_["loss"]) == kept.n_iter_ == n_iter
    np.testing.assert_array_equal(models[-1].predict(X), model.predict(X))
    assert clone(models[0]).get_params()["callbacks"] is None


def test_the_trainer_tells_callbacks_whatever_the_engine_is():
    """An engine that only counts steps: nothing here depends on a device."""
    calls, steps = [], []

    class Engine:
        def train_steps(self, X, y, sample_weight, rows, batch_size, table, losses, grad_norms):
            steps.append(len(table))
            losses[:] = 1.0
            return len(table)

    class State:
        parameters, statistics, average = np.zeros(3), np.zeros(0), np.zeros(0)
        slots, step, n_averaged = np.zeros((2, 3)), 0, 0

    rows = np.arange(35)
    data = Data(np.zeros((35, 2)), np.zeros(35), None, rows)
    for callback, expected in ((Remembers(calls), [4, 4]), (RemembersBatches(calls), [1] * 8)):
        settings = Settings(0.0, 10, 0.1, 2, 10, True, 0.0, False)
        state, history = State(), History()
        context = Context(history, settings, state, 4, 35, 0.1, {}, None)
        steps.clear()
        with CallbackList([callback], context, {}) as watch:
            arguments = Engine(), state, data, SGD(), Constant(), settings, history
            training.train(*arguments, np.random.RandomState(0), None, watch)
        assert steps == expected
        assert history.columns["loss"] == [2.0, 2.0]
    assert [name for name, *_ in calls[:6]] == [
        "fit begin",
        *["epoch begin", "epoch end"] * 2,
        "fit end",
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
    assert eval(repr(spec), vars(callbacks)) == spec
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
    """As many are: attributes of `__init__`, of `on_fit_begin`, and one that others set."""

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


def test_a_csv_file_is_of_one_model(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    models = [classifier(logger, random_state=seed) for seed in range(2)]
    for _ in range(3):
        for model in models:
            model.partial_fit(X, Y, classes=[0, 1, 2])
            found = pd.read_csv(logger.path)
            pd.testing.assert_frame_equal(found, pd.DataFrame(model.history_))


def disfigure(context):
    """All that can be done to arrays and lists that a callback can get at."""
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
    """They are views of what trains and predicts."""
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
    """It is to be read only: an error, or a history of another length, and no crash."""
    model = classifier(Function(lambda context: change(context.history["loss"])), max_iter=4)
    with contextlib.suppress(IndexError, ValueError):
        model.fit(X, Y)
        model.partial_fit(X, Y)
    assert classifier().fit(X, Y).n_iter_ == 5


# --- stopping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("partial", [False, True])
def test_early_stopping(partial):
    losses = iter([5.0, 4.0, 3.95, 4.5, 3.9, 3.8])
    feed = Function(lambda context: context.log("mine", next(losses)))
    model = classifier(feed, EarlyStopping("mine", 3, 0.2, "min", restore_best=True), max_iter=9)
    if partial:  # where there is nothing to stop, and one epoch is no reason to go back
        for _ in range(5):
            model.partial_fit(X, Y, classes=[0, 1, 2])
        kept = classifier()
        for _ in range(5):
            kept.partial_fit(X, Y, classes=[0, 1, 2])
    else:
        model.fit(X, Y)
        assert model.n_iter_ == 5
        kept = classifier(max_iter=2).fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], kept.coefs_[0])
    assert model.history_["mine"] == [5.0, 4.0, 3.95, 4.5, 3.9]


def test_early_stopping_watches_scores():
    model = classifier(EarlyStopping("val_accuracy", 4), max_iter=200).fit(X, Y, **VALIDATION)
    scores = model.history_["val_accuracy"]
    assert len(scores) == int(np.argmax(scores)) + 1 + 4 < 200
    with pytest.raises(ValueError, match=r"monitor='val_loss' is not in the history, which has "):
        classifier(EarlyStopping()).fit(X, Y)


@pytest.mark.parametrize("options", [{}, {"learning_rate": "cosine", "solver": "sgd"}], ids=str)
def test_reduce_on_plateau(options):
    model = classifier(
        ReduceLROnPlateau("loss", 0.5, 1, threshold=10.0, threshold_mode="abs", minimum=0.1),
        max_iter=8,
        **options,
    ).fit(X, Y)
    plain = classifier(max_iter=8, **options).fit(X, Y)
    # It is seen to be needed after epochs 3, 5, ..: and the first is the best.
    factors = [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
    expected = np.multiply(plain.history_["learning_rate"], factors)
    np.testing.assert_allclose(model.history_["learning_rate"], expected)
    assert model.loss_curve_[:3] == plain.loss_curve_[:3]
    assert model.loss_curve_[3] != plain.loss_curve_[3]
    with pytest.raises(ValueError, match="ReduceLROnPlateau needs a learning rate"):
        classifier(ReduceLROnPlateau("loss"), solver="lbfgs").fit(X, Y)


def test_a_reduced_rate_is_that_of_later_calls():
    reduce = ReduceLROnPlateau("loss", 0.5, 0, threshold=10.0, threshold_mode="abs")
    model = classifier(reduce)
    for _ in range(4):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    np.testing.assert_allclose(model.history_["learning_rate"], [1e-3, 1e-3, 5e-4, 2.5e-4])
    warm = classifier(reduce, warm_start=True, max_iter=2).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(warm.history_["learning_rate"], [1e-3, 1e-3, 5e-4, 5e-4])


def test_terminate_on_nan():
    far = np.full_like(X_VAL, 1e308)
    options = {"max_iter": 4, "precision": "float64", "activation": "identity"}
    seen = classifier(**options).fit(X, Y, X_val=far, y_val=Y_VAL)
    assert np.isnan(seen.history_["val_loss"]).all()
    assert seen.n_iter_ == 4
    assert classifier(TerminateOnNaN(), **options).fit(X, Y, X_val=far, y_val=Y_VAL).n_iter_ == 1


# --- history --------------------------------------------------------------------------------------


def test_history_is_a_table():
    scoring = ["f1_macro", "loss", make_scorer(median_absolute_error, greater_is_better=False)]
    model = classifier(scoring=scoring, learning_rate="cosine").fit(X, Y, **VALIDATION)
    table = pd.DataFrame(model.history_)
    names = ["epoch", "loss", "val_loss", "val_f1_macro", "val_median_absolute_error"]
    assert list(table) == [*names, "grad_norm", "learning_rate", "seconds"]
    assert list(table["epoch"]) == [1, 2, 3, 4, 5]
    assert list(table["loss"]) == model.loss_curve_
    assert list(table["val_f1_macro"]) == model.validation_scores_
    loss = classifier(scoring="loss", learning_rate="cosine").fit(X, Y, **VALIDATION)
    np.testing.assert_array_equal(-table["val_loss"], loss.validation_scores_)
    assert "val_loss" in loss.history_
    assert (table["seconds"] > 0).all()
    named = classifier(scoring={"a": "accuracy", "b": "loss"}).fit(X, Y, **VALIDATION)
    assert "val_a" in named.history_
    assert pickle.loads(pickle.dumps(model)).history_ == model.history_


@pytest.mark.parametrize(
    "estimator, name", [(MLPClassifier, "val_accuracy"), (MLPRegressor, "val_r2")]
)
def test_the_default_score_has_its_name(estimator, name):
    model = estimator(hidden_layer_sizes=(5,), max_iter=3, early_stopping=True).fit(X, Y)
    assert model.history_[name] == model.validation_scores_


def test_history_of_lbfgs():
    model = classifier(solver="lbfgs", max_iter=4).fit(X, Y)
    assert list(model.history_) == ["epoch", "loss", "grad_norm", "seconds"]
    assert len(model.history_["loss"]) == 4
    assert model.history_["loss"][-1] == model.loss_


def test_history_goes_on():
    model = classifier(max_iter=2, warm_start=True).fit(X, Y).fit(X, Y, **VALIDATION).fit(X, Y)
    assert model.history_["epoch"] == [1, 2, 3, 4, 5, 6]
    known = np.isfinite(model.history_["val_accuracy"])
    assert list(known) == [False, False, True, True, False, False]
    before = {name: [*values] for name, values in model.history_.items()}
    with pytest.raises(ZeroDivisionError):
        model.set_params(callbacks=[Function(lambda context: context.log("new", 1 / 0))]).fit(X, Y)
    np.testing.assert_equal(model.history_, before)
    model.set_params(callbacks=None).partial_fit(X, Y)
    assert model.history_["epoch"][-1] == 7
    assert model.set_params(warm_start=False).fit(X, Y).history_["epoch"] == [1, 2]


@pytest.mark.parametrize("scoring", [[], ["f1_macro", "f1_macro"], ["nonsense"]], ids=str)
def test_scores_that_cannot_be_told_apart_are_refused(scoring):
    with pytest.raises(ValueError, match="scoring"):
        classifier(scoring=scoring).fit(X, Y)


# --- checkpoints ----------------------------------------------------------------------------------

COURSES = [
    {},
    {"early_stopping": True, "solver": "sgd", "learning_rate": "adaptive"},
    {"normalization": "batch", "dropout": 0.2, "averaging": "ema", "augment": "mixup"},
    {"learning_rate": "one_cycle", "random_state": None},
]


class Dies(Callback):
    """As the process would."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, context):
        if context.epoch == self.epoch:
            raise SystemExit


@pytest.mark.parametrize("options", COURSES, ids=str)
@pytest.mark.parametrize("every", [1, 3])
def test_a_training_goes_on_to_the_same_bits(tmp_path, options, every):
    def fit(*more):
        stop = EarlyStopping("loss", 9, restore_best=True)
        given = [stop, ReduceLROnPlateau("loss", patience=0, threshold=0.3), *more]
        options_ = {"max_iter": 8, "random_state": 0} | options
        if options_["random_state"] is None:
            np.random.seed(0)  # noqa: NPY002
        return classifier(*given, **options_).fit(X, Y)

    saved = Checkpoint(tmp_path / "file", every, resume=True)
    for epoch in (4, 7):
        with pytest.raises(SystemExit):
            fit(saved, Dies(epoch))
        np.random.seed(9)  # noqa: NPY002
    calls = []
    model = fit(saved, Remembers(calls))
    assert calls[0] == ("fit begin", 7 // every * every, 0)
    assert_same(model, fit())
    calls.clear()
    assert_same(fit(saved, Remembers(calls)), model)  # there is nothing left to do
    assert calls == [("fit begin", 8, 0), ("fit end", 8, 0)]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_second_fit_goes_on_where_it_was(tmp_path):
    def first():
        return classifier(max_iter=3, warm_start=True, learning_rate="cosine").fit(X, Y)

    saved = Checkpoint(tmp_path / "file", resume=True)
    expected, model = first().fit(X, Y), first()
    before = pickle.dumps(model)
    with pytest.raises(SystemExit):
        model.set_params(callbacks=[saved, Dies(5)]).fit(X, Y)
    assert_same(pickle.loads(before).set_params(callbacks=[saved]).fit(X, Y), expected)


def test_load_checkpoint(tmp_path):
    path = tmp_path / "file"
    best = Checkpoint(path, monitor="val_accuracy")
    for options in ({}, {"averaging": "ema", "normalization": "batch"}, {"solver": "sgd"}):
        model = classifier(best, max_iter=12, **options).fit(X, Y, **VALIDATION)
        loaded = load_checkpoint(path)
        n_best = int(np.argmax(model.history_["val_accuracy"])) + 1
        shorter = classifier(max_iter=n_best, **options).fit(X, Y, **VALIDATION)
        np.testing.assert_array_equal(loaded.predict_proba(X), shorter.predict_proba(X))
        assert loaded.n_iter_ == n_best
    model = classifier(Checkpoint(path), solver="lbfgs").fit(X, Y)
    np.testing.assert_array_equal(load_checkpoint(path).predict(X), model.predict(X))


def shift(X, y, rng):
    return X + 1, y


def shift_far(X, y, rng):
    return X + 2, y


shift_far.__qualname__ = "shift"


@pytest.mark.parametrize(
    "options, told",
    [
        ({"alpha": 0.1}, "alpha was 0.0001 and is 0.1"),
        ({"random_state": 1}, "random_state was 0 and is 1"),
        ({"random_state": np.random.RandomState(0)}, "random_state was 0 and is RandomState"),
        ({"solver": SGD(momentum=0.5)}, r"solver was 'adam' and is SGD\(momentum=0.5"),
        ({"class_weight": {0: 2.0}}, r"class_weight was None and is {0: 2.0}"),
        ({"precision": "float32"}, "precision was 'auto' and is 'float32'"),
        ({"normalization": "batch"}, "normalization was None and is 'batch'"),
        ({"augment": shift_far}, "augment has other values"),
        ({"augment": [shift]}, r"augment was shift and is \[<function shift>\]"),
        ({"max_iter": 4}, "of epoch 5, beyond max_iter=4"),
        ({"X": X + 1}, "X has other values"),
        ({"X": X[::-1]}, "X has other values"),
        ({"X": X.astype(np.float32)}, "X was float64 of shape .* and is float32 of shape"),
        ({"X": X[:140], "y": Y[:140]}, r"X was float64 of shape \(150, 4\) and is .*\(140, 4\)"),
        ({"X": csr_matrix(X)}, "X has other values"),
        ({"y": Y[::-1]}, "y has other values"),
        ({"sample_weight": np.ones(150)}, "sample_weight was None and is float64 of shape"),
        ({"X_val": X_VAL + 1}, "X_val has other values"),
        ({"y_val": Y_VAL[::-1]}, "y_val has other values"),
        ({"X_val": None, "y_val": None}, r"X_val was float64 of shape \(50, 4\) and is None"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_training_is_refused(tmp_path, options, told):
    saved, passed = Checkpoint(tmp_path / "file", resume=True), ("X", "y", "sample_weight")

    def fit(**others):
        options = {"X": X, "y": Y, "augment": shift, **VALIDATION} | others
        data = {name: options.pop(name) for name in (*VALIDATION, *passed) if name in options}
        return classifier(saved, **options).fit(**data)

    model = fit()
    before = saved.path.read_bytes()
    with pytest.raises(ValueError, match=told):
        fit(**options)
    assert saved.path.read_bytes() == before
    same = {"X": np.asfortranarray(X), "n_jobs": 1, "verbose": 0, "alpha": np.float64(1e-4)}
    assert_same(fit(**same), model)


def test_validation_data_may_have_more_rows(tmp_path):
    saved = Checkpoint(tmp_path / "file", resume=True)
    for _ in range(2):
        model = classifier(saved).fit(X[::2], Y[::2], X_val=X, y_val=Y)
    assert_same(model, classifier().fit(X[::2], Y[::2], X_val=X, y_val=Y))


def test_a_checkpoint_that_was_changed_by_hand_is_refused(tmp_path):
    saved = Checkpoint(tmp_path / "file", resume=True)

    def fit():
        return classifier(saved, early_stopping=True).fit(X, Y)

    fit()
    sound = sealed.read(saved.path)
    rows, (chosen, held_out), generator = (sound[name] for name in ("rows", "split", "generator"))
    for changes in (
        {"rows": rows + 150},
        {"rows": rows - 150},
        {"rows": rows[:-1]},
        {"rows": rows.astype(np.int32)},
        {"rows": rows.astype(float)},
        {"split": (chosen, held_out + 150)},
        {"split": (chosen[:, np.newaxis], held_out)},
        {"generator": (*generator[:2], 1 << 20, *generator[3:])},
    ):
        sealed.write(saved.path, sound | changes)
        with pytest.raises(ValueError, match="changed by hand: it has rows that X has not"):
            fit()
    sealed.write(saved.path, sound)
    fit()


def test_sparse_rows_are_compared_by_value(tmp_path):
    saved, rows = Checkpoint(tmp_path / "file", resume=True), csr_matrix(X)
    model = classifier(saved).fit(rows, Y)
    assert_same(classifier(saved).fit(rows.copy(), Y), model)
    for name in ("data", "indices"):
        others = rows.copy()
        part = getattr(others, name)
        part[:2] = part[1::-1]
        with pytest.raises(ValueError, match="X has other values"):
            classifier(saved).fit(others, Y)


@pytest.mark.parametrize(
    "options, goes_on",
    [
        ({"learning_rate": "step", "solver": "sgd"}, True),
        ({"learning_rate": "cosine"}, False),
        ({"learning_rate": "warmup"}, False),
        ({"alpha": Scheduled(0.1)}, False),
        ({"averaging": "swa"}, False),
        ({"averaging": "ema"}, True),
    ],
    ids=str,
)
def test_more_epochs_where_no_schedule_follows_their_number(tmp_path, options, goes_on):
    saved = Checkpoint(tmp_path / "file", resume=True)
    classifier(saved, **options).fit(X, Y)
    if goes_on:
        longer = classifier(saved, max_iter=9, **options).fit(X, Y)
        assert_same(longer, classifier(max_iter=9, **options).fit(X, Y))
    else:
        with pytest.raises(ValueError, match="max_iter=5, which its schedule follows, and here it"):
            classifier(saved, max_iter=9, **options).fit(X, Y)


def test_other_weights_to_start_from_are_another_training(tmp_path):
    """A second call of a program has a file of its own, or its network would be the first one's."""
    saved = Checkpoint(tmp_path / "file", resume=True)
    model = classifier(saved, warm_start=True).fit(X, Y)
    with pytest.raises(
        ValueError, match="the fitted network that warm_start goes on from was None"
    ):
        model.fit(X, Y)
    first = classifier(warm_start=True).fit(X, Y)
    later = pickle.loads(pickle.dumps(first)).fit(X, Y)
    saved.path.unlink()
    pickle.loads(pickle.dumps(first)).set_params(callbacks=[saved]).fit(X, Y)
    with pytest.raises(ValueError, match="warm_start goes on from has other values"):
        later.set_params(callbacks=[saved]).fit(X, Y)


def test_of_several_checkpoints_the_latest_goes_on(tmp_path):
    best = Checkpoint(tmp_path / "best", monitor="loss", every=4, resume=True)
    last = Checkpoint(tmp_path / "last", resume=True)
    with pytest.raises(SystemExit):
        classifier(best, last, Dies(3), max_iter=8).fit(X, Y)
    classifier(best).fit(X[::-1], Y[::-1])
    with pytest.raises(ValueError, match=r"best' is of another training: X has other values"):
        classifier(best, last, max_iter=8).fit(X, Y)
    best.path.unlink()
    calls = []
    model = classifier(best, last, Remembers(calls), max_iter=8).fit(X, Y)
    assert calls[0] == ("fit begin", 3, 0)
    assert_same(model, classifier(max_iter=8).fit(X, Y))


def test_partial_fit_does_not_resume(tmp_path):
    saved = Checkpoint(tmp_path / "file", resume=True)
    model = classifier(saved).fit(X, Y)
    before = saved.path.read_bytes()
    for one in (model, classifier(saved)):
        with pytest.raises(ValueError, match=r"Checkpoint\(resume=True\) is for fit"):
            one.partial_fit(X, Y, classes=[0, 1, 2])
    assert saved.path.read_bytes() == before
    again = load_checkpoint(saved.path).set_params(callbacks=[Checkpoint(saved.path)])
    assert load_checkpoint(saved.path).n_iter_ == 5
    again.partial_fit(X, Y)
    assert len(load_checkpoint(saved.path).loss_curve_) == 6


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_does_not_share_a_checkpoint_to_resume_from(tmp_path, n_jobs):
    model = classifier(Checkpoint(tmp_path / "file", resume=True))
    search = GridSearchCV(model, {"alpha": [0.1, 10.0]}, cv=2, n_jobs=n_jobs, error_score="raise")
    refused = "is of another training|another training has written"
    with parallel_config("threading"), pytest.raises((ValueError, RuntimeError), match=refused):
        search.fit(X, Y)
    apart = {
        "alpha": [0.1],
        "callbacks__0__path": [tmp_path / "a", tmp_path / "b"],
        "callbacks__0__resume": [False],
    }
    GridSearchCV(model, apart, cv=2, error_score="raise").fit(X, Y)


def test_two_trainings_do_not_write_one_checkpoint(tmp_path):
    """Of fits that are under way at once, in threads or processes: a fit in a fit is like them."""
    path = tmp_path / "file"

    def another(context):
        if context.epoch == 2:
            classifier(Checkpoint(path), alpha=0.1).fit(X, Y)

    model = classifier(Checkpoint(path), Function(another))
    with pytest.raises(RuntimeError, match=r"another training has written .* give each a path"):
        model.fit(X, Y)
    assert not hasattr(model, "coefs_")
    assert load_checkpoint(path).alpha == 0.1
    classifier(Checkpoint(path)).fit(X, Y)  # one after the other is another matter
    gone = Function(lambda context: context.epoch == 3 and path.unlink())
    classifier(Checkpoint(path), gone).fit(X, Y)
    assert load_checkpoint(path).n_iter_ == 5


def test_what_was_left_of_another_file_is_not_taken_away(tmp_path):
    left, of_another = (tmp_path / f".file{end}.a1b2c3d4.partial" for end in ("", ".csv"))
    left.touch()
    of_another.touch()
    classifier(Checkpoint(tmp_path / "file")).fit(X, Y)
    assert {one.name for one in tmp_path.iterdir()} == {"file", of_another.name}


def test_what_cannot_go_on(tmp_path):
    path = tmp_path / "file"
    saved = Checkpoint(path, resume=True)
    classifier(saved).fit(X, Y)
    with pytest.raises(ValueError, match="cannot go on with solver='lbfgs'"):
        classifier(saved, solver="lbfgs").fit(X, Y)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="is no checkpoint of fastnn"):
        classifier(saved).fit(X, Y)
    with pytest.raises(ValueError, match="Checkpoint cannot write learning_rate=<function"):
        classifier(Checkpoint(tmp_path / "b"), learning_rate=lambda t, n: 1.0).fit(X, Y)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        classifier(Checkpoint(tmp_path / "none" / "file")).fit(X, Y)
    with pytest.raises(IsADirectoryError, match="give the name of a file"):
        classifier(Checkpoint(tmp_path)).fit(X, Y)


KILLED = """
    import sys, warnings
    import numpy as np
    from sklearn.datasets import load_iris
    from fastnn import MLPClassifier
    from fastnn.callbacks import Checkpoint, CSVLogger
    warnings.simplefilter("ignore")
    path, n = sys.argv[1], 120
    given = [Checkpoint(path, resume=True), CSVLogger(path + ".csv")] if path else None
    model = MLPClassifier((8,), early_stopping=True, batch_size=10, max_iter=n, n_jobs=1,
                          n_iter_no_change=n, random_state=0, callbacks=given)
    model.fit(*load_iris(return_X_y=True))
    print([x.tobytes().hex() for x in model.coefs_], model.loss_curve_, model.validation_scores_)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_kill_at_any_time(tmp_path):
    def start(path):
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(path)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )

    path, rng = tmp_path / "file", np.random.default_rng(0)
    whole = start("")
    for _ in range(3):
        process = start(path)
        before = path.stat().st_mtime_ns if path.exists() else 0
        while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert start(path).communicate()[0] == whole.communicate()[0] != ""
    assert {one.name for one in tmp_path.iterdir()} == {"file", "file.csv"}
    rows = list(csv.reader((tmp_path / "file.csv").open()))
    assert [row[0] for row in rows] == ["epoch", *map(str, range(1, 121))]


# --- logs -----------------------------------------------------------------------------------------


def test_csv_is_the_history(tmp_path):
    path = tmp_path / "log.csv"
    logger, late = CSVLogger(path), Function(lambda context: context.log("late", context.epoch))

    def check(model):
        pd.testing.assert_frame_equal(pd.read_csv(path), pd.DataFrame(model.history_))

    model = classifier(logger, late, warm_start=True).fit(X, Y)
    check(model)
    check(model.fit(X, Y, **VALIDATION))
    check(model.set_params(warm_start=False).fit(X, Y))
    for _ in range(3):
        check(model.partial_fit(X, Y))


class Events:
    def __init__(self, directory):
        self.scalars, self.directory, self.closed = [], directory, False
        Events.last = self

    def add_scalar(self, *scalar):
        self.scalars.append(scalar)

    def flush(self):
        pass

    def close(self):
        self.closed = True


@pytest.mark.parametrize("module", ["tensorboardX", "torch.utils.tensorboard"])
def test_tensorboard(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "torch.utils", types.ModuleType("torch.utils"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="TensorBoard needs tensorboardX, or PyTorch"):
        classifier(TensorBoard()).fit(X, Y)
    monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(SummaryWriter=Events))
    model = classifier(TensorBoard("here")).fit(X, Y)
    pickle.dumps(model)
    assert Events.last.closed
    assert Events.last.directory == "here"
    losses = [(value, step) for name, value, step in Events.last.scalars if name == "loss"]
    assert losses == list(zip(model.loss_curve_, range(1, 6), strict=True))


def test_tensorboard_writes_events(tmp_path):
    pytest.importorskip("tensorboardX")
    classifier(TensorBoard(tmp_path)).fit(X, Y)
    assert next(tmp_path.iterdir()).stat().st_size > 100


@pytest.mark.parametrize("active", [None, "a run"])
def test_mlflow(monkeypatch, active):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match="MLflow needs mlflow"):
        classifier(MLflow()).fit(X, Y)
    calls = []

    def function(name):
        return lambda *args, **options: calls.append((name, args, options))

    names = ("start_run", "log_params", "log_metrics", "end_run")
    fake = types.SimpleNamespace(
        active_run=lambda: active, **{name: function(name) for name in names}
    )
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    model = classifier(MLflow("mine"), max_iter=2).fit(X, Y)
    own = active is None
    expected = ["start_run"] * own + ["log_params"] + ["log_metrics"] * 2 + ["end_run"] * own
    assert [name for name, *_ in calls] == expected
    metrics = [call for call in calls if call[0] == "log_metrics"]
    assert metrics[1][1][0]["loss"] == model.loss_
    assert metrics[1][2] == {"step": 2}
    if own:
        assert calls[-1] == ("end_run", ("FINISHED",), {})
        with pytest.raises(ZeroDivisionError):
            classifier(MLflow(), Function(lambda context: 1 / 0)).fit(X, Y)
        assert calls[-1] == ("end_run", ("FAILED",), {})


def test_progress_in_lines(capsys):
    classifier(ProgressBar(every=2), max_iter=3).fit(X, Y, **VALIDATION)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 2/3", "epoch 3/3"]
    assert "grad_norm" not in lines[0]
    for part in ("loss ", "val_loss ", "val_accuracy ", "rows/s", "left"):
        assert part in lines[0]


@pytest.mark.parametrize("verbose, bar", [(True, True), (2, False), (False, False)])
def test_verbose_shows_a_bar_in_a_terminal(monkeypatch, verbose, bar):
    pytest.importorskip("rich")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    classifier(verbose=verbose).fit(X, Y)
    text = sys.stdout.getvalue()
    assert ("5/5" in text) == bar
    assert ("Iteration 1, loss" in text) == (verbose == 2)


class Kernel:
    """Stands in for IPython in a notebook, and keeps what is shown."""

    kernel = "of Jupyter"

    def __init__(self):
        self.shown = []
        self.display = types.SimpleNamespace(display=self.show)

    def get_ipython(self):
        return self

    def show(self, content, *, raw, display_id=True):
        assert raw
        self.shown.append(content)
        return types.SimpleNamespace(update=self.show)


@pytest.mark.parametrize("verbose", [True, 2])
def test_verbose_shows_a_bar_in_a_notebook(monkeypatch, capsys, verbose):
    kernel = Kernel()
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", kernel.display)
    score = {"<score>": "accuracy"}
    classifier(verbose=verbose, scoring=score, max_iter=40).fit(X, Y, **VALIDATION)
    assert (capsys.readouterr().out == "") == bool(kernel.shown) == (verbose is True)
    if kernel.shown:
        last = kernel.shown[-1]
        assert last["text/plain"].startswith("epoch 40/40  0.0 s left  loss ")
        assert '<progress value="40" max="40"></progress>' in last["text/html"]
        assert "val_&lt;score&gt; " in last["text/html"]


def test_a_notebooks_bar_is_not_sent_at_each_epoch(monkeypatch):
    kernel = Kernel()
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", kernel.display)
    milliseconds = types.SimpleNamespace(perf_counter=itertools.count(step=0.001).__next__)
    monkeypatch.setattr("fastnn.callbacks.progress.time", milliseconds)
    classifier(ProgressBar(), max_iter=1000, tol=0.0, n_iter_no_change=1000).fit(X, Y)
    assert 10 < len(kernel.shown) < 50


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


def test_a_full_disk(tmp_path, monkeypatch):
    saved, log = tmp_path / "file", tmp_path / "log.csv"
    given = [Checkpoint(saved), CSVLogger(log)]

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill(context):
        if context.epoch == 3:
            monkeypatch.setattr(files.os, "fsync", full)
            given[1]._written = None  # so that it writes all lines anew

    model = classifier(Function(fill), *given)
    with pytest.warns(UserWarning, match=r"could not write .* \(No space left on device\)") as seen:
        model.fit(X, Y)
    assert model.n_iter_ == 5
    texts = [str(one.message) for one in seen if "could not write" in str(one.message)]
    assert {text.split()[0] for text in texts} == {"Checkpoint", "CSVLogger"}
    assert load_checkpoint(saved).n_iter_ == 2
    assert list(pd.read_csv(log)["epoch"]) == [1, 2]
    assert {path.name for path in tmp_path.iterdir()} == {"file", "log.csv"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_a_line_that_does_not_fit_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_text("one\n")

    class Half(io.FileIO):
        def write(self, content):
            if len(content) < 4:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content[:2])

    monkeypatch.setattr(files, "open", lambda *a, **k: Half(path, "r+"), raising=False)
    with pytest.raises(OSError, match="No space left"):
        files.append(path, "four\n")
    assert path.read_text() == "one\n"


# --- scikit-learn's -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_scikit_learns_callbacks(solver, estimator):
    sklearn_callback = pytest.importorskip("sklearn.callback")
    name = "accuracy" if estimator is MLPClassifier else "r2"
    monitor = sklearn_callback.ScoringMonitor(scoring=name)
    model = estimator(
        hidden_layer_sizes=(5,), solver=solver, max_iter=3, random_state=0
    ).set_callbacks(monitor)
    model.fit(pd.DataFrame(X, columns=list("abcd")), Y)
    scores = [row[name] for row in monitor.get_logs().data]
    frame = pd.DataFrame(X, columns=list("abcd"))
    expected = [
        estimator(hidden_layer_sizes=(5,), solver=solver, max_iter=n, random_state=0)
        .fit(frame, Y)
        .score(frame, Y)
        for n in (3, 1, 2, 3)
    ]
    assert scores == pytest.approx(expected)
    assert "_callback_fit_ctx" not in vars(model)
    assert clone(model)._skl_callbacks
    with pytest.raises(TypeError, match="FitCallback protocol"):
        model.set_callbacks("nonsense")
    model.set_callbacks().fit(X, Y)


def test_scikit_learns_callbacks_stop_and_are_torn_down():
    pytest.importorskip("sklearn.callback")
    calls = []

    class Theirs:
        def setup(self, estimator, context):
            calls.append("setup")

        def teardown(self, estimator, context):
            calls.append("teardown")

        def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
            calls.append(("begin", context.task_name, context.task_id))
            assert metadata["sample_weight"] is weight
            assert X.shape[0] == len(y)

        def on_fit_task_end(self, estimator, context):
            calls.append(("end", context.task_name, context.task_id))
            if self.fails:
                raise ZeroDivisionError
            return context.task_id == 1

    Theirs.fails, weight = False, np.ones(len(X))
    model = classifier().set_callbacks(Theirs()).fit(X, Y, weight)
    assert model.n_iter_ == 2
    epochs = [(what, "epoch", i) for i in (0, 1) for what in ("begin", "end")]
    assert calls == ["setup", ("begin", "fit", 0), *epochs, ("end", "fit", 0), "teardown"]
    Theirs.fails = True
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, weight)
    assert calls[-1] == "teardown"
    assert "_callback_fit_ctx" not in vars(model)


def test_scikit_learns_callbacks_come_through_pipelines_and_searches(capsys):
    sklearn_callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    bar = sklearn_callback.ProgressBar(max_propagation_depth=None)
    model = make_pipeline(StandardScaler(), classifier(max_iter=2)).set_callbacks(bar)
    model.fit(X, Y)
    assert "MLPClassifier" in capsys.readouterr().out
    search = GridSearchCV(classifier(max_iter=2), {"alpha": [0.1]}, cv=2)
    assert search.set_callbacks(bar).fit(X, Y).best_estimator_.n_iter_ == 2


def test_regressors_have_callbacks_too():
    data = make_regression(100, 5, n_targets=2, random_state=0)
    model = MLPRegressor(max_iter=30, callbacks=[EarlyStopping(restore_best=True)])
    model.set_params(early_stopping=True, n_iter_no_change=99).fit(*data)
    assert "val_r2" in model.history_
