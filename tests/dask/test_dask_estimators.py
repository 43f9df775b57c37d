"""Estimators on a cluster: what they learn, how they predict, and what they leave."""

import functools
import pickle
import time

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from fastnn import MLPClassifier, MLPRegressor
from fastnn._core.cpu import n_threads
from fastnn.callbacks import Callback, Checkpoint
from fastnn.callbacks.checkpoint import load_checkpoint
from fastnn.dask import DaskMLPClassifier, DaskMLPRegressor
from fastnn.data import Arrays
from support.small_fits import X_DIGITS, X_REGRESSION, Y_DIGITS, Y_REGRESSION

pytestmark = [
    pytest.mark.usefixtures("client"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
SMALL = {"hidden_layer_sizes": (20,), "max_iter": 2, "random_state": 0, "batch_size": 20}


def rows(X=X_DIGITS, chunks=100):
    return da.from_array(X, chunks=(chunks, *X.shape[1:]))


def classifier(**options):
    return DaskMLPClassifier(**SMALL | options)


def fitted(X=None, y=None, **options):
    X, y = (rows() if X is None else X), (rows(Y_DIGITS) if y is None else y)
    return classifier(**options).fit(X, y)


@functools.cache
def plain_model(solver="adam"):
    return fitted(solver=solver)


def assert_same(one, other):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_learns_what_it_does_on_one_machine(dtype):
    X, options = X_DIGITS.astype(dtype), {"solver": "lbfgs", "max_iter": 5}
    model = fitted(rows(X), **options)
    local = MLPClassifier(**SMALL | options).fit(X, Y_DIGITS)
    for own, its in zip(model.coefs_, local.coefs_, strict=True):
        np.testing.assert_allclose(own, its, atol=1e-4 if dtype == np.float32 else 1e-10)


def test_rounds_of_one_step_learn_what_large_batches_do():
    """The mean of steps of SGD from one state is the step of the mean gradient."""
    options = {"solver": "sgd", "momentum": 0, "shuffle": False, "alpha": 0, "max_iter": 3}
    X = X_DIGITS.reshape(3, 5, 20, 64)  # three partitions, whose batches are put side by side
    y = Y_DIGITS.reshape(3, 5, 20)
    together = X.swapaxes(0, 1).reshape(300, 64), y.swapaxes(0, 1).reshape(300)
    local = MLPClassifier(**SMALL | options | {"batch_size": 60}).fit(*together)
    model = fitted(steps_per_round=1, **options)
    for own, its in zip(model.coefs_, local.coefs_, strict=True):
        np.testing.assert_allclose(own, its, atol=1e-12)
    np.testing.assert_allclose(model.loss_curve_, local.loss_curve_)


def test_steps_per_round_change_what_is_learned():
    once, twice = (fitted(steps_per_round=steps).loss_ for steps in (5, 3))
    assert once == plain_model().loss_ != twice


@pytest.mark.parametrize(
    "name, value",
    [
        ("learning_rate", "cosine"),
        ("averaging", "ema"),
        ("normalization", "batch"),
        ("augment", "mixup"),
        ("class_weight", "balanced"),
        ("learning_rate_factors", {0: 0.5}),
    ],
)
def test_options_have_effect(name, value):
    model = fitted(solver="adamw", **{name: value})
    assert not np.array_equal(model.coefs_[0], plain_model("adamw").coefs_[0])
    assert len(model.history_["loss"]) == 2 and np.isfinite(model.history_["grad_norm"]).all()


def test_weights_of_rows_count():
    weights = np.where(Y_DIGITS == 3, 5.0, 1.0)
    model = classifier().fit(rows(), rows(Y_DIGITS), sample_weight=rows(weights))
    by_class = fitted(class_weight={c: 5.0 if c == 3 else 1.0 for c in range(10)})
    assert_same(model, by_class)
    lbfgs = {"solver": "lbfgs", "max_iter": 4}
    model = classifier(**lbfgs).fit(rows(), rows(Y_DIGITS), sample_weight=rows(weights))
    local = MLPClassifier(**SMALL | lbfgs).fit(X_DIGITS, Y_DIGITS, sample_weight=weights)
    np.testing.assert_allclose(model.coefs_[0], local.coefs_[0], atol=1e-10)


def test_validation_rows_on_the_cluster_score_as_those_in_memory():
    held = X_DIGITS[200:], Y_DIGITS[200:]
    given = {"X_val": rows(held[0], 30), "y_val": rows(held[1], 40)}
    model = classifier(scoring=[None, "loss"]).fit(rows(), rows(Y_DIGITS), **given)
    local = classifier(scoring=[None, "loss"]).fit(
        rows(), rows(Y_DIGITS), X_val=held[0], y_val=held[1]
    )
    assert_same(model, local)
    for name in ("val_loss", "val_accuracy"):
        np.testing.assert_allclose(model.history_[name], local.history_[name])


def test_training_rows_on_the_cluster_are_scored():
    model = fitted(train_score=True)
    assert_same(model, plain_model())
    score = model.to_local().score(X_DIGITS, Y_DIGITS)
    assert model.history_["train_accuracy"][-1] == pytest.approx(score)
    some = fitted(train_score=True, train_score_rows=100)
    assert some.history_["train_accuracy"] != model.history_["train_accuracy"]


def test_numbers_are_scored_by_r2():
    X, y = rows(X_REGRESSION, 60), rows(np.column_stack([Y_REGRESSION, -Y_REGRESSION]), 60)
    model = DaskMLPRegressor(**SMALL).fit(X, y, X_val=X, y_val=y)
    local = model.to_local()
    expected = local.score(X_REGRESSION, y.compute())
    assert model.score(X, y) == pytest.approx(expected)
    assert model.history_["val_r2"][-1] == pytest.approx(expected)


def test_early_stopping_holds_rows_of_each_partition_out():
    model = fitted(early_stopping=True, max_iter=3)
    assert len(model.validation_scores_) == 3


def test_statistics_of_batch_norm_are_those_of_all_rows():
    from fastnn import BatchNorm

    model = fitted(normalization=BatchNorm(statistics="exact"))
    hidden = X_DIGITS @ model.coefs_[0] + model.intercepts_[0]
    np.testing.assert_allclose(model.normalizations_[0]["mean"], hidden.mean(axis=0))


def test_sparse_rows_and_frames_of_sources():
    chunks = rows().map_blocks(sparse.csr_matrix)
    assert fitted(chunks).score(rows(), rows(Y_DIGITS)) > 0
    source = Arrays(X_DIGITS, Y_DIGITS)
    model = classifier().fit(source)
    assert model.score(source) == model.to_local().score(X_DIGITS, Y_DIGITS)


def test_labels_of_several_kinds():
    names = np.array(["a", "b", "c"])[Y_DIGITS % 3]
    assert fitted(y=rows(names)).classes_.tolist() == ["a", "b", "c"]
    indicators = np.column_stack([Y_DIGITS % 2, Y_DIGITS > 4]).astype(int)
    assert fitted(y=rows(indicators)).predict(rows()).shape == (300, 2)
    model = fitted(y=rows(np.column_stack([Y_DIGITS, Y_DIGITS % 3])))
    assert [len(classes) for classes in model.classes_] == [10, 3]


# --- what sees training ---------------------------------------------------------------------------


class Rounds(Callback):
    def __init__(self):
        self.seen = []

    def on_batch_end(self, context):
        self.seen.append((context.batch, context.n_batches, type(context.model)))


def test_batches_of_callbacks_are_rounds_and_change_no_bit():
    rounds = Rounds()
    assert_same(fitted(callbacks=[rounds], steps_per_round=2), fitted(steps_per_round=2))
    assert rounds.seen == [(i, 3, MLPClassifier) for i in (1, 2, 3)] * 2


def test_a_checkpoint_resumes_to_the_same_bits(tmp_path):
    path = tmp_path / "checkpoint"
    saved = [Checkpoint(path, resume=True)]
    options = {"early_stopping": True, "averaging": "ema", "dropout": 0.1}
    fitted(callbacks=saved, max_iter=1, **options)
    assert type(load_checkpoint(path)) is MLPClassifier
    resumed = fitted(callbacks=saved, max_iter=2, **options)
    assert_same(resumed, fitted(**options))
    with pytest.raises(ValueError, match="3 partitions, 4 steps_per_round"):
        fitted(callbacks=saved, max_iter=5, steps_per_round=4, **options)
    with pytest.raises(ValueError, match="another training: X was '3 partitions"):
        fitted(rows(chunks=150), callbacks=saved, max_iter=5, **options)
    with pytest.raises(ValueError, match="is not available on a cluster"):
        fitted(callbacks=[Checkpoint(path, batches=2)])


def test_a_warm_start_goes_on():
    model = fitted(warm_start=True)
    assert len(model.fit(rows(), rows(Y_DIGITS)).loss_curve_) == 4


# --- predictions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_predictions_are_lazy_and_those_of_one_machine(method):
    model = plain_model()
    local = getattr(model.to_local(), method)(X_DIGITS)
    for X in (rows(), rows().rechunk((70, 30))):
        lazy = getattr(model, method)(X)
        assert isinstance(lazy, da.Array) and lazy.chunks[0] == X.chunks[0]
        assert lazy.dtype == local.dtype
        np.testing.assert_array_equal(lazy.compute(), local)
    np.testing.assert_array_equal(getattr(model, method)(X_DIGITS), local)


def test_frames_with_partitions_of_no_rows():
    frame = pandas.DataFrame(X_DIGITS).add_prefix("pixel ").assign(label=Y_DIGITS)
    frame["number"] = np.arange(300)
    table = dd.from_pandas(frame, npartitions=4)
    table = table[(table["number"] < 70) | (table["number"] > 180)]  # the second one has no rows
    X, y = table.drop(columns=["label", "number"]), table["label"]
    model = classifier().fit(X, y)
    assert model.feature_names_in_[2] == "pixel 2" and model.to_local().n_features_in_ == 64
    lazy = model.predict(X)
    np.testing.assert_array_equal(lazy.compute(), model.to_local().predict(X.compute()))
    assert model.score(X, y) == model.to_local().score(X.compute(), y.compute())


def test_what_there_is_no_probability_of_has_no_method():
    assert not hasattr(fitted(loss="hinge"), "predict_proba")
    assert not hasattr(DaskMLPClassifier(), "partial_fit")
    with pytest.raises(NotFittedError):
        DaskMLPClassifier().predict(rows())


# --- parameters and copies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls, local", [(DaskMLPClassifier, MLPClassifier), (DaskMLPRegressor, MLPRegressor)]
)
def test_parameters_are_those_of_one_machine_and_two_more(cls, local):
    names = list(cls().get_params())
    assert set(names) == {*local().get_params(), "client", "steps_per_round"}
    assert type(cls(alpha=0.5).to_local()) is local and cls(alpha=0.5).to_local().alpha == 0.5


def test_copies_and_pickles(client):
    model = fitted(client=client, steps_per_round=7)
    assert clone(model).client is client and not hasattr(clone(model), "coefs_")
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.client is None and loaded.steps_per_round == 7
    assert_same(loaded, model)
    local = pickle.loads(pickle.dumps(model.to_local()))
    assert type(local) is MLPClassifier and b"dask" not in pickle.dumps(local)
    assert_same(local, model)


def test_the_cluster_is_free_after_a_fit(client):
    fitted()
    deadline = time.monotonic() + 10
    while client.futures and time.monotonic() < deadline:  # the client's thread releases them
        time.sleep(0.01)
    assert not client.futures


# --- tasks of others ------------------------------------------------------------------------------


def test_tasks_share_the_processors_of_their_worker(client, monkeypatch):
    monkeypatch.setattr("fastnn._core.cpu.threads.n_processors", lambda: 8)
    monkeypatch.setattr("fastnn._core.cpu.threads.most_openmp_threads", lambda: 8)
    monkeypatch.setattr("fastnn._core.cpu.threads.startable_team", lambda n, size: n)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for n_jobs, expected in ((None, 4), (-1, 4), (6, 4), (1, 1)):
        assert client.submit(n_threads, n_jobs, 1e12, pure=False).result() == expected
    assert n_threads(-1, 1e12) == 8


def test_a_search_on_the_cluster():
    model = MLPClassifier(**SMALL)
    with joblib.parallel_backend("dask"):
        search = GridSearchCV(model, {"alpha": [1e-4, 1.0]}, cv=2).fit(X_DIGITS, Y_DIGITS)
    own = GridSearchCV(model, {"alpha": [1e-4, 1.0]}, cv=2).fit(X_DIGITS, Y_DIGITS)
    assert search.cv_results_["mean_test_score"].tolist() == (
        own.cv_results_["mean_test_score"].tolist()
    )
